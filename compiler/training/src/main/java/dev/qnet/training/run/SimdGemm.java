package dev.qnet.training.run;

import static jdk.incubator.vector.VectorOperators.FMA;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products of matrices of singles with the Vector API. Each element of a result is one chain of fused multiply-adds in the order
 * of k, whatever the blocking and the number of threads.
 */
final class SimdGemm {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    private static final int LANES = SPECIES.length();

    private SimdGemm() {}

    /**
     * {@code c[i][j] = init + Σ_k a[i][k]·b[k][j]} for rows from..to of c, where init is 0 or what c holds.
     *
     * @param a elements at {@code a0 + i·ai + k·ak}
     * @param b rows of n at {@code b0 + k·n}
     * @param c rows of n at {@code c0 + i·n}
     * @param add whether c is added to
     */
    static void multiply(
            float[] a,
            int a0,
            int ai,
            int ak,
            float[] b,
            int b0,
            float[] c,
            int c0,
            int from,
            int to,
            int k,
            int n,
            boolean add) {
        for (int j = 0; j < n; j += 2 * LANES) {
            if (j + LANES >= n) {
                VectorMask<Float> mask = SPECIES.indexInRange(j, n);
                int i = from;
                for (; i + 4 <= to; i += 4) {
                    tall(a, a0 + i * ai, ai, ak, b, b0 + j, c, c0 + i * n + j, k, n, add, mask);
                }
                for (; i < to; i++) {
                    narrow(a, a0 + i * ai, ak, b, b0 + j, c, c0 + i * n + j, k, n, add, mask);
                }
                continue;
            }
            VectorMask<Float> mask = SPECIES.indexInRange(j + LANES, n);
            int i = from;
            for (; i + 4 <= to; i += 4) {
                wide(a, a0 + i * ai, ai, ak, b, b0 + j, c, c0 + i * n + j, k, n, add, mask);
            }
            for (; i < to; i++) {
                narrow(a, a0 + i * ai, ak, b, b0 + j, c, c0 + i * n + j, k, n, add, SPECIES.maskAll(true));
                narrow(a, a0 + i * ai, ak, b, b0 + j + LANES, c, c0 + i * n + j + LANES, k, n, add, mask);
            }
        }
    }

    /** Four rows by two vectors, the second under a mask. */
    private static void wide(
            float[] a,
            int a0,
            int ai,
            int ak,
            float[] b,
            int b0,
            float[] c,
            int c0,
            int k,
            int n,
            boolean add,
            VectorMask<Float> mask) {
        FloatVector zero = FloatVector.zero(SPECIES);
        FloatVector s00 = add ? FloatVector.fromArray(SPECIES, c, c0) : zero;
        FloatVector s01 = add ? FloatVector.fromArray(SPECIES, c, c0 + LANES, mask) : zero;
        FloatVector s10 = add ? FloatVector.fromArray(SPECIES, c, c0 + n) : zero;
        FloatVector s11 = add ? FloatVector.fromArray(SPECIES, c, c0 + n + LANES, mask) : zero;
        FloatVector s20 = add ? FloatVector.fromArray(SPECIES, c, c0 + 2 * n) : zero;
        FloatVector s21 = add ? FloatVector.fromArray(SPECIES, c, c0 + 2 * n + LANES, mask) : zero;
        FloatVector s30 = add ? FloatVector.fromArray(SPECIES, c, c0 + 3 * n) : zero;
        FloatVector s31 = add ? FloatVector.fromArray(SPECIES, c, c0 + 3 * n + LANES, mask) : zero;
        int at = a0;
        int bt = b0;
        if (mask.allTrue()) {
            for (int p = 0; p < k; p++, at += ak, bt += n) {
                FloatVector b0v = FloatVector.fromArray(SPECIES, b, bt);
                FloatVector b1v = FloatVector.fromArray(SPECIES, b, bt + LANES);
                FloatVector x0 = FloatVector.broadcast(SPECIES, a[at]);
                FloatVector x1 = FloatVector.broadcast(SPECIES, a[at + ai]);
                FloatVector x2 = FloatVector.broadcast(SPECIES, a[at + 2 * ai]);
                FloatVector x3 = FloatVector.broadcast(SPECIES, a[at + 3 * ai]);
                s00 = x0.lanewise(FMA, b0v, s00);
                s01 = x0.lanewise(FMA, b1v, s01);
                s10 = x1.lanewise(FMA, b0v, s10);
                s11 = x1.lanewise(FMA, b1v, s11);
                s20 = x2.lanewise(FMA, b0v, s20);
                s21 = x2.lanewise(FMA, b1v, s21);
                s30 = x3.lanewise(FMA, b0v, s30);
                s31 = x3.lanewise(FMA, b1v, s31);
            }
        } else {
            for (int p = 0; p < k; p++, at += ak, bt += n) {
                FloatVector b0v = FloatVector.fromArray(SPECIES, b, bt);
                FloatVector b1v = FloatVector.fromArray(SPECIES, b, bt + LANES, mask);
                FloatVector x0 = FloatVector.broadcast(SPECIES, a[at]);
                FloatVector x1 = FloatVector.broadcast(SPECIES, a[at + ai]);
                FloatVector x2 = FloatVector.broadcast(SPECIES, a[at + 2 * ai]);
                FloatVector x3 = FloatVector.broadcast(SPECIES, a[at + 3 * ai]);
                s00 = x0.lanewise(FMA, b0v, s00);
                s01 = x0.lanewise(FMA, b1v, s01);
                s10 = x1.lanewise(FMA, b0v, s10);
                s11 = x1.lanewise(FMA, b1v, s11);
                s20 = x2.lanewise(FMA, b0v, s20);
                s21 = x2.lanewise(FMA, b1v, s21);
                s30 = x3.lanewise(FMA, b0v, s30);
                s31 = x3.lanewise(FMA, b1v, s31);
            }
        }
        s00.intoArray(c, c0);
        s01.intoArray(c, c0 + LANES, mask);
        s10.intoArray(c, c0 + n);
        s11.intoArray(c, c0 + n + LANES, mask);
        s20.intoArray(c, c0 + 2 * n);
        s21.intoArray(c, c0 + 2 * n + LANES, mask);
        s30.intoArray(c, c0 + 3 * n);
        s31.intoArray(c, c0 + 3 * n + LANES, mask);
    }

