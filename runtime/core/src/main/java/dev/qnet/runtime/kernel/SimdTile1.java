package dev.qnet.runtime.kernel;

import static jdk.incubator.vector.VectorOperators.ADD;
import static jdk.incubator.vector.VectorOperators.FMA;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * As {@link SimdTile12}, one row: for matrix-vector products. Four terms at a time go to accumulators of their own,
 * or else each multiply-add would wait for the one before; as all sums are exact integers, their order does not
 * matter.
 */
final class SimdTile1 {
    private static final VectorSpecies<Float> F = Simd.FLOATS;
    private static final int LANES = Simd.LANES;

    private SimdTile1() {}

    /** Columns are two vectors. */
    static void wide(float[] a, int ao, float[] b, int bo, int n, float[] init, int io, float[] c, int co) {
        if (n == 0) {
            return;
        }
        FloatVector c0 = FloatVector.fromArray(F, init, io);
        FloatVector c0b = FloatVector.fromArray(F, init, io + LANES);
        FloatVector c1 = FloatVector.zero(F);
        FloatVector c1b = FloatVector.zero(F);
        FloatVector c2 = FloatVector.zero(F);
        FloatVector c2b = FloatVector.zero(F);
        FloatVector c3 = FloatVector.zero(F);
        FloatVector c3b = FloatVector.zero(F);
        int k = 0;
        for (; k + 4 <= n; k += 4) {
            int at = bo + k * 2 * LANES;
            FloatVector a0 = FloatVector.broadcast(F, a[ao + k]);
            c0 = a0.lanewise(FMA, FloatVector.fromArray(F, b, at), c0);
            c0b = a0.lanewise(FMA, FloatVector.fromArray(F, b, at + LANES), c0b);
            FloatVector a1 = FloatVector.broadcast(F, a[ao + k + 1]);
            c1 = a1.lanewise(FMA, FloatVector.fromArray(F, b, at + 2 * LANES), c1);
            c1b = a1.lanewise(FMA, FloatVector.fromArray(F, b, at + 3 * LANES), c1b);
            FloatVector a2 = FloatVector.broadcast(F, a[ao + k + 2]);
            c2 = a2.lanewise(FMA, FloatVector.fromArray(F, b, at + 4 * LANES), c2);
            c2b = a2.lanewise(FMA, FloatVector.fromArray(F, b, at + 5 * LANES), c2b);
            FloatVector a3 = FloatVector.broadcast(F, a[ao + k + 3]);
            c3 = a3.lanewise(FMA, FloatVector.fromArray(F, b, at + 6 * LANES), c3);
            c3b = a3.lanewise(FMA, FloatVector.fromArray(F, b, at + 7 * LANES), c3b);
        }
        for (; k < n; k++) {
            FloatVector x = FloatVector.broadcast(F, a[ao + k]);
            c0 = x.lanewise(FMA, FloatVector.fromArray(F, b, bo + k * 2 * LANES), c0);
            c0b = x.lanewise(FMA, FloatVector.fromArray(F, b, bo + k * 2 * LANES + LANES), c0b);
        }
        c0.lanewise(ADD, c1).add(c2.lanewise(ADD, c3)).intoArray(c, co);
        c0b.lanewise(ADD, c1b).add(c2b.lanewise(ADD, c3b)).intoArray(c, co + LANES);
    }

    /** Columns are one vector. */
    static void narrow(float[] a, int ao, float[] b, int bo, int n, float[] init, int io, float[] c, int co) {
        if (n == 0) {
            return;
        }
        FloatVector c0 = FloatVector.fromArray(F, init, io);
        FloatVector c1 = FloatVector.zero(F);
        FloatVector c2 = FloatVector.zero(F);
        FloatVector c3 = FloatVector.zero(F);
        int k = 0;
        for (; k + 4 <= n; k += 4) {
            int at = bo + k * LANES;
            FloatVector a0 = FloatVector.broadcast(F, a[ao + k]);
            c0 = a0.lanewise(FMA, FloatVector.fromArray(F, b, at), c0);
            FloatVector a1 = FloatVector.broadcast(F, a[ao + k + 1]);
            c1 = a1.lanewise(FMA, FloatVector.fromArray(F, b, at + LANES), c1);
            FloatVector a2 = FloatVector.broadcast(F, a[ao + k + 2]);
            c2 = a2.lanewise(FMA, FloatVector.fromArray(F, b, at + 2 * LANES), c2);
            FloatVector a3 = FloatVector.broadcast(F, a[ao + k + 3]);
            c3 = a3.lanewise(FMA, FloatVector.fromArray(F, b, at + 3 * LANES), c3);
        }
        for (; k < n; k++) {
            FloatVector x = FloatVector.broadcast(F, a[ao + k]);
            c0 = x.lanewise(FMA, FloatVector.fromArray(F, b, bo + k * LANES), c0);
        }
        c0.lanewise(ADD, c1).add(c2.lanewise(ADD, c3)).intoArray(c, co);
    }
}
