package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/** Fully connected layer of singles; its arithmetic is that of {@link FloatConv2d}. */
public final class FloatDense implements UnaryKernel {
    private final FloatConv2d conv;

    private FloatDense(FloatConv2d conv) {
        this.conv = conv;
    }

    /**
     * Plans x [rows,K], weights [O,K] → [rows,O].
     *
     * @param rows product of the leading axes of one item
     * @param features K
     * @param units O
     * @param weights [O,K]
     * @param bias [O], or null
     */
    public static FloatDense of(
            Backend backend, int rows, int features, int units, float[] weights, float @Nullable [] bias) {
        return new FloatDense(FloatConv2d.of(backend, 1, rows, features, units, Window.POINT, 1, weights, bias));
    }

    @Override
    public void run(Banks banks, int x, int y) {
        conv.run(banks, x, y);
    }
}
