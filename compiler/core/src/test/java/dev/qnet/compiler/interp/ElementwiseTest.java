package dev.qnet.compiler.interp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.FloatOp.Binary;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rescale.Scale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Window;
import dev.qnet.compiler.quant.Multipliers;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

/** Operations that are no products, float and integer, against definitions and cases worked out by hand. */
class ElementwiseTest {
    private static final Element F32 = Element.FLOAT;
    private static final Quant I8 = Quant.of(Storage.I8, 1, 0);

    private static long one(Value v) {
        return ((Value.Ints) v).data()[0];
    }

    // ---- average pool
    // ------------------------------------------------------------------------------------------------

    @Property(tries = 2000)
    void averageOfCodes(
            @ForAll Rounding rounding,
            @ForAll @Size(min = 1, max = 9) List<@IntRange(min = -128, max = 127) Integer> codes) {
        int n = codes.size();
        long[] x = codes.stream().mapToLong(i -> i).toArray();
        long y = one(Nodes.run(
                new IntOp.AvgPool(Window.of(1, n), rounding), I8, List.of(I8), Value.of(Shape.of(1, 1, n, 1), x)));
        int sum = codes.stream().mapToInt(i -> i).sum();
        BigDecimal mean = new BigDecimal(sum).divide(new BigDecimal(n), new MathContext(60));
        long defined = switch (rounding) {
            // (S ± n/2)/n with whole n/2 is rounding half away, except that an odd n has no ties.
            case TFLITE -> mean.setScale(0, RoundingMode.HALF_UP).longValueExact();
            case TOSA -> Definitions.ties(mean, true).longValueExact();
            case ONNX, XNNPACK ->
                Definitions.ties(new BigDecimal(mean.floatValue()), false).longValueExact();
        };
        assertThat(y).isEqualTo(defined);
    }

    @Test
    void averageLeavesPaddingOut() {
        Window w = new Window(2, 2, 1, 1, 1, 1, 1, 1, 0, 0);
        Value x = Value.of(Shape.of(1, 2, 2, 1), 10L, 20, 30, 41);
        assertThat(Nodes.run(new IntOp.AvgPool(w, Rounding.TFLITE), I8, List.of(I8), x))
                .isEqualTo(Value.of(Shape.of(1, 2, 2, 1), 10L, 15, 20, 25));
        Value f = Value.of(Shape.of(1, 2, 2, 1), 10f, 20, 30, 41);
        assertThat(Nodes.run(new FloatOp.AvgPool(w), F32, List.of(F32), f))
                .isEqualTo(Value.of(Shape.of(1, 2, 2, 1), 10f, 15, 20, 25.25f));
    }

    // ---- add, mul, sum
    // -----------------------------------------------------------------------------------------------

    @Provide
    Arbitrary<Float> scales() {
        return Definitions.singles(0.001f, 10);
    }

    @Property(tries = 1000)
    void addUnderACommonScale(
            @ForAll Rounding rounding,
            @ForAll boolean subtract,
            @ForAll("scales") float sx,
            @ForAll("scales") float sy,
            @ForAll("scales") float so,
            @ForAll @IntRange(min = 0, max = 255) int x,
            @ForAll @IntRange(min = -128, max = 127) int y) {
        int shift = Multipliers.addLeftShift(rounding, 8);
        List<Scale> scales = Multipliers.add(rounding, sx, sy, so, shift);
        IntOp.Add op = new IntOp.Add(subtract, shift, rounding, scales, -7, -128, 127);
        Quant left = Quant.of(Storage.U8, sx, 200);
        Quant right = Quant.of(Storage.I8, sy, -5);
        Quant out = Quant.of(Storage.I8, so, -7);
        long found = one(Nodes.run(
                op, out, List.of(left, right), Value.of(Shape.of(1), (long) x), Value.of(Shape.of(1), (long) y)));

        BigInteger sum;
        if (rounding.fixedPoint()) {
            BigInteger a = Definitions.scale(rounding, scales.get(0), (long) (x - 200) << 20, false);
            BigInteger b = Definitions.scale(rounding, scales.get(1), (long) (y + 5) << 20, false);
            BigInteger common = subtract ? a.subtract(b) : a.add(b);
            sum = Definitions.scale(rounding, scales.get(2), common.longValueExact(), false);
        } else {
            float a = real(x - 200, sx, so);
            float b = real(y + 5, sy, so);
            sum = Definitions.ties(new BigDecimal(subtract ? a - b : a + b), false);
        }
        assertThat(found).isEqualTo(Definitions.clamp(sum.subtract(BigInteger.valueOf(7)), -128, 127));
        // Whatever the contract, it is the real sum within one unit, or saturated.
        double exact = ((double) sx * (x - 200) + (subtract ? -1 : 1) * (double) sy * (y + 5)) / so - 7;
        assertThat((double) found).isBetween(Math.clamp(exact, -128, 127) - 1, Math.clamp(exact, -128, 127) + 1);
    }

