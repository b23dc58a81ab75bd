package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/** Scales integers, or codes centred to {@code q − zero}, to codes. In place where both kinds are equally wide. */
public final class Requantize implements UnaryKernel {
    private final Loops loops;
    private final Operand x;
    private final Output out;
    private final int n;
    private final int row;

    /** Of 8 bits with one scale, what each code becomes; else null. */
    private final @Nullable Table table;

    private Requantize(Loops loops, Operand x, Output out, int n, int row, @Nullable Table table) {
        this.loops = loops;
        this.x = x;
        this.out = out;
        this.n = n;
        this.row = row;
        this.table = table;
    }

    /**
     * Plans.
     *
     * @param x the operand's element
     * @param n elements
     * @param lastAxis extent of the last axis: n, or a divisor
     * @param rescale one scale, or one for each index along the last axis
     * @param y the result's kind
     */
    public static Requantize of(Backend backend, Operand x, int n, int lastAxis, Rescale rescale, Kind y) {
        Rescale.checkChannels(rescale, lastAxis);
        Output out = Output.codes(x.kind() == Kind.S64 ? Kind.S64 : Kind.S32, rescale, y);
        Table table = x.kind().bytes() == 1 && rescale.channels == 1 ? table(backend, x, n, rescale, y) : null;
        return new Requantize(backend.loops(), x, out, n, out.perChannel() ? lastAxis : n, table);
    }

    private static Table table(Backend backend, Operand x, int n, Rescale rescale, Kind y) {
        int min = (int) x.kind().min();
        int[] entries = new int[256];
        for (int i = 0; i < entries.length; i++) {
            entries[i] = rescale.apply(min + i - x.zero(), 0);
        }
        return Table.of(backend, n, min, entries, y);
    }

    @Override
    public void run(Banks banks, int xAt, int yAt) {
        if (table != null) {
            table.run(banks, xAt, yAt);
            return;
        }
        if (x.kind() == Kind.S32 && x.zero() == 0 && out.kind().bytes() == 1) {
            for (int i = 0; i < n; i += row) {
                out.store(loops, banks, yAt + i, banks.ints, xAt + i, row, 0);
            }
            return;
        }
        for (int i = 0; i < n; i += row) {
            for (int j = 0; j < row; j += Rows.CHUNK) {
                chunk(banks, xAt + i + j, yAt + i + j, Math.min(Rows.CHUNK, row - j), j);
            }
        }
    }

    private void chunk(Banks b, int xAt, int yAt, int length, int channel) {
        if (out.wide()) {
            long[] a = b.longs(0, Rows.CHUNK);
            Rows.load(b, x, xAt, 1, a, length);
            out.store(b, yAt, a, 0, length, channel);
        } else {
            int[] a = b.ints(0, Rows.CHUNK);
            loops.load(b, x, xAt, a, 0, length);
            out.store(loops, b, yAt, a, 0, length, channel);
        }
    }
}
