package dev.qnet.runtime.kernel;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Additions by {@link AddLanes} and {@link AddBytes}. */
final class SimdAdd {
    private static final VectorSpecies<Float> F = Simd.FLOATS;
    private static final VectorSpecies<Integer> I = Simd.INTS;
    private static final VectorSpecies<Byte> B = Simd.BYTES;
    private static final int LANES = Simd.LANES;

    /** Elements of a sum in ints that are done again if one is near a half. */
    private static final int BLOCK = 256;

    private SimdAdd() {}

    /** Adds q to p, as {@link AddSpec#apply}; n is a multiple of the lanes. Overwrites q. */
    static void add(AddSpec spec, AddLanes lanes, int[] p, int[] q, int n) {
        Rescale z = spec.zScale();
        int sign = spec.subtract() ? -1 : 0;
        int at = 0;
        scale(lanes.x(), 0, p, n);
        scale(lanes.y(), sign, q, n);
        do {
            int end = Math.min(n, at + BLOCK);
            if (!codes(p, q, at, end, lanes.factor(), lanes.delta(), lanes.e(), z.zero, z.lo, z.hi)) {
                System.arraycopy(q, at, p, at, end - at);
                SimdRescale.row(z, p, at, end - at, 0);
            }
            at = end;
        } while (at < n);
    }

    /**
     * Adds codes as {@link Loops#add(AddSpec, Banks, byte[], int, byte[], int, int, int)}; n is at least the lanes. The last
     * vector may overlap the one before.
     */
    static void add(AddSpec spec, AddBytes by, Banks b, byte[] x, int xAt, byte[] y, int yAt, int zAt, int n) {
        int whole = n / LANES * LANES;
        block(spec, by, b, x, xAt, y, yAt, zAt, whole);
        if (whole < n) {
            int last = n - LANES;
            block(spec, by, b, x, xAt + last, y, yAt + last, zAt + last, LANES);
        }
    }

    private static void block(
            AddSpec spec, AddBytes by, Banks b, byte[] x, int xAt, byte[] y, int yAt, int zAt, int n) {
        Rescale z = spec.zScale();
        int xMask = spec.x().kind() == Kind.S8 ? -1 : 0xFF;
        int yMask = spec.y().kind() == Kind.S8 ? -1 : 0xFF;
        float fx = by.xFactor();
        float fy = by.yFactor();
        if (!z.rounding.fixedPoint()) {
            int zx = spec.x().zero();
            int zy = spec.y().zero();
            real(x, xAt, xMask, zx, fx, y, yAt, yMask, zy, fy, n, z.zero, z.lo, z.hi, b.bytes, zAt);
            return;
        }
        float o = by.offset();
        float e = by.e();
        byte[] to = b.bytes;
        int i = near(x, xAt, xMask, fx, y, yAt, yMask, fy, n, o, e, z.zero, z.lo, z.hi, to, zAt);
        while (i < n) {
            // Plain Java does it: vector code that is so rare would not be compiled for long.
            ScalarLoops.INSTANCE.add(spec, b, x, xAt + i, y, yAt + i, zAt + i, LANES);
            i += LANES;
            int xi = xAt + i;
            int yi = yAt + i;
            i += near(x, xi, xMask, fx, y, yi, yMask, fy, n - i, o, e, z.zero, z.lo, z.hi, to, zAt + i);
        }
    }

