package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rescale.Scale;
import dev.qnet.compiler.ir.Rounding;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;

/** The rounding contracts as real arithmetic: exact values, then one rounding after the other. */
final class Definitions {
    private static final BigDecimal HALF = new BigDecimal("0.5");

    private Definitions() {}

    /** All positive singles of a range, uniform by their bits. */
    static Arbitrary<Float> singles(float from, float to) {
        return Arbitraries.integers()
                .between(Float.floatToIntBits(from), Float.floatToIntBits(to))
                .map(Float::intBitsToFloat);
    }

    static long rescale(Rescale r, long a, int c, boolean wide) {
        return clamp(scale(r.rounding(), r.scale(c), a, wide).add(BigInteger.valueOf(r.zero())), r.lo(), r.hi());
    }

    static BigInteger scale(Rounding rounding, Scale scale, long a, boolean wide) {
        return switch (scale) {
            case Scale.Fixed f
            when wide -> {
                // 15 bits of the multiplier, rounded half up, but no more than 2^15 − 1.
                long m16 = Math.min(
                        32767,
                        ties(new BigDecimal(f.multiplier()).divide(pow2(16)), true)
                                .longValueExact());
                BigDecimal exact =
                        new BigDecimal(a).multiply(new BigDecimal(m16)).multiply(pow2(f.shift() - 15));
                yield ties(exact, true);
            }
            case Scale.Fixed f
            when rounding == Rounding.TFLITE -> {
                // The shift to the left first, saturating; then m/2^31, ties up; then the shift to the right, ties
                // away.
                BigDecimal left = new BigDecimal(a).multiply(pow2(Math.max(f.shift(), 0)));
                BigDecimal saturated =
                        left.min(new BigDecimal(Integer.MAX_VALUE)).max(new BigDecimal(Integer.MIN_VALUE));
                BigInteger high =
                        ties(saturated.multiply(new BigDecimal(f.multiplier())).multiply(pow2(-31)), true);
                BigDecimal shifted = new BigDecimal(high).multiply(pow2(Math.min(f.shift(), 0)));
                yield shifted.setScale(0, RoundingMode.HALF_UP).toBigInteger();
            }
            case Scale.Fixed f ->
                ties(new BigDecimal(a).multiply(new BigDecimal(f.multiplier())).multiply(pow2(f.shift() - 31)), true);
            case Scale.Real r -> {
                BigDecimal exact = new BigDecimal((float) a).multiply(new BigDecimal(r.factor()));
                float product = exact.floatValue();
                // A product beyond all singles is beyond all codes as well.
                yield ties(Float.isInfinite(product) ? exact : new BigDecimal(product), false);
            }
        };
    }

    /** x rounded to the nearest integer, ties up or to even. */
    static BigInteger ties(BigDecimal x, boolean up) {
        return up
                ? x.add(HALF).setScale(0, RoundingMode.FLOOR).toBigInteger()
                : x.setScale(0, RoundingMode.HALF_EVEN).toBigInteger();
    }

    static BigDecimal pow2(int exponent) {
        return exponent >= 0
                ? new BigDecimal(BigInteger.ONE.shiftLeft(exponent))
                : BigDecimal.ONE.divide(new BigDecimal(BigInteger.ONE.shiftLeft(-exponent)));
    }

    /** The quotient of two singles, rounded to single: 60 digits tell any quotient from a tie. */
    static float divide(float x, float y) {
        return new BigDecimal(x).divide(new BigDecimal(y), new MathContext(60)).floatValue();
    }

    static long clamp(BigInteger x, long lo, long hi) {
        return x.max(BigInteger.valueOf(lo)).min(BigInteger.valueOf(hi)).longValueExact();
    }
}
