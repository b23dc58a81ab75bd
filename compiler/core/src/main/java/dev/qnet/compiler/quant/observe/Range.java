package dev.qnet.compiler.quant.observe;

/**
 * The real numbers that codes shall cover. Always includes 0, which every scheme must represent exactly; both ends are 0
 * where all values are.
 *
 * @param lo the lower end, at most 0
 * @param hi the upper end, at least 0
 */
public record Range(float lo, float hi) {
    public Range {
        if (!(lo <= 0 && hi >= 0) || Float.isInfinite(lo) || Float.isInfinite(hi)) {
            throw new IllegalArgumentException("a range is finite and includes 0: [" + lo + ", " + hi + "]");
        }
    }

    /** The smallest range over both numbers and 0. */
    public static Range including(double lo, double hi) {
        // Adding 0 turns −0 into 0, so that equal ranges are equal records.
        return new Range((float) Math.min(lo, 0) + 0f, (float) Math.max(hi, 0) + 0f);
    }
}
