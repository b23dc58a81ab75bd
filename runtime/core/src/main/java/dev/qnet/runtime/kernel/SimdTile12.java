package dev.qnet.runtime.kernel;

import static jdk.incubator.vector.VectorOperators.FMA;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products of a block of 12 rows with a panel of columns, for machines with 32 vector registers: 24 accumulators, 2
 * columns and a broadcast fit without a spill. One method for all layers, for C2 takes about 100 ms for it and
 * constants for sizes gain nothing. Two terms a turn: with one, loads that cross a cache line cost a tenth; with four,
 * C2 spills.
 *
 * <p>Arguments: a, the block [12][{@link #LDA}] from index ao; b, the panel [n][columns] from bo; n, the length of
 * the sums, even; init, what the sums begin with, a row of columns from io; c, the sums [12][columns],
 * written from co.
 */
final class SimdTile12 {
    static final int ROWS = 12;

    private static final VectorSpecies<Float> F = Simd.FLOATS;
    private static final VectorSpecies<Integer> I = Simd.INTS;
    private static final VectorSpecies<Byte> B = Simd.BYTES;
    private static final int LANES = Simd.LANES;

    /** Singles from row to row of the left block: a constant, so that all rows are addressed from one register. */
    static final int LDA = SimdPanels.LDA;

    private SimdTile12() {}

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
        FloatVector c4a = i0;
        FloatVector c4b = i1;
        FloatVector c5a = i0;
        FloatVector c5b = i1;
        FloatVector c6a = i0;
        FloatVector c6b = i1;
        FloatVector c7a = i0;
        FloatVector c7b = i1;
        FloatVector c8a = i0;
        FloatVector c8b = i1;
        FloatVector c9a = i0;
        FloatVector c9b = i1;
        FloatVector c10a = i0;
        FloatVector c10b = i1;
        FloatVector c11a = i0;
        FloatVector c11b = i1;
        if (is != 0) {
            c1a = FloatVector.fromArray(F, init, io + is);
            c1b = FloatVector.fromArray(F, init, io + is + LANES);
            c2a = FloatVector.fromArray(F, init, io + 2 * is);
            c2b = FloatVector.fromArray(F, init, io + 2 * is + LANES);
            c3a = FloatVector.fromArray(F, init, io + 3 * is);
            c3b = FloatVector.fromArray(F, init, io + 3 * is + LANES);
            c4a = FloatVector.fromArray(F, init, io + 4 * is);
            c4b = FloatVector.fromArray(F, init, io + 4 * is + LANES);
            c5a = FloatVector.fromArray(F, init, io + 5 * is);
            c5b = FloatVector.fromArray(F, init, io + 5 * is + LANES);
            c6a = FloatVector.fromArray(F, init, io + 6 * is);
            c6b = FloatVector.fromArray(F, init, io + 6 * is + LANES);
            c7a = FloatVector.fromArray(F, init, io + 7 * is);
            c7b = FloatVector.fromArray(F, init, io + 7 * is + LANES);
            c8a = FloatVector.fromArray(F, init, io + 8 * is);
            c8b = FloatVector.fromArray(F, init, io + 8 * is + LANES);
            c9a = FloatVector.fromArray(F, init, io + 9 * is);
            c9b = FloatVector.fromArray(F, init, io + 9 * is + LANES);
            c10a = FloatVector.fromArray(F, init, io + 10 * is);
            c10b = FloatVector.fromArray(F, init, io + 10 * is + LANES);
            c11a = FloatVector.fromArray(F, init, io + 11 * is);
            c11b = FloatVector.fromArray(F, init, io + 11 * is + LANES);
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
            FloatVector a4 = FloatVector.broadcast(F, a[ao + 4 * LDA + k]);
            c4a = a4.lanewise(FMA, b0, c4a);
            c4b = a4.lanewise(FMA, b1, c4b);
            FloatVector a5 = FloatVector.broadcast(F, a[ao + 5 * LDA + k]);
            c5a = a5.lanewise(FMA, b0, c5a);
            c5b = a5.lanewise(FMA, b1, c5b);
            FloatVector a6 = FloatVector.broadcast(F, a[ao + 6 * LDA + k]);
            c6a = a6.lanewise(FMA, b0, c6a);
            c6b = a6.lanewise(FMA, b1, c6b);
            FloatVector a7 = FloatVector.broadcast(F, a[ao + 7 * LDA + k]);
            c7a = a7.lanewise(FMA, b0, c7a);
            c7b = a7.lanewise(FMA, b1, c7b);
            FloatVector a8 = FloatVector.broadcast(F, a[ao + 8 * LDA + k]);
            c8a = a8.lanewise(FMA, b0, c8a);
            c8b = a8.lanewise(FMA, b1, c8b);
            FloatVector a9 = FloatVector.broadcast(F, a[ao + 9 * LDA + k]);
            c9a = a9.lanewise(FMA, b0, c9a);
            c9b = a9.lanewise(FMA, b1, c9b);
            FloatVector a10 = FloatVector.broadcast(F, a[ao + 10 * LDA + k]);
            c10a = a10.lanewise(FMA, b0, c10a);
            c10b = a10.lanewise(FMA, b1, c10b);
            FloatVector a11 = FloatVector.broadcast(F, a[ao + 11 * LDA + k]);
            c11a = a11.lanewise(FMA, b0, c11a);
            c11b = a11.lanewise(FMA, b1, c11b);
            c[co] = 0; // keeps the loads that follow behind it: C2 would spill two sums to have them earlier
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
            FloatVector d4 = FloatVector.broadcast(F, a[ao + 4 * LDA + k + 1]);
            c4a = d4.lanewise(FMA, b2, c4a);
            c4b = d4.lanewise(FMA, b3, c4b);
            FloatVector d5 = FloatVector.broadcast(F, a[ao + 5 * LDA + k + 1]);
            c5a = d5.lanewise(FMA, b2, c5a);
            c5b = d5.lanewise(FMA, b3, c5b);
            FloatVector d6 = FloatVector.broadcast(F, a[ao + 6 * LDA + k + 1]);
            c6a = d6.lanewise(FMA, b2, c6a);
            c6b = d6.lanewise(FMA, b3, c6b);
            FloatVector d7 = FloatVector.broadcast(F, a[ao + 7 * LDA + k + 1]);
            c7a = d7.lanewise(FMA, b2, c7a);
            c7b = d7.lanewise(FMA, b3, c7b);
            FloatVector d8 = FloatVector.broadcast(F, a[ao + 8 * LDA + k + 1]);
            c8a = d8.lanewise(FMA, b2, c8a);
            c8b = d8.lanewise(FMA, b3, c8b);
            FloatVector d9 = FloatVector.broadcast(F, a[ao + 9 * LDA + k + 1]);
            c9a = d9.lanewise(FMA, b2, c9a);
            c9b = d9.lanewise(FMA, b3, c9b);
            FloatVector d10 = FloatVector.broadcast(F, a[ao + 10 * LDA + k + 1]);
            c10a = d10.lanewise(FMA, b2, c10a);
            c10b = d10.lanewise(FMA, b3, c10b);
            FloatVector d11 = FloatVector.broadcast(F, a[ao + 11 * LDA + k + 1]);
            c11a = d11.lanewise(FMA, b2, c11a);
            c11b = d11.lanewise(FMA, b3, c11b);
        }
        c0a.intoArray(c, co);
        c0b.intoArray(c, co + LANES);
        c1a.intoArray(c, co + 2 * LANES);
        c1b.intoArray(c, co + 3 * LANES);
        c2a.intoArray(c, co + 4 * LANES);
        c2b.intoArray(c, co + 5 * LANES);
        c3a.intoArray(c, co + 6 * LANES);
        c3b.intoArray(c, co + 7 * LANES);
        c4a.intoArray(c, co + 8 * LANES);
        c4b.intoArray(c, co + 9 * LANES);
        c5a.intoArray(c, co + 10 * LANES);
        c5b.intoArray(c, co + 11 * LANES);
        c6a.intoArray(c, co + 12 * LANES);
        c6b.intoArray(c, co + 13 * LANES);
        c7a.intoArray(c, co + 14 * LANES);
        c7b.intoArray(c, co + 15 * LANES);
        c8a.intoArray(c, co + 16 * LANES);
        c8b.intoArray(c, co + 17 * LANES);
        c9a.intoArray(c, co + 18 * LANES);
        c9b.intoArray(c, co + 19 * LANES);
        c10a.intoArray(c, co + 20 * LANES);
        c10b.intoArray(c, co + 21 * LANES);
        c11a.intoArray(c, co + 22 * LANES);
        c11b.intoArray(c, co + 23 * LANES);
    }

    /**
     * As {@link #wide}, of a panel of bytes, which are made singles on the way, for the blocks that follow: beside so much
     * arithmetic, that takes little time.
     *
     * @param singles where they go, from index 0
     */
    static void wideOfBytes(
            float[] a,
            int ao,
            byte[] b,
            int bo,
            int n,
            float[] singles,
            float[] init,
            int io,
            int is,
            float[] c,
            int co) {
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
        FloatVector c4a = i0;
        FloatVector c4b = i1;
        FloatVector c5a = i0;
        FloatVector c5b = i1;
        FloatVector c6a = i0;
        FloatVector c6b = i1;
        FloatVector c7a = i0;
        FloatVector c7b = i1;
        FloatVector c8a = i0;
        FloatVector c8b = i1;
        FloatVector c9a = i0;
        FloatVector c9b = i1;
        FloatVector c10a = i0;
        FloatVector c10b = i1;
        FloatVector c11a = i0;
        FloatVector c11b = i1;
        if (is != 0) {
            c1a = FloatVector.fromArray(F, init, io + is);
            c1b = FloatVector.fromArray(F, init, io + is + LANES);
            c2a = FloatVector.fromArray(F, init, io + 2 * is);
            c2b = FloatVector.fromArray(F, init, io + 2 * is + LANES);
            c3a = FloatVector.fromArray(F, init, io + 3 * is);
            c3b = FloatVector.fromArray(F, init, io + 3 * is + LANES);
            c4a = FloatVector.fromArray(F, init, io + 4 * is);
            c4b = FloatVector.fromArray(F, init, io + 4 * is + LANES);
            c5a = FloatVector.fromArray(F, init, io + 5 * is);
            c5b = FloatVector.fromArray(F, init, io + 5 * is + LANES);
            c6a = FloatVector.fromArray(F, init, io + 6 * is);
            c6b = FloatVector.fromArray(F, init, io + 6 * is + LANES);
            c7a = FloatVector.fromArray(F, init, io + 7 * is);
            c7b = FloatVector.fromArray(F, init, io + 7 * is + LANES);
            c8a = FloatVector.fromArray(F, init, io + 8 * is);
            c8b = FloatVector.fromArray(F, init, io + 8 * is + LANES);
            c9a = FloatVector.fromArray(F, init, io + 9 * is);
            c9b = FloatVector.fromArray(F, init, io + 9 * is + LANES);
            c10a = FloatVector.fromArray(F, init, io + 10 * is);
            c10b = FloatVector.fromArray(F, init, io + 10 * is + LANES);
            c11a = FloatVector.fromArray(F, init, io + 11 * is);
            c11b = FloatVector.fromArray(F, init, io + 11 * is + LANES);
        }
        for (int k = 0; k < n; k++) {
            int s = k * 2 * LANES;
            int at = bo + s;
            FloatVector b0 = single(b, at);
            FloatVector b1 = single(b, at + LANES);
            b0.intoArray(singles, s);
            b1.intoArray(singles, s + LANES);
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
            FloatVector a4 = FloatVector.broadcast(F, a[ao + 4 * LDA + k]);
            c4a = a4.lanewise(FMA, b0, c4a);
            c4b = a4.lanewise(FMA, b1, c4b);
            FloatVector a5 = FloatVector.broadcast(F, a[ao + 5 * LDA + k]);
            c5a = a5.lanewise(FMA, b0, c5a);
            c5b = a5.lanewise(FMA, b1, c5b);
            FloatVector a6 = FloatVector.broadcast(F, a[ao + 6 * LDA + k]);
            c6a = a6.lanewise(FMA, b0, c6a);
            c6b = a6.lanewise(FMA, b1, c6b);
            FloatVector a7 = FloatVector.broadcast(F, a[ao + 7 * LDA + k]);
            c7a = a7.lanewise(FMA, b0, c7a);
            c7b = a7.lanewise(FMA, b1, c7b);
            FloatVector a8 = FloatVector.broadcast(F, a[ao + 8 * LDA + k]);
            c8a = a8.lanewise(FMA, b0, c8a);
            c8b = a8.lanewise(FMA, b1, c8b);
            FloatVector a9 = FloatVector.broadcast(F, a[ao + 9 * LDA + k]);
            c9a = a9.lanewise(FMA, b0, c9a);
            c9b = a9.lanewise(FMA, b1, c9b);
            FloatVector a10 = FloatVector.broadcast(F, a[ao + 10 * LDA + k]);
            c10a = a10.lanewise(FMA, b0, c10a);
            c10b = a10.lanewise(FMA, b1, c10b);
            FloatVector a11 = FloatVector.broadcast(F, a[ao + 11 * LDA + k]);
            c11a = a11.lanewise(FMA, b0, c11a);
            c11b = a11.lanewise(FMA, b1, c11b);
        }
        c0a.intoArray(c, co);
        c0b.intoArray(c, co + LANES);
        c1a.intoArray(c, co + 2 * LANES);
        c1b.intoArray(c, co + 3 * LANES);
        c2a.intoArray(c, co + 4 * LANES);
        c2b.intoArray(c, co + 5 * LANES);
        c3a.intoArray(c, co + 6 * LANES);
        c3b.intoArray(c, co + 7 * LANES);
        c4a.intoArray(c, co + 8 * LANES);
        c4b.intoArray(c, co + 9 * LANES);
        c5a.intoArray(c, co + 10 * LANES);
        c5b.intoArray(c, co + 11 * LANES);
        c6a.intoArray(c, co + 12 * LANES);
        c6b.intoArray(c, co + 13 * LANES);
        c7a.intoArray(c, co + 14 * LANES);
        c7b.intoArray(c, co + 15 * LANES);
        c8a.intoArray(c, co + 16 * LANES);
        c8b.intoArray(c, co + 17 * LANES);
        c9a.intoArray(c, co + 18 * LANES);
        c9b.intoArray(c, co + 19 * LANES);
        c10a.intoArray(c, co + 20 * LANES);
        c10b.intoArray(c, co + 21 * LANES);
        c11a.intoArray(c, co + 22 * LANES);
        c11b.intoArray(c, co + 23 * LANES);
    }

    private static FloatVector single(byte[] b, int at) {
        IntVector v = (IntVector) ByteVector.fromArray(B, b, at).convertShape(VectorOperators.B2I, I, 0);
        return (FloatVector) v.convert(VectorOperators.I2F, 0);
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
        FloatVector c4 = i0;
        FloatVector c5 = i0;
        FloatVector c6 = i0;
        FloatVector c7 = i0;
        FloatVector c8 = i0;
        FloatVector c9 = i0;
        FloatVector c10 = i0;
        FloatVector c11 = i0;
        if (is != 0) {
            c1 = FloatVector.fromArray(F, init, io + is);
            c2 = FloatVector.fromArray(F, init, io + 2 * is);
            c3 = FloatVector.fromArray(F, init, io + 3 * is);
            c4 = FloatVector.fromArray(F, init, io + 4 * is);
            c5 = FloatVector.fromArray(F, init, io + 5 * is);
            c6 = FloatVector.fromArray(F, init, io + 6 * is);
            c7 = FloatVector.fromArray(F, init, io + 7 * is);
            c8 = FloatVector.fromArray(F, init, io + 8 * is);
            c9 = FloatVector.fromArray(F, init, io + 9 * is);
            c10 = FloatVector.fromArray(F, init, io + 10 * is);
            c11 = FloatVector.fromArray(F, init, io + 11 * is);
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
            FloatVector a4 = FloatVector.broadcast(F, a[ao + 4 * LDA + k]);
            c4 = a4.lanewise(FMA, b0, c4);
            FloatVector a5 = FloatVector.broadcast(F, a[ao + 5 * LDA + k]);
            c5 = a5.lanewise(FMA, b0, c5);
            FloatVector a6 = FloatVector.broadcast(F, a[ao + 6 * LDA + k]);
            c6 = a6.lanewise(FMA, b0, c6);
            FloatVector a7 = FloatVector.broadcast(F, a[ao + 7 * LDA + k]);
            c7 = a7.lanewise(FMA, b0, c7);
            FloatVector a8 = FloatVector.broadcast(F, a[ao + 8 * LDA + k]);
            c8 = a8.lanewise(FMA, b0, c8);
            FloatVector a9 = FloatVector.broadcast(F, a[ao + 9 * LDA + k]);
            c9 = a9.lanewise(FMA, b0, c9);
            FloatVector a10 = FloatVector.broadcast(F, a[ao + 10 * LDA + k]);
            c10 = a10.lanewise(FMA, b0, c10);
            FloatVector a11 = FloatVector.broadcast(F, a[ao + 11 * LDA + k]);
            c11 = a11.lanewise(FMA, b0, c11);
            FloatVector b1 = FloatVector.fromArray(F, b, at + LANES);
            FloatVector d0 = FloatVector.broadcast(F, a[ao + k + 1]);
            c0 = d0.lanewise(FMA, b1, c0);
            FloatVector d1 = FloatVector.broadcast(F, a[ao + LDA + k + 1]);
            c1 = d1.lanewise(FMA, b1, c1);
            FloatVector d2 = FloatVector.broadcast(F, a[ao + 2 * LDA + k + 1]);
            c2 = d2.lanewise(FMA, b1, c2);
            FloatVector d3 = FloatVector.broadcast(F, a[ao + 3 * LDA + k + 1]);
            c3 = d3.lanewise(FMA, b1, c3);
            FloatVector d4 = FloatVector.broadcast(F, a[ao + 4 * LDA + k + 1]);
            c4 = d4.lanewise(FMA, b1, c4);
            FloatVector d5 = FloatVector.broadcast(F, a[ao + 5 * LDA + k + 1]);
            c5 = d5.lanewise(FMA, b1, c5);
            FloatVector d6 = FloatVector.broadcast(F, a[ao + 6 * LDA + k + 1]);
            c6 = d6.lanewise(FMA, b1, c6);
            FloatVector d7 = FloatVector.broadcast(F, a[ao + 7 * LDA + k + 1]);
            c7 = d7.lanewise(FMA, b1, c7);
            FloatVector d8 = FloatVector.broadcast(F, a[ao + 8 * LDA + k + 1]);
            c8 = d8.lanewise(FMA, b1, c8);
            FloatVector d9 = FloatVector.broadcast(F, a[ao + 9 * LDA + k + 1]);
            c9 = d9.lanewise(FMA, b1, c9);
            FloatVector d10 = FloatVector.broadcast(F, a[ao + 10 * LDA + k + 1]);
            c10 = d10.lanewise(FMA, b1, c10);
            FloatVector d11 = FloatVector.broadcast(F, a[ao + 11 * LDA + k + 1]);
            c11 = d11.lanewise(FMA, b1, c11);
        }
        c0.intoArray(c, co);
        c1.intoArray(c, co + LANES);
        c2.intoArray(c, co + 2 * LANES);
        c3.intoArray(c, co + 3 * LANES);
        c4.intoArray(c, co + 4 * LANES);
        c5.intoArray(c, co + 5 * LANES);
        c6.intoArray(c, co + 6 * LANES);
        c7.intoArray(c, co + 7 * LANES);
        c8.intoArray(c, co + 8 * LANES);
        c9.intoArray(c, co + 9 * LANES);
        c10.intoArray(c, co + 10 * LANES);
        c11.intoArray(c, co + 11 * LANES);
    }
}
