package dev.qnet.runtime.kernel;

import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A dense layer, or a convolution, whose weights meet few rows of x: reading the weights takes longer than
 * multiplying, so they stay packed, see {@link PackedRows}.
 *
 * <p>x enters as {@code a = x − delta}, from −127 to 128. With weights as digits b of n bits, less {@code half = 2^(n−1)},
 * the sum of 2^(9−n) products lies between {@code −2^15} and {@code 2^(9−n)·2^(n−1)·127 = 127·2^8}: it is exact in 16
 * bits, whatever the partial sums, which may wrap. (With digits of 1 bit half is 0, and a run of 128 stays below 2^15
 * too.) {@code −half·Σ a} of a run is what its sum begins with. Then 32-bit sums go on, which are as exact as the
 * accumulator: modulo 2^32. So are the constants: {@code Σ w·x = scale·Σ (b − half)·a + offset·Σ a + delta·Σ w}.
 *
 * <p>Digits of 1 bit against x of −1 and +1 are counted: n terms, of which d differ in sign, sum to n − 2·d.
 */
final class Gemv implements UnaryKernel, Parts, Warmable {
    /** Fewer weights than this, a group, stay in the second-level cache in any form. */
    private static final int MIN_WEIGHTS = 1 << 14;

    /** With fewer rows of weights, most of a block would be empty. */
    private static final int MIN_ROWS = 64;

    /** Beyond so many rows of x, singles are faster: where weights have 4 bits or fewer, and where they have 8. */
    private static final int MAX_PIXELS = 8;

    private static final int MAX_PIXELS_OF_BYTES = 4;

    /** What is read and written beyond the terms, at most. */
    private static final int SLACK = 2 * RescaleLanes.PAD;

    private static final int X = 0;
    private static final int PREPARED = 1;
    private static final int SUMS = 2;
    private static final int RUN_SUMS = 3;
    private static final int WIDE_SUMS = 0;
    private static final int SUMS_OF_WORDS = 1;

    private final Loops loops;
    private final boolean vectors;
    private final Kind kind;
    private final Patch<int[]> patch;
    private final int outWidth;
    private final int pixels;
    private final int filters;
    /** What x loses to become a, in vectors; its least, in plain Java. */
    private final int delta;

    private final int least;

    /** Whether x is −1, 0 or 1. */
    private final boolean signs;

    /** One a group. */
    private final PackedRows[] groups;

    /** Of 32 bits, a group. */
    private final int[][] bias;

    /** The bias of 64 bits where accumulators have them. */
    private final long[] wideBias;

    private final Output out;

    private Gemv(
            Loops loops,
            boolean vectors,
            Kind kind,
            Patch<int[]> patch,
            int outWidth,
            int pixels,
            int filters,
            int delta,
            int least,
            boolean signs,
            PackedRows[] groups,
            int[][] bias,
            long[] wideBias,
            Output out) {
        this.loops = loops;
        this.vectors = vectors;
        this.kind = kind;
        this.patch = patch;
        this.outWidth = outWidth;
        this.pixels = pixels;
        this.filters = filters;
        this.delta = delta;
        this.least = least;
        this.signs = signs;
        this.groups = groups;
        this.bias = bias;
        this.wideBias = wideBias;
        this.out = out;
    }

    /**
     * A kernel that keeps its weights packed, in plain Java; null where that is not possible, or not worth it.
     *
     * @param loops what else the kernel uses
     */
    static @Nullable Gemv of(ConvSpec s, Loops loops) {
        int pixels = s.outHeight() * s.outWidth();
        int n = s.groupFilters();
        if ((long) n * s.taps() < MIN_WEIGHTS || n < MIN_ROWS || pixels > MAX_PIXELS) {
            return null;
        }
        Gemv g = any(s, loops);
        return g != null && g.groups[0].bits == 8 && pixels > MAX_PIXELS_OF_BYTES ? null : g;
    }

