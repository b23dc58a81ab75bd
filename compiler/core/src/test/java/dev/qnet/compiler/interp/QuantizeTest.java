package dev.qnet.compiler.interp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Storage;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Assume;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

/** Between real numbers and codes, against the definitions. */
class QuantizeTest {
    @Provide
    Arbitrary<Quant> types() {
        Arbitrary<Storage> storages = Arbitraries.of(Storage.values()).filter(s -> s != Storage.BIPOLAR);
        Arbitrary<Float> scales = Arbitraries.oneOf(
                Definitions.singles(1e-6f, 100), Arbitraries.of(1f, 0.5f, 0.25f, 1f / 256, Float.MIN_VALUE, 1e38f));
        return Combinators.combine(
                        storages, scales, Arbitraries.integers().between(0, 255), Arbitraries.of(true, false))
                .as((s, scale, zero, narrow) -> new Quant(
                        s,
                        narrow ? s.min() + 1 : s.min(),
                        s.max(),
                        new Scheme.PerTensor(scale, Math.clamp((long) s.min() + zero, s.min(), s.max()))));
    }

    private static long quantize(Quant type, Rounding rounding, float x) {
        Value v = Nodes.run(new QuantOp.Quantize(rounding), type, List.of(Element.FLOAT), Value.of(Shape.of(1), x));
        return ((Value.Ints) v).data()[0];
    }

    private static long defined(Quant type, Rounding rounding, float x) {
        float s = type.perTensor().scale();
        float v = x / s;
        BigDecimal quotient = Float.isInfinite(v)
                ? new BigDecimal(Math.copySign(1e300, v))
                : new BigDecimal(Definitions.divide(x, s));
        BigInteger rounded = quotient.setScale(
                        0, rounding == Rounding.TFLITE ? RoundingMode.HALF_UP : RoundingMode.HALF_EVEN)
                .toBigInteger();
        return Definitions.clamp(rounded.add(BigInteger.valueOf(type.perTensor().zero())), type.lo(), type.hi());
    }

    @Property(tries = 3000)
    void ofAnyNumber(@ForAll("types") Quant type, @ForAll Rounding rounding, @ForAll int bits) {
        float x = Float.intBitsToFloat(bits);
        Assume.that(Float.isFinite(x));
        assertThat(quantize(type, rounding, x)).isEqualTo(defined(type, rounding, x));
    }

    /** Numbers that mostly do not saturate. */
    @Property(tries = 3000)
    void ofNumbersInRange(@ForAll("types") Quant type, @ForAll Rounding rounding, @ForAll short position) {
        float x = position / 100f * type.perTensor().scale();
        assertThat(quantize(type, rounding, x)).isEqualTo(defined(type, rounding, x));
    }

    /** Multiples of half a unit are ties, as far as singles go. */
    @Property(tries = 3000)
    void ofTies(@ForAll("types") Quant type, @ForAll Rounding rounding, @ForAll short halves) {
        float x = halves * 0.5f * type.perTensor().scale();
        assertThat(quantize(type, rounding, x)).isEqualTo(defined(type, rounding, x));
    }

    @Test
    void ofWhatIsNoNumber() {
        Quant type = Quant.of(Storage.U8, 0.5f, 7);
        assertThat(quantize(type, Rounding.TOSA, Float.NaN)).isEqualTo(7);
        assertThat(quantize(type, Rounding.TOSA, Float.POSITIVE_INFINITY)).isEqualTo(255);
        assertThat(quantize(type, Rounding.TFLITE, Float.NEGATIVE_INFINITY)).isZero();
    }

    @Test
    void onlyTfliteRoundsTiesAway() {
        Quant type = Quant.of(Storage.I8, 0.5f, 1);
        Value x = Value.of(Shape.of(5), 0.25f, 0.75f, -0.25f, -0.75f, 1.25f);
        assertThat(Nodes.run(new QuantOp.Quantize(Rounding.TFLITE), type, List.of(Element.FLOAT), x))
                .isEqualTo(Value.of(Shape.of(5), 2L, 3, 0, -1, 4));
        assertThat(Nodes.run(new QuantOp.Quantize(Rounding.TOSA), type, List.of(Element.FLOAT), x))
                .isEqualTo(Value.of(Shape.of(5), 1L, 3, 1, -1, 3));
    }

