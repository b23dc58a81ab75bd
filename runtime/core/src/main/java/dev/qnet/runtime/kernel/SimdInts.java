package dev.qnet.runtime.kernel;

import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Loops#combine} in vectors. C2 makes none of the plain loops: for all it knows, the arrays are one, at different
 * offsets. A method each, so that only what a model needs is compiled.
 */
final class SimdInts {
    private static final VectorSpecies<Integer> I = Simd.INTS;
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
}
