package dev.qnet.runtime.kernel;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Convolution of singles, NHWC. Sums are kept in double, where a product of two singles is exact, added in the order
 * of the weights [KH,KW,C/groups] starting from the bias, and rounded once. Padding is left out, not added as 0.
 */
public final class FloatConv2d implements UnaryKernel {
    /** Doubles of the windows that are gathered before they are multiplied: half of the first-level cache. */
    private static final int BLOCK = 1 << 11;

    private static final int MOST_PIXELS = 32;
    private static final int INPUTS = 0;
    private static final int SUMS = 1;

    private final Loops loops;
    private final int height;
    private final int width;
    private final int channels;
    private final int filters;
    private final Window w;
    private final int groups;

    /** [groups][KH*KW*C/groups][O/groups], so that a tap meets all filters of its group at once. */
    private final float[] weights;

    private final double[] bias;

    /**
     * Whether padding may count as 0: a sum of which nothing but zeros of either sign was added keeps its bits, unless it
     * was −0, which it can be only where it began so; and 0 times a weight is 0, unless that is no finite number.
     */
    private final boolean padded;

    private FloatConv2d(
            Loops loops,
            int height,
            int width,
            int channels,
            int filters,
            Window w,
            int groups,
            float[] weights,
            double[] bias,
            boolean padded) {
        this.loops = loops;
        this.padded = padded;
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
        boolean padded = groups == 1;
        for (float v : weights) {
            padded &= Float.isFinite(v);
        }
        double[] first = new double[filters + RescaleLanes.PAD];
        for (int o = 0; bias != null && o < filters; o++) {
            first[o] = bias[o];
            padded &= Float.floatToRawIntBits(bias[o]) != Integer.MIN_VALUE;
        }
        float[] t = new float[weights.length + RescaleLanes.PAD];
        for (int o = 0; o < filters; o++) {
            for (int j = 0; j < taps; j++) {
                t[(o / n * taps + j) * n + o % n] = weights[o * taps + j];
            }
        }
        return new FloatConv2d(backend.loops(), height, width, channels, filters, window, groups, t, first, padded);
    }

    @Override
    public void run(Banks banks, int x, int y) {
        int outH = w.outHeight(height);
        int outW = w.outWidth(width);
        if (padded) {
            blocks(banks, x, y, outH * outW, outW);
            return;
        }
        double[] acc = banks.doubles(0, filters);
        for (int oy = 0; oy < outH; oy++) {
            for (int ox = 0; ox < outW; ox++) {
                System.arraycopy(bias, 0, acc, 0, filters);
                window(banks.floats, x, oy * w.strideH() - w.top(), ox * w.strideW() - w.left(), acc);
                int to = y + (oy * outW + ox) * filters;
                for (int o = 0; o < filters; o++) {
                    banks.floats[to + o] = (float) acc[o];
                }
            }
        }
    }

    private void blocks(Banks b, int x, int y, int pixels, int outW) {
        int k = w.kernelH() * w.kernelW() * channels;
        int most = Math.min(pixels, Math.clamp(BLOCK / Math.max(k, 1), 4, MOST_PIXELS));
        double[] a = b.doubles(INPUTS, most * k + RescaleLanes.PAD);
        double[] c = b.doubles(SUMS, most * filters + RescaleLanes.PAD);
        float[] to = b.floats;
        for (int p = 0; p < pixels; p += most) {
            int rows = Math.min(most, pixels - p);
            int oy = p / outW;
            int ox = p % outW;
            for (int r = 0; r < rows; r++) {
                gather(b.floats, x, oy * w.strideH() - w.top(), ox * w.strideW() - w.left(), a, r * k);
                if (++ox == outW) {
                    ox = 0;
                    oy++;
                }
            }
            loops.product(a, rows, k, weights, 0, filters, bias, c, filters);
            int at = y + p * filters;
            for (int i = 0; i < rows * filters; i++) {
                to[at + i] = (float) c[i];
            }
        }
    }

    /** The inputs under a window, in the order of the weights. */
    private void gather(float[] bank, int x, int y0, int x0, double[] to, int at) {
        int run = w.kernelW() * channels;
        for (int ky = 0; ky < w.kernelH(); ky++, at += run) {
            int iy = y0 + ky * w.dilationH();
            if (iy < 0 || iy >= height) {
                Arrays.fill(to, at, at + run, 0);
                continue;
            }
            int row = x + iy * width * channels;
            if (w.dilationW() == 1) {
                // The taps of a row are neighbours in memory.
                int before = Math.min(Math.max(-x0, 0), w.kernelW());
                int after = Math.max(before, Math.min(w.kernelW(), width - x0));
                fill(to, at, before * channels);
                loops.widen(
                        bank, row + (x0 + before) * channels, to, at + before * channels, (after - before) * channels);
                fill(to, at + after * channels, (w.kernelW() - after) * channels);
                continue;
            }
            for (int kx = 0; kx < w.kernelW(); kx++) {
                int ix = x0 + kx * w.dilationW();
                int tap = at + kx * channels;
                if (ix >= 0 && ix < width) {
                    loops.widen(bank, row + ix * channels, to, tap, channels);
                } else {
                    Arrays.fill(to, tap, tap + channels, 0);
                }
            }
        }
    }

    private static void fill(double[] to, int at, int n) {
        for (int i = 0; i < n; i++) {
            to[at + i] = 0;
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
