package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/**
 * Integer weights [N][K] in 8, 4, 2 or 1 bits each, whatever is enough for the numbers that they are.
 *
 * <p>A weight is {@code scale·b + least}, with a scale and a least weight a row, and a digit b ≥ 0 of so many bits. Or,
 * with multipliers, it is {@code m·(b − half)}, with a multiplier for each run of 32 or 16 weights of a row: so weights
 * that were quantized per group come back from the integers that they became. (What is found is the greatest common
 * divisor of a run, a multiple of what it was quantized with.)
 *
 * <p>A word has 16 bits: digits of one row, the first in the lowest bits. Words of {@value #PANEL} rows lie side by
 * side, those of row i and row i + 16 next to each other, so that 32-bit lanes with the even and the odd words are rows
 * that follow each other, however long vectors are. Panels lie one behind the other, and four of them, a block, are read
 * at once: four streams of memory, in each of which the processor fetches ahead, bring more than one does. N is filled up
 * to whole blocks. Four words, the first in the lowest bits, make a long, which plain code can multiply at once.
 */
final class PackedRows {
    /** Rows of a panel. */
    static final int PANEL = 32;

    /** Panels of a block. */
    static final int PANELS = 4;

    /** Rows of a block. */
    static final int BLOCK = PANELS * PANEL;

    /** Words that a sum of 16 bits may have where digits have 4 bits or fewer, see {@link Gemv}. */
    static final int RUN = 8;

    /** Where words begin: in large arrays, which lie apart, that is the beginning of a cache line. */
    private static final int ORIGIN = 6;

    /** Words of a long. */
    static final int WORDS = 4;

    /** Longs from one word of a row to its next. */
    static final int STRIDE = PANEL / WORDS;

    private static final int[] RUNS = {32, 16};
    private static final int[] BITS = {1, 2, 4, 8};

    /** N. */
    final int rows;

    /** K. */
    final int terms;

    /** K, filled up with weights that count for nothing. */
    final int paddedTerms;

    /** N, filled up to whole blocks. */
    final int paddedRows;

    /** Bits of a digit. */
    final int bits;

    /** Terms that share a sum of 16 bits, and a multiplier. */
    final int run;

    /** What is subtracted from digits in such a sum. */
    final int half;

    /** What sums are multiplied by, a row. */
    final int[] scale;

    /** What the sum of x is multiplied by, a row. */
    final int[] offset;

    /** Sums of weights, a row; modulo 2^32. */
    final int[] sum;

    /** The largest Σ|w| of a row. */
    final long reach;

    /** One for each run and row, in the order of words; or empty. */
    final short[] multipliers;

    /** The words, four in each. */
    final long[] words;

    /** The digits of a row as they are found in the integers. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Plan(int bits, int run, boolean grouped, int[] scale, int[] least) {}

    private PackedRows(Plan p, int[] w, int from, int n, int k) {
        rows = n;
        terms = k;
        bits = p.bits;
        half = bits == 1 ? 0 : 1 << (bits - 1);
        run = p.run;
        paddedTerms = (k + run - 1) / run * run;
        paddedRows = (n + BLOCK - 1) / BLOCK * BLOCK;
        scale = new int[paddedRows];
        offset = new int[paddedRows];
        sum = new int[paddedRows];
        words = new long[ORIGIN + (int) size(p, n, k)];
        multipliers = new short[p.grouped ? paddedTerms / run * paddedRows : 0];
        long most = 0;
        for (int i = 0; i < n; i++) {
            long all = 0;
            for (int j = 0; j < k; j++) {
                sum[i] += w[from + i * k + j];
                all += Math.abs((long) w[from + i * k + j]);
            }
            most = Math.max(most, all);
            scale[i] = p.scale[i];
            offset[i] = p.grouped ? 0 : p.least[i] + half * p.scale[i];
            if (p.grouped) {
                packGrouped(w, from + i * k, i);
            } else {
                pack(w, from + i * k, i, p.least[i]);
            }
        }
        reach = most;
    }

    /**
     * Packs weights.
     *
     * @param w weights
     * @param from the first; rows follow each other
     * @param n rows of weights
     * @param k length of a row
     * @return null if 8 bits are not enough for them
     */
    static @Nullable PackedRows of(int[] w, int from, int n, int k) {
        Plan plan = plain(w, from, n, k);
        if (plan == null || plan.bits > 4) {
            for (int run : RUNS) {
                Plan g = grouped(w, from, n, k, run);
                if (g != null && (plan == null || g.bits < plan.bits)) {
                    plan = g;
                }
            }
        }
        return plan == null || size(plan, n, k) > Integer.MAX_VALUE - 64 ? null : new PackedRows(plan, w, from, n, k);
    }

    /** Longs. */
    private static long size(Plan p, int n, int k) {
        return (n + BLOCK - 1L) / BLOCK * PANELS * STRIDE * ((k + p.run - 1L) / p.run * p.run * p.bits / 16);
    }

