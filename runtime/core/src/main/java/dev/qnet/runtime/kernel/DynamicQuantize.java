package dev.qnet.runtime.kernel;

/**
 * Singles x with parameters p from {@link DynamicParams} → {@link Kind#S16} centred codes {@code q − z},
 * {@code q = clamp(round_half_even(x/s) + z, min, max)}.
 */
public final class DynamicQuantize implements BinaryKernel {
    /** Limits beyond this are left to plain Java. */
    private static final int FAR = 1 << 20;

    private final Loops loops;
    private final int n;
    private final int min;
    private final int max;

    private DynamicQuantize(Loops loops, int n, int min, int max) {
        this.loops = loops;
        this.n = n;
        this.min = min;
        this.max = max;
    }

    /**
     * Plans.
     *
     * @param n elements
     * @param min the lowest code
     * @param max the highest code
     */
    public static DynamicQuantize of(Backend backend, int n, int min, int max) {
        return new DynamicQuantize(backend.loops(), n, min, max);
    }

    @Override
    public void run(Banks banks, int x, int p, int y) {
        float s = banks.floats[p];
        int z = (int) banks.floats[p + 1];
        // Limiting q − z instead of q is the same, and needs no zero point added. NaN becomes 0.
        int lo = min - z;
        int hi = max - z;
        Loops by = lo <= 0 && lo > -FAR && hi >= 0 && hi < FAR ? loops : ScalarLoops.INSTANCE;
        int[] codes = banks.ints(0, Rows.CHUNK);
        for (int i = 0; i < n; i += Rows.CHUNK) {
            int length = Math.min(Rows.CHUNK, n - i);
            by.quantize(s, lo, hi, banks.floats, x + i, codes, length);
            loops.store(banks, Kind.S16, y + i, codes, 0, length);
        }
    }
}
