package dev.qnet.runtime.kernel;

/**
 * A quantization of singles, checked; {@link Quantize} tells the formula.
 *
 * @param tiesAway whether ties round away from zero, else to even
 * @param scales s, one an index along the axis
 * @param zeros z
 * @param lo the lowest code
 * @param hi the highest
 * @param kind of the codes
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record QuantizeSpec(boolean tiesAway, float[] scales, int[] zeros, int lo, int hi, Kind kind) {
    QuantizeSpec {
        if (!kind.fitsInt() || lo > hi || lo < kind.min() || hi > kind.max()) {
            throw new IllegalArgumentException("codes " + lo + ".." + hi + " are not of kind " + kind);
        }
        for (float s : scales) {
            if (!(s > 0) || Float.isInfinite(s)) {
                throw new IllegalArgumentException("a scale is finite and above zero, not " + s);
            }
        }
    }

    /** Whether vectors may round: the limits around the zero point are within 2^22, see {@link Simd#MAGIC}. */
    boolean near(int c) {
        return Math.max(Math.abs((long) lo - zeros[c]), Math.abs((long) hi - zeros[c])) <= 1 << 22;
    }

    /** Quantizes x[at + i] to codes[i], i from {@code from} to {@code to}, by the scale of index c. */
    void apply(int c, float[] x, int at, int[] codes, int from, int to) {
        float s = scales[c];
        int z = zeros[c];
        if (tiesAway) {
            for (int i = from; i < to; i++) {
                codes[i] = limit(awayFromZero(x[at + i] / s), z);
            }
        } else {
            for (int i = from; i < to; i++) {
                codes[i] = limit(Math.rint(x[at + i] / s), z);
            }
        }
    }

    /**
     * In double the half is added exactly: a single has 24 bits, and above 2^52 the sum rounds back to the integer.
     */
    private static double awayFromZero(double v) {
        return Math.copySign(Math.floor(Math.abs(v) + 0.5), v);
    }

    /** Exact in double wherever the sum is within the limits. */
    private int limit(double rounded, int z) {
        return Double.isNaN(rounded) ? z : (int) Math.max(lo, Math.min(hi, rounded + z));
    }
}
