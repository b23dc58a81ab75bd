package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/** Fully connected layer over codes: the last axis against each row of the weights. */
public final class Dense implements UnaryKernel {
    private final UnaryKernel kernel;

    private Dense(UnaryKernel kernel) {
        this.kernel = kernel;
    }

    /**
     * Plans x [rows,K], weights [O,K] → [rows,O].
     *
     * @param x the operand's element, 8 or 16 bits
     * @param rows the product of the leading axes of one item
     * @param features K
     * @param units O
     * @param weights effective weights [O,K], see {@link Weights}
     * @param bias [O], or null
     * @param out what becomes of the accumulators; scales are one, or one a unit
     * @throws IllegalArgumentException if sizes do not fit each other
     */
    public static Dense of(
            Backend backend,
            Operand x,
            int rows,
            int features,
            int units,
            int[] weights,
            int @Nullable [] bias,
            Output out) {
        ConvSpec spec = ConvSpec.of(x, 1, rows, features, units, Window.POINT, 1, weights, bias, out);
        return new Dense(backend.loops().conv(spec));
    }

    /** As above, with biases that need more than 32 bits. */
    public static Dense withLongBias(
            Backend backend, Operand x, int rows, int features, int units, int[] weights, long[] bias, Output out) {
        ConvSpec spec = ConvSpec.withLongBias(x, 1, rows, features, units, Window.POINT, 1, weights, bias, out);
        return new Dense(backend.loops().conv(spec));
    }

    @Override
    public void run(Banks banks, int x, int y) {
        kernel.run(banks, x, y);
    }
}
