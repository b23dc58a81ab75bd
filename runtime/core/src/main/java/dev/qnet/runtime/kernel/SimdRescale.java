package dev.qnet.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Rescale} in vectors. Both kinds of contract come out exactly as in plain Java: the fixed-point ones are
 * integer arithmetic in 64-bit lanes, the ones in singles round at the same two places (int to float, and the
 * product).
 */
final class SimdRescale {
    private static final VectorSpecies<Float> F = Simd.FLOATS;
    private static final VectorSpecies<Integer> I = Simd.INTS;
    private static final VectorSpecies<Integer> H = Simd.HALF_INTS;
    private static final VectorSpecies<Long> L = Simd.LONGS;
    private static final int LANES = Simd.LANES;

    private SimdRescale() {}

    /** As {@link Rescale#applyRow(int[], int, int, int)}. */
    static void row(Rescale r, int[] a, int at, int n, int channel) {
        int whole = n / LANES * LANES;
        if (whole > 0 && r.lanes.usable()) {
            if (r.channels == 1) {
                // One vector of channels, many rows: the constants stay in registers.
                tile(r, a, at, n / LANES, LANES, LANES, 0);
            } else {
                tile(r, a, at, 1, whole, whole, channel);
            }
            r.applyRow(a, at + whole, n - whole, channel + whole);
        } else {
            r.applyRow(a, at, n, channel);
        }
    }

    /**
     * Scales a block of accumulators in place. Vectors run over its columns, up to the next multiple of the lanes:
     * the block has to have room for that, and what lies there is overwritten.
     *
     * @param at the first accumulator
     * @param rows rows, of the same channels
     * @param stride from row to row
     * @param n channels
     * @param channel the first
     */
    static void tile(Rescale r, int[] a, int at, int rows, int stride, int n, int channel) {
        RescaleLanes p = r.lanes;
        if (!p.usable()) {
            for (int i = 0; i < rows; i++) {
                r.applyRow(a, at + i * stride, n, channel);
            }
            return;
        }
        int c0 = r.channels == 1 ? 0 : channel;
        int step = r.channels == 1 ? 0 : 1;
        switch (r.rounding) {
            case TOSA -> {
                for (int c = 0; c < n; c += L.length()) {
                    once(p, c0 + c * step, r.lo, r.hi, a, at + c, rows, stride);
                }
            }
            case TFLITE -> {
                for (int c = 0; c < n; c += L.length()) {
                    twice(p, c0 + c * step, r.lo, r.hi, a, at + c, rows, stride);
                }
            }
            case ONNX, XNNPACK -> {
                for (int c = 0; c < n; c += LANES) {
                    real(p.factor(), c0 + c * step, r.zero, r.lo, r.hi, a, at + c, rows, stride);
                }
            }
        }
    }

    /** A column of vectors, single rounding. */
    private static void once(RescaleLanes p, int c, long lo, long hi, int[] a, int at, int rows, int stride) {
        if (rows == 0) {
            return;
        }
        LongVector m = LongVector.fromArray(L, p.multiplier(), c);
        LongVector half = LongVector.fromArray(L, p.half(), c);
        LongVector shift = LongVector.fromArray(L, p.shift(), c);
        LongVector offset = LongVector.fromArray(L, p.offset(), c);
        for (int r = 0, i = at; r < rows; r++, i += stride) {
            LongVector x = (LongVector) IntVector.fromArray(H, a, i).convertShape(VectorOperators.I2L, L, 0);
            LongVector y = x.mul(m)
                    .add(half)
                    .lanewise(VectorOperators.LSHR, shift)
                    .add(offset)
                    .max(lo)
                    .min(hi);
            ((IntVector) y.convertShape(VectorOperators.L2I, H, 0)).intoArray(a, i);
        }
    }

    /** A column of vectors, double rounding. */
    private static void twice(RescaleLanes p, int c, long lo, long hi, int[] a, int at, int rows, int stride) {
        if (rows == 0) {
            return;
        }
        LongVector m = LongVector.fromArray(L, p.multiplier(), c);
        LongVector half = LongVector.fromArray(L, p.half(), c);
        LongVector negative = LongVector.fromArray(L, p.negative(), c);
        LongVector shift = LongVector.fromArray(L, p.shift(), c);
        LongVector offset = LongVector.fromArray(L, p.offset(), c);
        for (int r = 0, i = at; r < rows; r++, i += stride) {
            LongVector x = (LongVector) IntVector.fromArray(H, a, i).convertShape(VectorOperators.I2L, L, 0);
            LongVector t = x.mul(m)
                    .add((1L << 30) + Long.MIN_VALUE)
                    .lanewise(VectorOperators.LSHR, 31)
                    .sub(1L << 32);
            LongVector y = t.add(half)
                    .add(negative, t.compare(VectorOperators.LT, 0))
                    .lanewise(VectorOperators.LSHR, shift)
                    .add(offset)
                    .max(lo)
                    .min(hi);
            ((IntVector) y.convertShape(VectorOperators.L2I, H, 0)).intoArray(a, i);
        }
    }

    /**
     * A column of vectors in singles. The product is limited before it is rounded, not after: the limits are integers
     * and rounding is monotone, so that it makes no difference, and within them {@link Simd#MAGIC} works.
     */
    private static void real(float[] factor, int c, int zero, int lo, int hi, int[] a, int at, int rows, int stride) {
        if (rows == 0) {
            return;
        }
        FloatVector f = FloatVector.fromArray(F, factor, c);
        FloatVector low = FloatVector.broadcast(F, lo - zero);
        FloatVector high = FloatVector.broadcast(F, hi - zero);
        for (int r = 0, i = at; r < rows; r++, i += stride) {
            FloatVector x = ((FloatVector) IntVector.fromArray(I, a, i).convert(VectorOperators.I2F, 0)).mul(f);
            // A compare and a blend cost a third of max and min, which have to care for NaN and the sign of 0.
            x = x.blend(low, x.compare(VectorOperators.LT, low));
            x = x.blend(high, x.compare(VectorOperators.GT, high));
            x.add(Simd.MAGIC).reinterpretAsInts().sub(Simd.MAGIC_BITS - zero).intoArray(a, i);
        }
    }
}
