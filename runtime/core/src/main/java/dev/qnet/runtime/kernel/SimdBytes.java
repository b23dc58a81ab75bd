package dev.qnet.runtime.kernel;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Codes of 8 bits by {@link ByteCodes}: of accumulators, and of products of codes of 8 bits. */
final class SimdBytes {
    private static final VectorSpecies<Float> F = Simd.FLOATS;
    private static final VectorSpecies<Integer> I = Simd.INTS;
    private static final VectorSpecies<Byte> B = Simd.BYTES;
    private static final int LANES = Simd.LANES;

    private SimdBytes() {}

    /** Writes codes of n accumulators, at least the lanes. The last vector overlaps the one before. */
    static void codes(Rescale r, ByteCodes by, int[] a, int at, int n, int channel, byte[] y, int yAt) {
        int whole = n / LANES * LANES;
        vectors(r, by, a, at, whole, channel, y, yAt);
        if (whole < n) {
            int last = n - LANES;
            vectors(r, by, a, at + last, LANES, channel + last, y, yAt + last);
        }
    }

    private static void vectors(Rescale r, ByteCodes by, int[] a, int at, int n, int channel, byte[] y, int yAt) {
        float[] f = by.factor();
        int c = r.channels == 1 ? 0 : channel;
        int step = r.channels == 1 ? 0 : 1;
        if (!r.rounding.fixedPoint()) {
            real(a, at, n, f, c, step, r.zero, r.lo, r.hi, y, yAt);
            return;
        }
        float down = by.down();
        float up = by.up();
        int i = near(a, at, n, f, by.delta(), c, step, down, up, r.zero, r.lo, r.hi, y, yAt);
        while (i < n) {
            for (int j = i; j < i + LANES; j++) {
                y[yAt + j] = (byte) r.apply(a[at + j], channel + j);
            }
            i += LANES;
            i += near(a, at + i, n - i, f, by.delta(), c + i * step, step, down, up, r.zero, r.lo, r.hi, y, yAt + i);
        }
    }

    /**
     * Singles.
     *
     * @param channel the first factor's index
     * @param step from factor to factor, 0 or 1
     */
    static void real(
            int[] a,
            int at,
            int n,
            float[] factor,
            int channel,
            int step,
            int zero,
            int lo,
            int hi,
            byte[] y,
            int yAt) {
        if (n == 0) {
            return;
        }
        FloatVector low = FloatVector.broadcast(F, lo - zero);
        FloatVector high = FloatVector.broadcast(F, hi - zero);
        for (int i = 0; i < n; i += LANES) {
            FloatVector f = FloatVector.fromArray(F, factor, channel + i * step);
            FloatVector h = ((FloatVector) IntVector.fromArray(I, a, at + i).convert(VectorOperators.I2F, 0))
                    .lanewise(VectorOperators.MUL, f);
            h = h.blend(low, h.compare(VectorOperators.LT, low));
            h = h.blend(high, h.compare(VectorOperators.GT, high));
            IntVector g = h.add(Simd.MAGIC).reinterpretAsInts().lanewise(VectorOperators.SUB, Simd.MAGIC_BITS - zero);
            ((ByteVector) g.convertShape(VectorOperators.I2B, B, 0)).intoArray(y, yAt + i);
        }
    }

