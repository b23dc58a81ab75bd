package dev.qnet.runtime.kernel;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Depthwise convolution of bytes by 3x3 windows, one or two pixels apart, in strips of outputs ({@link SimdStrips}).
 *
 * <p>There codes keep their zero point z, and sums begin with the bias less z times all weights. So any partial sum is an
 * integer of at most |bias| + Σ|w|·(|z| + X), with X the largest magnitude of a byte, and a single holds it where that is
 * below 2^24 for each channel. Rows of padding add z times their weights, which the sums at the upper edge begin with and
 * those at the lower edge end with.
 *
 * <p>Vectors of channels that share lines of the cache take turns, some rows of a strip at a time, so that their input and
 * output is still in the first level.
 */
final class SimdStripConv implements UnaryKernel, Parts, Warmable {
    private static final int LANES = Simd.LANES;
    private static final int WIDTH = SimdStrips.WIDTH;
    private static final int ROW = SimdStrips.ROW;
    private static final int TAPS = 9;
    private static final int SUMS = 1;
    private static final int STATE = 3;

    /** Vectors of channels that take turns. */
    private static final int TOGETHER = 8;

    /** Rows for which a call is worth it, and whose input and sums stay in the first-level cache. */
    private static final int ROWS = 16;

    /** The same where a sum too near to a half has the codes of a call made again. */
    private static final int FIXED_ROWS = 8;

    private final ConvSpec spec;
    private final SimdCodes codes;
    private final boolean signed;
    private final float zero;
    private final int step;
    private final int outHeight;
    private final int outWidth;
    private final int vectors;
    private final int rows;

    /** [vectors][9][lanes]. */
    private final float[] weights;

    /** What sums begin with, a number a channel. */
    private final float[] init;

    /** The same with the row above the image. */
    private final float[] top;

    /** What the row below the image adds. */
    private final float[] bottom;

    private SimdStripConv(ConvSpec spec, SimdCodes codes) {
        this.spec = spec.withoutWeights();
        this.codes = codes;
        signed = spec.x().kind() == Kind.S8;
        zero = spec.x().zero();
        step = spec.window().strideH();
        outHeight = spec.outHeight();
        outWidth = spec.outWidth();
        int n = spec.channels();
        vectors = (n + LANES - 1) / LANES;
        rows = codes.rounding().fixedPoint() ? FIXED_ROWS : ROWS;
        weights = new float[vectors * TAPS * LANES];
        for (int v = 0; v < vectors; v++) {
            for (int t = 0; t < TAPS; t++) {
                for (int i = 0; i < LANES; i++) {
                    weights[(v * TAPS + t) * LANES + i] = spec.weights()[(channel(v) + i) * TAPS + t];
                }
            }
        }
        init = new float[n];
        top = new float[n];
        bottom = new float[n];
        int z = spec.x().zero();
        for (int c = 0; c < n; c++) {
            int whole = spec.bias()[c] - z * sum(spec, c, 0, TAPS);
            init[c] = whole;
            top[c] = whole + z * sum(spec, c, 0, 3);
            bottom[c] = z * sum(spec, c, 6, TAPS);
        }
    }

    /** The first channel of a vector; the last vector may overlap the one before. */
    private int channel(int v) {
        return Math.min(v * LANES, spec.channels() - LANES);
    }

    /** The sum of some weights of a channel. */
    private static int sum(ConvSpec spec, int c, int from, int to) {
        int sum = 0;
        for (int t = from; t < to; t++) {
            sum += spec.weights()[c * TAPS + t];
        }
        return sum;
    }

    /**
     * Null where the window, the sizes or the numbers do not allow it.
     *
     * @param spec a depthwise convolution with sums of 32 bits
     * @param codes how its sums become codes, or null
     */
    static @Nullable UnaryKernel of(ConvSpec spec, @Nullable SimdCodes codes) {
        Window w = spec.window();
        boolean window = w.kernelH() == 3
                && w.kernelW() == 3
                && w.dilationH() == 1
                && w.dilationW() == 1
                && w.strideH() == w.strideW()
                && w.strideW() <= 2
                && Math.max(Math.max(w.top(), w.bottom()), Math.max(w.left(), w.right())) <= 1;
        Operand x = spec.x();
        boolean bytes = Simd.HAS_BYTES && x.kind().bytes() == 1;
        boolean large = spec.channels() >= LANES && spec.outWidth() >= WIDTH;
        if (codes == null || !window || !bytes || !large || !spec.depthwise()) {
            return null;
        }
        long most = Math.max(Math.abs(x.kind().min()), x.kind().max()) + Math.abs(x.zero());
        for (int c = 0; c < spec.channels(); c++) {
            long bound = Math.abs((long) spec.bias()[c]);
            for (int t = 0; t < TAPS; t++) {
                bound += Math.abs((long) spec.weights()[c * TAPS + t]) * most;
            }
            if (bound >= SimdPanels.EXACT) {
                return null;
            }
        }
        return new SimdStripConv(spec, codes);
    }

    @Override
    public void steps(Set<Step> steps) {
        DepthwiseSteps.strips(steps, step, signed, codes.rounding());
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
        return (long) outHeight * outWidth * spec.channels() / 4;
    }

    @Override
    public void run(Banks b, int x, int y, int z, int from, int to) {
        for (int v = 0; v < vectors; v += TOGETHER) {
            int end = Math.min(vectors, v + TOGETHER);
            for (int i = 0; i < outWidth; i += WIDTH) {
                int ox = Math.min(i, outWidth - WIDTH); // the last strip may overlap the one before
                if (step == 1) {
                    ones(b, x, y, v, end, ox, from, to);
                } else {
                    twos(b, x, y, v, end, ox, from, to);
                }
            }
        }
    }

