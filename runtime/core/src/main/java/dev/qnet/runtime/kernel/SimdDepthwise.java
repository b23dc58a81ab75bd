package dev.qnet.runtime.kernel;

import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Depthwise convolution in singles that are provably exact, in vectors of channels.
 *
 * <p>A vector's worth of channels is taken at a time: its input is converted once, padded, to rows of singles, which are
 * still in the first-level cache when they are used: all of them one behind the other where the image is small, a ring of
 * those that a window spans where it is not. Up to four vectors share the lines of the cache that their codes fill.
 * {@link SimdWindows} sums up the products under the windows, {@link SimdCodes} makes codes of the sums. Most
 * windows of 3x3 over bytes take {@link SimdStripConv} instead.
 *
 * <p>Channels that do not fill one vector are laid out side by side where the window moves by one pixel: then a row is
 * just a row of numbers, a tap is an offset, and only the weights have to be repeated, with a period of the least common
 * multiple of channels and lanes. Where there are more, the last vector overlaps the one before.
 *
 * <p>Any partial sum is a bias plus products, and each product lies between those of its weight with the least and the
 * largest input. So it is an integer of at most 2^24 − 1, which a single holds, if the bias plus all the largest
 * products are, and the bias plus all the least.
 */
final class SimdDepthwise implements UnaryKernel, Parts, Warmable {
    private static final int LANES = Simd.LANES;
    private static final int INPUT = 0;
    private static final int SUMS = 1;
    private static final int ROW = 2;
    private static final int ACC = 0;
    private static final int OFFSETS = 1;

    /** Vectors of channels taken together: their codes fill a line of the cache. */
    private static final int TOGETHER = 4;

    /** An image is converted as a whole up to so many singles. */
    private static final int WHOLE = 1 << 14;

    /** Singles of input that the first-level cache holds beside all else. */
    private static final int RING = 6 << 10;

    /** Outputs that are worth a call. */
    private static final int CHUNK = 32;

    private final ConvSpec spec;

    /** With an image of one column turned to one of one row. */
    private final Window w;

    private final int height;
    private final int width;
    private final int outHeight;
    private final int outWidth;

    /** Output channels of an input channel. */
    private final int multiplier;

    /** Whether channels lie side by side. */
    private final boolean flat;

    /** Singles from pixel to pixel of the converted input. */
    private final int pixel;

    /** Singles from row to row of it. */
    private final int row;

    /** Rows that a window spans. */
    private final int span;

    /** Numbers after which weights repeat where channels lie side by side, a multiple of the lanes; or filters. */
    private final int period;

    private final int vectors;

    /** [vectors][KH*KW][lanes]. */
    private final float[] weights;

    /** What sums begin with: the bias, or nothing where it has to be added to integers. */
    private final float[] init;

    private final int[] bias;

    /** The output with as many scales as {@link #period}. */
    private final Output out;

    private final @Nullable SimdCodes codes;

    private SimdDepthwise(ConvSpec spec, long bound) {
        this.spec = spec.withoutWeights();
        Window given = spec.window();
        boolean turn = spec.width() == 1 && given.kernelW() == 1 && given.left() == 0 && given.right() == 0;
        w = turn
                ? new Window(
                        1, given.kernelH(), 1, given.strideH(), 1, given.dilationH(), 0, given.top(), 0, given.bottom())
                : given;
        height = turn ? 1 : spec.height();
        width = turn ? spec.height() : spec.width();
        outHeight = w.outHeight(height);
        outWidth = w.outWidth(width);
        multiplier = spec.groupFilters();
        int n = spec.filters();
        flat = n < LANES && w.strideW() == 1;
        period = flat ? n / gcd(n, LANES) * LANES : n;
        vectors = (period + LANES - 1) / LANES;
        pixel = flat ? n : LANES;
        int pixels = width + w.left() + w.right();
        row = pixels * pixel + (flat ? LANES : 0);
        span = (w.kernelH() - 1) * w.dilationH() + 1;
        int taps = spec.taps();
        weights = new float[vectors * taps * LANES];
        for (int v = 0; v < vectors; v++) {
            for (int i = 0; i < LANES && (flat || i < n); i++) {
                int c = (first(v) + i) % n;
                for (int t = 0; t < taps; t++) {
                    weights[(v * taps + t) * LANES + i] = spec.weights()[c * taps + t];
                }
            }
        }
        bias = new int[period + LANES];
        for (int i = 0; i < period; i++) {
            bias[i] = spec.bias()[i % n];
        }
        out = flat ? repeated(spec.out(), n, period) : spec.out();
        long most = bound;
        for (int b : bias) {
            most = Math.max(most, bound + Math.abs((long) b));
        }
        codes = SimdCodes.of(out, period, most);
        init = new float[bias.length];
        if (codes != null) {
            for (int i = 0; i < period; i++) {
                init[i] = bias[i];
            }
        }
    }

    /** The first channel of a vector. */
    private int first(int v) {
        return flat ? v * LANES : Math.max(0, Math.min(v * LANES, period - LANES));
    }