    /** A scale and a least weight for each row. */
    private static @Nullable Plan plain(int[] w, int from, int n, int k) {
        int[] scale = new int[n];
        int[] least = new int[n];
        int widest = 0;
        for (int i = 0; i < n; i++) {
            int at = from + i * k;
            int lo = w[at];
            int hi = w[at];
            int step = 0;
            for (int j = 1; j < k; j++) {
                int v = w[at + j];
                lo = Math.min(lo, v);
                hi = Math.max(hi, v);
                step = step == 1 ? 1 : gcd(step, v - w[at]);
            }
            if ((long) hi - lo > Integer.MAX_VALUE) {
                return null;
            }
            scale[i] = Math.max(1, step);
            least[i] = lo;
            widest = Math.max(widest, (hi - lo) / scale[i]);
        }
        for (int bits : BITS) {
            if (widest < 1 << bits) {
                return new Plan(bits, bits == 8 ? 2 : RUN * 16 / bits, false, scale, least);
            }
        }
        return null;
    }

    /** A multiplier for each run of a row. */
    private static @Nullable Plan grouped(int[] w, int from, int n, int k, int run) {
        int bits = 2;
        int[] ones = new int[n];
        for (int i = 0; i < n; i++) {
            ones[i] = 1;
            for (int j = 0; j < k; j += run) {
                int at = from + i * k + j;
                int length = Math.min(run, k - j);
                int m = multiplier(w, at, length);
                for (int t = at; t < at + length; t++) {
                    int q = w[t] / m;
                    while (bits < 16 && (q < -(1 << (bits - 1)) || q >= 1 << (bits - 1))) {
                        bits *= 2;
                    }
                }
                if (bits > 8 || m > Short.MAX_VALUE) {
                    return null;
                }
            }
        }
        return new Plan(bits, run, true, ones, new int[n]);
    }

    private static int multiplier(int[] w, int at, int n) {
        int m = 0;
        for (int t = at; t < at + n && m != 1; t++) {
            m = gcd(m, w[t]);
        }
        return Math.max(1, m);
    }

    private static int gcd(int a, int b) {
        int x = a;
        int y = Math.abs(b);
        while (y != 0) {
            int t = x % y;
            x = y;
            y = t;
        }
        return Math.abs(x);
    }

    private void pack(int[] w, int at, int row, int least) {
        int s = scale[row];
        int perWord = digits();
        int lane = lane(row % BLOCK);
        int to = at(row / BLOCK) + offset(lane, panel());
        for (int j = 0; j < terms; j += perWord, to += STRIDE) {
            long word = 0;
            for (int d = 0; d < perWord && j + d < terms; d++) {
                word |= (long) ((w[at + j + d] - least) / s) << (bits * d);
            }
            words[to] |= word << (lane % WORDS * 16);
        }
    }

    private void packGrouped(int[] w, int at, int row) {
        int perWord = digits();
        int lane = lane(row % BLOCK);
        int to = at(row / BLOCK) + offset(lane, panel());
        for (int g = 0; g * run < terms; g++) {
            int length = Math.min(run, terms - g * run);
            int m = multiplier(w, at + g * run, length);
            multipliers[multiplier(row / BLOCK, g) + lane] = (short) m;
            for (int j = 0; j < run; j += perWord, to += STRIDE) {
                long word = 0;
                for (int d = 0; d < perWord && j + d < length; d++) {
                    word |= (long) (w[at + g * run + j + d] / m + half) << (bits * d);
                }
                words[to] |= word << (lane % WORDS * 16);
            }
        }
    }

    /** Digits of a word. */
    int digits() {
        return 16 / bits;
    }

    /** Words of a row. */
    int length() {
        return paddedTerms / digits();
    }

    int blocks() {
        return paddedRows / BLOCK;
    }

    /** Rows that a block really has. */
    int used(int block) {
        return Math.min(BLOCK, rows - block * BLOCK);
    }

    /** Where a block begins. */
    int at(int block) {
        return ORIGIN + block * PANELS * panel();
    }

    /** Longs from one panel to the next. */
    int panel() {
        return STRIDE * length();
    }

    /** Where the first word of a lane lies in a block, with so many longs a panel. */
    static int offset(int lane, int panel) {
        return lane / PANEL * panel + lane % PANEL / WORDS;
    }

    /** Where a block's multipliers of a run begin. */
    int multiplier(int block, int group) {
        return (block * (paddedTerms / run) + group) * BLOCK;
    }

    /** Where a row of a block lies among the words side by side. */
    static int lane(int row) {
        int i = row % PANEL;
        return row - i + i % 16 * 2 + i / 16;
    }

    /** The row of an even lane, the inverse of {@link #lane(int)}; that of the next lane is 16 rows on. */
    static int row(int lane) {
        return (lane & -PANEL) + (lane & (PANEL - 1)) / 2;
    }

    /** Whether runs have multipliers. */
    boolean grouped() {
        return multipliers.length > 0;
    }
}
