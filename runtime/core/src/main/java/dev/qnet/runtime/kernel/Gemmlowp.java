package dev.qnet.runtime.kernel;

/**
 * Fixed-point functions of gemmlowp (fixedpoint/fixedpoint.h), on raw 32-bit values. Qm.n stands for m integer and n
 * fractional bits, m + n = 31.
 */
final class Gemmlowp {
    private Gemmlowp() {}

    /** (a·b·2 + rounding) / 2^32, ties away from zero upwards; saturates where both are the least int. */
    static int doublingHighMul(int a, int b) {
        if (a == b && a == Integer.MIN_VALUE) {
            return Integer.MAX_VALUE;
        }
        // Adding 2^30 and flooring equals gemmlowp's nudge by sign and truncating division, see Rescale.scaleTwice.
        return (int) (((long) a * b + (1L << 30)) >> 31);
    }

    /** x / 2^e, ties away from zero. */
    static int divideByPot(int x, int e) {
        int mask = (int) ((1L << e) - 1);
        int threshold = (mask >> 1) + (x < 0 ? 1 : 0);
        return (x >> e) + ((x & mask) > threshold ? 1 : 0);
    }

    /** x·2^e, saturating, e ≥ 0. */
    static int shiftLeft(int x, int e) {
        return Math.clamp((long) x << e, Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    /** exp(a), a ≤ 0 in Q5.26, as Q0.31. */
    static int expOnNegative(int a) {
        int quarter = 1 << 24;
        int modQuarter = (a & (quarter - 1)) - quarter;
        int result = expOnInterval(shiftLeft(modQuarter, 5));
        int remainder = modQuarter - a;
        result = barrel(result, remainder, -2, 1672461947);
        result = barrel(result, remainder, -1, 1302514674);
        result = barrel(result, remainder, 0, 790015084);
        result = barrel(result, remainder, 1, 290630308);
        result = barrel(result, remainder, 2, 39332535);
        result = barrel(result, remainder, 3, 720401);
        result = barrel(result, remainder, 4, 242);
        return a == 0 ? Integer.MAX_VALUE : result;
    }

    /** Multiplies by exp(−2^exponent) if the remainder has that bit. */
    private static int barrel(int result, int remainder, int exponent, int multiplier) {
        return (remainder & (1 << (26 + exponent))) != 0 ? doublingHighMul(result, multiplier) : result;
    }

    /** exp(a), −1/4 ≤ a &lt; 0 in Q0.31: a Taylor series of fourth degree around −1/8. */
    private static int expOnInterval(int a) {
        int expOfEighth = 1895147668;
        int third = 715827883;
        int x = a + (1 << 28);
        int x2 = doublingHighMul(x, x);
        int x3 = doublingHighMul(x2, x);
        int x4 = doublingHighMul(x2, x2);
        int x4Over4 = divideByPot(x4, 2);
        int higher = divideByPot(doublingHighMul(x4Over4 + x3, third) + x2, 1);
        return expOfEighth + doublingHighMul(expOfEighth, x + higher);
    }

    /** 1 / (1 + a), 0 ≤ a ≤ 1 in Q0.31, as Q0.31: three steps of Newton and Raphson. */
    static int oneOverOnePlus(int a) {
        long sum = (long) a + Integer.MAX_VALUE;
        int halfDenominator = (int) ((sum + (sum >= 0 ? 1 : -1)) / 2);
        int x = 1515870810 + doublingHighMul(halfDenominator, -1010580540); // 48/17 − 32/17·d, Q2.29
        for (int i = 0; i < 3; i++) {
            int error = (1 << 29) - doublingHighMul(halfDenominator, x);
            x += shiftLeft(doublingHighMul(x, error), 2);
        }
        return shiftLeft(x, 1);
    }
}
