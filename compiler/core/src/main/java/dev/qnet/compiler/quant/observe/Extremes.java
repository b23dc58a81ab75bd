package dev.qnet.compiler.quant.observe;

/** The smallest and the largest finite value of a stream, and how many values there were. Not thread-safe. */
public final class Extremes {
    private float min = Float.POSITIVE_INFINITY;
    private float max = Float.NEGATIVE_INFINITY;
    private long count;
    private long nonFinite;

    Extremes() {}

    void accept(float[] values, int from, int to) {
        for (int i = from; i < to; i++) {
            accept(values[i]);
        }
    }

    /** Returns whether the value is finite. */
    boolean accept(float v) {
        // False for NaN, too.
        if (!(Math.abs(v) <= Float.MAX_VALUE)) {
            nonFinite++;
            return false;
        }
        count++;
        min = Math.min(min, v);
        max = Math.max(max, v);
        return true;
    }

    /**
     * The smallest finite value.
     *
     * @throws IllegalStateException if there was none
     */
    public float min() {
        checkSeen();
        return min;
    }

    /**
     * The largest finite value.
     *
     * @throws IllegalStateException if there was none
     */
    public float max() {
        checkSeen();
        return max;
    }

    /** How many finite values were seen. */
    public long count() {
        return count;
    }

    /** How many NaNs and infinities were seen. */
    public long nonFinite() {
        return nonFinite;
    }

    /** The range from the smallest to the largest value, with 0. */
    Range range() {
        return Range.including(min(), max());
    }

    private void checkSeen() {
        if (count == 0) {
            throw new IllegalStateException("no finite value was observed");
        }
    }
}
