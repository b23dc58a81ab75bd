package dev.qnet.formats.tflite;

/**
 * gemmlowp's logistic and hyperbolic tangent for 16-bit fixed point, which TFLite's integer LSTM uses. A number with k integer bits is
 * raw/2^(15 − k); results have none.
 */
final class Gemmlowp16 {
    private static final int ONE = Short.MAX_VALUE;
    private static final int HALF = 1 << 14;
    /** exp(−2^e) in Q31, for e = −2 … 4. */
    private static final int[] EXP_OF_POWERS = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};

    private Gemmlowp16() {}

    /** Of a number with 3 integer bits. */
    static int logistic(int raw) {
        if (raw == 0) {
            return HALF;
        }
        // The negation of the lowest code is itself, as in 16 bits.
        int abs = raw > 0 ? raw : (short) -raw;
        int positive = oneOverOnePlus(exp((short) -abs, 3));
        return raw > 0 ? positive : (short) (ONE - positive);
    }

    /** Of a number with 0 to 6 integer bits. */
    static int tanh(int raw, int integerBits) {
        if (raw == 0) {
            return 0;
        }
        int t = oneMinusOverOnePlus(exp(raw < 0 ? raw : (short) -raw, integerBits + 1));
        return raw < 0 ? (short) -t : t;
    }

    /** exp(a) for a ≤ 0 with k integer bits: exp_on_negative_values. */
    private static int exp(int a, int k) {
        if (a == 0) {
            return ONE;
        }
        int fractionBits = 15 - k;
        if (k > 5 && a < -(1 << (20 - k))) {
            return 0;
        }
        int quarter = 1 << (fractionBits - 2);
        int rest = (a & (quarter - 1)) - quarter;
        int result = expFromMinusQuarter(multiplyByPot(rest, k));
        int remainder = (short) (rest - a);
        for (int e = -2; e < k; e++) {
            if (e + 2 < EXP_OF_POWERS.length && (remainder & (1 << (fractionBits + e))) != 0) {
                result = times(result, constant(EXP_OF_POWERS[e + 2]));
            }
        }
        return result;
    }

    /** For −1/4 ≤ a &lt; 0, without integer bits: a Taylor polynomial around −1/8. */
    private static int expFromMinusQuarter(int a) {
        int term = constant(1895147668);
        int third = constant(715827883);
        int x = (short) (a + (1 << 12));
        int x2 = times(x, x);
        int x3 = times(x2, x);
        int x4 = times(x2, x2);
        int x4Over4 = multiplyByPot(x4, -2);
        int higher = multiplyByPot((short) (times((short) (x4Over4 + x3), third) + x2), -1);
        return saturate(term + times(term, (short) (x + higher)));
    }

    /** Newton's iteration for 2/(1 + a), with 2 integer bits. */
    private static int twoOverOnePlus(int a) {
        int sum = a + ONE;
        int half = (sum + (sum >= 0 ? 1 : -1)) / 2;
        int x = (short) (constant(1515870810) + times(half, constant(-1010580540)));
        for (int i = 0; i < 3; i++) {
            int error = (short) ((1 << 13) - times(half, x));
            x = (short) (x + multiplyByPot(times(x, error), 2));
        }
        return x;
    }

    private static int oneOverOnePlus(int a) {
        return multiplyByPot(twoOverOnePlus(a), 1);
    }

    private static int oneMinusOverOnePlus(int a) {
        return multiplyByPot((short) (twoOverOnePlus(a) - (1 << 13)), 2);
    }

    /** A constant in 32 bits as one in 16. */
    private static int constant(int q31) {
        return FixedPoint.roundingDivideByPot(q31, 16);
    }

    /** SaturatingRoundingDoublingHighMul for 16 bits. */
    static int times(int a, int b) {
        if (a == b && a == Short.MIN_VALUE) {
            return Short.MAX_VALUE;
        }
        int ab = a * b;
        int nudge = ab >= 0 ? 1 << 14 : 1 - (1 << 14);
        return (short) ((ab + nudge) / (1 << 15));
    }

    /** SaturatingRoundingMultiplyByPOT. */
    private static int multiplyByPot(int x, int exponent) {
        return exponent < 0 ? FixedPoint.roundingDivideByPot(x, -exponent) : saturate(x << exponent);
    }

    private static int saturate(int x) {
        return FixedPoint.clamp(x, Short.MIN_VALUE, Short.MAX_VALUE);
    }
}
