package dev.qnet.runtime.kernel;

/** Codes limited to lo..hi. May run in place. */
public final class Clamp implements UnaryKernel {
    private final Loops loops;
    private final Operand x;
    private final int n;
    private final int lo;
    private final int hi;

    private Clamp(Loops loops, Operand x, int n, int lo, int hi) {
        this.loops = loops;
        this.x = x;
        this.n = n;
        this.lo = lo;
        this.hi = hi;
    }

    /** Plans for n codes of a kind of at most 32 bits. */
    public static Clamp of(Backend backend, Kind kind, int n, int lo, int hi) {
        return new Clamp(backend.loops(), Operand.plain(kind), n, lo, hi);
    }

    @Override
    public void run(Banks banks, int xAt, int yAt) {
        if (x.kind().bytes() == 1 && lo >= x.kind().min() && hi <= x.kind().max()) {
            loops.limit(x.kind(), banks, xAt, yAt, n, lo, hi);
            return;
        }
        int[] a = banks.ints(0, Rows.CHUNK);
        for (int i = 0; i < n; i += Rows.CHUNK) {
            int length = Math.min(Rows.CHUNK, n - i);
            loops.load(banks, x, xAt + i, a, 0, length);
            for (int j = 0; j < length; j++) {
                a[j] = Math.max(lo, Math.min(hi, a[j]));
            }
            loops.store(banks, x.kind(), yAt + i, a, 0, length);
        }
    }
}
