package dev.qnet.compiler.interp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.Window;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Operations that move elements: each on singles and on codes. */
class DataOpsTest {
    private static final Quant U8 = Quant.of(Storage.U8, 1, 0);

    /** Runs an operation on singles and on codes, which must agree, and gives the result. */
    private static List<Long> run(DataOp op, Shape result, Value.Ints... operands) {
        Value y = Nodes.run(op, U8, Collections.nCopies(operands.length, U8), operands);
        Value[] floats = new Value[operands.length];
        for (int i = 0; i < operands.length; i++) {
            floats[i] = singles(operands[i]);
        }
        Value f = Nodes.run(op, Element.FLOAT, Collections.nCopies(operands.length, Element.FLOAT), floats);
        assertThat(f).isEqualTo(singles((Value.Ints) y));
        assertThat(y.shape()).isEqualTo(result);
        return Arrays.stream(((Value.Ints) y).data()).boxed().toList();
    }

    private static Value.Floats singles(Value.Ints v) {
        float[] f = new float[v.data().length];
        for (int i = 0; i < f.length; i++) {
            f[i] = v.data()[i];
        }
        return Value.of(v.shape(), f);
    }

    /** 0, 1, 2, … */
    private static Value.Ints count(int... dims) {
        Shape s = Shape.of(dims);
        return Value.of(s, IntStream.range(0, s.elements()).asLongStream().toArray());
    }

    @Test
    void reshape() {
        assertThat(run(new DataOp.Reshape(Shape.of(3, 2)), Shape.of(3, 2), count(2, 3)))
                .containsExactly(0L, 1L, 2L, 3L, 4L, 5L);
    }

    @Test
    void transpose() {
        assertThat(run(new DataOp.Transpose(List.of(1, 0)), Shape.of(3, 2), count(2, 3)))
                .containsExactly(0L, 3L, 1L, 4L, 2L, 5L);
        // Result axis i is operand axis p(i): y[a][b][c] = x[c][a][b] for p = (1, 2, 0).
        assertThat(run(new DataOp.Transpose(List.of(1, 2, 0)), Shape.of(1, 3, 2), count(2, 1, 3)))
                .containsExactly(0L, 3L, 1L, 4L, 2L, 5L);
    }

    @Test
    void concat() {
        assertThat(run(new DataOp.Concat(1), Shape.of(2, 3), count(2, 1), count(2, 2)))
                .containsExactly(0L, 0L, 1L, 1L, 2L, 3L);
        assertThat(run(new DataOp.Concat(0), Shape.of(3, 1), count(1, 1), count(2, 1)))
                .containsExactly(0L, 0L, 1L);
    }

    @Test
    void slice() {
        DataOp op = new DataOp.Slice(List.of(0, 1), List.of(2, 6), List.of(1, 2));
        assertThat(run(op, Shape.of(2, 3), count(2, 7))).containsExactly(1L, 3L, 5L, 8L, 10L, 12L);
    }

    @Test
    void sliceTakesTheBatchAxisWhole() {
        DataOp op = new DataOp.Slice(List.of(0, 1), List.of(0, 2), List.of(1, 1));
        Nodes n = new Nodes();
        n.add(U8, op, n.input(new Type(U8, Shape.of(Shape.BATCH, 3)), count(2, 3)));
        assertThat(n.run()).isEqualTo(Value.of(Shape.of(2, 1), 1L, 4));
    }

    @Test
    void pad() {
        DataOp op = new DataOp.Pad(List.of(1, 0), List.of(0, 2), 9);
        assertThat(run(op, Shape.of(3, 4), count(2, 2)))
                .containsExactly(9L, 9L, 9L, 9L, 0L, 1L, 9L, 9L, 2L, 3L, 9L, 9L);
        assertThatThrownBy(() -> run(new DataOp.Pad(List.of(1), List.of(0), 0.5f), Shape.of(2), count(1)))
                .hasMessage("%y0: filling with 0.5, which is no integer");
    }

    @Test
    void maxPoolNeverTakesPadding() {
        Quant i8 = Quant.of(Storage.I8, 1, 0);
        Window w = new Window(2, 2, 2, 2, 1, 1, 1, 1, 0, 0);
        Value x = Value.of(Shape.of(1, 3, 3, 1), -1L, -2, -3, -4, -5, -6, -7, -8, -9);
        assertThat(Nodes.run(new DataOp.MaxPool(w), i8, List.of(i8), x))
                .isEqualTo(Value.of(Shape.of(1, 2, 2, 1), -1L, -2, -4, -5));
    }

