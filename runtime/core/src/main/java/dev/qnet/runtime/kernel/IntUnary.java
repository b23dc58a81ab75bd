package dev.qnet.runtime.kernel;

/** One operation of a plain integer; results wrap around at the kind's width. May run in place. */
public final class IntUnary implements UnaryKernel {
    /** The functions of one number. */
    public enum Fn {
        NEG,
        ABS,
        /** −1, 0 or 1. */
        SIGN,
        /** Truth values: 1 − x; others: every bit inverted. */
        NOT
    }

    private final Fn fn;
    private final Operand operand;
    private final boolean truth;
    private final int n;

    private IntUnary(Fn fn, Kind kind, boolean truth, int n) {
        this.fn = fn;
        this.truth = truth;
        this.n = n;
        operand = Operand.plain(kind);
    }

    /**
     * Plans.
     *
     * @param kind of the operand and the result
     * @param truth whether they are truth values, 0 and 1
     * @param n elements
     */
    public static IntUnary of(Fn fn, Kind kind, boolean truth, int n) {
        return new IntUnary(fn, kind, truth, n);
    }

    @Override
    public void run(Banks banks, int x, int y) {
        long[] a = banks.longs(0, Rows.CHUNK);
        for (int at = 0; at < n; at += Rows.CHUNK) {
            int m = Math.min(Rows.CHUNK, n - at);
            Rows.load(banks, operand, x + at, 1, a, m);
            apply(a, m);
            Rows.store(banks, operand.kind(), y + at, a, m);
        }
    }

    private void apply(long[] a, int m) {
        for (int i = 0; i < m; i++) {
            long v = a[i];
            a[i] = switch (fn) {
                // Of a truth value: −1 is not 0, hence true.
                case NEG -> truth ? v : -v;
                case ABS -> Math.abs(v);
                case SIGN -> Long.signum(v);
                case NOT -> truth ? 1 - v : ~v;
            };
        }
    }
}