    /** Code times factor, in singles. */
    private static float real(int centred, float s, float so) {
        return new BigDecimal(centred)
                .multiply(new BigDecimal(Definitions.divide(s, so)))
                .floatValue();
    }

    @Test
    void addBroadcasts() {
        Value x = Value.of(Shape.of(2, 1), 1L, 2);
        Value y = Value.of(Shape.of(3), 10L, 20, 30);
        IntOp.Add op = new IntOp.Add(
                true,
                0,
                Rounding.ONNX,
                List.of(new Scale.Real(1), new Scale.Real(0.5f), new Scale.Real(1)),
                0,
                -10,
                127);
        assertThat(Nodes.run(op, I8, List.of(I8, I8), x, y))
                .isEqualTo(Value.of(Shape.of(2, 3), -4L, -9, -10, -3, -8, -10));
    }

    @Test
    void anAddThatLeavesItsWidthIsAnError() {
        Quant u16 = Quant.of(Storage.U16, 1, 0);
        Value x = Value.of(Shape.of(1), 65535L);
        List<Scale> half =
                List.of(new Scale.Fixed(1 << 30, 0), new Scale.Fixed(1 << 30, 0), new Scale.Fixed(1 << 30, -13));
        // 16 bits and a shift of 15 just fit; of 16 they do not.
        IntOp.Add op = new IntOp.Add(false, 16, Rounding.TOSA, half, 0, 0, 65535);
        assertThatThrownBy(() -> Nodes.run(op, u16, List.of(u16, u16), x, x))
                .isInstanceOf(ArithmeticException.class)
                .hasMessage("%y0: 4294901760 does not fit i32");
    }

    @Test
    void mulAndSumCentreTheirCodes() {
        Quant u8 = Quant.of(Storage.U8, 1, 100);
        Value x = Value.of(Shape.of(2, 3), 99L, 100, 101, 102, 103, 110);
        assertThat(Nodes.run(new IntOp.Mul(Element.INT32, null), Element.INT32, List.of(u8, u8), x, x))
                .isEqualTo(Value.of(Shape.of(2, 3), 1L, 0, 1, 4, 9, 100));
        assertThat(Nodes.run(new IntOp.Sum(List.of(0), false, Element.INT32, null), Element.INT32, List.of(u8), x))
                .isEqualTo(Value.of(Shape.of(3), 1L, 3, 11));
        // The mean of three is their sum scaled by 1/3.
        Rescale third = new Rescale(Rounding.TOSA, List.of(Multipliers.fixed(1 / 3.0)), 100, 0, 255);
        assertThat(Nodes.run(new IntOp.Sum(List.of(1), true, Element.INT32, third), u8, List.of(u8), x))
                .isEqualTo(Value.of(Shape.of(2, 1), 100L, 105));
    }

    @Test
    void requantizeTakesPlainAndQuantized() {
        Rescale r = new Rescale(Rounding.TOSA, List.of(Multipliers.fixed(0.5)), 3, -128, 127);
        Quant out = Quant.of(Storage.I8, 1, 3);
        assertThat(Nodes.run(new IntOp.Requantize(r), out, List.of(Element.INT32), Value.of(Shape.of(2), 5L, -5)))
                .isEqualTo(Value.of(Shape.of(2), 6L, 1));
        assertThat(Nodes.run(
                        new IntOp.Requantize(r),
                        out,
                        List.of(Quant.of(Storage.U8, 1, 10)),
                        Value.of(Shape.of(2), 15L, 5)))
                .isEqualTo(Value.of(Shape.of(2), 6L, 1));
    }

