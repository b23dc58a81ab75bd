package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/**
 * How an integer accumulator a becomes a code: {@code clamp(scale_c(a) + zero, lo, hi)}, c the index along the last
 * axis.
 *
 * <p>With a Q31 multiplier m and a shift s (above 0 to the left):
 * <ul>
 *   <li>{@link Rounding#TFLITE}: {@code t = SRDHM(saturate(a·2^max(s, 0)), m)}, then
 *       {@code RoundingDivideByPOT(t, max(−s, 0))}: the double rounding of gemmlowp's fixedpoint.h and of TFLite's
 *       MultiplyByQuantizedMultiplier;
 *   <li>{@link Rounding#TOSA}: {@code (a·m + 2^(30−s)) >> (31−s)} in 64 bits: RESCALE of TOSA 1.0 without double
 *       rounding;
 *   <li>{@link Rounding#ONNX}, {@link Rounding#XNNPACK}: {@code round_half_even((float) a · factor)};
 *   <li>fixed point with a 64-bit accumulator: {@code m16 = m < 0x7FFF0000 ? (m + 2^15) >> 16 : 0x7FFF},
 *       {@code ((a·m16 >> (14−s)) + 1) >> 1}, TFLite's rule for 16-bit activations.
 * </ul>
 */
public final class Rescale {
    /** Beyond every code. */
    private static final long FAR = 1L << 61;

    final Rounding rounding;
    final int zero;
    final int lo;
    final int hi;

    /** 1, or one for each index along the last axis; the length of the arrays. */
    final int channels;

    /** Fixed point: m. */
    final int[] multiplier;

    /** Fixed point: s. */
    final int[] shift;

    /** Otherwise. */
    final float[] factor;

    /** The same, prepared for a vector of channels at a time. */
    final RescaleLanes lanes;

    /** What {@link #bytes()} gives, once somebody has asked; racy, for all find the same. */
    private @Nullable ByteCodes bytes;

    private boolean asked;

    private Rescale(
            Rounding rounding, int[] multiplier, int[] shift, float[] factor, int channels, int zero, int lo, int hi) {
        if (channels < 1 || lo > hi) {
            throw new IllegalArgumentException("a rescale needs a scale and lo <= hi");
        }
        this.rounding = rounding;
        this.multiplier = multiplier;
        this.shift = shift;
        this.factor = factor;
        this.channels = channels;
        this.zero = zero;
        this.lo = lo;
        this.hi = hi;
        lanes = RescaleLanes.of(this);
    }

    /**
     * A rescale in fixed point.
     *
     * @param rounding {@link Rounding#TFLITE} or {@link Rounding#TOSA}
     * @param multipliers 0, or 2^29 to 2^31 − 1 each; one, or one a channel
     * @param shifts −31 to 30, as many
     * @param zero the result's zero point
     * @param lo the lowest code
     * @param hi the highest code
     */
    public static Rescale fixed(Rounding rounding, int[] multipliers, int[] shifts, int zero, int lo, int hi) {
        if (!rounding.fixedPoint() || multipliers.length != shifts.length) {
            throw new IllegalArgumentException(
                    rounding + " with " + multipliers.length + " multipliers and " + shifts.length + " shifts");
        }
        for (int i = 0; i < multipliers.length; i++) {
            int m = multipliers[i];
            if (m < 0 || (m != 0 && m < 1 << 29) || shifts[i] < -31 || shifts[i] > 30) {
                throw new IllegalArgumentException("not a Q31 multiplier and shift: " + m + ", " + shifts[i]);
            }
        }
        return new Rescale(
                rounding, multipliers.clone(), shifts.clone(), new float[0], multipliers.length, zero, lo, hi);
    }

    /**
     * A rescale by singles, {@link Rounding#ONNX} and {@link Rounding#XNNPACK}.
     *
     * @param factors above 0 and finite; one, or one a channel
     * @param zero the result's zero point
     * @param lo the lowest code
     * @param hi the highest code
     */
    public static Rescale real(float[] factors, int zero, int lo, int hi) {
        for (float f : factors) {
            if (!(f >= 0) || Float.isInfinite(f)) {
                throw new IllegalArgumentException("not a factor: " + f);
            }
        }
        return new Rescale(Rounding.ONNX, new int[0], new int[0], factors.clone(), factors.length, zero, lo, hi);
    }

    /** The same with the scales of its channels so many times, one behind the other. */
    Rescale repeated(int times) {
        int n = channels * times;
        int[] m = new int[multiplier.length * times];
        int[] s = new int[shift.length * times];
        float[] f = new float[factor.length * times];
        for (int i = 0; i < n; i++) {
            if (rounding.fixedPoint()) {
                m[i] = multiplier[i % channels];
                s[i] = shift[i % channels];
            } else {
                f[i] = factor[i % channels];
            }
        }
        return new Rescale(rounding, m, s, f, n, zero, lo, hi);
    }