    /** Four rows by one vector under a mask. */
    private static void tall(
            float[] a,
            int a0,
            int ai,
            int ak,
            float[] b,
            int b0,
            float[] c,
            int c0,
            int k,
            int n,
            boolean add,
            VectorMask<Float> mask) {
        FloatVector zero = FloatVector.zero(SPECIES);
        FloatVector s0 = add ? FloatVector.fromArray(SPECIES, c, c0, mask) : zero;
        FloatVector s1 = add ? FloatVector.fromArray(SPECIES, c, c0 + n, mask) : zero;
        FloatVector s2 = add ? FloatVector.fromArray(SPECIES, c, c0 + 2 * n, mask) : zero;
        FloatVector s3 = add ? FloatVector.fromArray(SPECIES, c, c0 + 3 * n, mask) : zero;
        int at = a0;
        int bt = b0;
        for (int p = 0; p < k; p++, at += ak, bt += n) {
            FloatVector bv = FloatVector.fromArray(SPECIES, b, bt, mask);
            FloatVector x0 = FloatVector.broadcast(SPECIES, a[at]);
            FloatVector x1 = FloatVector.broadcast(SPECIES, a[at + ai]);
            FloatVector x2 = FloatVector.broadcast(SPECIES, a[at + 2 * ai]);
            FloatVector x3 = FloatVector.broadcast(SPECIES, a[at + 3 * ai]);
            s0 = x0.lanewise(FMA, bv, s0);
            s1 = x1.lanewise(FMA, bv, s1);
            s2 = x2.lanewise(FMA, bv, s2);
            s3 = x3.lanewise(FMA, bv, s3);
        }
        s0.intoArray(c, c0, mask);
        s1.intoArray(c, c0 + n, mask);
        s2.intoArray(c, c0 + 2 * n, mask);
        s3.intoArray(c, c0 + 3 * n, mask);
    }

    /** One row by one vector under a mask. */
    private static void narrow(
            float[] a,
            int a0,
            int ak,
            float[] b,
            int b0,
            float[] c,
            int c0,
            int k,
            int n,
            boolean add,
            VectorMask<Float> mask) {
        FloatVector s = add ? FloatVector.fromArray(SPECIES, c, c0, mask) : FloatVector.zero(SPECIES);
        int at = a0;
        int bt = b0;
        for (int p = 0; p < k; p++, at += ak, bt += n) {
            FloatVector x = FloatVector.broadcast(SPECIES, a[at]);
            s = x.lanewise(FMA, FloatVector.fromArray(SPECIES, b, bt, mask), s);
        }
        s.intoArray(c, c0, mask);
    }

    /** b[j][i] = a[i][j]. */
    static void transpose(float[] a, int rows, int columns, float[] b) {
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                b[j * rows + i] = a[i * columns + j];
            }
        }
    }
}