    private static int gcd(int a, int b) {
        return b == 0 ? a : gcd(b, a % b);
    }

    private static Output repeated(Output out, int n, int period) {
        Rescale r = out.rescale();
        return r == null || r.channels == 1 ? out : Output.codes(out.acc(), r.repeated(period / n), out.kind());
    }

    /** Whether this is its sort of convolution: each filter reads one channel, and there are several of these. */
    static boolean fits(ConvSpec spec) {
        return spec.channelwise() && !spec.out().wide();
    }

    /** Null if singles cannot be exact. */
    static @Nullable UnaryKernel of(ConvSpec spec) {
        long x0 = (long) spec.x().lo() - spec.x().zero();
        long x1 = (long) spec.x().hi() - spec.x().zero();
        long bound = 0;
        int taps = spec.taps();
        for (int c = 0; c < spec.filters(); c++) {
            long above = 0;
            long below = 0;
            for (int t = 0; t < taps; t++) {
                long v = spec.weights()[c * taps + t];
                above += Math.max(0, Math.max(v * x0, v * x1));
                below -= Math.min(0, Math.min(v * x0, v * x1));
            }
            bound = Math.max(bound, Math.max(above, below));
        }
        if (bound >= SimdPanels.EXACT) {
            return null;
        }
        SimdDepthwise any = new SimdDepthwise(spec, bound);
        UnaryKernel strips = SimdStripConv.of(spec, any.codes);
        return strips != null ? strips : any;
    }

    @Override
    public void steps(Set<Step> steps) {
        int n = flat ? Math.ceilDiv(outWidth * spec.filters(), period) : outWidth;
        boolean alone = !flat && multiplier == 1;
        DepthwiseSteps.windows(steps, spec.x().kind(), form(n), alone, codes != null, spec.out());
    }

    /** The loop for rows of n outputs. */
    private SimdWindows.Form form(int n) {
        int dx = w.kernelW() > 1 ? w.dilationW() * pixel : LANES;
        return SimdWindows.form(w, dx, flat ? period : w.strideW() * LANES, n);
    }

    @Override
    public void run(Banks b, int x, int y) {
        b.run(this, x, y, 0);
    }

    /** A part is a row of output pixels. */
    @Override
    public int parts() {
        return outHeight;
    }

    @Override
    public long nanos() {
        return (long) outHeight * outWidth * spec.filters() * (spec.taps() + 9) / 50;
    }

    @Override
    public void run(Banks b, int x, int y, int z, int from, int to) {
        int rows = (to - from - 1) * w.strideH() + span;
        int most = flat ? 1 : Math.min(vectors, TOGETHER);
        boolean whole = rows * row * most <= WHOLE;
        int group = whole ? most : Math.clamp(RING / (span * row), 1, most);
        for (int v = 0; v < (flat ? 1 : vectors); v += group) {
            image(b, x, y, v, flat ? 1 : Math.min(group, vectors - v), whole ? rows : span, from, to);
        }
    }

    /**
     * Some rows of output, for some vectors of channels.
     *
     * @param v0 the first vector
     * @param group vectors
     * @param slots rows of input that are kept: all that are needed, or those that a window spans
     */
    private void image(Banks b, int x, int y, int v0, int group, int slots, int from, int to) {
        float[] in = b.floats(INPUT, slots * group * row);
        int[] offsets = b.ints(OFFSETS, spec.taps());
        int first = from * w.strideH() - w.top();
        int next = first; // the first input row that has not been there yet
        // Some rows of output at a time, so that short ones are worth a call, but all that they touch stays near.
        int chunk = slots == span ? 1 : (CHUNK + outWidth - 1) / outWidth;
        for (int oy = from; oy < to; oy += chunk) {
            int rows = Math.min(chunk, to - oy);
            int y0 = oy * w.strideH() - w.top();
            int end = y0 + (rows - 1) * w.strideH() + span;
            fill(b, x, Math.max(next, y0), end, first, slots, v0, group, in);
            next = end;
            for (int ky = 0; ky < w.kernelH(); ky++) {
                taps(offsets, ky, (y0 - first + ky * w.dilationH()) % slots * group * row);
            }
            for (int v = 0; v < group; v++) {
                sums(b, in, v * row, w.strideH() * group * row, offsets, y, v0 + v, oy, rows);
            }
        }
    }

    /** The offsets of a row of taps, in the converted input from {@code in} on. */
    private void taps(int[] offsets, int ky, int in) {
        for (int kx = 0; kx < w.kernelW(); kx++) {
            offsets[ky * w.kernelW() + kx] = in + kx * w.dilationW() * pixel;
        }
    }

