package dev.qnet.runtime.kernel;

import java.util.Arrays;

/**
 * Sums over digits in plain Java, four at a time: a long holds digits of four rows, 16 bits apart, and x is not
 * negative and has 8 bits, so that one multiplication of longs makes four products.
 */
final class ScalarGemv {
    /** The lowest digit of each of four words. */
    private static final long ONES = 0x0001_0001_0001_0001L;

    /** Every other word. */
    private static final long EVEN = 0x0000_FFFF_0000_FFFFL;

    private static final long BYTES = 0xFF * ONES;

    /** Words of a row whose products add up to less than 2^16 where digits have 4 bits or fewer. */
    private static final int WORDS = 4;

    /** Terms whose sums have less than 32 bits. */
    private static final int TERMS = 1 << 15;

    /** Longs side by side in a panel. */
    private static final int STRIDE = PackedRows.STRIDE;

    /** Longs of a word of each row of a block. */
    private static final int N = PackedRows.PANELS * STRIDE;

    private ScalarGemv() {}

    /**
     * Adds the products of a block, of digits less half.
     *
     * @param x what weights meet, 0 to 255
     * @param x0 its index
     * @param t scratch for three times as many longs as a block has side by side
     * @param acc the sums of the block's rows, from index {@code block·BLOCK} on
     */
    static void block(PackedRows p, int block, int[] x, int x0, long[] t, int[] acc) {
        int length = p.grouped() ? p.run : TERMS;
        int at = p.at(block);
        for (int k0 = 0; k0 < p.paddedTerms; k0 += length) {
            int k1 = Math.min(p.paddedTerms, k0 + length);
            Arrays.fill(t, 0, 3 * N, 0);
            at = p.bits == 8 ? bytes(p, at, x, x0 + k0, x0 + k1, t) : digits(p, at, x, x0 + k0, x0 + k1, t);
            int sum = 0;
            for (int k = k0; k < k1; k++) {
                sum += x[x0 + k];
            }
            int m = p.grouped() ? p.multiplier(block, k0 / p.run) : -1;
            add(t, sum * p.half, p.multipliers, m, acc, block * PackedRows.BLOCK);
        }
    }

    private static int bytes(PackedRows p, int from, int[] x, int k0, int k1, long[] t) {
        int at = from;
        int panel = p.panel();
        for (int k = k0; k < k1; k += 2, at += STRIDE) {
            pair(p.words, at, panel, x[k], x[k + 1], t);
        }
        return at;
    }

    private static void pair(long[] w, int at, int panel, long x0, long x1, long[] t) {
        for (int i = 0; i < STRIDE; i++) {
            pair(w[at + i], x0, x1, t, i);
            pair(w[at + panel + i], x0, x1, t, STRIDE + i);
            pair(w[at + 2 * panel + i], x0, x1, t, 2 * STRIDE + i);
            pair(w[at + 3 * panel + i], x0, x1, t, 3 * STRIDE + i);
        }
    }

    private static void pair(long v, long x0, long x1, long[] t, int i) {
        long p = (v & BYTES) * x0;
        long q = ((v >>> 8) & BYTES) * x1;
        t[i] += (p & EVEN) + (q & EVEN);
        t[N + i] += ((p >>> 16) & EVEN) + ((q >>> 16) & EVEN);
    }

    private static int digits(PackedRows p, int from, int[] x, int k0, int k1, long[] t) {
        long mask = ONES * ((1 << p.bits) - 1);
        int panel = p.panel();
        int at = from;
        for (int k = k0; k < k1; ) {
            for (int end = Math.min(k1, k + WORDS * p.digits()); k < end; at += STRIDE) {
                for (int shift = 0; shift < 16; shift += 4 * p.bits, k += 4) {
                    four(p.words, at, panel, mask, shift, p.bits, x[k], x[k + 1], x[k + 2], x[k + 3], t);
                }
            }
            split(t);
        }
        return at;
    }

    private static void four(
            long[] w, int at, int panel, long mask, int shift, int bits, long x0, long x1, long x2, long x3, long[] t) {
        for (int i = 0; i < STRIDE; i++) {
            int to = 2 * N + i;
            t[to] += four(w[at + i] >>> shift, mask, bits, x0, x1, x2, x3);
            t[to + STRIDE] += four(w[at + panel + i] >>> shift, mask, bits, x0, x1, x2, x3);
            t[to + 2 * STRIDE] += four(w[at + 2 * panel + i] >>> shift, mask, bits, x0, x1, x2, x3);
            t[to + 3 * STRIDE] += four(w[at + 3 * panel + i] >>> shift, mask, bits, x0, x1, x2, x3);
        }
    }

    private static long four(long v, long mask, int bits, long x0, long x1, long x2, long x3) {
        return (v & mask) * x0
                + ((v >>> bits) & mask) * x1
                + ((v >>> (2 * bits)) & mask) * x2
                + ((v >>> (3 * bits)) & mask) * x3;
    }

    /** Adds sums of 16 bits to those of 32 bits. */
    private static void split(long[] t) {
        for (int i = 0; i < N; i++) {
            long v = t[2 * N + i];
            t[i] += v & EVEN;
            t[N + i] += (v >>> 16) & EVEN;
            t[2 * N + i] = 0;
        }
    }

    private static void add(long[] t, int less, short[] multipliers, int m, int[] acc, int to) {
        for (int i = 0; i < N; i++) {
            int row = to + PackedRows.row(4 * i);
            if (m < 0) {
                acc[row] += (int) t[i] - less;
                acc[row + 1] += (int) (t[i] >>> 32) - less;
                acc[row + 16] += (int) t[N + i] - less;
                acc[row + 17] += (int) (t[N + i] >>> 32) - less;
            } else {
                acc[row] += ((int) t[i] - less) * multipliers[m + 4 * i];
                acc[row + 1] += ((int) (t[i] >>> 32) - less) * multipliers[m + 4 * i + 2];
                acc[row + 16] += ((int) t[N + i] - less) * multipliers[m + 4 * i + 1];
                acc[row + 17] += ((int) (t[N + i] >>> 32) - less) * multipliers[m + 4 * i + 3];
            }
        }
    }
}
