package dev.qnet.runtime.kernel;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;

/** The rules of rounding in exact arithmetic, written apart from the kernels. */
final class Definitions {
    private static final BigInteger TWO = BigInteger.TWO;

    private Definitions() {}

    static BigInteger big(long v) {
        return BigInteger.valueOf(v);
    }

    /** gemmlowp's SaturatingRoundingDoublingHighMul as its source has it. */
    static BigInteger doublingHighMul(BigInteger a, BigInteger b) {
        BigInteger least = big(Integer.MIN_VALUE);
        if (a.equals(least) && b.equals(least)) {
            return big(Integer.MAX_VALUE);
        }
        BigInteger product = a.multiply(b);
        BigInteger nudge = product.signum() >= 0 ? big(1L << 30) : big(1 - (1L << 30));
        return product.add(nudge).divide(TWO.pow(31)); // truncates
    }

    /** Divides by 2^e, rounding as said. */
    static BigInteger divideByPot(BigInteger x, int e, RoundingMode mode) {
        return new BigDecimal(x).divide(new BigDecimal(TWO.pow(e)), 0, mode).toBigIntegerExact();
    }

    static BigInteger saturate(BigInteger v) {
        return v.max(big(Integer.MIN_VALUE)).min(big(Integer.MAX_VALUE));
    }

    static BigInteger tflite(int a, int m, int s) {
        BigInteger shifted = saturate(big(a).shiftLeft(Math.max(s, 0)));
        return divideByPot(doublingHighMul(shifted, big(m)), Math.max(-s, 0), RoundingMode.HALF_UP);
    }

    /** a·m·2^(s−31), rounded once, ties towards positive. */
    static BigInteger tosa(int a, int m, int s) {
        BigDecimal exact =
                new BigDecimal(big(a).multiply(big(m)).multiply(TWO.pow(32 + s))).divide(new BigDecimal(TWO.pow(63)));
        return exact.add(new BigDecimal("0.5")).setScale(0, RoundingMode.FLOOR).toBigIntegerExact();
    }

    /** 64-bit accumulators. */
    static BigInteger wide(long a, int m, int s) {
        int m16 = m < 0x7FFF0000 ? (m + (1 << 15)) >> 16 : 0x7FFF;
        return big(a).multiply(big(m16)).shiftRight(14 - s).add(BigInteger.ONE).shiftRight(1);
    }

    static BigInteger real(float a, float factor) {
        return new BigDecimal(a * factor).setScale(0, RoundingMode.HALF_EVEN).toBigIntegerExact();
    }

    static long clamp(BigInteger v, int zero, int lo, int hi) {
        return v.add(big(zero)).max(big(lo)).min(big(hi)).longValueExact();
    }

    static long quantize(float x, float scale, int zero, int lo, int hi, boolean away) {
        float v = x / scale;
        if (Float.isNaN(v)) {
            return zero;
        }
        if (Float.isInfinite(v)) {
            return v > 0 ? hi : lo;
        }
        RoundingMode mode = away ? RoundingMode.HALF_UP : RoundingMode.HALF_EVEN;
        return clamp(new BigDecimal(v).setScale(0, mode).toBigIntegerExact(), zero, lo, hi);
    }
}