    /** The same for codes of 8 bits in singles, or null where they do not do. */
    @Nullable ByteCodes bytes() {
        if (!asked) {
            bytes = ByteCodes.of(this);
            asked = true;
        }
        return bytes;
    }

    /** Throws unless there is one scale, or as many as the last axis is long. */
    static void checkChannels(@Nullable Rescale r, int lastAxis) {
        if (r != null && r.channels != 1 && r.channels != lastAxis) {
            throw new IllegalArgumentException(r.channels + " scales for a last axis of " + lastAxis + " elements");
        }
    }

    /** The code of a 32-bit accumulator of channel c. */
    public int apply(int a, int c) {
        int i = channels == 1 ? 0 : c;
        return switch (rounding) {
            case TFLITE -> clamp(scaleTwice(a, multiplier[i], shift[i]));
            case TOSA -> clamp(scaleOnce(a, multiplier[i], shift[i]));
            case ONNX, XNNPACK -> clampRounded((float) a * factor[i]);
        };
    }

    /** The code of a 64-bit accumulator of channel c. */
    public int apply(long a, int c) {
        int i = channels == 1 ? 0 : c;
        return rounding.fixedPoint()
                ? clamp(scaleWide(a, multiplier[i], shift[i]))
                : clampRounded((float) a * factor[i]);
    }

    /** {@link #apply(int, int)} for a row, in place. */
    void applyRow(int[] a, int at, int n, int channel) {
        switch (rounding) {
            case TFLITE -> {
                for (int i = 0; i < n; i++) {
                    int c = channels == 1 ? 0 : channel + i;
                    a[at + i] = clamp(scaleTwice(a[at + i], multiplier[c], shift[c]));
                }
            }
            case TOSA -> {
                for (int i = 0; i < n; i++) {
                    int c = channels == 1 ? 0 : channel + i;
                    a[at + i] = clamp(scaleOnce(a[at + i], multiplier[c], shift[c]));
                }
            }
            case ONNX, XNNPACK -> {
                for (int i = 0; i < n; i++) {
                    a[at + i] = clampRounded((float) a[at + i] * factor[channels == 1 ? 0 : channel + i]);
                }
            }
        }
    }

    /** {@link #apply(long, int)} for a row. */
    void applyRow(long[] a, int at, int n, int channel, int[] codes) {
        for (int i = 0; i < n; i++) {
            codes[i] = apply(a[at + i], channel + i);
        }
    }

    /**
     * {@link Rounding#TOSA}: single rounding. |a·m| is below 2^62 and the half at most 2^61, so nothing overflows.
     */
    static long scaleOnce(int a, int m, int s) {
        return ((long) a * m + (1L << (30 - s))) >> (31 - s);
    }

    /**
     * {@link Rounding#TFLITE}: double rounding.
     *
     * <p>gemmlowp adds 2^30 or 1 − 2^30 by sign and divides by 2^31 truncating. For either sign that equals adding
     * 2^30 and flooring: a negative tie −x − 1/2 goes to −x by both. The divide rounds ties away from zero: below
     * zero a tie must floor one lower.
     */
    static long scaleTwice(int a, int m, int s) {
        long t = s > 0 ? Math.clamp((long) a << s, Integer.MIN_VALUE, Integer.MAX_VALUE) : a;
        long high = (t * m + (1L << 30)) >> 31;
        int e = Math.max(-s, 0);
        return e == 0 ? high : (high + (1L << (e - 1)) + (high >> 63)) >> e;
    }

    /** Fixed point with a 64-bit accumulator; exact, or beyond every code on the right side of zero. */
    static long scaleWide(long a, int m, int s) {
        long m16 = m < 0x7FFF0000 ? (m + (1 << 15)) >> 16 : 0x7FFF;
        long low = a * m16;
        long high = Math.multiplyHigh(a, m16);
        int e = 14 - s;
        if (e <= 0 || high != low >> 63) {
            return scaleFar(high, low, e);
        }
        return ((low >> e) + 1) >> 1;
    }

    /** The same where the product, below 2^78, does not fit 64 bits, or is shifted to the left. */
    private static long scaleFar(long high, long low, int e) {
        long far = high >> 63 ^ FAR;
        if (e <= 0) {
            // Not by Math.abs, which leaves the least number negative.
            long most = FAR >> -e;
            return high == low >> 63 && -most < low && low < most ? ((low << -e) + 1) >> 1 : far;
        }
        if (high >> (e - 1) != high >> 63) {
            return far;
        }
        long t = (high << (64 - e)) | (low >>> e);
        return (t >> 1) + (t & 1); // (t + 1) >> 1 without overflow
    }

    /** Adds the zero point and limits to lo..hi. |v| is at most 2^62. */
    private int clamp(long v) {
        return (int) Math.max(lo, Math.min(hi, v + zero));
    }

    /**
     * Rounds ties to even, adds the zero point and limits. In double the sum is exact wherever it is within the
     * limits.
     */
    int clampRounded(float v) {
        return (int) Math.max(lo, Math.min(hi, Math.rint((double) v) + zero));
    }
}