    static void real(
            byte[] x,
            int xAt,
            int xMask,
            int xZero,
            float fx,
            byte[] y,
            int yAt,
            int yMask,
            int yZero,
            float fy,
            int n,
            int zero,
            int lo,
            int hi,
            byte[] z,
            int zAt) {
        for (int i = 0; i < n; i += LANES) {
            IntVector p = ((IntVector) ByteVector.fromArray(B, x, xAt + i).convertShape(VectorOperators.B2I, I, 0))
                    .and(xMask)
                    .sub(xZero);
            IntVector q = ((IntVector) ByteVector.fromArray(B, y, yAt + i).convertShape(VectorOperators.B2I, I, 0))
                    .and(yMask)
                    .sub(yZero);
            FloatVector a = ((FloatVector) p.convert(VectorOperators.I2F, 0)).mul(fx);
            FloatVector sum = a.add(((FloatVector) q.convert(VectorOperators.I2F, 0)).mul(fy));
            IntVector g = sum.add(Simd.MAGIC).reinterpretAsInts();
            ((ByteVector) g.sub(Simd.MAGIC_BITS - zero).max(lo).min(hi).convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(z, zAt + i);
        }
    }

    /** Up to the first vector in which a sum is too near to a half to tell: n, or what is before. */
    static int near(
            byte[] x,
            int xAt,
            int xMask,
            float fx,
            byte[] y,
            int yAt,
            int yMask,
            float fy,
            int n,
            float offset,
            float e,
            int zero,
            int lo,
            int hi,
            byte[] z,
            int zAt) {
        if (n == 0) {
            return 0;
        }
        FloatVector f = FloatVector.broadcast(F, fx);
        FloatVector g = FloatVector.broadcast(F, fy);
        FloatVector c = FloatVector.broadcast(F, offset);
        for (int i = 0; i < n; i += LANES) {
            IntVector p = ((IntVector) ByteVector.fromArray(B, x, xAt + i).convertShape(VectorOperators.B2I, I, 0))
                    .and(xMask);
            IntVector q = ((IntVector) ByteVector.fromArray(B, y, yAt + i).convertShape(VectorOperators.B2I, I, 0))
                    .and(yMask);
            FloatVector h = ((FloatVector) q.convert(VectorOperators.I2F, 0)).lanewise(VectorOperators.FMA, g, c);
            h = ((FloatVector) p.convert(VectorOperators.I2F, 0)).lanewise(VectorOperators.FMA, f, h);
            IntVector g1 = h.sub(e).add(Simd.MAGIC).reinterpretAsInts();
            IntVector g2 = h.add(e).add(Simd.MAGIC).reinterpretAsInts();
            if (g1.compare(VectorOperators.NE, g2).anyTrue()) {
                return i;
            }
            ((ByteVector) g1.sub(Simd.MAGIC_BITS - zero).max(lo).min(hi).convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(z, zAt + i);
        }
        return n;
    }

    private static void scale(AddLanes.Scale s, int sign, int[] a, int n) {
        scale(a, n, s.high(), s.low(), s.half(), s.right(), s.round(), s.negative(), s.shift(), sign);
    }

    /** Scales an operand, and negates it where sign is −1. */
    private static void scale(
            int[] a, int n, int high, int low, int half, int right, int round, int negative, int shift, int sign) {
        for (int i = 0; i < n; i += LANES) {
            IntVector v = IntVector.fromArray(I, a, i);
            IntVector t = v.mul(high).add(v.mul(low).add(half).lanewise(VectorOperators.ASHR, right));
            IntVector u = t.add(round)
                    .add(t.lanewise(VectorOperators.ASHR, 31).and(negative))
                    .lanewise(VectorOperators.ASHR, shift);
            u.lanewise(VectorOperators.XOR, sign).sub(sign).intoArray(a, i);
        }
    }

    /** Makes codes of sums in p, and leaves the sums in q; false where some were too near to a half to tell. */
    private static boolean codes(
            int[] p, int[] q, int from, int to, float factor, float delta, float e, int zero, int lo, int hi) {
        if (from == to) {
            return true;
        }
        FloatVector f = FloatVector.broadcast(F, factor);
        IntVector bits = FloatVector.broadcast(F, delta).reinterpretAsInts();
        IntVector differ = IntVector.zero(I);
        for (int i = from; i < to; i += LANES) {
            IntVector sum = IntVector.fromArray(I, p, i).lanewise(VectorOperators.ADD, IntVector.fromArray(I, q, i));
            FloatVector signed = sum.and(Integer.MIN_VALUE).or(bits).reinterpretAsFloats();
            FloatVector h =
                    ((FloatVector) sum.convert(VectorOperators.I2F, 0)).lanewise(VectorOperators.FMA, f, signed);
            IntVector g1 = h.sub(e).add(Simd.MAGIC).reinterpretAsInts();
            IntVector g2 = h.add(e).add(Simd.MAGIC).reinterpretAsInts();
            differ = g1.lanewise(VectorOperators.XOR, g2).or(differ);
            g1.sub(Simd.MAGIC_BITS - zero).max(lo).min(hi).intoArray(p, i);
            sum.intoArray(q, i);
        }
        return !differ.compare(VectorOperators.NE, 0).anyTrue();
    }
}
