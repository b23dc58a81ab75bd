package dev.qnet.runtime.kernel;

/**
 * Singles x with parameters p from {@link DynamicParams} → {@link Kind#S16} centred codes {@code q − z},
 * {@code q = clamp(round_half_even(x/s) + z, min, max)}.
 */
public final class DynamicQuantize implements BinaryKernel {
    private final int n;
    private final int min;
    private final int max;

    private DynamicQuantize(int n, int min, int max) {
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
        return new DynamicQuantize(n, min, max);
    }

    @Override
    public void run(Banks banks, int x, int p, int y) {
        float[] a = banks.floats;
        short[] to = banks.shorts;
        float s = a[p];
        int z = (int) a[p + 1];
        // Limiting q − z instead of q is the same, and needs no zero point added. NaN becomes 0.
        int lo = min - z;
        int hi = max - z;
        for (int i = 0; i < n; i++) {
            to[y + i] = (short) Math.max(lo, Math.min(hi, (int) Math.rint(a[x + i] / s)));
        }
    }
}