    // ---- tables
    // ------------------------------------------------------------------------------------------------------

    @Test
    void tablesAreIndexedByCode() {
        Quant i4 = Quant.of(Storage.I4, 1, 0);
        List<Integer> squares =
                IntStream.rangeClosed(-8, 7).mapToObj(q -> q * q).toList();
        Value x = Value.of(Shape.of(4), -8L, -1, 0, 7);
        assertThat(Nodes.run(new IntOp.Table(squares), I8, List.of(i4), x))
                .isEqualTo(Value.of(Shape.of(4), 64L, 1, 0, 49));
        assertThatThrownBy(() -> Nodes.run(new IntOp.Table(squares), I8, List.of(I8), x))
                .hasMessageContaining("a table of 16 entries for i8, which has 256 codes");
    }

    @Test
    void interpolatesBetweenEntries() {
        Quant i16 = Quant.of(Storage.I16, 1, 0);
        // Entries 128 apart on both axes: the identity, but for the last entry's clamp.
        List<Integer> identity = IntStream.rangeClosed(0, 512)
                .mapToObj(i -> Math.min(32767, i * 128 - 32768))
                .toList();
        Value x = Value.of(Shape.of(6), -32768L, -32767, -1, 0, 12345, 32639);
        assertThat(Nodes.run(new IntOp.InterpolatedTable(identity), i16, List.of(i16), x))
                .isEqualTo(x);
        // (0..3)·r/128, rounded half up: at r = 64 it is 1.5.
        List<Integer> steep =
                IntStream.rangeClosed(0, 512).mapToObj(i -> i == 257 ? 3 : 0).toList();
        assertThat(Nodes.run(
                        new IntOp.InterpolatedTable(steep), i16, List.of(i16), Value.of(Shape.of(3), 21L, 64, 192)))
                .isEqualTo(Value.of(Shape.of(3), 0L, 2, 2));
    }

    // ---- float functions
    // ---------------------------------------------------------------------------------------------

    @Test
    void functionsOfOneNumber() {
        Value x = Value.of(Shape.of(5), -4f, -1, 0, 1, 4);
        assertThat(unary(new ScalarFn.Relu(), x)).containsExactly(0, 0, 0, 1, 4);
        assertThat(unary(new ScalarFn.LeakyRelu(0.5f), x)).containsExactly(-2, -0.5f, 0, 1, 4);
        assertThat(unary(new ScalarFn.Clip(-2, 3), x)).containsExactly(-2, -1, 0, 1, 3);
        assertThat(unary(new ScalarFn.HardSwish(), x)).containsExactly(0, -1 / 3f, 0, 2 / 3f, 4);
        assertThat(unary(new ScalarFn.Sigmoid(), x))
                .containsExactly(0.01798621f, 0.26894143f, 0.5f, 0.7310586f, 0.98201376f);
        assertThat(unary(new ScalarFn.Tanh(), x)).containsExactly(-0.9993293f, -0.7615942f, 0, 0.7615942f, 0.9993293f);
        assertThat(unary(new ScalarFn.Gelu(), x))
                .containsExactly(-7.024595E-5f, -0.15880801f, 0, 0.841192f, 3.9999297f);
    }

    private static float[] unary(ScalarFn fn, Value x) {
        float[] y = Kernel.floats(Nodes.run(new FloatOp.Unary(fn), F32, List.of(F32), x));
        for (int i = 0; i < y.length; i++) {
            y[i] += 0f; // −0 as 0
        }
        return y;
    }

    @Test
    void functionsOfTwoNumbers() {
        Value x = Value.of(Shape.of(2, 2), 1f, 2, 3, 4);
        Value y = Value.of(Shape.of(2), 10f, 20);
        assertThat(Nodes.run(new Binary(Binary.Fn.ADD), F32, List.of(F32, F32), x, y))
                .isEqualTo(Value.of(Shape.of(2, 2), 11f, 22, 13, 24));
        assertThat(Nodes.run(new Binary(Binary.Fn.SUB), F32, List.of(F32, F32), x, y))
                .isEqualTo(Value.of(Shape.of(2, 2), -9f, -18, -7, -16));
        assertThat(Nodes.run(new Binary(Binary.Fn.MUL), F32, List.of(F32, F32), x, y))
                .isEqualTo(Value.of(Shape.of(2, 2), 10f, 40, 30, 80));
    }

