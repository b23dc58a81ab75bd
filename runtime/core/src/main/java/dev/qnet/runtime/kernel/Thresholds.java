package dev.qnet.runtime.kernel;

/** A staircase: the entry that belongs to the number of thresholds at or below an integer, channels last. */
public final class Thresholds implements UnaryKernel {
    private final Operand x;
    private final int rows;
    private final int channels;
    private final int steps;

    /** [C][T] ascending, or [T] for all channels. */
    private final long[] thresholds;

    private final boolean perChannel;
    private final int[] entries;
    private final Kind y;

    private Thresholds(Operand x, int rows, int channels, long[] thresholds, int[] entries, Kind y) {
        this.x = x;
        this.rows = rows;
        this.channels = channels;
        this.thresholds = thresholds;
        this.entries = entries;
        this.y = y;
        steps = entries.length - 1;
        perChannel = thresholds.length != steps;
    }

    /**
     * Plans x [rows,C] → [rows,C].
     *
     * @param x the operand's element, any of integers
     * @param rows elements in front of the last axis
     * @param channels C
     * @param thresholds [C,T] or [1,T], each row ascending
     * @param entries T + 1 codes of the result
     * @param y the result's kind, at most 32 bits
     */
    public static Thresholds of(Operand x, int rows, int channels, long[] thresholds, int[] entries, Kind y) {
        int steps = entries.length - 1;
        boolean fits = thresholds.length == steps || thresholds.length == (long) channels * steps;
        if (steps < 0 || !fits || !y.fitsInt()) {
            throw new IllegalArgumentException(
                    thresholds.length + " thresholds for " + entries.length + " codes of " + channels + " channels");
        }
        return new Thresholds(x, rows, channels, thresholds.clone(), entries.clone(), y);
    }

    @Override
    public void run(Banks banks, int xAt, int yAt) {
        long[] a = banks.longs(0, Rows.CHUNK);
        int[] codes = banks.ints(0, Rows.CHUNK);
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < channels; c += Rows.CHUNK) {
                int n = Math.min(Rows.CHUNK, channels - c);
                int at = r * channels + c;
                Rows.load(banks, x, xAt + at, 1, a, n);
                for (int i = 0; i < n; i++) {
                    codes[i] = entries[count(a[i], perChannel ? (c + i) * steps : 0)];
                }
                Rows.store(banks, y, yAt + at, codes, 0, n);
            }
        }
    }

    /** How many of the thresholds from {@code from} on are at most v. */
    private int count(long v, int from) {
        int lo = 0;
        int hi = steps;
        while (lo < hi) {
            int mid = (lo + hi) >>> 1;
            if (thresholds[from + mid] <= v) {
                lo = mid + 1;
            } else {
                hi = mid;
            }
        }
        return lo;
    }
}
