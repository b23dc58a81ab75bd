package dev.qnet.compiler.interp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class InterpreterTest {
    private static final Type BATCH = Type.f32(Shape.BATCH, 2);

    private static Graph twoInputs() {
        Nodes n = new Nodes();
        ValueId x = n.input(BATCH, Value.of(Shape.of(1, 2), 0f, 0f));
        ValueId y = n.input(BATCH, Value.of(Shape.of(1, 2), 0f, 0f));
        ValueId w = n.constant(Element.FLOAT, new Tensor.OfFloat(Shape.of(1, 2), new float[] {1, 10}));
        ValueId sum = n.add(Element.FLOAT, new FloatOp.Binary(FloatOp.Binary.Fn.ADD), x, y);
        n.add(Element.FLOAT, new FloatOp.Dense(), sum, w);
        return n.graph();
    }

    @Test
    void runsItemsOneByOneAndStacksThem() {
        Map<String, Value> inputs = Map.of(
                "x0", Value.of(Shape.of(3, 2), 1f, 2, 3, 4, 5, 6), "x1", Value.of(Shape.of(3, 2), 0f, 0, 1, 0, 0, 1));
        assertThat(Interpreter.run(twoInputs(), inputs)).isEqualTo(Map.of("y", Value.of(Shape.of(3, 1), 21f, 44, 75)));
    }

    @Test
    void showsEveryComputedValueInOrder() {
        List<String> seen = new ArrayList<>();
        Map<String, Value> inputs =
                Map.of("x0", Value.of(Shape.of(2, 2), 1f, 2, 3, 4), "x1", Value.of(Shape.of(2, 2), 0f, 0, 0, 0));
        Interpreter.prepare(twoInputs()).run(inputs, (id, v) -> seen.add(id + " " + v));
        assertThat(seen)
                .containsExactly(
                        "%y1 f32[1x2][1.0, 2.0]", "%y2 f32[1x1][21.0]", "%y1 f32[1x2][3.0, 4.0]", "%y2 f32[1x1][43.0]");
    }

    @Test
    void rejectsInputsThatDoNotFit() {
        Value good = Value.of(Shape.of(1, 2), 0f, 0f);
        assertThatThrownBy(() -> Interpreter.run(twoInputs(), Map.of("x0", good)))
                .hasMessage("input x1 of test is missing; its inputs are: x0, x1");
        assertThatThrownBy(() -> Interpreter.run(twoInputs(), Map.of("x0", good, "x1", good, "z", good)))
                .hasMessage("test has no input z; its inputs are: x0, x1");
        assertThatThrownBy(() -> Interpreter.run(twoInputs(), Map.of("x0", good, "x1", Value.of(Shape.of(2), 0f, 0f))))
                .hasMessage("input x1: expected f32[Nx2], found f32[2]");
        assertThatThrownBy(() ->
                        Interpreter.run(twoInputs(), Map.of("x0", good, "x1", Value.of(Shape.of(1, 2), 0L, 0L))))
                .hasMessage("input x1: expected f32[Nx2], found integers [1x2]");
        assertThatThrownBy(() -> Interpreter.run(
                        twoInputs(), Map.of("x0", good, "x1", Value.of(Shape.of(2, 2), 0f, 0f, 0f, 0f))))
                .hasMessage("input x1 has 2 items, but input x0 has 1");
        assertThatThrownBy(() ->
                        Interpreter.run(twoInputs(), Map.of("x0", good, "x1", Value.of(Shape.of(0, 2), new float[0]))))
                .hasMessage("input x1: a batch has at least one item");
    }

    @Test
    void rejectsCodesThatDoNotExist() {
        Quant narrow =
                new Quant(Storage.I8, -127, 127, Quant.of(Storage.I8, 1, 0).scheme());
        assertThatThrownBy(() -> Nodes.run(
                        new DataOp.Reshape(Shape.of(1)), narrow, List.of(narrow), Value.of(Shape.of(1, 1), -128L)))
                .hasMessage("input x0: code -128 is not one of i8 -127:127");
        Quant bipolar = Quant.of(Storage.BIPOLAR, 1, 0);
        assertThatThrownBy(() -> Nodes.run(
                        new DataOp.Reshape(Shape.of(1)), bipolar, List.of(bipolar), Value.of(Shape.of(1, 1), 0L)))
                .hasMessage("input x0: code 0 is not one of bipolar -1:1");
    }

    @Test
    void anAccumulatorThatDoesNotFitIsAnError() {
        Quant u16 = Quant.of(Storage.U16, 1, 0);
        Value x = Value.of(Shape.of(1, 1), 65535L);
        assertThatThrownBy(() -> Nodes.run(new IntOp.Mul(Element.INT32, null), Element.INT32, List.of(u16, u16), x, x))
                .isInstanceOf(ArithmeticException.class)
                .hasMessage("%y0: 4294836225 does not fit i32");
        assertThat(Nodes.run(new IntOp.Mul(Element.INT64, null), Element.INT64, List.of(u16, u16), x, x))
                .isEqualTo(Value.of(Shape.of(1, 1), 4294836225L));
    }

    @Test
    void aNodeMustComputeWhatItDeclares() {
        Nodes n = new Nodes();
        ValueId x = n.input(Value.of(Shape.of(2), 1f, 2f));
        n.add(Type.f32(3), new FloatOp.Unary(new ScalarFn.Relu()), x);
        assertThatThrownBy(n::run).hasMessage("%y0 is declared f32[3], but computes f32[2] an item");
    }

    @Test
    void anOperandMustBeDefinedFirst() {
        Nodes n = new Nodes();
        n.add(Type.f32(3), new FloatOp.Unary(new ScalarFn.Relu()), new ValueId("late"));
        assertThatThrownBy(() -> Interpreter.prepare(n.graph())).hasMessage("%y0 uses %late before it is defined");
    }
}