    @Test
    void maxPoolDilated() {
        Window w = new Window(2, 1, 1, 1, 2, 1, 0, 0, 0, 0);
        assertThat(run(
                        new DataOp.MaxPool(w),
                        Shape.of(1, 1, 1, 2),
                        Value.of(Shape.of(1, 3, 1, 2), 5L, 1, 200, 200, 4, 2)))
                .containsExactly(5L, 2L);
    }

    @Test
    void resizeNearest() {
        assertThat(run(new DataOp.ResizeNearest(3, 1), Shape.of(1, 3, 1, 2), count(1, 2, 2, 2)))
                .containsExactly(0L, 1L, 0L, 1L, 4L, 5L);
    }

    private static Value gather(Element element, int axis, Value x, Value indices) {
        return Nodes.run(new DataOp.Gather(axis), element, List.of(element, Element.INT64), x, indices);
    }

    @Test
    void gatherTakesSlicesByIndex() {
        Value rows = Value.of(Shape.of(2, 2), 2L, -1, 0, -3);
        assertThat(gather(U8, 0, count(3, 2), rows)).isEqualTo(Value.of(Shape.of(2, 2, 2), 4L, 5, 4, 5, 0, 1, 0, 1));
        assertThat(gather(U8, 1, count(2, 3), Value.of(Shape.SCALAR, 1L))).isEqualTo(Value.of(Shape.of(2), 1L, 4));
        assertThat(gather(Element.FLOAT, 1, singles(count(2, 3)), Value.of(Shape.of(1), -1L)))
                .isEqualTo(Value.of(Shape.of(2, 1), 2f, 5));
        assertThat(gather(U8, 1, count(2, 2, 2), Value.of(Shape.of(3), 1L, 1, 0)))
                .isEqualTo(Value.of(Shape.of(2, 3, 2), 2L, 3, 2, 3, 0, 1, 6, 7, 6, 7, 4, 5));
        for (long outside : new long[] {3, -4}) {
            assertThatThrownBy(() -> gather(U8, 0, count(3, 2), Value.of(Shape.of(1), outside)))
                    .isInstanceOf(ArithmeticException.class)
                    .hasMessage("%y0: index " + outside + " is outside axis 0 of [3x2]");
        }
    }

    @Test
    void broadcastRepeatsExtentsOfOne() {
        assertThat(run(new DataOp.Broadcast(Shape.of(2, 2, 3)), Shape.of(2, 2, 3), count(2, 1)))
                .containsExactly(0L, 0L, 0L, 1L, 1L, 1L, 0L, 0L, 0L, 1L, 1L, 1L);
        Nodes n = new Nodes();
        n.add(
                U8,
                new DataOp.Broadcast(Shape.of(Shape.BATCH, 2)),
                n.input(new Type(U8, Shape.of(Shape.BATCH, 1)), count(3, 1)));
        assertThat(n.run()).isEqualTo(Value.of(Shape.of(3, 2), 0L, 0, 1, 1, 2, 2));
    }

    @Test
    void dilatePutsConstantsBetweenNeighbours() {
        assertThat(run(new DataOp.Dilate(List.of(1, 3), 9), Shape.of(2, 4), count(2, 2)))
                .containsExactly(0L, 9L, 9L, 1L, 2L, 9L, 9L, 3L);
        assertThat(run(new DataOp.Dilate(List.of(2, 1), 7), Shape.of(3, 2), count(2, 2)))
                .containsExactly(0L, 1L, 7L, 7L, 2L, 3L);
    }

    @Test
    void selectBroadcasts() {
        Value c = Value.of(Shape.of(2, 1), 1L, 0);
        Value x = count(3);
        Value y = Value.of(Shape.of(2, 3), 10L, 11, 12, 13, 14, 15);
        assertThat(Nodes.run(new DataOp.Select(), U8, List.of(Element.BOOL, U8, U8), c, x, y))
                .isEqualTo(Value.of(Shape.of(2, 3), 0L, 1, 2, 13, 14, 15));
        Value f = Value.of(Shape.of(1), Float.NaN);
        assertThat(Nodes.run(
                        new DataOp.Select(),
                        Element.FLOAT,
                        List.of(Element.BOOL, Element.FLOAT, Element.FLOAT),
                        c,
                        f,
                        Value.of(Shape.SCALAR, 2f)))
                .isEqualTo(Value.of(Shape.of(2, 1), Float.NaN, 2));
    }
}
