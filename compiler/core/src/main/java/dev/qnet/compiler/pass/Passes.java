package dev.qnet.compiler.pass;

import java.util.List;

/** The pipeline: from a bound float graph to integers with a memory plan. */
public final class Passes {
    private Passes() {}

    /** All passes, in order. */
    public static List<Pass> all() {
        return List.of(
                // Drops what no result needs, so that no later pass works in vain.
                new DeadCode());
    }
}