    /** Fixed point, up to the first vector in which an accumulator is too near to a half to tell: n, or what is before. */
    static int near(
            int[] a,
            int at,
            int n,
            float[] factor,
            float[] delta,
            int channel,
            int step,
            float down,
            float up,
            int zero,
            int lo,
            int hi,
            byte[] y,
            int yAt) {
        if (n == 0) {
            return 0;
        }
        FloatVector low = FloatVector.broadcast(F, lo - zero);
        FloatVector high = FloatVector.broadcast(F, hi - zero);
        for (int i = 0; i < n; i += LANES) {
            FloatVector f = FloatVector.fromArray(F, factor, channel + i * step);
            IntVector d = FloatVector.fromArray(F, delta, channel + i * step).reinterpretAsInts();
            IntVector v = IntVector.fromArray(I, a, at + i);
            FloatVector signed = v.lanewise(VectorOperators.AND, Integer.MIN_VALUE)
                    .lanewise(VectorOperators.OR, d)
                    .reinterpretAsFloats();
            FloatVector h = ((FloatVector) v.convert(VectorOperators.I2F, 0)).lanewise(VectorOperators.FMA, f, signed);
            h = h.blend(low, h.compare(VectorOperators.LT, low));
            h = h.blend(high, h.compare(VectorOperators.GT, high));
            IntVector g1 = h.add(down).add(Simd.MAGIC).reinterpretAsInts();
            IntVector g2 = h.add(up).add(Simd.MAGIC).reinterpretAsInts();
            if (g1.compare(VectorOperators.NE, g2).anyTrue()) {
                return i;
            }
            ((ByteVector) g1.lanewise(VectorOperators.SUB, Simd.MAGIC_BITS - zero)
                            .convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(y, yAt + i);
        }
        return n;
    }

    /** Writes codes of n products, at least the lanes. The last vector overlaps the one before. */
    static void multiply(MulSpec spec, ByteCodes by, byte[] x, int xAt, byte[] y, int yAt, byte[] z, int zAt, int n) {
        int whole = n / LANES * LANES;
        products(spec, by, x, xAt, y, yAt, z, zAt, whole);
        if (whole < n) {
            int last = n - LANES;
            products(spec, by, x, xAt + last, y, yAt + last, z, zAt + last, LANES);
        }
    }

    private static void products(
            MulSpec spec, ByteCodes by, byte[] x, int xAt, byte[] y, int yAt, byte[] z, int zAt, int n) {
        Rescale r = spec.rescale();
        int xMask = spec.x().kind() == Kind.S8 ? -1 : 0xFF;
        int yMask = spec.y().kind() == Kind.S8 ? -1 : 0xFF;
        int zx = spec.x().zero();
        int zy = spec.y().zero();
        float f = by.factor()[0];
        if (!r.rounding.fixedPoint()) {
            real(x, xAt, xMask, zx, y, yAt, yMask, zy, n, f, r.zero, r.lo, r.hi, z, zAt);
            return;
        }
        float d = by.delta()[0];
        float down = by.down();
        float up = by.up();
        int i = near(x, xAt, xMask, zx, y, yAt, yMask, zy, n, f, d, down, up, r.zero, r.lo, r.hi, z, zAt);
        while (i < n) {
            spec.apply(x, xAt + i, y, yAt + i, z, zAt + i, LANES);
            i += LANES;
            int xi = xAt + i;
            int yi = yAt + i;
            i += near(x, xi, xMask, zx, y, yi, yMask, zy, n - i, f, d, down, up, r.zero, r.lo, r.hi, z, zAt + i);
        }
    }

    /** Products in singles. */
    static void real(
            byte[] x,
            int xAt,
            int xMask,
            int xZero,
            byte[] y,
            int yAt,
            int yMask,
            int yZero,
            int n,
            float factor,
            int zero,
            int lo,
            int hi,
            byte[] z,
            int zAt) {
        for (int i = 0; i < n; i += LANES) {
            IntVector p = ((IntVector) ByteVector.fromArray(B, x, xAt + i).convertShape(VectorOperators.B2I, I, 0))
                    .lanewise(VectorOperators.AND, xMask)
                    .sub(xZero);
            IntVector q = ((IntVector) ByteVector.fromArray(B, y, yAt + i).convertShape(VectorOperators.B2I, I, 0))
                    .lanewise(VectorOperators.AND, yMask)
                    .sub(yZero);
            FloatVector a = ((FloatVector) p.convert(VectorOperators.I2F, 0))
                    .lanewise(VectorOperators.MUL, q.convert(VectorOperators.I2F, 0));
            IntVector g = a.mul(factor).add(Simd.MAGIC).reinterpretAsInts();
            ((ByteVector) g.lanewise(VectorOperators.SUB, Simd.MAGIC_BITS - zero)
                            .max(lo)
                            .min(hi)
                            .convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(z, zAt + i);
        }
    }

    /** Products in fixed point, up to the first vector in which one is too near to a half to tell. */
    static int near(
            byte[] x,
            int xAt,
            int xMask,
            int xZero,
            byte[] y,
            int yAt,
            int yMask,
            int yZero,
            int n,
            float factor,
            float delta,
            float down,
            float up,
            int zero,
            int lo,
            int hi,
            byte[] z,
            int zAt) {
        if (n == 0) {
            return 0;
        }
        FloatVector f = FloatVector.broadcast(F, factor);
        IntVector d = FloatVector.broadcast(F, delta).reinterpretAsInts();
        for (int i = 0; i < n; i += LANES) {
            IntVector p = ((IntVector) ByteVector.fromArray(B, x, xAt + i).convertShape(VectorOperators.B2I, I, 0))
                    .lanewise(VectorOperators.AND, xMask)
                    .sub(xZero);
            IntVector q = ((IntVector) ByteVector.fromArray(B, y, yAt + i).convertShape(VectorOperators.B2I, I, 0))
                    .lanewise(VectorOperators.AND, yMask)
                    .sub(yZero);
            FloatVector a = ((FloatVector) p.convert(VectorOperators.I2F, 0))
                    .lanewise(VectorOperators.MUL, q.convert(VectorOperators.I2F, 0));
            FloatVector signed = a.reinterpretAsInts()
                    .lanewise(VectorOperators.AND, Integer.MIN_VALUE)
                    .lanewise(VectorOperators.OR, d)
                    .reinterpretAsFloats();
            FloatVector h = a.lanewise(VectorOperators.FMA, f, signed);
            IntVector g1 = h.add(down).add(Simd.MAGIC).reinterpretAsInts();
            IntVector g2 = h.add(up).add(Simd.MAGIC).reinterpretAsInts();
            if (g1.compare(VectorOperators.NE, g2).anyTrue()) {
                return i;
            }
            ((ByteVector) g1.lanewise(VectorOperators.SUB, Simd.MAGIC_BITS - zero)
                            .max(lo)
                            .min(hi)
                            .convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(z, zAt + i);
        }
        return n;
    }
}
