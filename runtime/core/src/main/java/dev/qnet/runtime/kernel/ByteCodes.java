package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/**
 * A {@link Rescale} to codes of 8 bits, in singles: for accumulators of any size, and for products of two codes. With
 * {@code h = fma(a, factor, ±delta)}, limited to the codes, the code is what {@code h + down} and {@code h + up} round to,
 * half to even. Where they differ, plain Java has to say.
 *
 * <p><b>Singles</b> ({@link Rounding#ONNX}): delta, down and up are 0, and h is the product that the contract rounds.
 *
 * <p><b>Fixed point.</b> With p = a·m/2^e, e = 31 − shift, single rounding is {@code floor(p + 1/2)}, and double rounding is the
 * same of {@code p ± delta}, + for a ≥ 0, with {@code delta = 2^(30−e)} for e ≥ 32 ({@link SimdCodes} tells why; there, e ≥ 33
 * is for another reason) and 0 below, where nothing is rounded twice. (A left shift saturates only far beyond all codes.) Let
 * P be one beyond the largest |code − zero|, 16 at least. For |p| ≤ P, h + down and h + up, with down = −E and up = E =
 * 2.25·2^-23·P, come from a, m/2^e, h and themselves rounded to singles, each to 2^-24 of at most P (and a little, which 2.25
 * instead of 2 leaves room for). So p ± delta lies between them, and if both round alike, no half does. Where |p| &gt; P, h
 * is wrong by at most 2^-22 of itself, thus beyond the lowest or highest code too, on the right side.
 *
 * <p>Scales that make halves of many accumulators have mostly few digits: m/2^e is an integer divided by 2^13 or
 * less, and delta also. Then h, where it is not beyond the codes, is exact, for 2^10·2^13 has 23 digits only; and down = up =
 * 2^-14, added exactly, moves halves up and nothing else over one.
 *
 * @param factor of each channel, and {@link RescaleLanes#PAD} more; one repeated where there is one
 * @param delta likewise
 * @param down what is added
 * @param up what is added too
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record ByteCodes(float[] factor, float[] delta, float down, float up) {
    /** A limit of P: beyond, E would have too many done again. */
    private static final int MOST = 1 << 10;

    private static final double E = 0x1.2p-22;

    /** Binary places of what is exact. */
    private static final int PLACES = 13;

    /** Of so many samples of a channel... */
    private static final int SAMPLES = 256;

    /** ...so many may be near a half; by chance hardly one is. */
    private static final int NEAR_HALVES = 2;

    /** Null where too many accumulators would have to be done again, or codes are too far from zero. */
    static @Nullable ByteCodes of(Rescale r) {
        int p = most(r);
        if (p > MOST) {
            return null;
        }
        int n = r.channels + RescaleLanes.PAD;
        float[] factor = new float[n];
        float[] delta = new float[n];
        boolean exact = true;
        for (int i = 0; i < n; i++) {
            int c = r.channels == 1 ? 0 : Math.min(i, r.channels - 1);
            if (!r.rounding.fixedPoint()) {
                factor[i] = r.factor[c];
                continue;
            }
            int e = 31 - r.shift[c];
            double f = Math.scalb((double) r.multiplier[c], -e);
            factor[i] = (float) f;
            boolean twice = r.rounding == Rounding.TFLITE && e >= 32;
            delta[i] = twice ? Math.scalb(1f, 30 - e) : 0;
            exact &= factor[i] == f && places(f) <= PLACES && (!twice || e - 30 <= PLACES);
        }
        if (!r.rounding.fixedPoint()) {
            return new ByteCodes(factor, delta, 0, 0);
        }
        if (exact) {
            float half = Math.scalb(1f, -PLACES - 1);
            return new ByteCodes(factor, delta, half, half);
        }
        float e = (float) (E * p);
        ByteCodes near = new ByteCodes(factor, delta, -e, e);
        for (int c = 0; c < r.channels; c++) {
            if (!near.seldomNear(c, p, r.channels == 1 ? SAMPLES : SAMPLES / 4)) {
                return null;
            }
        }
        return near;
    }

    /** P. */
    static int most(Rescale r) {
        long far = Math.max(Math.abs((long) r.lo - r.zero), Math.abs((long) r.hi - r.zero));
        return (int) Math.min(Integer.MAX_VALUE, Math.max(16, far + 1));
    }

    /** Binary places of a number. */
    private static int places(double f) {
        return f == 0
                ? 0
                : 52 - Long.numberOfTrailingZeros(Double.doubleToLongBits(f) | 1L << 52) - Math.getExponent(f);
    }

    /** Whether few accumulators of a channel that are not beyond P are near a half. */
    private boolean seldomNear(int c, int p, int samples) {
        double range = factor[c] == 0 ? 1 : Math.min(p / (double) factor[c], 0x1p30);
        int near = 0;
        for (int i = 0; i < samples; i++) {
            double at = (i * 0x9E3779B1) * 0x1p-31;
            float h = Math.fma((float) Math.rint(at * range), factor[c], Math.copySign(delta[c], (float) at));
            near += Math.rint(h + down) != Math.rint(h + up) ? 1 : 0;
        }
        return near <= NEAR_HALVES;
    }
}
