package dev.qnet.compiler.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.Granularity;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.quant.Calibrator;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Networks of many thousand layers: deep chains of layers, and of concats inside concats. */
class LargeQuantizedGraphsTest {
    private static final Spec WEIGHTS =
            new Spec(Storage.I8, true, true, new Granularity.PerChannel(0), new RangeMethod.MinMax(), false);
    private static final Spec ACTIVATIONS =
            new Spec(Storage.U8, false, false, new Granularity.PerTensor(), new RangeMethod.MinMax(), false);

    private final List<Node> nodes = new ArrayList<>();

    private ValueId add(String name, Op op, Shape shape, ValueId... operands) {
        ValueId id = new ValueId(name);
        nodes.add(new Node(id, op, List.of(operands), new Type(Element.FLOAT, shape), Span.NONE));
        return id;
    }

    private Graph lower(ValueId result, Diagnostics diagnostics) {
        Graph.Param x = new Graph.Param(new ValueId("x"), Type.f32(Shape.BATCH, 2), null, Span.NONE);
        Graph g = new Graph(
                "large",
                List.of(x),
                nodes,
                List.of(new Graph.Result("y", result)),
                new Spec.Policy(WEIGHTS, ACTIVATIONS, Rounding.TOSA),
                null);
        Graph inserted = Pipeline.step(g, new InsertFakeQuant(), new PassContext(diagnostics, Calibration.NONE));
        Calibrator calibrator = new Calibrator(inserted);
        calibrator.accept(Map.of("x", Value.of(Shape.of(1, 2), 1, 0.5f)));
        PassContext context = new PassContext(diagnostics, calibrator.finish(diagnostics));
        Graph decided = Pipeline.step(inserted, new ChooseParameters(), context);
        return Pipeline.step(Pipeline.step(decided, new Propagate(), context), new LowerToIntegers(), context);
    }

    @Test
    void tenThousandLayers() {
        Shape s = Shape.of(Shape.BATCH, 2);
        ValueId w = add(
                "w", new DataOp.Constant(new Tensor.OfFloat(Shape.of(2, 2), new float[] {1, 0, 0, 1})), Shape.of(2, 2));
        ValueId v = new ValueId("x");
        for (int i = 0; i < 10_000; i++) {
            v = add("d" + i, new FloatOp.Dense(), s, v, w);
            v = add("r" + i, new FloatOp.Unary(new ScalarFn.Relu()), s, v);
        }
        Diagnostics diagnostics = new Diagnostics();
        Graph lowered = lower(v, diagnostics);
        assertThat(diagnostics.all()).isEmpty();
        assertThat(lowered.nodes())
                .filteredOn(n -> n.op() instanceof IntOp.Requantize)
                .hasSize(10_000);
    }

    @Test
    void concatsInsideConcats() {
        ValueId w =
                add("w", new DataOp.Constant(new Tensor.OfFloat(Shape.of(1, 2), new float[] {1, 1})), Shape.of(1, 2));
        ValueId v = add("a", new FloatOp.Dense(), Shape.of(Shape.BATCH, 1), new ValueId("x"), w);
        int depth = 3000;
        for (int i = 0; i < depth; i++) {
            ValueId d = add("d" + i, new FloatOp.Dense(), Shape.of(Shape.BATCH, 1), new ValueId("x"), w);
            v = add("c" + i, new DataOp.Concat(1), Shape.of(Shape.BATCH, i + 2), v, d);
        }
        Graph lowered = lower(v, new Diagnostics());
        assertThat(lowered.nodes())
                .filteredOn(n -> n.op() instanceof DataOp.Concat)
                .hasSize(depth);
    }
}