    @Test
    void bipolarCodesAreSigns() {
        Quant type = Quant.of(Storage.BIPOLAR, 3, 0);
        Value x = Value.of(Shape.of(5), 0.1f, -0.1f, 0f, -0f, Float.NaN);
        assertThat(Nodes.run(new QuantOp.Quantize(Rounding.TOSA), type, List.of(Element.FLOAT), x))
                .isEqualTo(Value.of(Shape.of(5), 1L, -1, 1, 1, 1));
    }

    @Property(tries = 2000)
    void dequantizeIsOneMultiplication(@ForAll("types") Quant type, @ForAll int code) {
        long q = Math.clamp((long) code, type.lo(), type.hi());
        Value v = Nodes.run(new QuantOp.Dequantize(), Element.FLOAT, List.of(type), Value.of(Shape.of(1), q));
        float defined = new BigDecimal((float) (q - type.perTensor().zero()))
                .multiply(new BigDecimal(type.perTensor().scale()))
                .floatValue();
        assertThat(((Value.Floats) v).data()[0]).isEqualTo(defined);
    }

    @Test
    void eachChannelHasItsScaleAndZero() {
        Scheme scheme = new Scheme.PerAxis(1, List.of(1f, 10f), List.of(0, 5));
        Quant type = new Quant(Storage.I8, -128, 127, scheme);
        Value x = Value.of(Shape.of(1, 2, 2), 3f, 4, 30, 40);
        Value q = Value.of(Shape.of(1, 2, 2), 3L, 4, 8, 9);
        assertThat(Nodes.run(new QuantOp.Quantize(Rounding.TOSA), type, List.of(Element.FLOAT), x))
                .isEqualTo(q);
        assertThat(Nodes.run(new QuantOp.Dequantize(), Element.FLOAT, List.of(type), q))
                .isEqualTo(x);
    }

    @Test
    void eachGroupHasItsMultiplier() {
        // Rows of five elements in groups of two; the last group is short.
        Scheme scheme = new Scheme.PerGroup(2, List.of(0.5f, 2f), List.of(1, 2, 4, 1, 1, 3));
        Quant type = new Quant(Storage.I4, -8, 7, scheme);
        Value q = Value.of(Shape.of(2, 5), 1L, 2, 3, 4, 5, -1, -2, -3, -4, -5);
        Value x = Value.of(Shape.of(2, 5), 0.5f, 1, 3, 4, 10, -2, -4, -6, -8, -30);
        assertThat(Nodes.run(new QuantOp.Dequantize(), Element.FLOAT, List.of(type), q))
                .isEqualTo(x);
        assertThat(Nodes.run(new QuantOp.Quantize(Rounding.TOSA), type, List.of(Element.FLOAT), x))
                .isEqualTo(q);
        // In arithmetic a code enters as m·q.
        Value ones = Value.of(Shape.of(1, 5), 1L, 1, 1, 1, 1);
        assertThat(Nodes.run(
                        new IntOp.Dense(Element.INT32, null),
                        Element.INT32,
                        List.of(Quant.of(Storage.I8, 1, 0), type),
                        ones,
                        q))
                .isEqualTo(Value.of(Shape.of(1, 2), 1 + 2 + 2 * (3 + 4) + 4 * 5L, -1 - 2 - 3 - 4 - 3 * 5L));
    }

    @Test
    void fakeQuantIsBothInOne() {
        Spec spec = new Spec(
                Storage.I8, true, false, new Spec.Granularity.PerTensor(), new Spec.RangeMethod.MinMax(), false);
        Value x = Value.of(Shape.of(3), 0.26f, 1000f, -0.74f);
        QuantOp chosen = new QuantOp.FakeQuant(spec, Rounding.TOSA, Quant.of(Storage.I8, 0.5f, 0));
        assertThat(Nodes.run(chosen, Element.FLOAT, List.of(Element.FLOAT), x))
                .isEqualTo(Value.of(Shape.of(3), 0.5f, 63.5f, -0.5f));
        QuantOp undecided = new QuantOp.FakeQuant(spec, Rounding.TOSA, null);
        assertThat(Nodes.run(undecided, Element.FLOAT, List.of(Element.FLOAT), x))
                .isEqualTo(x);
    }
}
