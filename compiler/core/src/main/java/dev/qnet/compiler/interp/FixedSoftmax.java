package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import java.util.List;

/**
 * Softmax of 8-bit codes to 8-bit or 16-bit codes in fixed point, as TFLite's reference kernel (reference_ops::Softmax) computes it with gemmlowp's
 * fixedpoint.h. Numbers are raw i32 of a Q format: with k integer bits, raw/2^(31 − k).
 */
final class FixedSoftmax {
    /** Integer bits of a scaled difference. */
    private static final int DIFF_BITS = 5;
    /** Integer bits of the sum of exponentials: 4,096 addends of at most 1. */
    private static final int SUM_BITS = 12;
    /** 1 in Q0.31, as near as it comes. */
    private static final int ONE = Integer.MAX_VALUE;

    /** exp(−2^e) in Q0.31, for e = −2 … 4. */
    private static final List<Integer> EXP_OF_POWERS =
            List.of(1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242);

    private FixedSoftmax() {}

    static Kernel kernel(IntOp.Softmax op, Quant result) {
        return v -> {
            long[] x = Kernel.ints(v.getFirst());
            Shape shape = v.getFirst().shape();
            long[] y = new long[x.length];
            int n = shape.dim(op.axis());
            for (Lines.Line line : Lines.along(shape, op.axis())) {
                long max = Long.MIN_VALUE;
                for (int i = 0; i < n; i++) {
                    max = Math.max(max, x[line.at(i)]);
                }
                int sum = 0;
                for (int i = 0; i < n; i++) {
                    long diff = x[line.at(i)] - max;
                    if (diff >= op.diffMin()) {
                        sum = Math.addExact(sum, Scaling.roundingDivideByPot(exp(scaled(op, diff)), SUM_BITS));
                    }
                }
                // sum = 2^bitsOverUnit · (1 + fraction), fraction in Q0.31.
                int headroomPlusOne = Integer.numberOfLeadingZeros(sum);
                int bitsOverUnit = SUM_BITS - headroomPlusOne;
                int fraction = (int) (((long) sum << headroomPlusOne) - (1L << 31));
                int reciprocal = oneOverOnePlus(fraction);
                for (int i = 0; i < n; i++) {
                    long diff = x[line.at(i)] - max;
                    long p = diff < op.diffMin()
                            ? 0
                            : Scaling.roundingDivideByPot(
                                    multiply(reciprocal, exp(scaled(op, diff))),
                                    bitsOverUnit + 31 - result.storage().bits());
                    y[line.at(i)] = Scaling.clamp(
                            p + result.storage().min(),
                            result.storage().min(),
                            result.storage().max());
                }
            }
            return new Value.Ints(shape, y);
        };
    }

    /** A difference of codes in Q5.26: MultiplyByQuantizedMultiplierGreaterThanOne. */
    private static int scaled(IntOp.Softmax op, long diff) {
        return multiply((int) Scaling.fit(diff << op.leftShift(), 32), op.multiplier());
    }

    /** exp(a) for a ≤ 0 in Q5.26, in Q0.31: gemmlowp's exp_on_negative_values. */
    static int exp(int a) {
        if (a == 0) {
            return ONE;
        }
        int fractionBits = 31 - DIFF_BITS;
        int oneQuarter = 1 << (fractionBits - 2);
        int aModQuarterMinusQuarter = (a & (oneQuarter - 1)) - oneQuarter;
        int result = expFromMinusQuarter(shiftLeftSaturating(aModQuarterMinusQuarter, DIFF_BITS));
        int remainder = aModQuarterMinusQuarter - a;
        for (int i = 0; i < EXP_OF_POWERS.size(); i++) {
            if ((remainder & (1 << (fractionBits - 2 + i))) != 0) {
                result = multiply(result, EXP_OF_POWERS.get(i));
            }
        }
        return result;
    }

    /** exp(a) for −1/4 ≤ a &lt; 0 in Q0.31: a Taylor polynomial of degree 4 around −1/8. */
    private static int expFromMinusQuarter(int a) {
        int expOfMinusEighth = 1895147668;
        int oneThird = 715827883;
        int x = a + (1 << 28);
        int x2 = multiply(x, x);
        int x3 = multiply(x2, x);
        int x4 = multiply(x2, x2);
        int x4Over4 = Scaling.roundingDivideByPot(x4, 2);
        int higherTerms = Scaling.roundingDivideByPot(multiply(x4Over4 + x3, oneThird) + x2, 1);
        return expOfMinusEighth + multiply(expOfMinusEighth, x + higherTerms);
    }

    /** 1/(1 + a) for 0 ≤ a ≤ 1 in Q0.31: gemmlowp's one_over_one_plus_x_for_x_in_0_1, Newton's iteration in Q2.29. */
    static int oneOverOnePlus(int a) {
        int fortyEightOver17 = 1515870810;
        int minusThirtyTwoOver17 = -1010580540;
        int one = 1 << 29;
        // Rounding half sum of a and 1.
        int halfDenominator = (int) (((long) a + ONE + 1) / 2);
        int x = fortyEightOver17 + multiply(halfDenominator, minusThirtyTwoOver17);
        for (int i = 0; i < 3; i++) {
            int error = one - multiply(halfDenominator, x);
            x += shiftLeftSaturating(multiply(x, error), 2);
        }
        // x/2 in Q1.30 has the same raw value; back to Q0.31.
        return shiftLeftSaturating(x, 1);
    }

    private static int multiply(int a, int b) {
        return Scaling.saturatingRoundingDoublingHighMul(a, b);
    }

    private static int shiftLeftSaturating(int x, int bits) {
        return (int) Scaling.clamp((long) x << bits, Integer.MIN_VALUE, Integer.MAX_VALUE);
    }
}
