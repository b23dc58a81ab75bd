package dev.qnet.runtime.kernel;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Loops#product} in vectors: columns are lanes, so that each sum has its own order. A product of two singles is exact
 * in double, and a fused multiply-add rounds the same sum as an addition of it.
 */
final class SimdFloats {
    private static final VectorSpecies<Double> D =
            DoubleVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(Simd.BITS));

    /** As many singles as {@link #D} has lanes. */
    private static final VectorSpecies<Float> F =
            FloatVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(Simd.BITS / 2));

    private static final int LANES = D.length();

    /** Columns of a tile. */
    static final int COLUMNS = 2 * LANES;

    private static final int ROWS = 4;

    private SimdFloats() {}

    /** As {@link Loops#product}. */
    static void product(double[] a, int rows, int k, float[] w, int at, int n, double[] first, double[] c, int step) {
        for (int j = 0; j < n; j += COLUMNS) {
            // The last columns may overlap those before, which are computed again.
            int i = Math.max(0, Math.min(j, n - COLUMNS));
            int r = 0;
            for (; r + ROWS <= rows; r += ROWS) {
                four(a, r * k, k, w, at + i, n, first, i, c, r * step + i, step);
            }
            for (; r < rows; r++) {
                one(a, r * k, k, w, at + i, n, first, i, c, r * step + i);
            }
        }
    }

    /** As {@link Loops#widen}. */
    static void widen(float[] from, int at, double[] to, int y, int n) {
        int i = 0;
        int end = Math.min(n, from.length - at - LANES + 1);
        for (; i < end; i += LANES) {
            ((DoubleVector) FloatVector.fromArray(F, from, at + i).convertShape(VectorOperators.F2D, D, 0))
                    .intoArray(to, y + i);
        }
        for (; i < n; i++) {
            to[y + i] = from[at + i];
        }
    }

    static void four(
            double[] a,
            int from,
            int k,
            float[] w,
            int at,
            int n,
            double[] first,
            int i,
            double[] c,
            int to,
            int step) {
        DoubleVector f0 = DoubleVector.fromArray(D, first, i);
        DoubleVector f1 = DoubleVector.fromArray(D, first, i + LANES);
        DoubleVector c00 = f0;
        DoubleVector c01 = f1;
        DoubleVector c10 = f0;
        DoubleVector c11 = f1;
        DoubleVector c20 = f0;
        DoubleVector c21 = f1;
        DoubleVector c30 = f0;
        DoubleVector c31 = f1;
        for (int j = 0; j < k; j++) {
            DoubleVector w0 =
                    (DoubleVector) FloatVector.fromArray(F, w, at + j * n).convertShape(VectorOperators.F2D, D, 0);
            DoubleVector w1 = (DoubleVector)
                    FloatVector.fromArray(F, w, at + j * n + LANES).convertShape(VectorOperators.F2D, D, 0);
            DoubleVector x0 = DoubleVector.broadcast(D, a[from + j]);
            c00 = x0.fma(w0, c00);
            c01 = x0.fma(w1, c01);
            DoubleVector x1 = DoubleVector.broadcast(D, a[from + k + j]);
            c10 = x1.fma(w0, c10);
            c11 = x1.fma(w1, c11);
            DoubleVector x2 = DoubleVector.broadcast(D, a[from + 2 * k + j]);
            c20 = x2.fma(w0, c20);
            c21 = x2.fma(w1, c21);
            DoubleVector x3 = DoubleVector.broadcast(D, a[from + 3 * k + j]);
            c30 = x3.fma(w0, c30);
            c31 = x3.fma(w1, c31);
        }
        c00.intoArray(c, to);
        c01.intoArray(c, to + LANES);
        c10.intoArray(c, to + step);
        c11.intoArray(c, to + step + LANES);
        c20.intoArray(c, to + 2 * step);
        c21.intoArray(c, to + 2 * step + LANES);
        c30.intoArray(c, to + 3 * step);
        c31.intoArray(c, to + 3 * step + LANES);
    }

    static void one(double[] a, int from, int k, float[] w, int at, int n, double[] first, int i, double[] c, int to) {
        DoubleVector c0 = DoubleVector.fromArray(D, first, i);
        DoubleVector c1 = DoubleVector.fromArray(D, first, i + LANES);
        for (int j = 0; j < k; j++) {
            DoubleVector w0 =
                    (DoubleVector) FloatVector.fromArray(F, w, at + j * n).convertShape(VectorOperators.F2D, D, 0);
            DoubleVector w1 = (DoubleVector)
                    FloatVector.fromArray(F, w, at + j * n + LANES).convertShape(VectorOperators.F2D, D, 0);
            DoubleVector x = DoubleVector.broadcast(D, a[from + j]);
            c0 = x.fma(w0, c0);
            c1 = x.fma(w1, c1);
        }
        c0.intoArray(c, to);
        c1.intoArray(c, to + LANES);
    }
}
