package dev.qnet.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Additions by {@link AddLanes}. */
final class SimdAdd {
    private static final VectorSpecies<Float> F = Simd.FLOATS;
    private static final VectorSpecies<Integer> I = Simd.INTS;
    private static final int LANES = Simd.LANES;

    /** Elements that are done again together. */
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
        FloatVector f = FloatVector.broadcast(F, factor);
        IntVector bits = FloatVector.broadcast(F, delta).reinterpretAsInts();
        IntVector differ = IntVector.zero(I);
        for (int i = from; i < to; i += LANES) {
            IntVector sum = IntVector.fromArray(I, p, i).add(IntVector.fromArray(I, q, i));
            FloatVector signed = sum.and(Integer.MIN_VALUE).or(bits).reinterpretAsFloats();
            FloatVector h = ((FloatVector) sum.convert(VectorOperators.I2F, 0)).fma(f, signed);
            IntVector g1 = h.sub(e).add(Simd.MAGIC).reinterpretAsInts();
            IntVector g2 = h.add(e).add(Simd.MAGIC).reinterpretAsInts();
            differ = differ.or(g1.lanewise(VectorOperators.XOR, g2));
            g1.sub(Simd.MAGIC_BITS - zero).max(lo).min(hi).intoArray(p, i);
            sum.intoArray(q, i);
        }
        return !differ.compare(VectorOperators.NE, 0).anyTrue();
    }
}
