package dev.qnet.compiler.interp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale.Scale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** The integer LSTM's steps, thresholds and 16-bit tables against exact arithmetic. */
class LstmTest {
    private static final Quant I8 = Quant.of(Storage.I8, 1, 0);
    private static final Quant I16 = Quant.of(Storage.I16, 1, 0);

    private static long saturated(BigInteger x) {
        return Definitions.clamp(x, -32768, 32767);
    }

    private static Scale.Fixed scale(Random r) {
        return new Scale.Fixed(r.nextInt(1 << 30, Integer.MAX_VALUE), r.nextInt(6) - 5);
    }

    @Property(tries = 500)
    void gate(@ForAll Random r, @ForAll boolean biased) {
        int items = 1 + r.nextInt(3);
        int in = 1 + r.nextInt(5);
        int states = 1 + r.nextInt(4);
        int units = 1 + r.nextInt(4);
        Quant x = Quant.of(Storage.I8, 1, r.nextInt(256) - 128);
        Quant h = Quant.of(Storage.I8, 1, r.nextInt(256) - 128);
        long[] xs = r.longs((long) items * in, -128, 128).toArray();
        long[] hs = r.longs((long) items * states, -128, 128).toArray();
        long[] ws = r.longs((long) units * in, -127, 128).toArray();
        long[] rs = r.longs((long) units * states, -127, 128).toArray();
        long[] bs = r.longs(units, -40000, 40000).toArray();
        IntOp.LstmGate op = new IntOp.LstmGate(scale(r), scale(r));
        Value[] operands = {
            Value.of(Shape.of(items, in), xs),
            Value.of(Shape.of(items, states), hs),
            Value.of(Shape.of(units, in), ws),
            Value.of(Shape.of(units, states), rs),
            Value.of(Shape.of(units), bs)
        };
        List<Element> types = List.of(x, h, I8, I8, Element.INT32);
        int count = biased ? 5 : 4;
        Value.Ints y =
                (Value.Ints) Nodes.run(op, I16, types.subList(0, count), java.util.Arrays.copyOf(operands, count));
        for (int item = 0; item < items; item++) {
            for (int u = 0; u < units; u++) {
                long ofX = biased ? bs[u] : 0;
                for (int k = 0; k < in; k++) {
                    ofX += (xs[item * in + k] - x.perTensor().zero()) * ws[u * in + k];
                }
                long ofH = 0;
                for (int k = 0; k < states; k++) {
                    ofH += (hs[item * states + k] - h.perTensor().zero()) * rs[u * states + k];
                }
                long first = saturated(Definitions.scale(Rounding.TFLITE, op.input(), ofX, false));
                BigInteger second = Definitions.scale(Rounding.TFLITE, op.recurrent(), ofH, false);
                assertThat(y.data()[item * units + u]).isEqualTo(saturated(second.add(BigInteger.valueOf(first))));
            }
        }
    }

    /** The first product is limited before the second is added: 40000 − 10000 is 32767 − 10000. */
    @Test
    void aGateSaturatesTwice() {
        Scale.Fixed one = new Scale.Fixed(1 << 30, 1);
        assertThat(Nodes.run(
                        new IntOp.LstmGate(one, one),
                        I16,
                        List.of(I8, I8, I8, I8, Element.INT32),
                        Value.of(Shape.of(1, 1), 100L),
                        Value.of(Shape.of(1, 1), -100L),
                        Value.of(Shape.of(1, 1), 100L),
                        Value.of(Shape.of(1, 1), 100L),
                        Value.of(Shape.of(1), 30000L)))
                .isEqualTo(Value.of(Shape.of(1, 1), 22767L));
    }

    private static BigInteger divided(long a, long b, int bits) {
        return new BigDecimal(a * b)
                .multiply(Definitions.pow2(-bits))
                .setScale(0, RoundingMode.HALF_UP)
                .toBigInteger();
    }

    @Property(tries = 1000)
    void cell(@ForAll Random r, @ForAll @IntRange(min = 1, max = 31) int shift, @ForAll boolean clipped) {
        long[] v = r.longs(4, -32768, 32768).toArray();
        int clip = clipped ? 1 + r.nextInt(32767) : 0;
        long found = ((Value.Ints) Nodes.run(
                        new IntOp.LstmCell(shift, clip),
                        I16,
                        List.of(I16, I16, I16, I16),
                        Value.of(Shape.of(1), v[0]),
                        Value.of(Shape.of(1), v[1]),
                        Value.of(Shape.of(1), v[2]),
                        Value.of(Shape.of(1), v[3])))
                .data()[0];
        long kept = saturated(divided(v[0], v[1], 15));
        long added = saturated(divided(v[2], v[3], shift));
        long sum = saturated(BigInteger.valueOf(kept + added));
        assertThat(found).isEqualTo(clipped ? Math.clamp(sum, -clip, clip) : sum);
    }

    @Test
    void thresholdsCountWhatIsReached() {
        Quant u2 = Quant.of(Storage.U2, 1, 0);
        Value x = Value.of(Shape.of(2, 2), -5L, 10, 0, 9);
        Value each = Value.of(Shape.of(2, 3), -5L, -4, 1, 0, 10, 10);
        IntOp op = new IntOp.Thresholds(List.of(0, 1, 2, 3));
        assertThat(Nodes.run(op, u2, List.of(Element.INT32, Element.INT32), x, each))
                .isEqualTo(Value.of(Shape.of(2, 2), 1L, 3, 2, 1));
        // One row for all channels, entries in any order, 64 bits, codes as q − z.
        IntOp falling = new IntOp.Thresholds(List.of(3, 0, 2));
        assertThat(Nodes.run(
                        falling,
                        u2,
                        List.of(Quant.of(Storage.I8, 1, 4), Element.INT64),
                        Value.of(Shape.of(3), 3L, 4, 5),
                        Value.of(Shape.of(1, 2), 0L, 1)))
                .isEqualTo(Value.of(Shape.of(3), 3L, 0, 2));
    }

    @Test
    void tablesOfSixteenBits() {
        List<Integer> halves = java.util.stream.IntStream.rangeClosed(-32768, 32767)
                .mapToObj(q -> Math.floorDiv(q, 2))
                .toList();
        assertThat(Nodes.run(new IntOp.Table(halves), I16, List.of(I16), Value.of(Shape.of(4), -32768L, -1, 0, 32767)))
                .isEqualTo(Value.of(Shape.of(4), -16384L, -1, 0, 16383));
    }

    @Test
    void biasesOfSixtyFourBits() {
        Value bias = Value.of(Shape.of(1), 1L << 40);
        assertThat(Nodes.run(
                        new IntOp.Dense(Element.INT64, null),
                        Element.INT64,
                        List.of(I16, I8, Element.INT64),
                        Value.of(Shape.of(1, 1), 2L),
                        Value.of(Shape.of(1, 1), 3L),
                        bias))
                .isEqualTo(Value.of(Shape.of(1, 1), (1L << 40) + 6));
        assertThatThrownBy(() -> Nodes.run(
                        new IntOp.Dense(Element.INT32, null),
                        Element.INT32,
                        List.of(I16, I8, Element.INT64),
                        Value.of(Shape.of(1, 1), 2L),
                        Value.of(Shape.of(1, 1), 3L),
                        bias))
                .hasMessage("%y0: 1099511627782 does not fit i32");
    }
}