    /** As {@link #of}, for any size. */
    static @Nullable Gemv any(ConvSpec s, Loops loops) {
        Operand x = s.x();
        long lo = Math.min(0, (long) x.lo() - x.zero()); // 0 is what padding counts as
        long hi = Math.max(0, (long) x.hi() - x.zero());
        int k = s.taps();
        int n = s.groupFilters();
        if (hi - lo > 255 || k == 0 || n == 0) {
            return null;
        }
        int delta = (int) (lo < -127 ? lo + 127 : Math.max(0, hi - 128));
        PackedRows[] groups = new PackedRows[s.groups()];
        int[][] bias = new int[groups.length][];
        for (int g = 0; g < groups.length; g++) {
            PackedRows p = PackedRows.of(s.weights(), g * n * k, n, k);
            // Sums are added to a bias of 64 bits last, so 32 have to do for them.
            if (p == null || (s.out().wide() && p.reach * x.magnitude() > Integer.MAX_VALUE)) {
                return null;
            }
            groups[g] = p;
            bias[g] = new int[p.paddedRows];
            if (!s.out().wide()) {
                System.arraycopy(s.bias(), g * n, bias[g], 0, n);
            }
        }
        Patch<int[]> patch = new Patch<>(s, new Loader(loops));
        return new Gemv(
                loops,
                false,
                x.kind(),
                patch,
                s.outWidth(),
                s.outHeight() * s.outWidth(),
                s.filters(),
                delta,
                (int) lo,
                lo >= -1 && hi <= 1,
                groups,
                bias,
                s.out().wide() ? s.wideBias() : new long[0],
                s.out());
    }

    /** The same kernel in vectors, with the same packed weights. */
    Gemv inVectors(Loops with) {
        return new Gemv(
                with, true, kind, patch, outWidth, pixels, filters, delta, least, signs, groups, bias, wideBias, out);
    }

    /** Loads rows as a backend does, for {@link Patch}. */
    private record Loader(Loops loops) implements Patch.Loader<int[]> {
        @Override
        public void zeros(int[] to, int at, int n) {
            Arrays.fill(to, at, at + n, 0);
        }

        @Override
        public void load(Banks b, Operand x, int from, int[] to, int at, int n) {
            loops.load(b, x, from, to, at, n);
        }
    }

    @Override
    public void steps(Set<Step> steps) {
        SimdGemvSteps.add(steps, groups[0], signs);
        steps.add(RowSteps.ALL.load(kind));
        if (out.wide()) {
            return;
        }
        if (out.rescale() != null && out.kind().bytes() == 1) {
            steps.add(RowSteps.ALL.codes(out.rescale()));
        }
        if (out.rescale() != null) {
            steps.add(RowSteps.ALL.rescale(out.rescale()));
        }
        steps.add(RowSteps.ALL.store(out.kind()));
    }

    @Override
    public void run(Banks b, int x, int y) {
        b.run(this, x, y, 0);
    }

    /** A part is a block of weights, with all rows of x. */
    @Override
    public int parts() {
        return groups.length * groups[0].blocks();
    }

    @Override
    public long nanos() {
        long products = (long) pixels * filters * groups[0].terms;
        return products / (vectors ? 40 : 4);
    }

    @Override
    public void run(Banks b, int x, int y, int z, int from, int to) {
        int blocks = groups[0].blocks();
        for (int i = from; i < to; ) {
            int g = i / blocks;
            int end = Math.min(to, (g + 1) * blocks);
            group(b, x, y, g, i - g * blocks, end - g * blocks);
            i = end;
        }
    }

