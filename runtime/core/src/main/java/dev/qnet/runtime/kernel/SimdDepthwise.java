package dev.qnet.runtime.kernel;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/**
 * Depthwise convolution in singles that are provably exact, vectors of channels. The input rows under the window are
 * kept as singles, padded, in a ring, so that each code is converted once.
 */
final class SimdDepthwise implements UnaryKernel, Parts {
    private static final VectorSpecies<Float> F = Simd.FLOATS;
    private static final VectorSpecies<Integer> I = Simd.INTS;
    private static final int LANES = Simd.LANES;
    private static final int RING = 0;
    private static final int SUMS = 1;
    private static final int ACC = 0;
    private static final int OFFSETS = 1;

    private final ConvSpec spec;

    /** Channels, up to the next whole vector. */
    private final int lanes;

    /** Rows of the ring: those that a window spans. */
    private final int ring;

    /** Pixels of a row of the ring: those of the input, and the padding. */
    private final int pixels;

    /** [KH*KW][lanes]. */
    private final float[] weights;

    private final int[] bias;

    private SimdDepthwise(ConvSpec spec) {
        this.spec = spec;
        Window w = spec.window();
        int c = spec.channels();
        int taps = spec.taps();
        lanes = (c + LANES - 1) / LANES * LANES;
        ring = (w.kernelH() - 1) * w.dilationH() + 1;
        pixels = spec.width() + w.left() + w.right();
        weights = new float[taps * lanes];
        for (int i = 0; i < c; i++) {
            for (int t = 0; t < taps; t++) {
                weights[t * lanes + i] = spec.weights()[i * taps + t];
            }
        }
        bias = Arrays.copyOf(spec.bias(), lanes);
    }

    /** Null if singles cannot be exact. */
    static @Nullable UnaryKernel of(ConvSpec spec) {
        int taps = spec.taps();
        for (int c = 0; c < spec.channels(); c++) {
            long bound = 0;
            for (int t = 0; t < taps; t++) {
                bound +=
                        Math.abs((long) spec.weights()[c * taps + t]) * spec.x().magnitude();
            }
            if (bound >= 1 << 24) {
                return null;
            }
        }
        return new SimdDepthwise(spec);
    }

    @Override
    public void run(Banks b, int x, int y) {
        b.run(this, x, y, 0);
    }

    /** A part is a row of output pixels. */
    @Override
    public int parts() {
        return spec.outHeight();
    }

    @Override
    public long nanos() {
        return (long) parts() * spec.outWidth() * spec.channels() * spec.taps() / 8;
    }

    @Override
    public void run(Banks b, int x, int y, int z, int from, int to) {
        Window w = spec.window();
        int outW = spec.outWidth();
        int row = pixels * lanes;
        float[] rows = b.floats(RING, ring * row);
        float[] sums = b.floats(SUMS, outW * lanes);
        int[] acc = b.ints(ACC, outW * lanes);
        int[] offsets = b.ints(OFFSETS, spec.taps());
        int next = from * w.strideH() - w.top(); // the first input row that is not in the ring yet
        for (int oy = from; oy < to; oy++) {
            int y0 = oy * w.strideH() - w.top();
            for (int iy = Math.max(next, y0); iy < y0 + ring; iy++) {
                fill(b, x, iy, rows, slot(iy) * row);
            }
            next = y0 + ring;
            for (int ky = 0; ky < w.kernelH(); ky++) {
                for (int kx = 0; kx < w.kernelW(); kx++) {
                    offsets[ky * w.kernelW() + kx] = slot(y0 + ky * w.dilationH()) * row + kx * w.dilationW() * lanes;
                }
            }
            for (int c = 0; c < lanes; c += LANES) {
                channels(rows, offsets, c, sums, outW);
                addBias(sums, c, acc, outW);
            }
            store(b, y + oy * outW * spec.channels(), acc, outW);
        }
    }

    private int slot(int iy) {
        return Math.floorMod(iy, ring);
    }

    private void fill(Banks b, int x, int iy, float[] to, int at) {
        int n = pixels * lanes;
        int c = spec.channels();
        if (iy < 0 || iy >= spec.height()) {
            Arrays.fill(to, at, at + n, 0f);
            return;
        }
        int left = spec.window().left() * lanes;
        int inside = spec.width() * lanes;
        int from = x + iy * spec.width() * c;
        Arrays.fill(to, at, at + left, 0f);
        Arrays.fill(to, at + left + inside, at + n, 0f);
        if (c == lanes) {
            SimdRows.load(b, spec.x(), from, to, at + left, inside);
        } else {
            for (int i = 0; i < spec.width(); i++) {
                SimdRows.load(b, spec.x(), from + i * c, to, at + left + i * lanes, c);
            }
        }
    }

    /**
     * Sums of a vector of channels for a row of output pixels, four at a time, which share the loads of the weights.
     */
    private void channels(float[] rows, int[] offsets, int c, float[] sums, int outW) {
        int step = spec.window().strideW() * lanes;
        int taps = spec.taps();
        int ox = 0;
        for (; ox + 4 <= outW; ox += 4) {
            four(rows, offsets, c + ox * step, step, weights, c, lanes, taps, sums, c + ox * lanes);
        }
        for (; ox < outW; ox++) {
            one(rows, offsets, c + ox * step, weights, c, lanes, taps, sums, c + ox * lanes);
        }
    }

    private static void four(
            float[] rows, int[] offsets, int x, int step, float[] w, int wAt, int lanes, int taps, float[] y, int to) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        FloatVector s2 = FloatVector.zero(F);
        FloatVector s3 = FloatVector.zero(F);
        for (int t = 0; t < taps; t++) {
            FloatVector v = FloatVector.fromArray(F, w, wAt + t * lanes);
            int at = x + offsets[t];
            s0 = FloatVector.fromArray(F, rows, at).fma(v, s0);
            s1 = FloatVector.fromArray(F, rows, at + step).fma(v, s1);
            s2 = FloatVector.fromArray(F, rows, at + 2 * step).fma(v, s2);
            s3 = FloatVector.fromArray(F, rows, at + 3 * step).fma(v, s3);
        }
        s0.intoArray(y, to);
        s1.intoArray(y, to + lanes);
        s2.intoArray(y, to + 2 * lanes);
        s3.intoArray(y, to + 3 * lanes);
    }

    private static void one(
            float[] rows, int[] offsets, int x, float[] w, int wAt, int lanes, int taps, float[] y, int to) {
        FloatVector s = FloatVector.zero(F);
        for (int t = 0; t < taps; t++) {
            s = FloatVector.fromArray(F, rows, x + offsets[t]).fma(FloatVector.fromArray(F, w, wAt + t * lanes), s);
        }
        s.intoArray(y, to);
    }

    private void addBias(float[] sums, int c, int[] acc, int outW) {
        IntVector v = IntVector.fromArray(I, bias, c);
        for (int i = c; i < outW * lanes; i += lanes) {
            ((IntVector) FloatVector.fromArray(F, sums, i).convert(VectorOperators.F2I, 0))
                    .add(v)
                    .intoArray(acc, i);
        }
    }

    private void store(Banks b, int to, int[] acc, int outW) {
        Rescale r = spec.out().rescale();
        int c = spec.channels();
        if (r != null) {
            SimdRescale.tile(r, acc, 0, outW, lanes, c, 0);
        }
        if (c == lanes) {
            SimdRows.store(b, spec.out().kind(), to, acc, 0, outW * c);
        } else {
            for (int i = 0; i < outW; i++) {
                SimdRows.store(b, spec.out().kind(), to + i * c, acc, i * lanes, c);
            }
        }
    }
}