    /** Whether the first column of a strip is beside the image. */
    private boolean left(int ox) {
        return ox * step < spec.window().left();
    }

    /** Whether the last column is. */
    private boolean right(int ox) {
        return (ox + WIDTH - 1) * step - spec.window().left() + 3 > spec.width();
    }

    /** The offset of the second column of a strip, in the first row of the image. */
    private int second(int x, int ox) {
        return x + (ox * step - spec.window().left() + 1) * spec.channels();
    }

    /** As the method of {@link SimdStrips}: adds a row of input, of which this is the second column. */
    private void line(Banks b, int at, int v, int ox, int ky, float[] from, int fAt, int next, float[] to, int tAt) {
        int n = spec.channels();
        int wAt = (v * TAPS + 3 * ky) * LANES;
        boolean l = left(ox);
        boolean r = right(ox);
        SimdStrips.line(signed, b.bytes, at, n, step * n, WIDTH, l, r, zero, weights, wAt, from, fAt, next, to, tAt);
    }

    /** Sums that lack all but the window's first row, which is this input row; it is above the image where negative. */
    private void begin(Banks b, int second, int iy, int v, int ox, float[] state, int at) {
        int c = channel(v);
        if (iy < 0) {
            SimdStrips.fill(top, c, state, at, WIDTH);
        } else {
            line(b, second + iy * spec.width() * spec.channels() + c, v, ox, 0, init, c, 0, state, at);
        }
    }

    /** Windows one pixel apart. */
    private void ones(Banks b, int x, int y, int v0, int v1, int ox, int from, int to) {
        float[] state = b.floats(STATE, TOGETHER * SimdStrips.STATE);
        float[] sums = b.floats(SUMS, (ROWS + 1) * ROW);
        int n = spec.channels();
        int row = spec.width() * n;
        int second = second(x, ox);
        int first = from - spec.window().top();
        for (int v = v0; v < v1; v++) {
            int s = (v - v0) * SimdStrips.STATE;
            SimdStrips.fill(init, channel(v), state, s, WIDTH); // any numbers: no output needs these sums
            begin(b, second, first, v, ox, state, s + ROW);
        }
        boolean l = left(ox);
        boolean r = right(ox);
        int end = Math.min(first + to - from + 2, spec.height());
        boolean below = first + to - from + 2 > end;
        // Rows of input, of which the first completes nothing.
        int oy = from - 1;
        for (int iy = first + 1; iy < end; iy += rows) {
            int down = Math.min(rows, end - iy);
            int skip = oy < from ? 1 : 0;
            boolean last = below && iy + down == end;
            for (int v = v0; v < v1; v++) {
                int c = channel(v);
                int s = (v - v0) * SimdStrips.STATE;
                int at = second + iy * row + c;
                int wAt = v * TAPS * LANES;
                SimdStrips.ones(signed, b.bytes, at, n, row, down, l, r, zero, weights, wAt, init, c, state, s, sums);
                if (last) {
                    SimdStrips.add(state, s, bottom, c, sums, down * ROW, WIDTH);
                }
                int many = down - skip + (last ? 1 : 0);
                codes(b, sums, skip * ROW, many, c, y, oy + skip, ox);
            }
            oy += down;
        }
    }

    /** Windows two pixels apart. */
    private void twos(Banks b, int x, int y, int v0, int v1, int ox, int from, int to) {
        float[] state = b.floats(STATE, TOGETHER * SimdStrips.STATE);
        float[] sums = b.floats(SUMS, (ROWS + 1) * ROW);
        int n = spec.channels();
        int row = spec.width() * n;
        int second = second(x, ox);
        int top = spec.window().top();
        for (int v = v0; v < v1; v++) {
            begin(b, second, 2 * from - top, v, ox, state, (v - v0) * SimdStrips.STATE);
        }
        boolean l = left(ox);
        boolean r = right(ox);
        boolean below = 2 * (to - 1) - top + 2 >= spec.height();
        int end = below ? to - 1 : to;
        for (int oy = from; oy < to; oy += rows) {
            int down = Math.min(rows, end - oy);
            boolean last = below && oy + down == end;
            for (int v = v0; v < v1; v++) {
                int c = channel(v);
                int s = (v - v0) * SimdStrips.STATE;
                int at = second + (2 * oy - top + 1) * row + c;
                int wAt = v * TAPS * LANES;
                SimdStrips.twos(signed, b.bytes, at, n, row, down, l, r, zero, weights, wAt, init, c, state, s, sums);
                if (last) {
                    line(b, at + 2 * down * row, v, ox, 1, state, s, LANES, sums, down * ROW);
                    SimdStrips.add(sums, down * ROW, bottom, c, sums, down * ROW, WIDTH);
                }
                codes(b, sums, 0, down + (last ? 1 : 0), c, y, oy, ox);
            }
            if (last) {
                return;
            }
        }
    }

    /** Makes codes of rows of sums. */
    private void codes(Banks b, float[] sums, int at, int many, int c, int y, int oy, int ox) {
        int n = spec.channels();
        int to = y + (oy * outWidth + ox) * n + c;
        SimdStripCodes.store(codes, sums, at, many, c, b.bytes, to, n, outWidth * n);
    }
}
