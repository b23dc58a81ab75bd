package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rescale.Scale;
import dev.qnet.compiler.ir.Rounding;
import java.math.BigInteger;

/** How an accumulator becomes a code under each rounding contract: docs/numerics.md, "Requantize". */
final class Scaling {
    /** Beyond any code; the steps in front of a clamp stop here, so that sums with a zero point stay exact. */
    private static final long FAR = 1L << 40;

    private Scaling() {}

    /**
     * {@code clamp(scale_c(a) + zero, lo, hi)}.
     *
     * @param accBits the declared width of a: 16, 32 or 64
     * @throws ArithmeticException if a does not fit its width
     */
    static long rescale(Rescale r, long a, int c, int accBits) {
        fit(a, accBits);
        return clamp(scale(r.rounding(), r.scale(c), a, accBits) + r.zero(), r.lo(), r.hi());
    }

    /** {@code scale(a)}, limited to ±2^40, which is beyond every code and every difference of codes. */
    static long scale(Rounding rounding, Scale scale, long a, int accBits) {
        return switch (scale) {
            case Scale.Fixed f when accBits == 64 -> wide(a, f);
            case Scale.Fixed f when rounding == Rounding.TFLITE -> doubleRounding(a, f.multiplier(), f.shift());
            case Scale.Fixed f -> singleRounding(a, f.multiplier(), f.shift());
            case Scale.Real r -> real((float) a * r.factor());
        };
    }

    /** gemmlowp: a saturating shift to the left, a rounding doubling high multiply, a rounding divide. */
    private static long doubleRounding(long a, int multiplier, int shift) {
        long shifted = clamp(shift > 0 ? a << shift : a, Integer.MIN_VALUE, Integer.MAX_VALUE);
        return roundingDivideByPot(saturatingRoundingDoublingHighMul((int) shifted, multiplier), Math.max(-shift, 0));
    }

    /** TOSA: {@code (a·m + 2^(30 − s)) >> (31 − s)}. |a·m| < 2^62, so that nothing overflows. */
    private static long singleRounding(long a, int multiplier, int shift) {
        return clamp((a * multiplier + (1L << (30 - shift))) >> (31 - shift), -FAR, FAR);
    }

    /**
     * For i64 accumulators: {@code ((a·m16 >> (14 − s)) + 1) >> 1}, exact for every a; a shift to the right by a negative
     * number is one to the left.
     */
    private static long wide(long a, Scale.Fixed f) {
        int m16 = f.multiplier() < 0x7FFF0000 ? (f.multiplier() + (1 << 15)) >> 16 : 0x7FFF;
        BigInteger y = BigInteger.valueOf(a)
                .multiply(BigInteger.valueOf(m16))
                .shiftRight(14 - f.shift())
                .add(BigInteger.ONE)
                .shiftRight(1);
        BigInteger far = BigInteger.valueOf(FAR);
        return y.min(far).max(far.negate()).longValueExact();
    }

    /** A real number rounded half to even, as an integer; NaN counts as 0. */
    static long real(double x) {
        return clamp((long) Math.rint(x), -FAR, FAR);
    }

    /**
     * gemmlowp's SaturatingRoundingDoublingHighMul: {@code (a·b + (a·b ≥ 0 ? 2^30 : 1 − 2^30)) / 2^31}, truncated toward
     * zero; the product of two −2^31 saturates.
     */
    static int saturatingRoundingDoublingHighMul(int a, int b) {
        if (a == Integer.MIN_VALUE && b == Integer.MIN_VALUE) {
            return Integer.MAX_VALUE;
        }
        long product = (long) a * b;
        long nudge = product >= 0 ? 1L << 30 : 1 - (1L << 30);
        return (int) ((product + nudge) / (1L << 31));
    }

    /** gemmlowp's RoundingDivideByPOT: {@code x / 2^exponent}, ties away from zero. */
    static int roundingDivideByPot(int x, int exponent) {
        long mask = (1L << exponent) - 1;
        long remainder = x & mask;
        long threshold = (mask >> 1) + (x < 0 ? 1 : 0);
        return (int) (((long) x >> exponent) + (remainder > threshold ? 1 : 0));
    }

    static long clamp(long x, long lo, long hi) {
        return Math.max(lo, Math.min(x, hi));
    }

    /**
     * a itself.
     *
     * @throws ArithmeticException if it does not fit a two's-complement integer of that many bits
     */
    static long fit(long a, int bits) {
        if (bits < 64 && (a < -(1L << (bits - 1)) || a >= 1L << (bits - 1))) {
            throw new ArithmeticException(a + " does not fit i" + bits);
        }
        return a;
    }
}
