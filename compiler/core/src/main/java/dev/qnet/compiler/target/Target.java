package dev.qnet.compiler.target;

import dev.qnet.compiler.pass.Pass;
import java.util.List;

/**
 * A target.
 *
 * @param name as {@code qnet compile --target NAME} takes it
 * @param legality what it accepts
 * @param passes its own passes, which run after those of {@link dev.qnet.compiler.pass.Passes}
 */
public record Target(String name, Legality legality, List<Pass> passes) {
    public Target {
        passes = List.copyOf(passes);
    }
}
