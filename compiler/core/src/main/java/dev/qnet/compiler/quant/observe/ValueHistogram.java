package dev.qnet.compiler.quant.observe;

/**
 * Counts finite floats in bins that are fixed beforehand: a bin holds the floats of one sign that agree in their
 * exponent and in the upper {@value #MANTISSA_BITS} bits of their mantissa, so that a bin is at most 1/1024 of its values
 * wide (log-linear, as in HdrHistogram). Zeros are counted apart. Since no bin depends on the data, neither order nor
 * chunks matter, and one huge outlier does not blur the rest. An octave's counts (8 KiB) are allocated when it is first
 * met: a few dozen octaves for what networks produce, {@code 2·255} at the worst.
 */
final class ValueHistogram {
    static final int MANTISSA_BITS = 10;

    private static final int FLOAT_MANTISSA_BITS = 23;
    private static final int DROPPED_BITS = FLOAT_MANTISSA_BITS - MANTISSA_BITS;
    private static final int BINS = 1 << MANTISSA_BITS;
    /** Exponent fields of finite floats; 0 is that of the subnormals, whose bins are evenly wide down to 0. */
    private static final int OCTAVES = 255;

    private final Extremes extremes = new Extremes();
    private final long[][] positive = new long[OCTAVES][];
    private final long[][] negative = new long[OCTAVES][];
    private long zeros;
    private int occupied;

    /**
     * Occupied bins in ascending order.
     *
     * @param from the lowest value that a bin may hold
     * @param to the highest, not below {@code from}; equal for the zeros' bin
     * @param count how many values are in it, at least 1
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Bins(double[] from, double[] to, long[] count) {
        int size() {
            return count.length;
        }

        double middle(int i) {
            return (from[i] + to[i]) / 2;
        }
    }

    void accept(float[] values, int from, int to) {
        for (int i = from; i < to; i++) {
            float v = values[i];
            if (!extremes.accept(v)) {
                continue;
            }
            if (v == 0) {
                zeros++;
                continue;
            }
            int bits = Float.floatToRawIntBits(v);
            long[][] side = bits < 0 ? negative : positive;
            int octave = (bits >>> FLOAT_MANTISSA_BITS) & 0xFF;
            long[] bins = side[octave];
            if (bins == null) {
                bins = new long[BINS];
                side[octave] = bins;
            }
            if (bins[(bits >>> DROPPED_BITS) & (BINS - 1)]++ == 0) {
                occupied++;
            }
        }
    }

    Extremes extremes() {
        return extremes;
    }

    /** The occupied bins, their ends drawn in to the extremes. */
    Bins bins() {
        int n = occupied + (zeros > 0 ? 1 : 0);
        Bins out = new Bins(new double[n], new double[n], new long[n]);
        int at = 0;
        for (int octave = OCTAVES - 1; octave >= 0; octave--) {
            for (int i = BINS - 1; negative[octave] != null && i >= 0; i--) {
                int bin = octave * BINS + i;
                at = put(out, at, negative[octave][i], -edge(bin + 1), -edge(bin));
            }
        }
        if (zeros > 0) {
            out.count[at++] = zeros;
        }
        for (int octave = 0; octave < OCTAVES; octave++) {
            for (int i = 0; positive[octave] != null && i < BINS; i++) {
                int bin = octave * BINS + i;
                at = put(out, at, positive[octave][i], edge(bin), edge(bin + 1));
            }
        }
        return out;
    }

    private int put(Bins out, int at, long count, double from, double to) {
        if (count == 0) {
            return at;
        }
        out.from[at] = Math.max(from, extremes.min());
        out.to[at] = Math.min(to, extremes.max());
        out.count[at] = count;
        return at + 1;
    }

    /** The smallest magnitude of a bin, the bins counted through the octaves. */
    private static double edge(int bin) {
        // The bits of a positive float grow with its value; the edge after the last bin is 2^128.
        return bin == OCTAVES * BINS ? 0x1p128 : Float.intBitsToFloat(bin << DROPPED_BITS);
    }
}