    /** Converts input rows, or what of them belongs to some vectors of channels, to where they are kept. */
    private void fill(Banks b, int x, int from, int end, int first, int slots, int v0, int group, float[] to) {
        for (int iy = from; iy < end; ) {
            int slot = (iy - first) % slots;
            boolean outside = iy < 0 || iy >= height;
            int most = Math.min(end - iy, slots - slot);
            int rows = Math.min(most, iy < 0 ? -iy : outside ? most : height - iy);
            int at = slot * group * row;
            if (outside) {
                Arrays.fill(to, at, at + rows * group * row, 0f);
            } else {
                for (int v = 0; v < group; v++) {
                    inside(b, x, iy, rows, v0 + v, to, at + v * row, group * row);
                }
            }
            iy += rows;
        }
    }

    /** As {@link #fill}, for rows that are there and a vector of channels. */
    private void inside(Banks b, int x, int iy, int rows, int v, float[] to, int at, int step) {
        int channels = spec.channels();
        int from = x + iy * width * channels;
        int left = w.left() * pixel;
        int inner = width * pixel;
        if (!flat && multiplier == 1) {
            int c = first(v);
            SimdWindows.clear(w.left(), w.right(), rows, to, at, left + inner, step);
            int n = Math.min(LANES, channels - c);
            SimdWindows.load(b, spec.x(), from + c, channels, width, rows, n, to, at + left, step);
            return;
        }
        for (int r = 0; r < rows; r++) {
            int start = at + r * step;
            int middle = start + left;
            Arrays.fill(to, start, middle, 0f);
            Arrays.fill(to, middle + inner, start + row, 0f);
            if (multiplier == 1) {
                SimdRows.load(b, spec.x(), from + r * width * channels, to, middle, width * channels);
            } else {
                expand(b, from + r * width * channels, first(v), to, middle);
            }
        }
    }

    /** As {@link #fill} where an input channel has several filters. */
    private void expand(Banks b, int from, int c, float[] to, int begin) {
        int channels = spec.channels();
        float[] t = b.floats(ROW, width * channels);
        SimdRows.load(b, spec.x(), from, t, 0, width * channels);
        int n = flat ? spec.filters() : Math.min(LANES, spec.filters() - c);
        for (int i = 0; i < width; i++) {
            for (int j = 0; j < n; j++) {
                to[begin + i * pixel + j] = t[i * channels + (c + j) / multiplier];
            }
        }
    }

    /**
     * Rows of output, for a vector of channels, or for all where they lie side by side.
     *
     * @param x where its input is
     * @param rowStep from one output row to the next, of the input
     * @param offsets of the taps of the first output, from there
     */
    private void sums(Banks b, float[] in, int x, int rowStep, int[] offsets, int y, int v, int oy, int rows) {
        if (flat) {
            phases(b, in, rowStep, offsets, y, oy, rows);
            return;
        }
        float[] sums = b.floats(SUMS, rows * outWidth * LANES);
        int step = w.strideW() * LANES;
        int c = first(v);
        int h = w.kernelH();
        int taps = spec.taps();
        int at = v * taps * LANES;
        SimdWindows.sums(
                form(outWidth), h, in, offsets, x, rowStep, step, taps, weights, at, init, c, rows, outWidth, sums);
        int filters = spec.filters();
        int to = y + oy * outWidth * filters + c;
        store(b, sums, 0, rows * outWidth, Math.min(LANES, filters - c), c, to, filters);
    }

    /** A row of output is a row of numbers; each vector of a period has weights of its own. */
    private void phases(Banks b, float[] in, int rowStep, int[] offsets, int y, int oy, int rows) {
        int numbers = outWidth * spec.filters();
        int h = w.kernelH();
        int taps = spec.taps();
        for (int p = 0; p < period && p < numbers; p += LANES) {
            int n = (numbers - p + period - 1) / period;
            float[] sums = b.floats(SUMS, rows * n * LANES);
            SimdWindows.sums(
                    form(n), h, in, offsets, p, rowStep, period, taps, weights, p * taps, init, p, rows, n, sums);
            int last = p + (n - 1) * period;
            int rest = Math.min(LANES, numbers - last);
            int full = rest == LANES ? n : n - 1;
            for (int r = 0; r < rows; r++) {
                int at = r * n * LANES;
                int to = y + (oy + r) * numbers;
                store(b, sums, at, full, LANES, p, to + p, period);
                if (full < n) {
                    store(b, sums, at + full * LANES, 1, rest, p, to + last, period);
                }
            }
        }
    }

    /** Makes codes of vectors of sums, of which the first so many lanes count. */
    private void store(Banks b, float[] sums, int at, int vectors, int lanes, int channel, int y, int step) {
        if (codes != null) {
            codes.store(sums, at, LANES, vectors, lanes, channel, b, y, step);
            return;
        }
        int[] acc = b.ints(ACC, vectors * LANES);
        SimdWindows.integers(sums, at, vectors, bias, channel, acc);
        Rescale r = out.rescale();
        if (r != null) {
            SimdRescale.tile(r, acc, 0, vectors, LANES, lanes, channel);
        }
        for (int i = 0; i < vectors; i++) {
            SimdRows.store(b, out.kind(), y + i * step, acc, i * LANES, lanes);
        }
    }
}
