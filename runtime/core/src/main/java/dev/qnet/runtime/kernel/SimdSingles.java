package dev.qnet.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * What {@link Loops} does to singles one by one, in vectors. C2 makes none of the plain loops: for all it knows, operand and
 * result overlap.
 */
final class SimdSingles {
    private static final VectorSpecies<Float> F = Simd.FLOATS;
    private static final VectorSpecies<Integer> I = Simd.INTS;
    private static final int LANES = Simd.LANES;

    private SimdSingles() {}

    /** As {@link Loops#limit}. */
    static void limit(float[] a, int x, int y, int n, float lo, float hi) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            FloatVector.fromArray(F, a, x + i).max(lo).min(hi).intoArray(a, y + i);
        }
        for (; i < n; i++) {
            a[y + i] = Math.min(Math.max(a[x + i], lo), hi);
        }
    }

    /** As {@link Loops#combine(FloatBinary.Fn, float[], int, float[], int, float[], int, int)}. */
    static void combine(FloatBinary.Fn fn, float[] p, int x, float[] q, int y, float[] to, int z, int n) {
        int done = switch (fn) {
            case ADD -> add(p, x, q, y, to, z, n);
            case SUB -> sub(p, x, q, y, to, z, n);
            case MUL -> mul(p, x, q, y, to, z, n);
            case DIV -> div(p, x, q, y, to, z, n);
            case POW, MIN, MAX, MOD -> 0;
        };
        if (done < n) {
            ScalarLoops.INSTANCE.combine(fn, p, x + done, q, y + done, to, z + done, n - done);
        }
    }

    private static int add(float[] p, int x, float[] q, int y, float[] to, int z, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            FloatVector.fromArray(F, p, x + i)
                    .add(FloatVector.fromArray(F, q, y + i))
                    .intoArray(to, z + i);
        }
        return i;
    }

    private static int sub(float[] p, int x, float[] q, int y, float[] to, int z, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            FloatVector.fromArray(F, p, x + i)
                    .sub(FloatVector.fromArray(F, q, y + i))
                    .intoArray(to, z + i);
        }
        return i;
    }

    private static int mul(float[] p, int x, float[] q, int y, float[] to, int z, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            FloatVector.fromArray(F, p, x + i)
                    .mul(FloatVector.fromArray(F, q, y + i))
                    .intoArray(to, z + i);
        }
        return i;
    }

    private static int div(float[] p, int x, float[] q, int y, float[] to, int z, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            FloatVector.fromArray(F, p, x + i)
                    .div(FloatVector.fromArray(F, q, y + i))
                    .intoArray(to, z + i);
        }
        return i;
    }

    /** As {@link Loops#affine}. */
    static void affine(int[] a, int x, float[] factor, float[] offset, float[] to, int y, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            FloatVector v = (FloatVector) IntVector.fromArray(I, a, x + i).convert(VectorOperators.I2F, 0);
            v.mul(FloatVector.fromArray(F, factor, i))
                    .add(FloatVector.fromArray(F, offset, i))
                    .intoArray(to, y + i);
        }
        for (; i < n; i++) {
            to[y + i] = a[x + i] * factor[i] + offset[i];
        }
    }

    /** As {@link Loops#extremes}. */
    static void extremes(float[] a, int x, int n, float[] to) {
        FloatVector lo = FloatVector.zero(F);
        FloatVector hi = FloatVector.zero(F);
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            FloatVector v = FloatVector.fromArray(F, a, x + i);
            VectorMask<Float> less = v.compare(VectorOperators.LT, lo);
            VectorMask<Float> more = v.compare(VectorOperators.GT, hi);
            lo = lo.blend(v, less);
            hi = hi.blend(v, more);
        }
        to[0] = lo.reduceLanes(VectorOperators.MIN);
        to[1] = hi.reduceLanes(VectorOperators.MAX);
        for (; i < n; i++) {
            float v = a[x + i];
            to[0] = v < to[0] ? v : to[0];
            to[1] = v > to[1] ? v : to[1];
        }
    }
}
