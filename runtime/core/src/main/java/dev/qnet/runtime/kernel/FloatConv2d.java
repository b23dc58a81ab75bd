package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/**
 * Convolution of singles, NHWC. Sums are kept in double, where a product of two singles is exact, added in the order
 * of the weights [KH,KW,C/groups] starting from the bias, and rounded once. Padding is left out, not added as 0.
 */
public final class FloatConv2d implements UnaryKernel {
    private final int height;
    private final int width;
    private final int channels;
    private final int filters;
    private final Window w;
    private final int groups;

    /** [groups][KH*KW*C/groups][O/groups], so that a tap meets all filters of its group at once. */
    private final float[] weights;

    private final float[] bias;

    private FloatConv2d(
            int height, int width, int channels, int filters, Window w, int groups, float[] weights, float[] bias) {
        this.height = height;
        this.width = width;
        this.channels = channels;
        this.filters = filters;
        this.w = w;
        this.groups = groups;
        this.weights = weights;
        this.bias = bias;
    }

    /**
     * Plans x [H,W,C] → [H',W',O].
     *
     * @param height H
     * @param width W
     * @param channels C
     * @param filters O
     * @param window the window
     * @param groups output channel o reads the input channels of group {@code o / (O/groups)}
     * @param weights [O,KH,KW,C/groups]
     * @param bias [O], or null
     */
    public static FloatConv2d of(
            Backend backend,
            int height,
            int width,
            int channels,
            int filters,
            Window window,
            int groups,
            float[] weights,
            float @Nullable [] bias) {
        if (groups < 1 || channels % groups != 0 || filters % groups != 0) {
            throw new IllegalArgumentException(
                    channels + " channels and " + filters + " filters in " + groups + " groups");
        }
        int taps = window.kernelH() * window.kernelW() * (channels / groups);
        int n = filters / groups;
        if (weights.length != filters * taps || (bias != null && bias.length != filters)) {
            throw new IllegalArgumentException("expected " + filters * taps + " weights and " + filters + " biases");
        }
        float[] t = new float[weights.length];
        for (int o = 0; o < filters; o++) {
            for (int j = 0; j < taps; j++) {
                t[(o / n * taps + j) * n + o % n] = weights[o * taps + j];
            }
        }
        return new FloatConv2d(
                height, width, channels, filters, window, groups, t, bias == null ? new float[filters] : bias.clone());
    }

    @Override
    public void run(Banks banks, int x, int y) {
        int outH = w.outHeight(height);
        int outW = w.outWidth(width);
        double[] acc = banks.doubles(0, filters);
        for (int oy = 0; oy < outH; oy++) {
            for (int ox = 0; ox < outW; ox++) {
                for (int o = 0; o < filters; o++) {
                    acc[o] = bias[o];
                }
                window(banks.floats, x, oy * w.strideH() - w.top(), ox * w.strideW() - w.left(), acc);
                int to = y + (oy * outW + ox) * filters;
                for (int o = 0; o < filters; o++) {
                    banks.floats[to + o] = (float) acc[o];
                }
            }
        }
    }

    private void window(float[] bank, int x, int y0, int x0, double[] acc) {
        for (int ky = 0; ky < w.kernelH(); ky++) {
            int iy = y0 + ky * w.dilationH();
            if (iy < 0 || iy >= height) {
                continue;
            }
            for (int kx = 0; kx < w.kernelW(); kx++) {
                int ix = x0 + kx * w.dilationW();
                if (ix >= 0 && ix < width) {
                    pixel(bank, x + (iy * width + ix) * channels, ky * w.kernelW() + kx, acc);
                }
            }
        }
    }

    private void pixel(float[] bank, int x, int tap, double[] acc) {
        int c = channels / groups;
        int n = filters / groups;
        int taps = w.kernelH() * w.kernelW() * c;
        for (int g = 0; g < groups; g++) {
            for (int i = 0; i < c; i++) {
                axpy(acc, g * n, bank[x + g * c + i], weights, (g * taps + tap * c + i) * n, n);
            }
        }
    }

    /** Doubles and singles: C2 vectorizes, knowing that the arrays do not overlap. */
    static void axpy(double[] acc, int at, double a, float[] w, int wAt, int n) {
        for (int i = 0; i < n; i++) {
            acc[at + i] += a * w[wAt + i];
        }
    }
}
