package dev.qnet.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * As {@link SimdTile12}, 6 rows, for machines with 16 vector registers: 12 accumulators, 2 columns and a broadcast.
 */
final class SimdTile6 {
    static final int ROWS = 6;

    private static final VectorSpecies<Float> F = Simd.FLOATS;
    private static final int LANES = Simd.LANES;

    /** Singles from row to row of the left block: a constant, so that all rows are addressed from one register. */
    static final int LDA = SimdPanels.LDA;

    private SimdTile6() {}

    /** Columns are two vectors. */
    static void wide(float[] a, int ao, float[] b, int bo, int n, float[] c) {
        FloatVector c0a = FloatVector.zero(F);
        FloatVector c0b = FloatVector.zero(F);
        FloatVector c1a = FloatVector.zero(F);
        FloatVector c1b = FloatVector.zero(F);
        FloatVector c2a = FloatVector.zero(F);
        FloatVector c2b = FloatVector.zero(F);
        FloatVector c3a = FloatVector.zero(F);
        FloatVector c3b = FloatVector.zero(F);
        FloatVector c4a = FloatVector.zero(F);
        FloatVector c4b = FloatVector.zero(F);
        FloatVector c5a = FloatVector.zero(F);
        FloatVector c5b = FloatVector.zero(F);
        for (int k = 0; k < n; k++) {
            FloatVector b0 = FloatVector.fromArray(F, b, bo + k * 2 * LANES);
            FloatVector b1 = FloatVector.fromArray(F, b, bo + k * 2 * LANES + LANES);
            FloatVector a0 = FloatVector.broadcast(F, a[ao + k]);
            c0a = a0.fma(b0, c0a);
            c0b = a0.fma(b1, c0b);
            FloatVector a1 = FloatVector.broadcast(F, a[ao + LDA + k]);
            c1a = a1.fma(b0, c1a);
            c1b = a1.fma(b1, c1b);
            FloatVector a2 = FloatVector.broadcast(F, a[ao + 2 * LDA + k]);
            c2a = a2.fma(b0, c2a);
            c2b = a2.fma(b1, c2b);
            FloatVector a3 = FloatVector.broadcast(F, a[ao + 3 * LDA + k]);
            c3a = a3.fma(b0, c3a);
            c3b = a3.fma(b1, c3b);
            FloatVector a4 = FloatVector.broadcast(F, a[ao + 4 * LDA + k]);
            c4a = a4.fma(b0, c4a);
            c4b = a4.fma(b1, c4b);
            FloatVector a5 = FloatVector.broadcast(F, a[ao + 5 * LDA + k]);
            c5a = a5.fma(b0, c5a);
            c5b = a5.fma(b1, c5b);
        }
        c0a.intoArray(c, 0);
        c0b.intoArray(c, LANES);
        c1a.intoArray(c, 2 * LANES);
        c1b.intoArray(c, 3 * LANES);
        c2a.intoArray(c, 4 * LANES);
        c2b.intoArray(c, 5 * LANES);
        c3a.intoArray(c, 6 * LANES);
        c3b.intoArray(c, 7 * LANES);
        c4a.intoArray(c, 8 * LANES);
        c4b.intoArray(c, 9 * LANES);
        c5a.intoArray(c, 10 * LANES);
        c5b.intoArray(c, 11 * LANES);
    }

    /** Columns are one vector. */
    static void narrow(float[] a, int ao, float[] b, int bo, int n, float[] c) {
        FloatVector c0 = FloatVector.zero(F);
        FloatVector c1 = FloatVector.zero(F);
        FloatVector c2 = FloatVector.zero(F);
        FloatVector c3 = FloatVector.zero(F);
        FloatVector c4 = FloatVector.zero(F);
        FloatVector c5 = FloatVector.zero(F);
        for (int k = 0; k < n; k++) {
            FloatVector b0 = FloatVector.fromArray(F, b, bo + k * LANES);
            FloatVector a0 = FloatVector.broadcast(F, a[ao + k]);
            c0 = a0.fma(b0, c0);
            FloatVector a1 = FloatVector.broadcast(F, a[ao + LDA + k]);
            c1 = a1.fma(b0, c1);
            FloatVector a2 = FloatVector.broadcast(F, a[ao + 2 * LDA + k]);
            c2 = a2.fma(b0, c2);
            FloatVector a3 = FloatVector.broadcast(F, a[ao + 3 * LDA + k]);
            c3 = a3.fma(b0, c3);
            FloatVector a4 = FloatVector.broadcast(F, a[ao + 4 * LDA + k]);
            c4 = a4.fma(b0, c4);
            FloatVector a5 = FloatVector.broadcast(F, a[ao + 5 * LDA + k]);
            c5 = a5.fma(b0, c5);
        }
        c0.intoArray(c, 0);
        c1.intoArray(c, LANES);
        c2.intoArray(c, 2 * LANES);
        c3.intoArray(c, 3 * LANES);
        c4.intoArray(c, 4 * LANES);
        c5.intoArray(c, 5 * LANES);
    }
}
