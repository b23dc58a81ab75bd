package dev.qnet.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Loops#combine} in vectors. C2 makes none of the plain loops: for all it knows, the arrays are one, at different
 * offsets. A method each, so that only what a model needs is compiled.
 */
final class SimdInts {
    private static final VectorSpecies<Integer> I = Simd.INTS;
    private static final VectorSpecies<Short> S = Simd.SHORTS;
    private static final int LANES = Simd.LANES;

    private SimdInts() {}

    static void combine(IntBinary.Fn fn, int[] p, int at, int[] q, int from, int n) {
        int done = switch (fn) {
            case ADD -> add(p, at, q, from, n);
            case SUB -> sub(p, at, q, from, n);
            case MUL -> mul(p, at, q, from, n);
            case MIN -> min(p, at, q, from, n);
            case MAX -> max(p, at, q, from, n);
            case AND -> and(p, at, q, from, n);
            case OR -> or(p, at, q, from, n);
            case XOR -> xor(p, at, q, from, n);
            case DIV, POW, MOD -> throw new AssertionError(fn);
        };
        if (done < n) {
            ScalarLoops.INSTANCE.combine(fn, p, at + done, q, from + done, n - done);
        }
    }

    private static int add(int[] p, int at, int[] q, int from, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector b = IntVector.fromArray(I, q, from + i);
            IntVector.fromArray(I, p, at + i).add(b).intoArray(p, at + i);
        }
        return i;
    }

    private static int sub(int[] p, int at, int[] q, int from, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector b = IntVector.fromArray(I, q, from + i);
            IntVector.fromArray(I, p, at + i).sub(b).intoArray(p, at + i);
        }
        return i;
    }

    private static int mul(int[] p, int at, int[] q, int from, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector b = IntVector.fromArray(I, q, from + i);
            IntVector.fromArray(I, p, at + i).mul(b).intoArray(p, at + i);
        }
        return i;
    }

    private static int min(int[] p, int at, int[] q, int from, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector b = IntVector.fromArray(I, q, from + i);
            IntVector.fromArray(I, p, at + i).min(b).intoArray(p, at + i);
        }
        return i;
    }

    private static int max(int[] p, int at, int[] q, int from, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector b = IntVector.fromArray(I, q, from + i);
            IntVector.fromArray(I, p, at + i).max(b).intoArray(p, at + i);
        }
        return i;
    }

    private static int and(int[] p, int at, int[] q, int from, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector b = IntVector.fromArray(I, q, from + i);
            IntVector.fromArray(I, p, at + i).and(b).intoArray(p, at + i);
        }
        return i;
    }

    private static int or(int[] p, int at, int[] q, int from, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector b = IntVector.fromArray(I, q, from + i);
            IntVector.fromArray(I, p, at + i).or(b).intoArray(p, at + i);
        }
        return i;
    }

    private static int xor(int[] p, int at, int[] q, int from, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector b = IntVector.fromArray(I, q, from + i);
            IntVector.fromArray(I, p, at + i).lanewise(VectorOperators.XOR, b).intoArray(p, at + i);
        }
        return i;
    }

    /**
     * As {@link Loops#cell}; n is a multiple of the lanes. v/2^s with ties away from zero is {@code (v + 2^(s−1) − 1) >> s} for v &lt;
     * 0, and without − 1 above.
     */
    static void cells(short[] a, int f, int c, int i, int g, int result, int n, int inputShift, int limit) {
        if (n == 0) {
            return;
        }
        int lo = Math.max(Short.MIN_VALUE, -limit);
        int hi = Math.min(Short.MAX_VALUE, limit);
        for (int k = 0; k < n; k += LANES) {
            IntVector fs = (IntVector) ShortVector.fromArray(S, a, f + k).convertShape(VectorOperators.S2I, I, 0);
            IntVector cs = (IntVector) ShortVector.fromArray(S, a, c + k).convertShape(VectorOperators.S2I, I, 0);
            IntVector is = (IntVector) ShortVector.fromArray(S, a, i + k).convertShape(VectorOperators.S2I, I, 0);
            IntVector gs = (IntVector) ShortVector.fromArray(S, a, g + k).convertShape(VectorOperators.S2I, I, 0);
            IntVector kept = fs.lanewise(VectorOperators.MUL, cs);
            kept = kept.lanewise(VectorOperators.ASHR, 31)
                    .lanewise(VectorOperators.ADD, kept)
                    .lanewise(VectorOperators.ADD, 1 << (LstmCell.STATE_SHIFT - 1))
                    .lanewise(VectorOperators.ASHR, LstmCell.STATE_SHIFT)
                    .lanewise(VectorOperators.MAX, Short.MIN_VALUE)
                    .lanewise(VectorOperators.MIN, Short.MAX_VALUE);
            IntVector added = is.lanewise(VectorOperators.MUL, gs);
            added = added.lanewise(VectorOperators.ASHR, 31)
                    .lanewise(VectorOperators.ADD, added)
                    .lanewise(VectorOperators.ADD, 1 << (inputShift - 1))
                    .lanewise(VectorOperators.ASHR, inputShift)
                    .lanewise(VectorOperators.MAX, Short.MIN_VALUE)
                    .lanewise(VectorOperators.MIN, Short.MAX_VALUE);
            IntVector sum = kept.lanewise(VectorOperators.ADD, added)
                    .lanewise(VectorOperators.MAX, lo)
                    .lanewise(VectorOperators.MIN, hi);
            ((ShortVector) sum.convertShape(VectorOperators.I2S, S, 0)).intoArray(a, result + k);
        }
    }

    /**
     * Means in fixed point, {@link Loops#means}; n is a multiple of the lanes. {@link Rounding#TOSA} is the floor of (S + ⌊c/2⌋)/c,
     * for where c is odd, a half more is less than the next integer. {@link Rounding#TFLITE} is the same of |S|, with the sign of
     * S. A mean is below 2^16, and three roundings of 2^-24 each leave the quotient in singles within 0.02 of the true one. So
     * what it rounds to is the floor or one more, and the remainder's sign tells which.
     *
     * @param signs −1 for |S|, 0 for S
     */
    static void means(int[] a, int n, int count, int signs) {
        if (n == 0) {
            return;
        }
        float inverse = 1f / count;
        int half = count / 2;
        for (int i = 0; i < n; i += LANES) {
            IntVector sum = IntVector.fromArray(I, a, i);
            IntVector sign = sum.lanewise(VectorOperators.ASHR, 31).lanewise(VectorOperators.AND, signs);
            IntVector v = sum.lanewise(VectorOperators.XOR, sign)
                    .lanewise(VectorOperators.SUB, sign)
                    .lanewise(VectorOperators.ADD, half);
            IntVector q = ((FloatVector) v.convert(VectorOperators.I2F, 0))
                    .lanewise(VectorOperators.MUL, inverse)
                    .lanewise(VectorOperators.ADD, Simd.MAGIC)
                    .reinterpretAsInts()
                    .lanewise(VectorOperators.SUB, Simd.MAGIC_BITS);
            IntVector rest = v.lanewise(VectorOperators.SUB, q.lanewise(VectorOperators.MUL, count));
            q.lanewise(VectorOperators.ADD, rest.lanewise(VectorOperators.ASHR, 31))
                    .lanewise(VectorOperators.XOR, sign)
                    .lanewise(VectorOperators.SUB, sign)
                    .intoArray(a, i);
        }
    }

    /** Means in singles, rounded half to even; n is a multiple of the lanes. */
    static void realMeans(int[] a, int n, int count) {
        if (n == 0) {
            return;
        }
        float c = count;
        for (int i = 0; i < n; i += LANES) {
            FloatVector sum = (FloatVector) IntVector.fromArray(I, a, i).convert(VectorOperators.I2F, 0);
            sum.lanewise(VectorOperators.DIV, c)
                    .lanewise(VectorOperators.ADD, Simd.MAGIC)
                    .reinterpretAsInts()
                    .lanewise(VectorOperators.SUB, Simd.MAGIC_BITS)
                    .intoArray(a, i);
        }
    }
}
