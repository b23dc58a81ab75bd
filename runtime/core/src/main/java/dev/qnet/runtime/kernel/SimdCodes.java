package dev.qnet.runtime.kernel;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/**
 * Makes codes of 8 bits of accumulators that are exact in singles, in one pass, wherever the numbers allow it; with
 * the bytes of {@link Rescale}.
 *
 * <p><b>Singles</b> ({@link Rounding#ONNX}). The accumulator a is a single already, so a·factor is the product that
 * the contract rounds. With |a·factor| below 2^21, adding {@link Simd#MAGIC} rounds it half to even, and the rest is
 * integer arithmetic.
 *
 * <p><b>Single rounding</b> ({@link Rounding#TOSA}), {@code floor(p + 1/2)} with {@code p = a·m/2^e}, e = 31 − shift.
 * Let f be m/2^e rounded to a single. For |p| ≤ P, P one beyond the lowest and highest code and 16 at least, {@code fma(a, f, ±E)}
 * differs from p ± E by less than {@code err = P·2^-23·1.01}: 2^-24 of p for f, 2^-24 for the rounding. With E = 1.75·P·2^-23,
 * above err, p lies strictly between {@code h1 = fma(a, f, −E)} and {@code h2 = fma(a, f, E)}. If both round to the same integer g, no half lies
 * between them, so g is the answer. Otherwise just one half t = g1 + 1/2 does, |p − t| &lt; E + err, and the answer is
 * g1 or g2 = g1 + 1, by the sign of {@code D = a·m − t·2^e}. As {@code |D| < (E + err)·2^e < 2^31} is required, and
 * {@code t·2^e} is a multiple of 2^(e−1), thus of 2^32 with e ≥ 33, D is the low 32 bits of a·m as an int. Both
 * differ in about one of 10,000 accumulators only, so first all are taken to agree, and a column of vectors where
 * some did not is done again with D. Where |p| &gt; P, the rounding errors (less than 1/2, as |p| &lt; 2^21) leave the
 * results beyond the lowest or highest code, on the right side, and limiting makes them equal.
 *
 * <p><b>Double rounding</b> ({@link Rounding#TFLITE}). The first rounding makes {@code t = floor(a·m/2^31 + 1/2)}, the
 * second rounds t/2^x, x = e − 31 ≥ 2, half away from zero. The result is at least n + 1 just if {@code t ≥ (n + 1/2)·2^x},
 * for negative t if {@code t ≥ (n + 1/2)·2^x + 1}; that is, if {@code a·m + 2^30}, or {@code a·m − 2^30}, is at least
 * {@code (n + 1/2)·2^e}. (Where a &lt; 0 and t = 0, |a·m| ≤ 2^30, and both give 0.) So it is single rounding of a·m plus or
 * minus 2^30: a·f plus or minus {@code δ = 2^(30−e)} in singles, which costs a further rounding of 2^-24.
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record SimdCodes(
        Kind kind,
        Rounding rounding,
        int zero,
        int lo,
        int hi,
        float e,
        float[] factor,
        int[] multiplier,
        float[] delta) {
    private static final VectorSpecies<Float> F = Simd.FLOATS;
    private static final VectorSpecies<Integer> I = Simd.INTS;
    private static final VectorSpecies<Byte> B = Simd.BYTES;
    private static final int LANES = Simd.LANES;

    /** |a·factor| stays below, so that {@link Simd#MAGIC} rounds, and rounding errors before stay below 1/2. */
    private static final double NEAR = 1 << 21;

    /** A bound of rounding errors, relative to P; and E. */
    private static final double ERR = 0x1.9p-23;

    private static final double E = 0x1.cp-23;

    /**
     * Null where the numbers do not allow it.
     *
     * @param out what becomes of the accumulators
     * @param channels channels
     * @param bound the largest |accumulator|
     */
    static @Nullable SimdCodes of(Output out, int channels, long bound) {
        Rescale r = out.rescale();
        if (r == null || out.kind().bytes() != 1 || !Simd.HAS_BYTES || bound < 0 || bound >= SimdPanels.EXACT) {
            return null;
        }
        long p = Math.max(16, Math.max(Math.abs((long) r.lo - r.zero), Math.abs((long) r.hi - r.zero)) + 1);
        if (p > 1 << 16) {
            return null;
        }
        int n = channels + RescaleLanes.PAD;
        float[] factor = new float[n];
        if (!r.rounding.fixedPoint()) {
            for (int i = 0; i < n; i++) {
                factor[i] = r.factor[channel(r, i)];
                if ((double) factor[i] * bound >= NEAR) {
                    return null;
                }
            }
            return new SimdCodes(out.kind(), r.rounding, r.zero, r.lo, r.hi, 0, factor, new int[0], new float[0]);
        }
        int[] multiplier = new int[n];
        float[] delta = new float[n];
        for (int i = 0; i < n; i++) {
            int c = channel(r, i);
            int m = r.multiplier[c];
            int e = 31 - r.shift[c];
            double exact = Math.scalb((double) m, -e);
            if (m != 0 && (e < 33 || Math.scalb((ERR + E) * p, e) >= 0x1p31 || exact * bound >= NEAR)) {
                return null;
            }
            multiplier[i] = m;
            factor[i] = (float) exact;
            delta[i] = m == 0 ? 0 : Math.scalb(1f, 30 - e);
        }
        return new SimdCodes(out.kind(), r.rounding, r.zero, r.lo, r.hi, (float) (E * p), factor, multiplier, delta);
    }

    private static int channel(Rescale r, int i) {
        return r.channels == 1 ? 0 : Math.min(i, r.channels - 1);
    }

    /**
     * Writes codes of a block of accumulators.
     *
     * @param c accumulators
     * @param at the first
     * @param stride from row to row of them
     * @param rows rows
     * @param n columns
     * @param channel the first column's
     * @param b the banks, whose byte scratch is used too
     * @param y where the codes go
     * @param yStride from row to row of them
     */
    void store(float[] c, int at, int stride, int rows, int n, int channel, Banks b, int y, int yStride) {
        int whole = n / LANES * LANES;
        for (int j = 0; j < whole; j += LANES) {
            column(c, at + j, stride, rows, channel + j, b.bytes, y + j, yStride);
        }
        if (whole < n) {
            // A vector would run into the next row.
            byte[] t = b.byteScratch(rows * LANES);
            column(c, at + whole, stride, rows, channel + whole, t, 0, LANES);
            for (int r = 0; r < rows; r++) {
                System.arraycopy(t, r * LANES, b.bytes, y + r * yStride + whole, n - whole);
            }
        }
    }

    /** A column of vectors. */
    private void column(float[] c, int at, int stride, int rows, int channel, byte[] y, int to, int step) {
        switch (rounding) {
            case ONNX, XNNPACK -> real(c, at, stride, rows, factor, channel, zero, lo, hi, y, to, step);
            case TOSA -> {
                if (!once(c, at, stride, rows, factor, channel, e, zero, lo, hi, y, to, step)) {
                    onceAgain(c, at, stride, rows, factor, multiplier, channel, e, zero, lo, hi, y, to, step);
                }
            }
            case TFLITE -> {
                if (!twice(c, at, stride, rows, factor, delta, channel, e, zero, lo, hi, y, to, step)) {
                    twiceAgain(c, at, stride, rows, factor, delta, multiplier, channel, e, zero, lo, hi, y, to, step);
                }
            }
        }
    }

    static void real(
            float[] c,
            int at,
            int stride,
            int rows,
            float[] factor,
            int channel,
            int zero,
            int lo,
            int hi,
            byte[] y,
            int to,
            int step) {
        if (rows == 0) {
            return;
        }
        FloatVector f = FloatVector.fromArray(F, factor, channel);
        for (int r = 0; r < rows; r++) {
            IntVector g = FloatVector.fromArray(F, c, at + r * stride)
                    .lanewise(VectorOperators.MUL, f)
                    .add(Simd.MAGIC)
                    .reinterpretAsInts();
            ((ByteVector) g.sub(Simd.MAGIC_BITS - zero).max(lo).min(hi).convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(y, to + r * step);
        }
    }

    /** Single rounding; false where some accumulators were too near to a half to tell. */
    static boolean once(
            float[] c,
            int at,
            int stride,
            int rows,
            float[] factor,
            int channel,
            float e,
            int zero,
            int lo,
            int hi,
            byte[] y,
            int to,
            int step) {
        if (rows == 0) {
            return true;
        }
        FloatVector f = FloatVector.fromArray(F, factor, channel);
        FloatVector up = FloatVector.broadcast(F, e);
        FloatVector down = FloatVector.broadcast(F, -e);
        IntVector differ = IntVector.zero(I);
        for (int r = 0; r < rows; r++) {
            FloatVector a = FloatVector.fromArray(F, c, at + r * stride);
            IntVector g1 =
                    a.lanewise(VectorOperators.FMA, f, down).add(Simd.MAGIC).reinterpretAsInts();
            IntVector g2 =
                    a.lanewise(VectorOperators.FMA, f, up).add(Simd.MAGIC).reinterpretAsInts();
            differ = g1.lanewise(VectorOperators.XOR, g2).or(differ);
            ((ByteVector) g1.sub(Simd.MAGIC_BITS - zero).max(lo).min(hi).convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(y, to + r * step);
        }
        return !differ.compare(VectorOperators.NE, 0).anyTrue();
    }

    static void onceAgain(
            float[] c,
            int at,
            int stride,
            int rows,
            float[] factor,
            int[] multiplier,
            int channel,
            float e,
            int zero,
            int lo,
            int hi,
            byte[] y,
            int to,
            int step) {
        if (rows == 0) {
            return;
        }
        FloatVector f = FloatVector.fromArray(F, factor, channel);
        IntVector m = IntVector.fromArray(I, multiplier, channel);
        FloatVector up = FloatVector.broadcast(F, e);
        FloatVector down = FloatVector.broadcast(F, -e);
        for (int r = 0; r < rows; r++) {
            FloatVector a = FloatVector.fromArray(F, c, at + r * stride);
            IntVector g1 =
                    a.lanewise(VectorOperators.FMA, f, down).add(Simd.MAGIC).reinterpretAsInts();
            IntVector g2 =
                    a.lanewise(VectorOperators.FMA, f, up).add(Simd.MAGIC).reinterpretAsInts();
            IntVector d = ((IntVector) a.convert(VectorOperators.F2I, 0)).lanewise(VectorOperators.MUL, m);
            IntVector g = g2.blend(g1, d.compare(VectorOperators.LT, 0));
            ((ByteVector) g.sub(Simd.MAGIC_BITS - zero).max(lo).min(hi).convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(y, to + r * step);
        }
    }

    /** Double rounding. */
    static boolean twice(
            float[] c,
            int at,
            int stride,
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
            int step) {
        if (rows == 0) {
            return true;
        }
        FloatVector f = FloatVector.fromArray(F, factor, channel);
        IntVector bits = FloatVector.fromArray(F, delta, channel).reinterpretAsInts();
        IntVector differ = IntVector.zero(I);
        for (int r = 0; r < rows; r++) {
            FloatVector a = FloatVector.fromArray(F, c, at + r * stride);
            FloatVector signed =
                    a.reinterpretAsInts().and(Integer.MIN_VALUE).or(bits).reinterpretAsFloats();
            FloatVector h = a.lanewise(VectorOperators.FMA, f, signed);
            IntVector g1 = h.sub(e).add(Simd.MAGIC).reinterpretAsInts();
            IntVector g2 = h.add(e).add(Simd.MAGIC).reinterpretAsInts();
            differ = g1.lanewise(VectorOperators.XOR, g2).or(differ);
            ((ByteVector) g1.sub(Simd.MAGIC_BITS - zero).max(lo).min(hi).convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(y, to + r * step);
        }
        return !differ.compare(VectorOperators.NE, 0).anyTrue();
    }

    static void twiceAgain(
            float[] c,
            int at,
            int stride,
            int rows,
            float[] factor,
            float[] delta,
            int[] multiplier,
            int channel,
            float e,
            int zero,
            int lo,
            int hi,
            byte[] y,
            int to,
            int step) {
        if (rows == 0) {
            return;
        }
        FloatVector f = FloatVector.fromArray(F, factor, channel);
        IntVector bits = FloatVector.fromArray(F, delta, channel).reinterpretAsInts();
        IntVector m = IntVector.fromArray(I, multiplier, channel);
        for (int r = 0; r < rows; r++) {
            FloatVector a = FloatVector.fromArray(F, c, at + r * stride);
            IntVector sign = a.reinterpretAsInts().and(Integer.MIN_VALUE);
            FloatVector h = a.lanewise(VectorOperators.FMA, f, sign.or(bits).reinterpretAsFloats());
            IntVector g1 = h.sub(e).add(Simd.MAGIC).reinterpretAsInts();
            IntVector g2 = h.add(e).add(Simd.MAGIC).reinterpretAsInts();
            // Plus 2^30, or minus: modulo 2^32 they differ by the highest bit.
            IntVector d = ((IntVector) a.convert(VectorOperators.F2I, 0))
                    .lanewise(VectorOperators.MUL, m)
                    .add(1 << 30)
                    .lanewise(VectorOperators.XOR, sign);
            IntVector g = g2.blend(g1, d.compare(VectorOperators.LT, 0));
            ((ByteVector) g.sub(Simd.MAGIC_BITS - zero).max(lo).min(hi).convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(y, to + r * step);
        }
    }
}