    /** Some blocks of a group: each meets all rows while it is near. */
    private void group(Banks b, int x, int y, int g, int from, int to) {
        PackedRows p = groups[g];
        int size = 2 * p.paddedTerms + SLACK;
        int[] a = b.ints(PREPARED, pixels * size);
        for (int r = 0; r < pixels; r++) {
            int[] xs = b.ints(X, p.paddedTerms + SLACK);
            patch.gather(b, x, r / outWidth, r % outWidth, g, xs, 1);
            prepare(p, xs, a, r * size);
        }
        int[] acc = b.ints(SUMS, p.paddedRows);
        for (int block = from; block < to; block++) {
            int first = block * PackedRows.BLOCK;
            int end = first + PackedRows.BLOCK;
            for (int r = 0; r < pixels; r++) {
                Arrays.fill(acc, first, end, 0);
                int ones = a[r * size + 1];
                if (!vectors) {
                    ScalarGemv.block(p, block, a, r * size + 2, b.longs(SUMS_OF_WORDS, PackedRows.BLOCK), acc);
                } else if (ones >= 0) {
                    SimdGemv.differences(p, block, a, r * size + 2, acc);
                } else {
                    SimdGemv.block(p, block, a, r * size + 2, b.ints(RUN_SUMS, PackedRows.BLOCK), acc);
                }
                finish(p, first, end, a[r * size], Math.max(ones, 0), bias[g], acc);
                store(b, y + r * filters, acc, first, p.used(block), g * p.rows + first);
            }
        }
    }

    /**
     * Writes what a block is multiplied with: the sum of x; how many are 1, or −1 where products are not counted; then
     * x in the form that the loops take.
     *
     * @param x from index 1 on
     */
    private void prepare(PackedRows p, int[] x, int[] a, int at) {
        a[at] = centre(x, p.terms, p.paddedTerms, vectors ? delta : least);
        a[at + 1] = -1;
        if (!vectors) {
            System.arraycopy(x, 1, a, at + 2, p.paddedTerms);
        } else if (signs && p.bits == 1 && onlySigns(x, p.terms)) {
            a[at + 1] = signs(x, p.paddedTerms, a, at + 2);
        } else {
            SimdGemv.prepare(p, p.paddedTerms, x, a, at + 2);
        }
    }

    /** Subtracts delta, fills up with zeros, and gives the sum. */
    private static int centre(int[] x, int n, int padded, int delta) {
        int sum = 0;
        for (int i = 1; i <= n; i++) {
            x[i] -= delta;
            sum += x[i];
        }
        Arrays.fill(x, n + 1, padded + 1, 0);
        return sum;
    }

    private static boolean onlySigns(int[] x, int n) {
        int wrong = 0;
        for (int i = 1; i <= n; i++) {
            wrong |= (x[i] * x[i]) ^ 1;
        }
        return wrong == 0;
    }

    /** Words of 16 signs, twice in an int, as {@link SimdGemv#differences} takes them; gives how many are +1. */
    private static int signs(int[] x, int n, int[] a, int at) {
        int ones = 0;
        for (int i = 0; i < n; i += 16) {
            int word = 0;
            for (int j = 0; j < 16; j++) {
                word |= (x[i + j + 1] > 0 ? 1 : 0) << j;
            }
            ones += Integer.bitCount(word);
            a[at + i / 16] = word * 0x10001;
        }
        return ones;
    }

    /**
     * Makes accumulators of sums of digits.
     *
     * @param sum of what the digits met
     * @param more what else is added to each sum of digits
     */
    private void finish(PackedRows p, int from, int to, int sum, int more, int[] bias, int[] acc) {
        if (vectors) {
            SimdGemv.finish(p, from, to, sum, more, delta, bias, acc);
            return;
        }
        for (int i = from; i < to; i++) {
            acc[i] = (acc[i] + more) * p.scale[i] + p.offset[i] * sum + p.sum[i] * least + bias[i];
        }
    }

    private void store(Banks b, int y, int[] acc, int at, int n, int channel) {
        if (!out.wide()) {
            out.store(loops, b, y + channel, acc, at, n, channel);
            return;
        }
        long[] wide = b.longs(WIDE_SUMS, n);
        for (int i = 0; i < n; i++) {
            wide[i] = wideBias[channel + i] + acc[at + i];
        }
        out.store(b, y + channel, wide, 0, n, channel);
    }
}
