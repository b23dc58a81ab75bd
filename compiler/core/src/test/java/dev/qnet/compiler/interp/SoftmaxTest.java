package dev.qnet.compiler.interp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.quant.Multipliers;
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
