package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/** Convolution of codes, NHWC. */
public final class Conv2d implements UnaryKernel {
    private final UnaryKernel kernel;

    private Conv2d(UnaryKernel kernel) {
        this.kernel = kernel;
    }

    /**
     * Plans a convolution x [H,W,C] → [H',W',O].
     *
     * @param x the operand's element, 8 or 16 bits
     * @param height H
     * @param width W
     * @param channels C
     * @param filters O
     * @param window the window; padding contributes nothing
     * @param groups output channel o reads the input channels of group {@code o / (O/groups)}; depthwise is {@code
     *     groups = C}
     * @param weights effective weights [O,KH,KW,C/groups], see {@link Weights}
     * @param bias [O], or null
     * @param out what becomes of the accumulators; scales are one, or one an output channel
     * @throws IllegalArgumentException if sizes do not fit each other
     */
    public static Conv2d of(
            Backend backend,
            Operand x,
            int height,
            int width,
            int channels,
            int filters,
            Window window,
            int groups,
            int[] weights,
            int @Nullable [] bias,
            Output out) {
        ConvSpec spec = ConvSpec.of(x, height, width, channels, filters, window, groups, weights, bias, out);
        return new Conv2d(backend.loops().conv(spec));
    }

    /** As above, with biases that need more than 32 bits. */
    public static Conv2d withLongBias(
            Backend backend,
            Operand x,
            int height,
            int width,
            int channels,
            int filters,
            Window window,
            int groups,
            int[] weights,
            long[] bias,
            Output out) {
        ConvSpec spec = ConvSpec.withLongBias(x, height, width, channels, filters, window, groups, weights, bias, out);
        return new Conv2d(backend.loops().conv(spec));
    }

    @Override
    public void run(Banks banks, int x, int y) {
        kernel.run(banks, x, y);
    }
}
