package dev.qnet.runtime.kernel;

import static jdk.incubator.vector.VectorOperators.FMA;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** As {@link SimdTile12}, 4 rows: for the rest of the rows, and for matrices with few. */
final class SimdTile4 {
    static final int ROWS = 4;

    private static final VectorSpecies<Float> F = Simd.FLOATS;
    private static final int LANES = Simd.LANES;

    /** Singles from row to row of the left block: a constant, so that all rows are addressed from one register. */
    static final int LDA = SimdPanels.LDA;

    private SimdTile4() {}

    /** Columns are two vectors. */
    static void wide(float[] a, int ao, float[] b, int bo, int n, float[] init, int io, int is, float[] c, int co) {
        if (n == 0) {
            return;
        }
        FloatVector i0 = FloatVector.fromArray(F, init, io);
        FloatVector i1 = FloatVector.fromArray(F, init, io + LANES);
        FloatVector c0a = i0;
        FloatVector c0b = i1;
        FloatVector c1a = i0;
        FloatVector c1b = i1;
        FloatVector c2a = i0;
        FloatVector c2b = i1;
        FloatVector c3a = i0;
        FloatVector c3b = i1;
        if (is != 0) {
            c1a = FloatVector.fromArray(F, init, io + is);
            c1b = FloatVector.fromArray(F, init, io + is + LANES);
            c2a = FloatVector.fromArray(F, init, io + 2 * is);
            c2b = FloatVector.fromArray(F, init, io + 2 * is + LANES);
            c3a = FloatVector.fromArray(F, init, io + 3 * is);
            c3b = FloatVector.fromArray(F, init, io + 3 * is + LANES);
        }
        for (int k = 0; k < n; k += 2) {
            int at = bo + k * 2 * LANES;
            FloatVector b0 = FloatVector.fromArray(F, b, at);
            FloatVector b1 = FloatVector.fromArray(F, b, at + LANES);
            FloatVector a0 = FloatVector.broadcast(F, a[ao + k]);
            c0a = a0.lanewise(FMA, b0, c0a);
            c0b = a0.lanewise(FMA, b1, c0b);
            FloatVector a1 = FloatVector.broadcast(F, a[ao + LDA + k]);
            c1a = a1.lanewise(FMA, b0, c1a);
            c1b = a1.lanewise(FMA, b1, c1b);
            FloatVector a2 = FloatVector.broadcast(F, a[ao + 2 * LDA + k]);
            c2a = a2.lanewise(FMA, b0, c2a);
            c2b = a2.lanewise(FMA, b1, c2b);
            FloatVector a3 = FloatVector.broadcast(F, a[ao + 3 * LDA + k]);
            c3a = a3.lanewise(FMA, b0, c3a);
            c3b = a3.lanewise(FMA, b1, c3b);
            FloatVector b2 = FloatVector.fromArray(F, b, at + 2 * LANES);
            FloatVector b3 = FloatVector.fromArray(F, b, at + 3 * LANES);
            FloatVector d0 = FloatVector.broadcast(F, a[ao + k + 1]);
            c0a = d0.lanewise(FMA, b2, c0a);
            c0b = d0.lanewise(FMA, b3, c0b);
            FloatVector d1 = FloatVector.broadcast(F, a[ao + LDA + k + 1]);
            c1a = d1.lanewise(FMA, b2, c1a);
            c1b = d1.lanewise(FMA, b3, c1b);
            FloatVector d2 = FloatVector.broadcast(F, a[ao + 2 * LDA + k + 1]);
            c2a = d2.lanewise(FMA, b2, c2a);
            c2b = d2.lanewise(FMA, b3, c2b);
            FloatVector d3 = FloatVector.broadcast(F, a[ao + 3 * LDA + k + 1]);
            c3a = d3.lanewise(FMA, b2, c3a);
            c3b = d3.lanewise(FMA, b3, c3b);
        }
        c0a.intoArray(c, co);
        c0b.intoArray(c, co + LANES);
        c1a.intoArray(c, co + 2 * LANES);
        c1b.intoArray(c, co + 3 * LANES);
        c2a.intoArray(c, co + 4 * LANES);
        c2b.intoArray(c, co + 5 * LANES);
        c3a.intoArray(c, co + 6 * LANES);
        c3b.intoArray(c, co + 7 * LANES);
    }

    /** Columns are one vector. */
    static void narrow(float[] a, int ao, float[] b, int bo, int n, float[] init, int io, int is, float[] c, int co) {
        if (n == 0) {
            return;
        }
        FloatVector i0 = FloatVector.fromArray(F, init, io);
        FloatVector c0 = i0;
        FloatVector c1 = i0;
        FloatVector c2 = i0;
        FloatVector c3 = i0;
        if (is != 0) {
            c1 = FloatVector.fromArray(F, init, io + is);
            c2 = FloatVector.fromArray(F, init, io + 2 * is);
            c3 = FloatVector.fromArray(F, init, io + 3 * is);
        }
        for (int k = 0; k < n; k += 2) {
            int at = bo + k * LANES;
            FloatVector b0 = FloatVector.fromArray(F, b, at);
            FloatVector a0 = FloatVector.broadcast(F, a[ao + k]);
            c0 = a0.lanewise(FMA, b0, c0);
            FloatVector a1 = FloatVector.broadcast(F, a[ao + LDA + k]);
            c1 = a1.lanewise(FMA, b0, c1);
            FloatVector a2 = FloatVector.broadcast(F, a[ao + 2 * LDA + k]);
            c2 = a2.lanewise(FMA, b0, c2);
            FloatVector a3 = FloatVector.broadcast(F, a[ao + 3 * LDA + k]);
            c3 = a3.lanewise(FMA, b0, c3);
            FloatVector b1 = FloatVector.fromArray(F, b, at + LANES);
            FloatVector d0 = FloatVector.broadcast(F, a[ao + k + 1]);
            c0 = d0.lanewise(FMA, b1, c0);
            FloatVector d1 = FloatVector.broadcast(F, a[ao + LDA + k + 1]);
            c1 = d1.lanewise(FMA, b1, c1);
            FloatVector d2 = FloatVector.broadcast(F, a[ao + 2 * LDA + k + 1]);
            c2 = d2.lanewise(FMA, b1, c2);
            FloatVector d3 = FloatVector.broadcast(F, a[ao + 3 * LDA + k + 1]);
            c3 = d3.lanewise(FMA, b1, c3);
        }
        c0.intoArray(c, co);
        c1.intoArray(c, co + LANES);
        c2.intoArray(c, co + 2 * LANES);
        c3.intoArray(c, co + 3 * LANES);
    }
}