    @Test
    void meanAndBatchNorm() {
        Value x = Value.of(Shape.of(1, 2, 2), 1f, 2, 3, 5);
        assertThat(Nodes.run(new FloatOp.Mean(List.of(1), false), F32, List.of(F32), x))
                .isEqualTo(Value.of(Shape.of(1, 2), 2f, 3.5f));
        Value gamma = Value.of(Shape.of(2), 2f, 1);
        Value beta = Value.of(Shape.of(2), 0f, 100);
        Value mean = Value.of(Shape.of(2), 1f, 2);
        Value variance = Value.of(Shape.of(2), 3f, 8);
        assertThat(Nodes.run(
                        new FloatOp.BatchNorm(1),
                        F32,
                        List.of(F32, F32, F32, F32, F32),
                        x,
                        gamma,
                        beta,
                        mean,
                        variance))
                .isEqualTo(Value.of(Shape.of(1, 2, 2), 0f, 100, 2, 101));
    }

    @Test
    void clampLimitsCodes() {
        assertThat(Nodes.run(new IntOp.Clamp(-1, 5), I8, List.of(I8), Value.of(Shape.of(3), -9L, 3, 9)))
                .isEqualTo(Value.of(Shape.of(3), -1L, 3, 5));
    }

    // ---- dynamic quantization
    // ----------------------------------------------------------------------------------------

    @Test
    void dynamicParametersOfOneItem() {
        Value x = Value.of(Shape.of(3), -1f, 0.5f, 4.1f);
        float s = (4.1f + 1f) / 255;
        assertThat(dynamic(Storage.U8, false, x)).containsExactly(s, (float) Math.rint(1 / s));
        assertThat(dynamic(Storage.I8, false, x)).containsExactly(s, (float) (Math.rint(1 / s) - 128));
        assertThat(dynamic(Storage.I8, true, x)).containsExactly(4.1f / 127, 0);
        assertThat(dynamic(Storage.U8, false, Value.of(Shape.of(2), 2f, 3))).containsExactly(3f / 255, 0);
        assertThat(dynamic(Storage.I8, false, Value.of(Shape.of(2), 0f, 0))).containsExactly(1, -128);
        assertThat(dynamic(Storage.I8, true, Value.of(Shape.of(2), 0f, Float.NaN)))
                .containsExactly(1, 0);
    }

    private static float[] dynamic(Storage storage, boolean symmetric, Value x) {
        return Kernel.floats(Nodes.run(new IntOp.DynamicParams(storage, symmetric), F32, List.of(F32), x));
    }

    @Test
    void dynamicCodesAreCentred() {
        Value x = Value.of(Shape.of(5), -1f, 0, 0.5f, 4.1f, Float.NaN);
        Value p = Value.of(Shape.of(2), 0.02f, 50);
        assertThat(Nodes.run(new IntOp.DynamicQuantize(Storage.U8), Element.INT16, List.of(F32, F32), x, p))
                .isEqualTo(Value.of(Shape.of(5), -50L, 0, 25, 205, 0));
    }

    @Test
    void dynamicResultsAreScaledByBothScales() {
        Value a = Value.of(Shape.of(1, 2), 100L, -7);
        Value p = Value.of(Shape.of(2), 0.1f, 3);
        Value scales = Value.of(Shape.of(2), 0.3f, 0.7f);
        Value bias = Value.of(Shape.of(2), 1f, 2);
        assertThat(Nodes.run(
                        new IntOp.DynamicDequantize(), F32, List.of(Element.INT32, F32, F32, F32), a, p, scales, bias))
                .isEqualTo(Value.of(Shape.of(1, 2), 100 * (0.1f * 0.3f) + 1, -7 * (0.1f * 0.7f) + 2));
    }
}
