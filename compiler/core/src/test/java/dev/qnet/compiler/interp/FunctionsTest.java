package dev.qnet.compiler.interp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.quant.Codes;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

/** Functions of one number: against what they are elsewhere, identities, and the copy that passes use. */
class FunctionsTest {
    private static final List<ScalarFn> ALL = List.of(
            new ScalarFn.Relu(),
            new ScalarFn.LeakyRelu(0.1f),
            new ScalarFn.Clip(-1, 2),
            new ScalarFn.Sigmoid(),
            new ScalarFn.Tanh(),
            new ScalarFn.HardSwish(),
            new ScalarFn.Gelu(),
            new ScalarFn.GeluErf(),
            new ScalarFn.Elu(0.7f),
            new ScalarFn.Selu(1.6732632f, 1.050701f),
            new ScalarFn.Celu(0.3f),
            new ScalarFn.Mish(),
            new ScalarFn.HardSigmoid(0.2f, 0.5f),
            new ScalarFn.Softplus(),
            new ScalarFn.Softsign(),
            new ScalarFn.ThresholdedRelu(0.5f),
            new ScalarFn.Affine(2, -1),
            new ScalarFn.ScaledTanh(1.7f, 0.6f),
            new ScalarFn.Silu(),
            new ScalarFn.Erf(),
            new ScalarFn.Sqrt(),
            new ScalarFn.Exp(),
            new ScalarFn.Log(),
            new ScalarFn.Sin(),
            new ScalarFn.Cos(),
            new ScalarFn.Abs(),
            new ScalarFn.Neg(),
            new ScalarFn.Sign(),
            new ScalarFn.Floor(),
            new ScalarFn.Ceil(),
            new ScalarFn.Round(),
            new ScalarFn.Reciprocal());

    @Provide
    Arbitrary<Float> singles() {
        Arbitrary<Float> any = Arbitraries.integers().map(Float::intBitsToFloat);
        return Arbitraries.oneOf(
                any, Arbitraries.floats().between(-8, 8), Arbitraries.of(0f, -0f, Float.NaN, Float.NEGATIVE_INFINITY));
    }

    @Test
    void everyFunctionIsHere() {
        assertThat(ALL).hasSize(ScalarFn.class.getPermittedSubclasses().length).doesNotHaveDuplicates();
    }

    /** Tables are made with one copy and floats computed with the other; both must be the same function. */
    @Property(tries = 3000)
    void bothCopiesAgreeInEveryBit(@ForAll("singles") float x) {
        for (ScalarFn fn : ALL) {
            float here = (float) Functions.of(fn).applyAsDouble(x);
            assertThat(Float.floatToIntBits(here))
                    .as(fn + " of " + x)
                    .isEqualTo(Float.floatToIntBits(Codes.apply(fn, x)));
        }
    }

    private static void expect(ScalarFn fn, double x, double y) {
        assertThat(Functions.of(fn).applyAsDouble(x))
                .as(fn + " of " + x)
                .isCloseTo(y, within(1e-9 * Math.max(1, Math.abs(y))));
    }

    /** Digits of other tables and calculators. */
    @Test
    void knownValues() {
        expect(new ScalarFn.GeluErf(), 1, 0.8413447460685429);
        expect(new ScalarFn.GeluErf(), -2, -0.04550026389635842);
        expect(new ScalarFn.Elu(2), -1, -1.2642411176571153);
        expect(new ScalarFn.Elu(2), 3, 3);
        expect(new ScalarFn.Selu(2, 3), -1, -3.792723352971346);
        expect(new ScalarFn.Selu(2, 3), 2, 6);
        expect(new ScalarFn.Celu(2), -2, -1.2642411176571153);
        expect(new ScalarFn.Celu(2), 5, 5);
        expect(new ScalarFn.Mish(), 1, 0.8650983882673103);
        expect(new ScalarFn.HardSigmoid(0.25f, 0.5f), 1, 0.75);
        expect(new ScalarFn.HardSigmoid(0.25f, 0.5f), -9, 0);
        expect(new ScalarFn.HardSigmoid(0.25f, 0.5f), 9, 1);
        expect(new ScalarFn.Softplus(), 0, 0.6931471805599453);
        expect(new ScalarFn.Softplus(), 1000, 1000);
        expect(new ScalarFn.Softplus(), -1000, 0);
        expect(new ScalarFn.Softsign(), -3, -0.75);
        expect(new ScalarFn.ThresholdedRelu(1), 1, 0);
        expect(new ScalarFn.ThresholdedRelu(1), 1.5, 1.5);
        expect(new ScalarFn.ThresholdedRelu(-2), -1, -1);
        expect(new ScalarFn.Affine(2, -1), 3, 5);
        expect(new ScalarFn.ScaledTanh(2, 0.5f), 1, 0.9242343145200195);
        expect(new ScalarFn.Silu(), 1, 0.7310585786300049);
        expect(new ScalarFn.Log(), 10, 2.302585092994046);
        expect(new ScalarFn.Reciprocal(), -4, -0.25);
        expect(new ScalarFn.Round(), 2.5, 2);
        expect(new ScalarFn.Round(), -3.5, -4);
        expect(new ScalarFn.Sign(), -7, -1);
        assertThat(Functions.of(new ScalarFn.Sign()).applyAsDouble(Double.NaN)).isNaN();
    }

    /** The error function's series, Σ (−1)^n x^(2n+1)/(n!(2n+1))·2/√π, to 60 digits. */
    private static double series(double x) {
        MathContext digits = new MathContext(60);
        BigDecimal square = new BigDecimal(x).pow(2, digits).negate();
        BigDecimal power = new BigDecimal(x);
        BigDecimal sum = power;
        for (int n = 1; n < 250; n++) {
            power = power.multiply(square, digits).divide(new BigDecimal(n), digits);
            sum = sum.add(power.divide(new BigDecimal(2 * n + 1), digits), digits);
        }
        BigDecimal pi = new BigDecimal("3.14159265358979323846264338327950288419716939937510582097494459");
        return sum.multiply(BigDecimal.TWO).divide(pi.sqrt(digits), digits).doubleValue();
    }

    @Test
    void errorFunctionIsWithinItsPromise() {
        DoubleUnaryOperator erf = Functions.of(new ScalarFn.Erf());
        for (double x = -6.5; x <= 6.5; x += 0.0371) {
            double exact = series(x);
            assertThat(Math.abs(erf.applyAsDouble(x) - exact)).as("erf " + x).isLessThanOrEqualTo(Math.ulp(exact));
            assertThat(erf.applyAsDouble(-x)).isEqualTo(-erf.applyAsDouble(x));
        }
        assertThat(erf.applyAsDouble(0)).isZero();
        assertThat(erf.applyAsDouble(1e-300)).isCloseTo(1.1283791670955126e-300, within(1e-315));
        assertThat(erf.applyAsDouble(Double.POSITIVE_INFINITY)).isEqualTo(1);
        assertThat(erf.applyAsDouble(Double.NaN)).isNaN();
    }
}
