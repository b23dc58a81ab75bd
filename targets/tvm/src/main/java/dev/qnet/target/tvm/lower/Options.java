package dev.qnet.target.tvm.lower;

/**
 * How a graph is lowered.
 *
 * @param isa what kernels may use
 * @param parallel whether large layers are shared among the threads of TVM's runtime
 */
public record Options(Isa isa, boolean parallel) {
    /** For one thread. */
    public static Options of(Isa isa) {
        return new Options(isa, false);
    }
}
