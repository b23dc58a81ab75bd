package dev.qnet.target.tvm.lower;

import java.util.Map;

/**
 * How a graph is lowered.
 *
 * @param isa what kernels may use
 * @param parallel whether large layers are shared among the threads of TVM's runtime
 * @param tilings of layers, by {@link Tunable#key}; others have the default
 */
public record Options(Isa isa, boolean parallel, Map<String, Tiling> tilings) {
    public Options {
        tilings = Map.copyOf(tilings);
    }

    /** For one thread, with default tilings. */
    public static Options of(Isa isa) {
        return new Options(isa, false, Map.of());
    }
}
