package dev.qnet.runtime.kernel;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** As {@link SimdCodes}, which says why it is exact, of rows of {@link SimdStrips#WIDTH} vectors of sums. */
final class SimdStripCodes {
    private static final VectorSpecies<Float> F = Simd.FLOATS;
    private static final VectorSpecies<Integer> I = Simd.INTS;
    private static final VectorSpecies<Byte> B = Simd.BYTES;
    private static final int LANES = Simd.LANES;
    private static final int ROW = SimdStrips.ROW;

    private SimdStripCodes() {}

    /**
     * Writes codes of a strip of sums.
     *
     * @param c how
     * @param s the sums
     * @param at the first
     * @param rows rows of them
     * @param channel the first channel
     * @param y where the codes go
     * @param to the first
     * @param pixel from one to the next beside it
     * @param row from row to row
     */
    static void store(SimdCodes c, float[] s, int at, int rows, int channel, byte[] y, int to, int pixel, int row) {
        float[] f = c.factor();
        int zero = c.zero();
        int lo = c.lo();
        int hi = c.hi();
        switch (c.rounding()) {
            case ONNX, XNNPACK -> real(s, at, rows, f, channel, zero, lo, hi, y, to, pixel, row);
            case TOSA -> {
                float e = c.e();
                if (!once(s, at, rows, f, channel, e, zero, lo, hi, y, to, pixel, row)) {
                    int[] m = c.multiplier();
                    for (int i = 0; i < SimdStrips.WIDTH; i++) {
                        int a = at + i * LANES;
                        int t = to + i * pixel;
                        SimdCodes.onceAgain(s, a, ROW, rows, f, m, channel, e, zero, lo, hi, y, t, row);
                    }
                }
            }
            case TFLITE -> {
                float e = c.e();
                float[] delta = c.delta();
                if (!twice(s, at, rows, f, delta, channel, e, zero, lo, hi, y, to, pixel, row)) {
                    int[] m = c.multiplier();
                    for (int i = 0; i < SimdStrips.WIDTH; i++) {
                        int a = at + i * LANES;
                        int t = to + i * pixel;
                        SimdCodes.twiceAgain(s, a, ROW, rows, f, delta, m, channel, e, zero, lo, hi, y, t, row);
                    }
                }
            }
        }
    }

    static void real(
            float[] s,
            int at,
            int rows,
            float[] factor,
            int channel,
            int zero,
            int lo,
            int hi,
            byte[] y,
            int to,
            int pixel,
            int row) {
        if (rows == 0) {
            return;
        }
        FloatVector f = FloatVector.fromArray(F, factor, channel);
        for (int i = 0; i < rows; i++) {
            int a = at + i * ROW;
            int t = to + i * row;
            ((ByteVector) FloatVector.fromArray(F, s, a)
                            .lanewise(VectorOperators.MUL, f)
                            .add(Simd.MAGIC)
                            .reinterpretAsInts()
                            .sub(Simd.MAGIC_BITS - zero)
                            .max(lo)
                            .min(hi)
                            .convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(y, t);
            ((ByteVector) FloatVector.fromArray(F, s, a + LANES)
                            .lanewise(VectorOperators.MUL, f)
                            .add(Simd.MAGIC)
                            .reinterpretAsInts()
                            .sub(Simd.MAGIC_BITS - zero)
                            .max(lo)
                            .min(hi)
                            .convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(y, t + pixel);
            ((ByteVector) FloatVector.fromArray(F, s, a + 2 * LANES)
                            .lanewise(VectorOperators.MUL, f)
                            .add(Simd.MAGIC)
                            .reinterpretAsInts()
                            .sub(Simd.MAGIC_BITS - zero)
                            .max(lo)
                            .min(hi)
                            .convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(y, t + 2 * pixel);
            ((ByteVector) FloatVector.fromArray(F, s, a + 3 * LANES)
                            .lanewise(VectorOperators.MUL, f)
                            .add(Simd.MAGIC)
                            .reinterpretAsInts()
                            .sub(Simd.MAGIC_BITS - zero)
                            .max(lo)
                            .min(hi)
                            .convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(y, t + 3 * pixel);
        }
    }

    /** Single rounding; false where some accumulators were too near to a half to tell. */
    static boolean once(
            float[] s,
            int at,
            int rows,
            float[] factor,
            int channel,
            float e,
            int zero,
            int lo,
            int hi,
            byte[] y,
            int to,
            int pixel,
            int row) {
        if (rows == 0) {
            return true;
        }
        FloatVector f = FloatVector.fromArray(F, factor, channel);
        FloatVector up = FloatVector.broadcast(F, e);
        FloatVector down = FloatVector.broadcast(F, -e);
        IntVector differ = IntVector.zero(I);
        for (int i = 0; i < rows; i++) {
            int t = to + i * row;
            FloatVector v = FloatVector.fromArray(F, s, at + i * ROW);
            IntVector g =
                    v.lanewise(VectorOperators.FMA, f, down).add(Simd.MAGIC).reinterpretAsInts();
            differ = g.lanewise(
                            VectorOperators.XOR,
                            v.lanewise(VectorOperators.FMA, f, up)
                                    .add(Simd.MAGIC)
                                    .reinterpretAsInts())
                    .or(differ);
            ((ByteVector) g.sub(Simd.MAGIC_BITS - zero).max(lo).min(hi).convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(y, t);
            v = FloatVector.fromArray(F, s, at + i * ROW + LANES);
            g = v.lanewise(VectorOperators.FMA, f, down).add(Simd.MAGIC).reinterpretAsInts();
            differ = g.lanewise(
                            VectorOperators.XOR,
                            v.lanewise(VectorOperators.FMA, f, up)
                                    .add(Simd.MAGIC)
                                    .reinterpretAsInts())
                    .or(differ);
            ((ByteVector) g.sub(Simd.MAGIC_BITS - zero).max(lo).min(hi).convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(y, t + pixel);
            v = FloatVector.fromArray(F, s, at + i * ROW + 2 * LANES);
            g = v.lanewise(VectorOperators.FMA, f, down).add(Simd.MAGIC).reinterpretAsInts();
            differ = g.lanewise(
                            VectorOperators.XOR,
                            v.lanewise(VectorOperators.FMA, f, up)
                                    .add(Simd.MAGIC)
                                    .reinterpretAsInts())
                    .or(differ);
            ((ByteVector) g.sub(Simd.MAGIC_BITS - zero).max(lo).min(hi).convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(y, t + 2 * pixel);
            v = FloatVector.fromArray(F, s, at + i * ROW + 3 * LANES);
            g = v.lanewise(VectorOperators.FMA, f, down).add(Simd.MAGIC).reinterpretAsInts();
            differ = g.lanewise(
                            VectorOperators.XOR,
                            v.lanewise(VectorOperators.FMA, f, up)
                                    .add(Simd.MAGIC)
                                    .reinterpretAsInts())
                    .or(differ);
            ((ByteVector) g.sub(Simd.MAGIC_BITS - zero).max(lo).min(hi).convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(y, t + 3 * pixel);
        }
        return !differ.compare(VectorOperators.NE, 0).anyTrue();
    }

    /** Double rounding; false where some accumulators were too near to a half to tell. */
    static boolean twice(
            float[] s,
            int at,
            int rows,
            float[] factor,
            float[] delta,
            int channel,
            float e,
            int zero,
            int lo,
            int hi,
            byte[] y,
            int to,
            int pixel,
            int row) {
        if (rows == 0) {
            return true;
        }
        FloatVector f = FloatVector.fromArray(F, factor, channel);
        IntVector bits = FloatVector.fromArray(F, delta, channel).reinterpretAsInts();
        IntVector differ = IntVector.zero(I);
        for (int i = 0; i < rows; i++) {
            int t = to + i * row;
            FloatVector v = FloatVector.fromArray(F, s, at + i * ROW);
            FloatVector h = v.lanewise(
                    VectorOperators.FMA,
                    f,
                    v.reinterpretAsInts().and(Integer.MIN_VALUE).or(bits).reinterpretAsFloats());
            IntVector g = h.sub(e).add(Simd.MAGIC).reinterpretAsInts();
            differ = g.lanewise(VectorOperators.XOR, h.add(e).add(Simd.MAGIC).reinterpretAsInts())
                    .or(differ);
            ((ByteVector) g.sub(Simd.MAGIC_BITS - zero).max(lo).min(hi).convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(y, t);
            v = FloatVector.fromArray(F, s, at + i * ROW + LANES);
            h = v.lanewise(
                    VectorOperators.FMA,
                    f,
                    v.reinterpretAsInts().and(Integer.MIN_VALUE).or(bits).reinterpretAsFloats());
            g = h.sub(e).add(Simd.MAGIC).reinterpretAsInts();
            differ = g.lanewise(VectorOperators.XOR, h.add(e).add(Simd.MAGIC).reinterpretAsInts())
                    .or(differ);
            ((ByteVector) g.sub(Simd.MAGIC_BITS - zero).max(lo).min(hi).convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(y, t + pixel);
            v = FloatVector.fromArray(F, s, at + i * ROW + 2 * LANES);
            h = v.lanewise(
                    VectorOperators.FMA,
                    f,
                    v.reinterpretAsInts().and(Integer.MIN_VALUE).or(bits).reinterpretAsFloats());
            g = h.sub(e).add(Simd.MAGIC).reinterpretAsInts();
            differ = g.lanewise(VectorOperators.XOR, h.add(e).add(Simd.MAGIC).reinterpretAsInts())
                    .or(differ);
            ((ByteVector) g.sub(Simd.MAGIC_BITS - zero).max(lo).min(hi).convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(y, t + 2 * pixel);
            v = FloatVector.fromArray(F, s, at + i * ROW + 3 * LANES);
            h = v.lanewise(
                    VectorOperators.FMA,
                    f,
                    v.reinterpretAsInts().and(Integer.MIN_VALUE).or(bits).reinterpretAsFloats());
            g = h.sub(e).add(Simd.MAGIC).reinterpretAsInts();
            differ = g.lanewise(VectorOperators.XOR, h.add(e).add(Simd.MAGIC).reinterpretAsInts())
                    .or(differ);
            ((ByteVector) g.sub(Simd.MAGIC_BITS - zero).max(lo).min(hi).convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(y, t + 3 * pixel);
        }
        return !differ.compare(VectorOperators.NE, 0).anyTrue();
    }
}
