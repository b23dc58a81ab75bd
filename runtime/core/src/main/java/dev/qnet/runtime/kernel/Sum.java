package dev.qnet.runtime.kernel;

import java.util.Arrays;

/** Sum of {@code x − z} over axes; a mean's 1/n is in the rescale. */
public final class Sum extends Reduction.Kernel {
    private static final int ROW = 0;
    private static final int SUMS = 1;

    private final Loops loops;
    private final Operand x;
    private final Reduction reduction;

    private final Output out;

    /** Whether sums are kept in ints, which may wrap around as the accumulator does. */
    private final boolean narrow;

    private Sum(Loops loops, Operand x, Reduction reduction, Output out) {
        this.loops = loops;
        this.x = x;
        this.reduction = reduction;
        this.out = out;
        narrow = !out.wide() && x.kind().fitsInt();
    }

    /**
     * Plans.
     *
     * @param x the operand's element
     * @param shape its shape
     * @param axes the axes summed over; whether they are kept with extent 1 makes no difference here
     * @param out what becomes of the sums; scales are one, or one for each index along the last axis that stays
     */
    public static Sum of(Backend backend, Operand x, int[] shape, int[] axes, Output out) {
        Reduction r = Reduction.of(shape, axes);
        Rescale.checkChannels(out.rescale(), r.lastAxis());
        return new Sum(backend.loops(), x, r, out);
    }

    @Override
    public void run(Banks banks, int xAt, int yAt) {
        int n = reduction.results();
        if (narrow) {
            int[] sums = banks.ints(SUMS, Math.max(n, 1));
            int length = reduction.ownRow();
            if (length > 0) {
                rows(banks, xAt, length, sums, n);
            } else {
                Arrays.fill(sums, 0, n, 0);
                reduction.run(this, banks, xAt, 0);
            }
            int row = out.perChannel() ? reduction.lastAxis() : n;
            for (int i = 0; i < n; i += row) {
                out.store(loops, banks, yAt + i, sums, i, row, 0);
            }
            return;
        }
        long[] acc = banks.longs(1, Math.max(n, 1));
        Arrays.fill(acc, 0, n, 0);
        reduction.run(this, banks, xAt, 0);
        int row = out.perChannel() ? reduction.lastAxis() : n;
        for (int i = 0; i < n; i += row) {
            store(banks, yAt + i, acc, i, row);
        }
    }

    /** Adds up rows that lie one behind the other, many loaded at a time. */
    private void rows(Banks b, int xAt, int length, int[] sums, int n) {
        int many = Rows.CHUNK / length;
        int[] in = b.ints(ROW, Rows.CHUNK);
        for (int i = 0; i < n; i += many) {
            int count = Math.min(many, n - i);
            loops.load(b, x, xAt + i * length, in, 0, count * length);
            for (int j = 0; j < count; j++) {
                int sum = 0;
                for (int k = 0; k < length; k++) {
                    sum += in[j * length + k];
                }
                sums[i + j] = sum;
            }
        }
    }

    @Override
    void row(Banks b, int xAt, int yAt, int yStep, int n) {
        if (narrow) {
            narrowRow(b, xAt, yAt, yStep, n);
        } else {
            wideRow(b, xAt, yAt, yStep, n);
        }
    }

    private void narrowRow(Banks b, int xAt, int yAt, int yStep, int n) {
        int[] sums = b.ints(SUMS, 0);
        if (yStep == 1 && yAt == 0 && x.kind().bytes() <= 2) {
            loops.accumulate(b, x, xAt, sums, n);
            return;
        }
        if (yStep == 1 && x.kind() == Kind.S32 && x.zero() == 0) {
            loops.combine(IntBinary.Fn.ADD, sums, yAt, b.ints, xAt, n);
            return;
        }
        int[] in = b.ints(ROW, Rows.CHUNK);
        loops.load(b, x, xAt, in, 0, n);
        if (yStep == 1) {
            loops.combine(IntBinary.Fn.ADD, sums, yAt, in, 0, n);
            return;
        }
        int sum = 0;
        for (int i = 0; i < n; i++) {
            sum += in[i];
        }
        sums[yAt] += sum;
    }

    private void wideRow(Banks b, int xAt, int yAt, int yStep, int n) {
        long[] in = b.longs(0, Rows.CHUNK);
        long[] acc = b.longs(1, 0);
        Rows.load(b, x, xAt, 1, in, n);
        if (yStep == 0) {
            long sum = 0;
            for (int i = 0; i < n; i++) {
                sum += in[i];
            }
            acc[yAt] += sum;
        } else {
            for (int i = 0; i < n; i++) {
                acc[yAt + i] += in[i];
            }
        }
    }

    private void store(Banks b, int yAt, long[] acc, int at, int n) {
        if (out.wide()) {
            out.store(b, yAt, acc, at, n, 0);
            return;
        }
        int[] narrow = b.ints(0, n);
        for (int i = 0; i < n; i++) {
            narrow[i] = (int) acc[at + i];
        }
        out.store(loops, b, yAt, narrow, 0, n, 0);
    }
}
