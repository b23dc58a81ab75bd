package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.Rescale.Scale;
import dev.qnet.compiler.quant.Multipliers;

/**
 * The fixed-point arithmetic of TFLite's reference kernels, for what is computed while importing: tables of functions of one
 * code.
 *
 * @param multiplier Q31, negative for a negative factor
 * @param shift to the left where positive
 */
record FixedPoint(int multiplier, int shift) {
    /** QuantizeMultiplier. */
    static FixedPoint of(double m) {
        if (!Double.isFinite(m)) {
            throw new Unsupported("scales by " + m);
        }
        Scale.Fixed f = Multipliers.fixed(Math.abs(m));
        return new FixedPoint(m < 0 ? -f.multiplier() : f.multiplier(), f.shift());
    }

    /** MultiplyByQuantizedMultiplier with double rounding. */
    int times(int x) {
        long shifted = shift > 0 ? (long) x << shift : x;
        return roundingDivideByPot(doublingHighMul((int) shifted, multiplier), Math.max(-shift, 0));
    }

    /** SaturatingRoundingDoublingHighMul. */
    static int doublingHighMul(int a, int b) {
        if (a == b && a == Integer.MIN_VALUE) {
            return Integer.MAX_VALUE;
        }
        long ab = (long) a * b;
        long nudge = ab >= 0 ? 1L << 30 : 1 - (1L << 30);
        return (int) ((ab + nudge) / (1L << 31));
    }

    /** RoundingDivideByPOT: ties away from zero. */
    static int roundingDivideByPot(int x, int exponent) {
        int mask = (int) ((1L << exponent) - 1);
        int remainder = x & mask;
        int threshold = (mask >> 1) + (x < 0 ? 1 : 0);
        return (x >> exponent) + (remainder > threshold ? 1 : 0);
    }

    /** TfLiteRound of a single: ties away from zero. */
    static float round(float x) {
        return (float) (x < 0 ? -Math.floor(-(double) x + 0.5) : Math.floor((double) x + 0.5));
    }

    static int clamp(long x, int lo, int hi) {
        return (int) Math.max(lo, Math.min(hi, x));
    }
}
