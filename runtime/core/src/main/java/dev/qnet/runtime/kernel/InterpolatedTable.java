package dev.qnet.runtime.kernel;

/**
 * A function of one i16 code, interpolated between 513 entries: with u = q + 32768, i = u >> 7 and r = u &amp; 127,
 * {@code e[i] + (((e[i+1] − e[i])·r + 64) >> 7)}, limited to lo..hi. May run in place.
 */
public final class InterpolatedTable implements UnaryKernel {
    private final int n;
    private final int[] entries;
    private final int lo;
    private final int hi;

    private InterpolatedTable(int n, int[] entries, int lo, int hi) {
        this.n = n;
        this.entries = entries;
        this.lo = lo;
        this.hi = hi;
    }

    /**
     * Plans, {@link Kind#S16} to {@link Kind#S16}.
     *
     * @param n elements
     * @param entries 513 codes of the result
     * @param lo its lowest code
     * @param hi its highest code
     */
    public static InterpolatedTable of(Backend backend, int n, int[] entries, int lo, int hi) {
        if (entries.length != 513) {
            throw new IllegalArgumentException("an interpolated table has 513 entries, not " + entries.length);
        }
        return new InterpolatedTable(n, entries.clone(), lo, hi);
    }

    @Override
    public void run(Banks banks, int x, int y) {
        short[] a = banks.shorts;
        for (int i = 0; i < n; i++) {
            a[y + i] = (short) Math.max(lo, Math.min(hi, at(entries, a[x + i])));
        }
    }

    /** The interpolated entry of a code. */
    static int at(int[] entries, int code) {
        int u = code + 32768;
        int e = entries[u >> 7];
        return e + (((entries[(u >> 7) + 1] - e) * (u & 127) + 64) >> 7);
    }
}
