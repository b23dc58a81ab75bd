package dev.qnet.compiler.quant;

import dev.qnet.compiler.ir.Rescale.Scale;
import dev.qnet.compiler.ir.Rounding;
import java.util.List;

/**
 * The constants that scale accumulators, from the real scales of operands and results. Only parameters are computed here;
 * what a contract does with them is in docs/numerics.md.
 */
public final class Multipliers {
    /** Bits in front of the binary point of softmax's scaled difference: TFLite's {@code kScaledDiffIntegerBits}. */
    private static final int SOFTMAX_INTEGER_BITS = 5;

    private Multipliers() {}

    /**
     * The constants of {@link dev.qnet.compiler.ir.IntOp.Softmax}.
     *
     * @param multiplier Q31
     * @param leftShift 1 to 31
     * @param diffMin at most 0
     */
    public record Softmax(int multiplier, int leftShift, int diffMin) {}

    /**
     * A multiplier as a contract stores it: {@link #fixed} or {@link #real}.
     *
     * @param m finite, at least 0
     */
    public static Scale of(Rounding rounding, double m) {
        return rounding.fixedPoint() ? fixed(m) : real(m);
    }

    /**
     * What scales the accumulator of a product: {@code M = sx·sw/sy}, in double, in this order; for
     * {@link Rounding#ONNX} and {@link Rounding#XNNPACK} each step in f32, as ONNX Runtime and XNNPACK compute it.
     */
    public static Scale product(Rounding rounding, float sx, float sw, float sy) {
        return switch (rounding) {
            case TFLITE, TOSA -> fixed((double) sx * sw / sy);
            case ONNX, XNNPACK -> real(sx * sw / sy);
        };
    }

    /** What scales a sum of {@code n} codes to their mean: {@code M = sx/(sy·n)}, rounded as {@link #product} says. */
    public static Scale mean(Rounding rounding, float sx, float sy, long n) {
        return switch (rounding) {
            case TFLITE, TOSA -> fixed(sx / ((double) sy * n));
            case ONNX, XNNPACK -> real(sx / (sy * n));
        };
    }

    /**
     * The scales of {@link dev.qnet.compiler.ir.IntOp.Add}: of x, of y, of the sum. Fixed point: {@code sx/t}, {@code sy/t},
     * {@code t/(2^leftShift·so)} with {@code t = 2·max(sx, sy)} (TFLite's add.cc). Otherwise {@code sx/so}, {@code sy/so}, 1.
     */
    public static List<Scale> add(Rounding rounding, float sx, float sy, float so, int leftShift) {
        if (!rounding.fixedPoint()) {
            return List.of(real((double) sx / so), real((double) sy / so), real(1));
        }
        double t = 2.0 * Math.max(sx, sy);
        return List.of(fixed(sx / t), fixed(sy / t), fixed(t / ((double) so * (1L << leftShift))));
    }

    /** The left shift of {@link dev.qnet.compiler.ir.IntOp.Add} for operands of the given width, as TFLite chooses it. */
    public static int addLeftShift(Rounding rounding, int bits) {
        if (!rounding.fixedPoint()) {
            return 0;
        }
        return bits <= 8 ? 20 : 15;
    }

    /**
     * {@code m ≈ multiplier·2^(shift − 31)} with 2^30 ≤ multiplier &lt; 2^31, the multiplier rounded half away from zero:
     * TFLite's QuantizeMultiplier. Below about 2^-32 all bits would be shifted out: 0. From 2^30 on it saturates to the
     * largest multiplier and shift.
     *
     * @throws IllegalArgumentException if m is negative, infinite or no number
     */
    public static Scale.Fixed fixed(double m) {
        check(m);
        if (m == 0) {
            return new Scale.Fixed(0, 0);
        }
        // frexp: m = fraction · 2^exponent, 1/2 <= fraction < 1. Math.scalb is exact here, and a subnormal m is far
        // below the smallest multiplier, whatever getExponent says of it.
        int exponent = Math.getExponent(m) + 1;
        if (exponent < -32) {
            return new Scale.Fixed(0, 0);
        }
        // At most 2^31 and positive: adding 1/2 is exact in double, so that floor rounds half up, that is half away.
        long q = (long) Math.floor(Math.scalb(m, 31 - exponent) + 0.5);
        if (q == 1L << 31) {
            q >>= 1;
            exponent++;
        }
        if (exponent < -31) {
            return new Scale.Fixed(0, 0);
        }
        if (exponent > 30) {
            return new Scale.Fixed(Integer.MAX_VALUE, 30);
        }
        return new Scale.Fixed((int) q, exponent);
    }

    /**
     * m rounded to a single.
     *
     * @throws IllegalArgumentException if m is negative, or not finite as a single
     */
    public static Scale.Real real(double m) {
        check((float) m);
        return new Scale.Real((float) m);
    }

    /**
     * The constants of an integer softmax of codes with the given scale, with beta = 1: TFLite's
     * PreprocessSoftmaxScaling and CalculateInputRadius. A scale below 2^-26, which TFLite refuses, counts as 2^-26: its
     * differences are then below one unit of Q5.26 either way.
     */
    public static Softmax softmax(double inputScale) {
        int fractionBits = 31 - SOFTMAX_INTEGER_BITS;
        double m = Math.min(inputScale * (1L << fractionBits), (1L << 31) - 1.0);
        // QuantizeMultiplier without its limit of 30 on the shift: the largest m is just below 2^31.
        double atLeastOne = Math.max(m, 1.0);
        int shift = Math.getExponent(atLeastOne) + 1;
        long q = (long) Math.floor(Math.scalb(atLeastOne, 31 - shift) + 0.5);
        if (q == 1L << 31) {
            q >>= 1;
            shift++;
        }
        long radius = ((1L << SOFTMAX_INTEGER_BITS) - 1) << fractionBits;
        return new Softmax((int) q, shift, (int) -(radius >> shift));
    }

    private static void check(double m) {
        if (!(m >= 0) || Double.isInfinite(m)) {
            throw new IllegalArgumentException("a multiplier is finite and not negative, not " + m);
        }
    }
}
