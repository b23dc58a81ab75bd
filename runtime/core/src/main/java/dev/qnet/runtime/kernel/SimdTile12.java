package dev.qnet.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products of a block of 12 rows with a panel of columns, for machines with 32 vector registers: 24 accumulators, 2
 * columns and a broadcast fit without a spill. One method for all layers, for C2 takes about 100 ms for it and
 * constants for sizes gain nothing.
 *
 * <p>Arguments: a, the block [12][{@link #LDA}] from index ao; b, the panel [n][columns] from bo; n, the length of
 * the sums; c, the sums [12][columns], written.
 */
final class SimdTile12 {
    static final int ROWS = 12;

    private static final VectorSpecies<Float> F = Simd.FLOATS;
    private static final int LANES = Simd.LANES;

    /** Singles from row to row of the left block: a constant, so that all rows are addressed from one register. */
    static final int LDA = SimdPanels.LDA;

    private SimdTile12() {}

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
        FloatVector c6a = FloatVector.zero(F);
        FloatVector c6b = FloatVector.zero(F);
        FloatVector c7a = FloatVector.zero(F);
        FloatVector c7b = FloatVector.zero(F);
        FloatVector c8a = FloatVector.zero(F);
        FloatVector c8b = FloatVector.zero(F);
        FloatVector c9a = FloatVector.zero(F);
        FloatVector c9b = FloatVector.zero(F);
        FloatVector c10a = FloatVector.zero(F);
        FloatVector c10b = FloatVector.zero(F);
        FloatVector c11a = FloatVector.zero(F);
        FloatVector c11b = FloatVector.zero(F);
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
            FloatVector a6 = FloatVector.broadcast(F, a[ao + 6 * LDA + k]);
            c6a = a6.fma(b0, c6a);
            c6b = a6.fma(b1, c6b);
            FloatVector a7 = FloatVector.broadcast(F, a[ao + 7 * LDA + k]);
            c7a = a7.fma(b0, c7a);
            c7b = a7.fma(b1, c7b);
            FloatVector a8 = FloatVector.broadcast(F, a[ao + 8 * LDA + k]);
            c8a = a8.fma(b0, c8a);
            c8b = a8.fma(b1, c8b);
            FloatVector a9 = FloatVector.broadcast(F, a[ao + 9 * LDA + k]);
            c9a = a9.fma(b0, c9a);
            c9b = a9.fma(b1, c9b);
            FloatVector a10 = FloatVector.broadcast(F, a[ao + 10 * LDA + k]);
            c10a = a10.fma(b0, c10a);
            c10b = a10.fma(b1, c10b);
            FloatVector a11 = FloatVector.broadcast(F, a[ao + 11 * LDA + k]);
            c11a = a11.fma(b0, c11a);
            c11b = a11.fma(b1, c11b);
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
        c6a.intoArray(c, 12 * LANES);
        c6b.intoArray(c, 13 * LANES);
        c7a.intoArray(c, 14 * LANES);
        c7b.intoArray(c, 15 * LANES);
        c8a.intoArray(c, 16 * LANES);
        c8b.intoArray(c, 17 * LANES);
        c9a.intoArray(c, 18 * LANES);
        c9b.intoArray(c, 19 * LANES);
        c10a.intoArray(c, 20 * LANES);
        c10b.intoArray(c, 21 * LANES);
        c11a.intoArray(c, 22 * LANES);
        c11b.intoArray(c, 23 * LANES);
    }

    /** Columns are one vector. */
    static void narrow(float[] a, int ao, float[] b, int bo, int n, float[] c) {
        FloatVector c0 = FloatVector.zero(F);
        FloatVector c1 = FloatVector.zero(F);
        FloatVector c2 = FloatVector.zero(F);
        FloatVector c3 = FloatVector.zero(F);
        FloatVector c4 = FloatVector.zero(F);
        FloatVector c5 = FloatVector.zero(F);
        FloatVector c6 = FloatVector.zero(F);
        FloatVector c7 = FloatVector.zero(F);
        FloatVector c8 = FloatVector.zero(F);
        FloatVector c9 = FloatVector.zero(F);
        FloatVector c10 = FloatVector.zero(F);
        FloatVector c11 = FloatVector.zero(F);
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
            FloatVector a6 = FloatVector.broadcast(F, a[ao + 6 * LDA + k]);
            c6 = a6.fma(b0, c6);
            FloatVector a7 = FloatVector.broadcast(F, a[ao + 7 * LDA + k]);
            c7 = a7.fma(b0, c7);
            FloatVector a8 = FloatVector.broadcast(F, a[ao + 8 * LDA + k]);
            c8 = a8.fma(b0, c8);
            FloatVector a9 = FloatVector.broadcast(F, a[ao + 9 * LDA + k]);
            c9 = a9.fma(b0, c9);
            FloatVector a10 = FloatVector.broadcast(F, a[ao + 10 * LDA + k]);
            c10 = a10.fma(b0, c10);
            FloatVector a11 = FloatVector.broadcast(F, a[ao + 11 * LDA + k]);
            c11 = a11.fma(b0, c11);
        }
        c0.intoArray(c, 0);
        c1.intoArray(c, LANES);
        c2.intoArray(c, 2 * LANES);
        c3.intoArray(c, 3 * LANES);
        c4.intoArray(c, 4 * LANES);
        c5.intoArray(c, 5 * LANES);
        c6.intoArray(c, 6 * LANES);
        c7.intoArray(c, 7 * LANES);
        c8.intoArray(c, 8 * LANES);
        c9.intoArray(c, 9 * LANES);
        c10.intoArray(c, 10 * LANES);
        c11.intoArray(c, 11 * LANES);
    }
}
