package dev.qnet.runtime.kernel;

/**
 * Plain numbers of one kind as another. Singles to integers truncate towards 0 and saturate, NaN is 0; integers to
 * integers keep the low bits; anything to truth values is x ≠ 0; integers to singles round to even.
 */
public final class Cast implements UnaryKernel {
    private final Kind from;

    /** The operand, where it is an integer. */
    private final Operand operand;

    private final Kind to;
    private final boolean truth;
    private final int n;

    private Cast(Kind from, Kind to, boolean truth, int n) {
        this.from = from;
        operand = Operand.plain(from == Kind.F32 ? Kind.S32 : from);
        this.to = to;
        this.truth = truth;
        this.n = n;
    }

    /**
     * Plans.
     *
     * @param from the operand's kind
     * @param to the result's kind
     * @param truth whether the result is a truth value
     * @param n elements
     */
    public static Cast of(Kind from, Kind to, boolean truth, int n) {
        return new Cast(from, to, truth, n);
    }

    @Override
    public void run(Banks banks, int x, int y) {
        if (from == Kind.F32 && to == Kind.F32) {
            System.arraycopy(banks.floats, x, banks.floats, y, n);
            return;
        }
        long[] a = banks.longs(0, Rows.CHUNK);
        for (int at = 0; at < n; at += Rows.CHUNK) {
            chunk(banks, x + at, y + at, a, Math.min(Rows.CHUNK, n - at));
        }
    }

    private void chunk(Banks b, int x, int y, long[] a, int m) {
        if (from == Kind.F32) {
            load(b.floats, x, a, m);
        } else {
            Rows.load(b, operand, x, 1, a, m);
        }
        if (truth) {
            Rows.truth(a, m);
        }
        if (to == Kind.F32) {
            for (int i = 0; i < m; i++) {
                b.floats[y + i] = (float) a[i];
            }
        } else {
            Rows.store(b, to, y, a, m);
        }
    }

    private void load(float[] f, int x, long[] a, int m) {
        if (truth) {
            for (int i = 0; i < m; i++) {
                a[i] = f[x + i] != 0 ? 1 : 0;
            }
            return;
        }
        long min = to.min();
        long max = to.max();
        for (int i = 0; i < m; i++) {
            a[i] = Math.max(min, Math.min(max, (long) f[x + i]));
        }
    }
}
