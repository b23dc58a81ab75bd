package dev.qnet.compiler.pass;

import java.util.List;

/** The pipeline: from a bound float graph to integers with a memory plan. */
public final class Passes {
    private Passes() {}

    /** All passes, in order. */
    public static List<Pass> all() {
        return List.of(
                // One form of what has the same value: constants computed, moves and clamps merged.
                new Canonicalize(),
                // Batch norm and constant scales go into weights and biases.
                new FoldBatchNorm(),
                // Drops what no result needs, so that no later pass works in vain.
                new DeadCode(),
                // Wraps weights, inputs and results of operations, where integers will be rounded.
                new InsertFakeQuant(),
                // Decides scales and zero points: from the source, from calibration.
                new ChooseParameters(),
                // Makes values that are joined share their parameters.
                new Propagate(),
                // From reals to codes, in the rounding contract of the policy.
                new LowerToIntegers(),
                // Proves from the actual weights that no accumulator overflows; widens to i64 what needs it.
                new BoundAccumulators(),
                // Two operations in one where no bit changes: rescales, clamps, tables.
                new Fuse(),
                // One of constants that are alike.
                new ShareConstants(),
                // Offsets in one arena, by liveness.
                new PlanMemory());
    }
}
