package dev.qnet.compiler.interp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale.Scale;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.quant.FixedPointTables;
import dev.qnet.compiler.quant.Multipliers;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class SoftmaxTest {
    /**
     * How far a probability may be from the real one, in codes: half a code of rounding, and 2^-20 of 256 codes for each
     * addend, since the sum keeps 19 bits after the point.
     */
    private static double bound(int n) {
        return 0.501 + n / 4096.0;
    }

    @Provide
    Arbitrary<Float> scales() {
        return Definitions.singles(1e-8f, 40);
    }

    @Provide
    Arbitrary<Float> smallScales() {
        return Definitions.singles(1e-5f, 1e-3f);
    }

    /** Fixed point against the real function. Code 255 stands for everything above 254.5/256, 1 included. */
    @Property(tries = 500)
    void isTheRealSoftmax(
            @ForAll("scales") float scale,
            @ForAll @IntRange(min = 1, max = 300) int n,
            @ForAll boolean signed,
            @ForAll long seed) {
        long[] x = new Random(seed).longs(n, -128, 128).toArray();
        Multipliers.Softmax s = Multipliers.softmax(scale);
        Quant out = signed ? Quant.of(Storage.I8, 1f / 256, -128) : Quant.of(Storage.U8, 1f / 256, 0);
        Value.Ints y = (Value.Ints) Nodes.run(
                new IntOp.Softmax(1, s.multiplier(), s.leftShift(), s.diffMin()),
                out,
                List.of(Quant.of(Storage.I8, scale, 0)),
                Value.of(Shape.of(1, n), x));
        for (int i = 0; i < n; i++) {
            double real = 256 / relativeSum(x, scale, i);
            assertThat((double) y.data()[i] - out.perTensor().zero()).isCloseTo(Math.min(real, 255), within(bound(n)));
        }
    }

    /** Σ exp(s·(x_j − x_i)). */
    private static double relativeSum(long[] x, float scale, int i) {
        double sum = 0;
        for (long q : x) {
            sum += Math.exp((double) scale * (q - x[i]));
        }
        return sum;
    }

    /** 65536 codes for probabilities, but an error of the exponentials and of their sum as before: 2^-20 an addend. */
    @Property(tries = 500)
    void sixteenBitsOfResult(
            @ForAll("scales") float scale, @ForAll @IntRange(min = 1, max = 300) int n, @ForAll long seed) {
        long[] x = new Random(seed).longs(n, -128, 128).toArray();
        Multipliers.Softmax s = Multipliers.softmax(scale);
        Value.Ints y = (Value.Ints) Nodes.run(
                new IntOp.Softmax(1, s.multiplier(), s.leftShift(), s.diffMin()),
                Quant.of(Storage.I16, 1f / 65536, -32768),
                List.of(Quant.of(Storage.I8, scale, 0)),
                Value.of(Shape.of(1, n), x));
        for (int i = 0; i < n; i++) {
            double real = Math.min(65536 / relativeSum(x, scale, i), 65535);
            // Differences are scaled by a multiplier of 31 bits, and those below the least count as 0.
            assertThat((double) y.data()[i] + 32768).isCloseTo(real, within(1 + n / 16.0));
        }
    }

    /**
     * Through tables of 512 intervals, which err by a few codes at the largest logit, and count each addend below exp(−10)
     * as that, 1.5 codes. (The bits are CMSIS-NN's: `qnet verify` over its test data.)
     */
    @Property(tries = 500)
    void sixteenBitCodes(
            @ForAll @IntRange(min = 1, max = 60) int n, @ForAll("smallScales") float scale, @ForAll long seed) {
        long[] x = new Random(seed).longs(n, -32768, 32768).toArray();
        // Differences −65535 … 0 stand for −10 … 0.
        Scale.Fixed m = Multipliers.fixed(scale * 65535.0 / 10);
        Value.Ints y = (Value.Ints) Nodes.run(
                new IntOp.Softmax16(
                        1,
                        m.multiplier(),
                        m.shift(),
                        FixedPointTables.softmaxExp(),
                        FixedPointTables.softmaxReciprocal()),
                Quant.of(Storage.I16, 1f / 32768, 0),
                List.of(Quant.of(Storage.I16, scale, 0)),
                Value.of(Shape.of(1, n), x));
        for (int i = 0; i < n; i++) {
            assertThat((double) y.data()[i]).isCloseTo(32768 / relativeSum(x, scale, i), within(16 + n * 2.0));
        }
    }

    /** One logit far above the others has nearly all, and equal ones share: 32768/2 and 32768/4, up to a code. */
    @Test
    void sixteenBitCodesAlongAnAxis() {
        Scale.Fixed m = Multipliers.fixed(1e-3 * 65535 / 10);
        IntOp op = new IntOp.Softmax16(
                0, m.multiplier(), m.shift(), FixedPointTables.softmaxExp(), FixedPointTables.softmaxReciprocal());
        Value.Ints y = (Value.Ints) Nodes.run(
                op,
                Quant.of(Storage.I16, 1f / 32768, 0),
                List.of(Quant.of(Storage.I16, 1e-3f, 0)),
                Value.of(Shape.of(2, 2), 20000L, -7, -20000, -7));
        assertThat(y.data()[0]).isBetween(32760L, 32767L);
        assertThat(y.data()[1]).isBetween(16382L, 16384L);
        assertThat(y.data()[2]).isBetween(0L, 2L);
        assertThat(y.data()[3]).isEqualTo(y.data()[1]);
    }

    @Test
    void tablesThatAreNoExponentialsAreAnError() {
        List<Integer> zeros = Collections.nCopies(513, 0);
        assertThatThrownBy(() -> Nodes.run(
                        new IntOp.Softmax16(1, 1 << 30, 0, zeros, zeros),
                        Quant.of(Storage.I16, 1f / 32768, 0),
                        List.of(Quant.of(Storage.I16, 1, 0)),
                        Value.of(Shape.of(1, 2), 1L, 2)))
                .isInstanceOf(ArithmeticException.class)
                .hasMessage("%y0: the sum of the exponentials is 0, not above 0");
    }

    @Test
    void runsAlongItsAxis() {
        Multipliers.Softmax s = Multipliers.softmax(0.1f);
        Quant in = Quant.of(Storage.U8, 0.1f, 7);
        IntOp op = new IntOp.Softmax(1, s.multiplier(), s.leftShift(), s.diffMin());
        Value x = Value.of(Shape.of(1, 2, 3), 10L, 20, 30, 10, 10, 50);
        // Equal logits give one half; a difference of 1.0 gives 0.731 and 0.269.
        assertThat(Nodes.run(op, Quant.of(Storage.U8, 1f / 256, 0), List.of(in), x))
                .isEqualTo(Value.of(Shape.of(1, 2, 3), 128L, 187, 31, 128, 69, 225));
    }

    @Test
    void ofSingles() {
        Value x = Value.of(Shape.of(2, 2), 0f, 1000, 3, 3);
        assertThat(Nodes.run(new FloatOp.Softmax(1), Element.FLOAT, List.of(Element.FLOAT), x))
                .isEqualTo(Value.of(Shape.of(2, 2), 0f, 1, 0.5f, 0.5f));
        assertThat(Nodes.run(
                        new FloatOp.Softmax(0), Element.FLOAT, List.of(Element.FLOAT), Value.of(Shape.of(2, 1), 1f, 0)))
                .isEqualTo(Value.of(Shape.of(2, 1), 0.7310586f, 0.26894143f));
    }
}
