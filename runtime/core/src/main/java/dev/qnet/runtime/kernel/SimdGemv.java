package dev.qnet.runtime.kernel;

import static jdk.incubator.vector.VectorOperators.ADD;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.BIT_COUNT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.XOR;

import java.util.Arrays;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Sums over digits in vectors, see {@link Gemv}: four vectors of rows at a time.
 *
 * <p>The inner methods take x prepared (a, where each number is there twice, in both halves of an int), the words of a
 * block from {@code at} on, with so many longs from panel to panel, and add to {@code acc} from index {@code to} on the
 * sums of the rows from a lane on.
 */
final class SimdGemv {
    private static final VectorSpecies<Integer> I = Simd.INTS;
    private static final VectorSpecies<Short> S =
            ShortVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(Simd.BITS));
    private static final VectorSpecies<Long> L = Simd.LONGS;
    private static final int LANES = Simd.BITS / 16;
    private static final int INTS = Simd.LANES;

    /** Lanes of four vectors. */
    private static final int STEP = 4 * LANES;

    /** From a row of even lanes to that of odd ones. */
    private static final int HALF = PackedRows.PANEL / 2;

    /**
     * Whether 16-bit lanes are shifted by a vector of counts, which AVX-512 does in one operation, and AVX2 in seven; by
     * a constant both take two.
     */
    private static final boolean COUNTS = SimdShape.MACHINE_BITS == 512;

    /** Pairs of 8-bit digits, so that the sum of their low bytes, and that of their high bytes, has 16 bits. */
    private static final int PAIRS = 256;

    /** Words whose bits a signed 16-bit lane can count. */
    private static final int COUNTED = 2047;

    /** What the digit before is worth to a digit of a word, for 16 digits of 1, 2, 4 and 8 bits. */
    private static final int[][] BELOW = {below(1), below(2), below(4), below(8)};

    private SimdGemv() {}

    private static int[] below(int bits) {
        int[] a = new int[16];
        for (int i = 0; i < a.length; i++) {
            a[i] = i * bits % 16 == 0 ? 0 : 1 << bits;
        }
        return a;
    }

    /**
     * Writes what the words, shifted by no digit, one, and so on, are multiplied by, see {@link #nibbles}; behind it what
     * sums begin with: that of each pair at its first term where digits have 8 bits, that of each run elsewhere.
     *
     * @param n how many
     * @param x what weights meet, from index 1 on
     * @param at where to write
     */
    static void prepare(PackedRows p, int n, int[] x, int[] a, int at) {
        digits(x, n, BELOW[Integer.numberOfTrailingZeros(p.bits)], a, at);
        if (p.bits == 8) {
            pairs(x, n, a, at + n);
        } else {
            runs(x, n, p.run, p.half, a, at + n);
        }
    }

    private static void digits(int[] x, int n, int[] below, int[] a, int at) {
        for (int i = 0; i < n; i += INTS) {
            IntVector b = IntVector.fromArray(I, below, i & 15);
            IntVector v = IntVector.fromArray(I, x, i + 1)
                    .sub(IntVector.fromArray(I, x, i).mul(b));
            v.and(0xFFFF).or(v.lanewise(LSHL, 16)).intoArray(a, at + i);
        }
    }

    private static void pairs(int[] x, int n, int[] a, int at) {
        for (int i = 0; i < n; i += INTS) {
            IntVector v = IntVector.fromArray(I, x, i + 1)
                    .add(IntVector.fromArray(I, x, i + 2))
                    .mul(-128);
            v.and(0xFFFF).or(v.lanewise(LSHL, 16)).intoArray(a, at + i);
        }
    }

    private static void runs(int[] x, int n, int run, int half, int[] a, int at) {
        for (int i = 0, to = at; i < n; i += run, to++) {
            IntVector v = IntVector.zero(I);
            for (int j = i; j < i + run; j += INTS) {
                v = v.add(IntVector.fromArray(I, x, j + 1));
            }
            a[to] = (-half * v.reduceLanes(ADD) & 0xFFFF) * 0x10001;
        }
    }

    /**
     * Makes accumulators of sums of digits.
     *
     * @param sum of what the digits met
     * @param more what else is added to each sum of digits
     * @param delta what x lost
     */
    static void finish(PackedRows p, int from, int to, int sum, int more, int delta, int[] bias, int[] acc) {
        for (int i = from; i < to; i += INTS) {
            IntVector v = IntVector.fromArray(I, acc, i).add(more).mul(IntVector.fromArray(I, p.scale, i));
            IntVector o = IntVector.fromArray(I, p.offset, i).mul(sum);
            IntVector d = IntVector.fromArray(I, p.sum, i).mul(delta);
            v.add(o).add(d.add(IntVector.fromArray(I, bias, i))).intoArray(acc, i);
        }
    }

    /**
     * Adds the products of a block.
     *
     * @param a what weights meet, prepared, and behind it what sums begin with
     * @param k0 its index
     * @param t scratch: a block's sums
     * @param acc the sums of the block's rows, from index {@code block·BLOCK} on
     */
    static void block(PackedRows p, int block, int[] a, int k0, int[] t, int[] acc) {
        int to = block * PackedRows.BLOCK;
        int init = k0 + p.paddedTerms;
        if (!p.grouped()) {
            run(p, p.at(block), a, k0, init, p.paddedTerms, acc, to);
        } else if (p.bits == 4) {
            int n = p.paddedTerms / p.run;
            int m = p.multiplier(block, 0);
            for (int lane = 0; lane < PackedRows.BLOCK; lane += STEP) {
                nibblesGrouped(a, k0, init, p.words, p.at(block), p.panel(), n, p.run, p.multipliers, m, acc, to, lane);
            }
        } else {
            runs(p, block, a, k0, init, t, acc, to);
        }
    }

    /** Terms that follow each other, without multipliers. */
    private static void run(PackedRows p, int at, int[] a, int k0, int init, int terms, int[] acc, int to) {
        for (int lane = 0; lane < PackedRows.BLOCK; lane += STEP) {
            switch (p.bits) {
                case 8 -> {
                    for (int j = 0; j < terms / 2; j += PAIRS) {
                        int n = Math.min(PAIRS, terms / 2 - j);
                        int from = at + j * PackedRows.STRIDE;
                        bytes(a, k0 + 2 * j, init + 2 * j, p.words, from, p.panel(), n, acc, to, lane);
                    }
                }
                case 4 -> nibbles(a, k0, init, p.words, at, p.panel(), terms / p.run, p.run, acc, to, lane);
                default -> bits(a, k0, init, p.words, at, p.panel(), terms / p.run, p.run, p.bits, acc, to, lane);
            }
        }
    }

    /** Run by run, which is slower: multipliers with other than 4 bits are rare. */
    private static void runs(PackedRows p, int block, int[] a, int k0, int init, int[] t, int[] acc, int to) {
        int longs = p.run / p.digits() * PackedRows.STRIDE;
        int begins = p.bits == 8 ? p.run : 1;
        for (int g = 0; g * p.run < p.paddedTerms; g++) {
            Arrays.fill(t, 0, PackedRows.BLOCK, 0);
            run(p, p.at(block) + g * longs, a, k0 + g * p.run, init + g * begins, p.run, t, 0);
            int m = p.multiplier(block, g);
            for (int i = 0; i < PackedRows.BLOCK; i++) {
                acc[to + i] += t[i] * p.multipliers[m + PackedRows.lane(i)];
            }
        }
    }

    /**
     * Subtracts from sums how many bits of a block differ from those of y, words of 16 bits.
     *
     * @param p digits of 1 bit
     * @param y the words, each twice in an int
     * @param y0 the first
     */
    static void differences(PackedRows p, int block, int[] y, int y0, int[] acc) {
        for (int j = 0; j < p.length(); j += COUNTED) {
            int n = Math.min(COUNTED, p.length() - j);
            int at = p.at(block) + j * PackedRows.STRIDE;
            for (int lane = 0; lane < PackedRows.BLOCK; lane += STEP) {
                differences(y, y0 + j, p.words, at, p.panel(), n, acc, block * PackedRows.BLOCK, lane);
            }
        }
    }

    /**
     * 4 bits. With digits d0 to d3 of a word, {@code Σ d·x} is, modulo 2^16, {@code word·a0 + (word >>> 4)·a1 + (word >>> 8)·a2
     * + (word >>> 12)·a3}, where {@code a0 = x0} and {@code aj = xj − 16·x(j−1)}: the bits above a digit need no mask.
     */
    static void nibbles(
            int[] a, int k0, int init, long[] w, int at, int panel, int n, int run, int[] acc, int to, int lane) {
        int at0 = to + PackedRows.row(lane);
        int at1 = to + PackedRows.row(lane + LANES);
        int at2 = to + PackedRows.row(lane + 2 * LANES);
        int at3 = to + PackedRows.row(lane + 3 * LANES);
        ShortVector four = ShortVector.broadcast(S, 4);
        IntVector e0 = IntVector.zero(I);
        IntVector o0 = IntVector.zero(I);
        IntVector e1 = IntVector.zero(I);
        IntVector o1 = IntVector.zero(I);
        IntVector e2 = IntVector.zero(I);
        IntVector o2 = IntVector.zero(I);
        IntVector e3 = IntVector.zero(I);
        IntVector o3 = IntVector.zero(I);
        int k = k0;
        int i = at + PackedRows.offset(lane, panel);
        int d1 = PackedRows.offset(lane + LANES, panel) - PackedRows.offset(lane, panel);
        int d2 = PackedRows.offset(lane + 2 * LANES, panel) - PackedRows.offset(lane, panel);
        int d3 = PackedRows.offset(lane + 3 * LANES, panel) - PackedRows.offset(lane, panel);
        for (int g = 0; g < n; g++) {
            ShortVector t0 = IntVector.broadcast(I, a[init + g]).reinterpretAsShorts();
            ShortVector t1 = t0;
            ShortVector t2 = t0;
            ShortVector t3 = t0;
            for (int end = k + run; k < end; k += 4, i += PackedRows.STRIDE) {
                ShortVector a0 = IntVector.broadcast(I, a[k]).reinterpretAsShorts();
                ShortVector a1 = IntVector.broadcast(I, a[k + 1]).reinterpretAsShorts();
                ShortVector a2 = IntVector.broadcast(I, a[k + 2]).reinterpretAsShorts();
                ShortVector a3 = IntVector.broadcast(I, a[k + 3]).reinterpretAsShorts();
                ShortVector x0 = LongVector.fromArray(L, w, i).reinterpretAsShorts();
                ShortVector y01 = COUNTS ? x0.lanewise(LSHR, four) : x0.lanewise(LSHR, 4);
                ShortVector y02 = COUNTS ? y01.lanewise(LSHR, four) : y01.lanewise(LSHR, 4);
                ShortVector y03 = COUNTS ? y02.lanewise(LSHR, four) : y02.lanewise(LSHR, 4);
                t0 = t0.add(x0.mul(a0).add(y01.mul(a1))).add(y02.mul(a2).add(y03.mul(a3)));
                ShortVector x1 = LongVector.fromArray(L, w, i + d1).reinterpretAsShorts();
                ShortVector y11 = COUNTS ? x1.lanewise(LSHR, four) : x1.lanewise(LSHR, 4);
                ShortVector y12 = COUNTS ? y11.lanewise(LSHR, four) : y11.lanewise(LSHR, 4);
                ShortVector y13 = COUNTS ? y12.lanewise(LSHR, four) : y12.lanewise(LSHR, 4);
                t1 = t1.add(x1.mul(a0).add(y11.mul(a1))).add(y12.mul(a2).add(y13.mul(a3)));
                ShortVector x2 = LongVector.fromArray(L, w, i + d2).reinterpretAsShorts();
                ShortVector y21 = COUNTS ? x2.lanewise(LSHR, four) : x2.lanewise(LSHR, 4);
                ShortVector y22 = COUNTS ? y21.lanewise(LSHR, four) : y21.lanewise(LSHR, 4);
                ShortVector y23 = COUNTS ? y22.lanewise(LSHR, four) : y22.lanewise(LSHR, 4);
                t2 = t2.add(x2.mul(a0).add(y21.mul(a1))).add(y22.mul(a2).add(y23.mul(a3)));
                ShortVector x3 = LongVector.fromArray(L, w, i + d3).reinterpretAsShorts();
                ShortVector y31 = COUNTS ? x3.lanewise(LSHR, four) : x3.lanewise(LSHR, 4);
                ShortVector y32 = COUNTS ? y31.lanewise(LSHR, four) : y31.lanewise(LSHR, 4);
                ShortVector y33 = COUNTS ? y32.lanewise(LSHR, four) : y32.lanewise(LSHR, 4);
                t3 = t3.add(x3.mul(a0).add(y31.mul(a1))).add(y32.mul(a2).add(y33.mul(a3)));
            }
            IntVector s0 = t0.reinterpretAsInts();
            e0 = e0.add(s0.lanewise(LSHL, 16).lanewise(ASHR, 16));
            o0 = o0.add(s0.lanewise(ASHR, 16));
            IntVector s1 = t1.reinterpretAsInts();
            e1 = e1.add(s1.lanewise(LSHL, 16).lanewise(ASHR, 16));
            o1 = o1.add(s1.lanewise(ASHR, 16));
            IntVector s2 = t2.reinterpretAsInts();
            e2 = e2.add(s2.lanewise(LSHL, 16).lanewise(ASHR, 16));
            o2 = o2.add(s2.lanewise(ASHR, 16));
            IntVector s3 = t3.reinterpretAsInts();
            e3 = e3.add(s3.lanewise(LSHL, 16).lanewise(ASHR, 16));
            o3 = o3.add(s3.lanewise(ASHR, 16));
        }
        e0.add(IntVector.fromArray(I, acc, at0)).intoArray(acc, at0);
        o0.add(IntVector.fromArray(I, acc, at0 + HALF)).intoArray(acc, at0 + HALF);
        e1.add(IntVector.fromArray(I, acc, at1)).intoArray(acc, at1);
        o1.add(IntVector.fromArray(I, acc, at1 + HALF)).intoArray(acc, at1 + HALF);
        e2.add(IntVector.fromArray(I, acc, at2)).intoArray(acc, at2);
        o2.add(IntVector.fromArray(I, acc, at2 + HALF)).intoArray(acc, at2 + HALF);
        e3.add(IntVector.fromArray(I, acc, at3)).intoArray(acc, at3);
        o3.add(IntVector.fromArray(I, acc, at3 + HALF)).intoArray(acc, at3 + HALF);
    }

    /**
     * As {@link #nibbles}, with a multiplier for each run.
     */
    static void nibblesGrouped(
            int[] a,
            int k0,
            int init,
            long[] w,
            int at,
            int panel,
            int n,
            int run,
            short[] m,
            int ma,
            int[] acc,
            int to,
            int lane) {
        int at0 = to + PackedRows.row(lane);
        int at1 = to + PackedRows.row(lane + LANES);
        int at2 = to + PackedRows.row(lane + 2 * LANES);
        int at3 = to + PackedRows.row(lane + 3 * LANES);
        ShortVector four = ShortVector.broadcast(S, 4);
        IntVector e0 = IntVector.zero(I);
        IntVector o0 = IntVector.zero(I);
        IntVector e1 = IntVector.zero(I);
        IntVector o1 = IntVector.zero(I);
        IntVector e2 = IntVector.zero(I);
        IntVector o2 = IntVector.zero(I);
        IntVector e3 = IntVector.zero(I);
        IntVector o3 = IntVector.zero(I);
        int k = k0;
        int i = at + PackedRows.offset(lane, panel);
        int d1 = PackedRows.offset(lane + LANES, panel) - PackedRows.offset(lane, panel);
        int d2 = PackedRows.offset(lane + 2 * LANES, panel) - PackedRows.offset(lane, panel);
        int d3 = PackedRows.offset(lane + 3 * LANES, panel) - PackedRows.offset(lane, panel);
        for (int g = 0; g < n; g++) {
            ShortVector t0 = IntVector.broadcast(I, a[init + g]).reinterpretAsShorts();
            ShortVector t1 = t0;
            ShortVector t2 = t0;
            ShortVector t3 = t0;
            for (int end = k + run; k < end; k += 4, i += PackedRows.STRIDE) {
                ShortVector a0 = IntVector.broadcast(I, a[k]).reinterpretAsShorts();
                ShortVector a1 = IntVector.broadcast(I, a[k + 1]).reinterpretAsShorts();
                ShortVector a2 = IntVector.broadcast(I, a[k + 2]).reinterpretAsShorts();
                ShortVector a3 = IntVector.broadcast(I, a[k + 3]).reinterpretAsShorts();
                ShortVector x0 = LongVector.fromArray(L, w, i).reinterpretAsShorts();
                ShortVector y01 = COUNTS ? x0.lanewise(LSHR, four) : x0.lanewise(LSHR, 4);
                ShortVector y02 = COUNTS ? y01.lanewise(LSHR, four) : y01.lanewise(LSHR, 4);
                ShortVector y03 = COUNTS ? y02.lanewise(LSHR, four) : y02.lanewise(LSHR, 4);
                t0 = t0.add(x0.mul(a0).add(y01.mul(a1))).add(y02.mul(a2).add(y03.mul(a3)));
                ShortVector x1 = LongVector.fromArray(L, w, i + d1).reinterpretAsShorts();
                ShortVector y11 = COUNTS ? x1.lanewise(LSHR, four) : x1.lanewise(LSHR, 4);
                ShortVector y12 = COUNTS ? y11.lanewise(LSHR, four) : y11.lanewise(LSHR, 4);
                ShortVector y13 = COUNTS ? y12.lanewise(LSHR, four) : y12.lanewise(LSHR, 4);
                t1 = t1.add(x1.mul(a0).add(y11.mul(a1))).add(y12.mul(a2).add(y13.mul(a3)));
                ShortVector x2 = LongVector.fromArray(L, w, i + d2).reinterpretAsShorts();
                ShortVector y21 = COUNTS ? x2.lanewise(LSHR, four) : x2.lanewise(LSHR, 4);
                ShortVector y22 = COUNTS ? y21.lanewise(LSHR, four) : y21.lanewise(LSHR, 4);
                ShortVector y23 = COUNTS ? y22.lanewise(LSHR, four) : y22.lanewise(LSHR, 4);
                t2 = t2.add(x2.mul(a0).add(y21.mul(a1))).add(y22.mul(a2).add(y23.mul(a3)));
                ShortVector x3 = LongVector.fromArray(L, w, i + d3).reinterpretAsShorts();
                ShortVector y31 = COUNTS ? x3.lanewise(LSHR, four) : x3.lanewise(LSHR, 4);
                ShortVector y32 = COUNTS ? y31.lanewise(LSHR, four) : y31.lanewise(LSHR, 4);
                ShortVector y33 = COUNTS ? y32.lanewise(LSHR, four) : y32.lanewise(LSHR, 4);
                t3 = t3.add(x3.mul(a0).add(y31.mul(a1))).add(y32.mul(a2).add(y33.mul(a3)));
            }
            int f = ma + g * PackedRows.BLOCK + lane;
            IntVector s0 = t0.reinterpretAsInts();
            IntVector m0 = ShortVector.fromArray(S, m, f).reinterpretAsInts();
            e0 = e0.add(s0.lanewise(LSHL, 16)
                    .lanewise(ASHR, 16)
                    .mul(m0.lanewise(LSHL, 16).lanewise(ASHR, 16)));
            o0 = o0.add(s0.lanewise(ASHR, 16).mul(m0.lanewise(ASHR, 16)));
            IntVector s1 = t1.reinterpretAsInts();
            IntVector m1 = ShortVector.fromArray(S, m, f + LANES).reinterpretAsInts();
            e1 = e1.add(s1.lanewise(LSHL, 16)
                    .lanewise(ASHR, 16)
                    .mul(m1.lanewise(LSHL, 16).lanewise(ASHR, 16)));
            o1 = o1.add(s1.lanewise(ASHR, 16).mul(m1.lanewise(ASHR, 16)));
            IntVector s2 = t2.reinterpretAsInts();
            IntVector m2 = ShortVector.fromArray(S, m, f + 2 * LANES).reinterpretAsInts();
            e2 = e2.add(s2.lanewise(LSHL, 16)
                    .lanewise(ASHR, 16)
                    .mul(m2.lanewise(LSHL, 16).lanewise(ASHR, 16)));
            o2 = o2.add(s2.lanewise(ASHR, 16).mul(m2.lanewise(ASHR, 16)));
            IntVector s3 = t3.reinterpretAsInts();
            IntVector m3 = ShortVector.fromArray(S, m, f + 3 * LANES).reinterpretAsInts();
            e3 = e3.add(s3.lanewise(LSHL, 16)
                    .lanewise(ASHR, 16)
                    .mul(m3.lanewise(LSHL, 16).lanewise(ASHR, 16)));
            o3 = o3.add(s3.lanewise(ASHR, 16).mul(m3.lanewise(ASHR, 16)));
        }
        e0.add(IntVector.fromArray(I, acc, at0)).intoArray(acc, at0);
        o0.add(IntVector.fromArray(I, acc, at0 + HALF)).intoArray(acc, at0 + HALF);
        e1.add(IntVector.fromArray(I, acc, at1)).intoArray(acc, at1);
        o1.add(IntVector.fromArray(I, acc, at1 + HALF)).intoArray(acc, at1 + HALF);
        e2.add(IntVector.fromArray(I, acc, at2)).intoArray(acc, at2);
        o2.add(IntVector.fromArray(I, acc, at2 + HALF)).intoArray(acc, at2 + HALF);
        e3.add(IntVector.fromArray(I, acc, at3)).intoArray(acc, at3);
        o3.add(IntVector.fromArray(I, acc, at3 + HALF)).intoArray(acc, at3 + HALF);
    }

    /**
     * 2 bits or 1, as {@link #nibbles}.
     */
    static void bits(
            int[] a,
            int k0,
            int init,
            long[] w,
            int at,
            int panel,
            int n,
            int run,
            int bits,
            int[] acc,
            int to,
            int lane) {
        int at0 = to + PackedRows.row(lane);
        int at1 = to + PackedRows.row(lane + LANES);
        int at2 = to + PackedRows.row(lane + 2 * LANES);
        int at3 = to + PackedRows.row(lane + 3 * LANES);
        ShortVector shift = ShortVector.broadcast(S, bits);
        IntVector e0 = IntVector.zero(I);
        IntVector o0 = IntVector.zero(I);
        IntVector e1 = IntVector.zero(I);
        IntVector o1 = IntVector.zero(I);
        IntVector e2 = IntVector.zero(I);
        IntVector o2 = IntVector.zero(I);
        IntVector e3 = IntVector.zero(I);
        IntVector o3 = IntVector.zero(I);
        int digits = 16 / bits;
        int k = k0;
        int i = at + PackedRows.offset(lane, panel);
        int d1 = PackedRows.offset(lane + LANES, panel) - PackedRows.offset(lane, panel);
        int d2 = PackedRows.offset(lane + 2 * LANES, panel) - PackedRows.offset(lane, panel);
        int d3 = PackedRows.offset(lane + 3 * LANES, panel) - PackedRows.offset(lane, panel);
        for (int g = 0; g < n; g++) {
            ShortVector t0 = IntVector.broadcast(I, a[init + g]).reinterpretAsShorts();
            ShortVector t1 = t0;
            ShortVector t2 = t0;
            ShortVector t3 = t0;
            for (int end = k + run; k < end; i += PackedRows.STRIDE) {
                ShortVector x0 = LongVector.fromArray(L, w, i).reinterpretAsShorts();
                ShortVector x1 = LongVector.fromArray(L, w, i + d1).reinterpretAsShorts();
                ShortVector x2 = LongVector.fromArray(L, w, i + d2).reinterpretAsShorts();
                ShortVector x3 = LongVector.fromArray(L, w, i + d3).reinterpretAsShorts();
                for (int word = k + digits; k < word; k += 4) {
                    ShortVector a0 = IntVector.broadcast(I, a[k]).reinterpretAsShorts();
                    t0 = t0.add(x0.mul(a0));
                    x0 = COUNTS ? x0.lanewise(LSHR, shift) : x0.lanewise(LSHR, bits);
                    t1 = t1.add(x1.mul(a0));
                    x1 = COUNTS ? x1.lanewise(LSHR, shift) : x1.lanewise(LSHR, bits);
                    t2 = t2.add(x2.mul(a0));
                    x2 = COUNTS ? x2.lanewise(LSHR, shift) : x2.lanewise(LSHR, bits);
                    t3 = t3.add(x3.mul(a0));
                    x3 = COUNTS ? x3.lanewise(LSHR, shift) : x3.lanewise(LSHR, bits);
                    ShortVector a1 = IntVector.broadcast(I, a[k + 1]).reinterpretAsShorts();
                    t0 = t0.add(x0.mul(a1));
                    x0 = COUNTS ? x0.lanewise(LSHR, shift) : x0.lanewise(LSHR, bits);
                    t1 = t1.add(x1.mul(a1));
                    x1 = COUNTS ? x1.lanewise(LSHR, shift) : x1.lanewise(LSHR, bits);
                    t2 = t2.add(x2.mul(a1));
                    x2 = COUNTS ? x2.lanewise(LSHR, shift) : x2.lanewise(LSHR, bits);
                    t3 = t3.add(x3.mul(a1));
                    x3 = COUNTS ? x3.lanewise(LSHR, shift) : x3.lanewise(LSHR, bits);
                    ShortVector a2 = IntVector.broadcast(I, a[k + 2]).reinterpretAsShorts();
                    t0 = t0.add(x0.mul(a2));
                    x0 = COUNTS ? x0.lanewise(LSHR, shift) : x0.lanewise(LSHR, bits);
                    t1 = t1.add(x1.mul(a2));
                    x1 = COUNTS ? x1.lanewise(LSHR, shift) : x1.lanewise(LSHR, bits);
                    t2 = t2.add(x2.mul(a2));
                    x2 = COUNTS ? x2.lanewise(LSHR, shift) : x2.lanewise(LSHR, bits);
                    t3 = t3.add(x3.mul(a2));
                    x3 = COUNTS ? x3.lanewise(LSHR, shift) : x3.lanewise(LSHR, bits);
                    ShortVector a3 = IntVector.broadcast(I, a[k + 3]).reinterpretAsShorts();
                    t0 = t0.add(x0.mul(a3));
                    x0 = COUNTS ? x0.lanewise(LSHR, shift) : x0.lanewise(LSHR, bits);
                    t1 = t1.add(x1.mul(a3));
                    x1 = COUNTS ? x1.lanewise(LSHR, shift) : x1.lanewise(LSHR, bits);
                    t2 = t2.add(x2.mul(a3));
                    x2 = COUNTS ? x2.lanewise(LSHR, shift) : x2.lanewise(LSHR, bits);
                    t3 = t3.add(x3.mul(a3));
                    x3 = COUNTS ? x3.lanewise(LSHR, shift) : x3.lanewise(LSHR, bits);
                }
            }
            IntVector s0 = t0.reinterpretAsInts();
            e0 = e0.add(s0.lanewise(LSHL, 16).lanewise(ASHR, 16));
            o0 = o0.add(s0.lanewise(ASHR, 16));
            IntVector s1 = t1.reinterpretAsInts();
            e1 = e1.add(s1.lanewise(LSHL, 16).lanewise(ASHR, 16));
            o1 = o1.add(s1.lanewise(ASHR, 16));
            IntVector s2 = t2.reinterpretAsInts();
            e2 = e2.add(s2.lanewise(LSHL, 16).lanewise(ASHR, 16));
            o2 = o2.add(s2.lanewise(ASHR, 16));
            IntVector s3 = t3.reinterpretAsInts();
            e3 = e3.add(s3.lanewise(LSHL, 16).lanewise(ASHR, 16));
            o3 = o3.add(s3.lanewise(ASHR, 16));
        }
        e0.add(IntVector.fromArray(I, acc, at0)).intoArray(acc, at0);
        o0.add(IntVector.fromArray(I, acc, at0 + HALF)).intoArray(acc, at0 + HALF);
        e1.add(IntVector.fromArray(I, acc, at1)).intoArray(acc, at1);
        o1.add(IntVector.fromArray(I, acc, at1 + HALF)).intoArray(acc, at1 + HALF);
        e2.add(IntVector.fromArray(I, acc, at2)).intoArray(acc, at2);
        o2.add(IntVector.fromArray(I, acc, at2 + HALF)).intoArray(acc, at2 + HALF);
        e3.add(IntVector.fromArray(I, acc, at3)).intoArray(acc, at3);
        o3.add(IntVector.fromArray(I, acc, at3 + HALF)).intoArray(acc, at3 + HALF);
    }

    /**
     * 8 bits. The sum of two products has 16 bits, but not that of more: so sums are kept modulo 2^16 beside sums of
     * {@code t >> 8}. Their difference, {@code Σ (t & 255)}, is below 2^16 and thus known, too.
     */
    static void bytes(int[] a, int k0, int init, long[] w, int at, int panel, int n, int[] acc, int to, int lane) {
        int at0 = to + PackedRows.row(lane);
        int at1 = to + PackedRows.row(lane + LANES);
        int at2 = to + PackedRows.row(lane + 2 * LANES);
        int at3 = to + PackedRows.row(lane + 3 * LANES);
        ShortVector eight = ShortVector.broadcast(S, 8);
        ShortVector l0 = ShortVector.zero(S);
        ShortVector h0 = ShortVector.zero(S);
        ShortVector l1 = ShortVector.zero(S);
        ShortVector h1 = ShortVector.zero(S);
        ShortVector l2 = ShortVector.zero(S);
        ShortVector h2 = ShortVector.zero(S);
        ShortVector l3 = ShortVector.zero(S);
        ShortVector h3 = ShortVector.zero(S);
        int begin = at + PackedRows.offset(lane, panel);
        int d1 = PackedRows.offset(lane + LANES, panel) - PackedRows.offset(lane, panel);
        int d2 = PackedRows.offset(lane + 2 * LANES, panel) - PackedRows.offset(lane, panel);
        int d3 = PackedRows.offset(lane + 3 * LANES, panel) - PackedRows.offset(lane, panel);
        for (int p = 0; p < n; p++) {
            int i = begin + p * PackedRows.STRIDE;
            ShortVector c = IntVector.broadcast(I, a[init + 2 * p]).reinterpretAsShorts();
            ShortVector a0 = IntVector.broadcast(I, a[k0 + 2 * p]).reinterpretAsShorts();
            ShortVector a1 = IntVector.broadcast(I, a[k0 + 2 * p + 1]).reinterpretAsShorts();
            ShortVector x0 = LongVector.fromArray(L, w, i).reinterpretAsShorts();
            ShortVector y0 = COUNTS ? x0.lanewise(LSHR, eight) : x0.lanewise(LSHR, 8);
            ShortVector t0 = x0.mul(a0).add(c).add(y0.mul(a1));
            l0 = l0.add(t0);
            h0 = h0.add(COUNTS ? t0.lanewise(ASHR, eight) : t0.lanewise(ASHR, 8));
            ShortVector x1 = LongVector.fromArray(L, w, i + d1).reinterpretAsShorts();
            ShortVector y1 = COUNTS ? x1.lanewise(LSHR, eight) : x1.lanewise(LSHR, 8);
            ShortVector t1 = x1.mul(a0).add(c).add(y1.mul(a1));
            l1 = l1.add(t1);
            h1 = h1.add(COUNTS ? t1.lanewise(ASHR, eight) : t1.lanewise(ASHR, 8));
            ShortVector x2 = LongVector.fromArray(L, w, i + d2).reinterpretAsShorts();
            ShortVector y2 = COUNTS ? x2.lanewise(LSHR, eight) : x2.lanewise(LSHR, 8);
            ShortVector t2 = x2.mul(a0).add(c).add(y2.mul(a1));
            l2 = l2.add(t2);
            h2 = h2.add(COUNTS ? t2.lanewise(ASHR, eight) : t2.lanewise(ASHR, 8));
            ShortVector x3 = LongVector.fromArray(L, w, i + d3).reinterpretAsShorts();
            ShortVector y3 = COUNTS ? x3.lanewise(LSHR, eight) : x3.lanewise(LSHR, 8);
            ShortVector t3 = x3.mul(a0).add(c).add(y3.mul(a1));
            l3 = l3.add(t3);
            h3 = h3.add(COUNTS ? t3.lanewise(ASHR, eight) : t3.lanewise(ASHR, 8));
        }
        IntVector r0 = l0.sub(h0.lanewise(LSHL, 8)).reinterpretAsInts();
        IntVector s0 = h0.reinterpretAsInts();
        IntVector e0 = s0.lanewise(LSHL, 16).lanewise(ASHR, 8).add(r0.and(0xFFFF));
        IntVector o0 = s0.lanewise(ASHR, 16).lanewise(LSHL, 8).add(r0.lanewise(LSHR, 16));
        e0.add(IntVector.fromArray(I, acc, at0)).intoArray(acc, at0);
        o0.add(IntVector.fromArray(I, acc, at0 + HALF)).intoArray(acc, at0 + HALF);
        IntVector r1 = l1.sub(h1.lanewise(LSHL, 8)).reinterpretAsInts();
        IntVector s1 = h1.reinterpretAsInts();
        IntVector e1 = s1.lanewise(LSHL, 16).lanewise(ASHR, 8).add(r1.and(0xFFFF));
        IntVector o1 = s1.lanewise(ASHR, 16).lanewise(LSHL, 8).add(r1.lanewise(LSHR, 16));
        e1.add(IntVector.fromArray(I, acc, at1)).intoArray(acc, at1);
        o1.add(IntVector.fromArray(I, acc, at1 + HALF)).intoArray(acc, at1 + HALF);
        IntVector r2 = l2.sub(h2.lanewise(LSHL, 8)).reinterpretAsInts();
        IntVector s2 = h2.reinterpretAsInts();
        IntVector e2 = s2.lanewise(LSHL, 16).lanewise(ASHR, 8).add(r2.and(0xFFFF));
        IntVector o2 = s2.lanewise(ASHR, 16).lanewise(LSHL, 8).add(r2.lanewise(LSHR, 16));
        e2.add(IntVector.fromArray(I, acc, at2)).intoArray(acc, at2);
        o2.add(IntVector.fromArray(I, acc, at2 + HALF)).intoArray(acc, at2 + HALF);
        IntVector r3 = l3.sub(h3.lanewise(LSHL, 8)).reinterpretAsInts();
        IntVector s3 = h3.reinterpretAsInts();
        IntVector e3 = s3.lanewise(LSHL, 16).lanewise(ASHR, 8).add(r3.and(0xFFFF));
        IntVector o3 = s3.lanewise(ASHR, 16).lanewise(LSHL, 8).add(r3.lanewise(LSHR, 16));
        e3.add(IntVector.fromArray(I, acc, at3)).intoArray(acc, at3);
        o3.add(IntVector.fromArray(I, acc, at3 + HALF)).intoArray(acc, at3 + HALF);
    }

    /**
     * Subtracts how many bits differ.
     */
    static void differences(int[] a, int k0, long[] w, int at, int panel, int n, int[] acc, int to, int lane) {
        int at0 = to + PackedRows.row(lane);
        int at1 = to + PackedRows.row(lane + LANES);
        int at2 = to + PackedRows.row(lane + 2 * LANES);
        int at3 = to + PackedRows.row(lane + 3 * LANES);
        ShortVector t0 = ShortVector.zero(S);
        ShortVector t1 = ShortVector.zero(S);
        ShortVector t2 = ShortVector.zero(S);
        ShortVector t3 = ShortVector.zero(S);
        int begin = at + PackedRows.offset(lane, panel);
        int d1 = PackedRows.offset(lane + LANES, panel) - PackedRows.offset(lane, panel);
        int d2 = PackedRows.offset(lane + 2 * LANES, panel) - PackedRows.offset(lane, panel);
        int d3 = PackedRows.offset(lane + 3 * LANES, panel) - PackedRows.offset(lane, panel);
        for (int j = 0; j < n; j++) {
            int i = begin + j * PackedRows.STRIDE;
            ShortVector x = IntVector.broadcast(I, a[k0 + j]).reinterpretAsShorts();
            t0 = t0.sub(LongVector.fromArray(L, w, i)
                    .reinterpretAsShorts()
                    .lanewise(XOR, x)
                    .lanewise(BIT_COUNT));
            t1 = t1.sub(LongVector.fromArray(L, w, i + d1)
                    .reinterpretAsShorts()
                    .lanewise(XOR, x)
                    .lanewise(BIT_COUNT));
            t2 = t2.sub(LongVector.fromArray(L, w, i + d2)
                    .reinterpretAsShorts()
                    .lanewise(XOR, x)
                    .lanewise(BIT_COUNT));
            t3 = t3.sub(LongVector.fromArray(L, w, i + d3)
                    .reinterpretAsShorts()
                    .lanewise(XOR, x)
                    .lanewise(BIT_COUNT));
        }
        IntVector s0 = t0.reinterpretAsInts();
        s0.lanewise(LSHL, 16)
                .lanewise(ASHR, 16)
                .add(IntVector.fromArray(I, acc, at0))
                .intoArray(acc, at0);
        s0.lanewise(ASHR, 16).add(IntVector.fromArray(I, acc, at0 + HALF)).intoArray(acc, at0 + HALF);
        IntVector s1 = t1.reinterpretAsInts();
        s1.lanewise(LSHL, 16)
                .lanewise(ASHR, 16)
                .add(IntVector.fromArray(I, acc, at1))
                .intoArray(acc, at1);
        s1.lanewise(ASHR, 16).add(IntVector.fromArray(I, acc, at1 + HALF)).intoArray(acc, at1 + HALF);
        IntVector s2 = t2.reinterpretAsInts();
        s2.lanewise(LSHL, 16)
                .lanewise(ASHR, 16)
                .add(IntVector.fromArray(I, acc, at2))
                .intoArray(acc, at2);
        s2.lanewise(ASHR, 16).add(IntVector.fromArray(I, acc, at2 + HALF)).intoArray(acc, at2 + HALF);
        IntVector s3 = t3.reinterpretAsInts();
        s3.lanewise(LSHL, 16)
                .lanewise(ASHR, 16)
                .add(IntVector.fromArray(I, acc, at3))
                .intoArray(acc, at3);
        s3.lanewise(ASHR, 16).add(IntVector.fromArray(I, acc, at3 + HALF)).intoArray(acc, at3 + HALF);
    }
}
