package dev.qnet.runtime.kernel;

/**
 * A {@link Rescale} as arrays of 64-bit numbers, a channel each, and a vector's worth more, so that vectors can be
 * loaded from any channel on; a rescale with one scale has it repeated.
 *
 * <p>Arithmetic shifts of 64-bit lanes are missing before AVX-512, so they are written as logical ones: with an
 * offset B that makes x positive, {@code x >> e = ((x + B) >>> e) − (B >>> e)} where 2^e divides B. Both offsets join
 * constants that are added anyway.
 *
 * <p>Single rounding: {@code ((a·multiplier + half) >>> shift) + offset}. Double rounding, without left shifts:
 * {@code t = ((a·multiplier + 2^30 + 2^63) >>> 31) − 2^32}, {@code ((t + half + (t < 0 ? negative : 0)) >>> shift) +
 * offset}.
 *
 * @param usable whether vectors may use it: not in double rounding with a left shift (multipliers of 1 and more), nor
 *     in singles with codes too far from zero
 * @param multiplier m
 * @param half what rounds, and B
 * @param negative what rounds further below zero
 * @param shift e
 * @param offset the zero point, less B >>> e
 * @param factor the factor of the contracts in singles
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record RescaleLanes(
        boolean usable, long[] multiplier, long[] half, long[] negative, long[] shift, long[] offset, float[] factor) {
    /** At least as many lanes as any vector has. */
    static final int PAD = 64;

    /** A single up to here is an integer if 1.5·2^23 was added and subtracted again. */
    private static final int MAGIC_RANGE = 1 << 22;

    private static final long POSITIVE = 1L << 62;

    static RescaleLanes of(Rescale r) {
        int n = r.channels + PAD;
        if (!r.rounding.fixedPoint()) {
            float[] f = new float[n];
            for (int i = 0; i < n; i++) {
                f[i] = r.factor[channel(r, i)];
            }
            long[] none = new long[0];
            return new RescaleLanes(
                    near((long) r.lo - r.zero) && near((long) r.hi - r.zero), none, none, none, none, none, f);
        }
        boolean twice = r.rounding == Rounding.TFLITE;
        boolean usable = true;
        long[] m = new long[n];
        long[] half = new long[n];
        long[] negative = new long[n];
        long[] shift = new long[n];
        long[] offset = new long[n];
        for (int i = 0; i < n; i++) {
            int c = channel(r, i);
            int s = r.shift[c];
            m[i] = r.multiplier[c];
            if (twice) {
                usable &= s <= 0;
                int e = Math.max(-s, 0);
                half[i] = (e == 0 ? 0 : 1L << (e - 1)) + POSITIVE;
                negative[i] = e == 0 ? 0 : -1;
                shift[i] = e;
                offset[i] = r.zero - (POSITIVE >>> e);
            } else {
                half[i] = (1L << (30 - s)) + Long.MIN_VALUE;
                shift[i] = 31L - s;
                offset[i] = r.zero - (Long.MIN_VALUE >>> (31 - s));
            }
        }
        return new RescaleLanes(usable, m, half, negative, shift, offset, new float[0]);
    }

    private static int channel(Rescale r, int i) {
        return r.channels == 1 ? 0 : Math.min(i, r.channels - 1);
    }

    private static boolean near(long v) {
        return Math.abs(v) <= MAGIC_RANGE;
    }
}
