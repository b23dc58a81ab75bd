package dev.qnet.compiler.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Window;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.Diagnostics;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Ten thousand layers: neither the stack nor the patience runs out (a quadratic pass would take minutes). */
class LargeGraphsTest {
    private static final int LAYERS = 10_000;

    @Test
    void floatPasses() {
        GraphBuilder b = new GraphBuilder();
        ValueId x = b.param(Type.f32(Shape.BATCH, 4, 4, 2));
        ValueId ones = b.constant(new int[] {2}, 1, 1);
        ValueId skip = x;
        for (int i = 0; i < LAYERS / 10; i++) {
            ValueId w = b.constant(new int[] {2, 1, 1, 2}, 1, 2, 3, i);
            x = b.add(new FloatOp.Conv2d(Window.of(1, 1), 1), x, w);
            x = b.add(new FloatOp.BatchNorm(1), x, ones, ones, ones, ones);
            x = b.add(new DataOp.MaxPool(new Window(2, 1, 1, 1, 1, 1, 1, 0, 0, 0)), x);
            x = b.add(new FloatOp.Unary(new ScalarFn.Relu()), x);
            x = b.add(new DataOp.Transpose(List.of(0, 2, 1, 3)), x);
            x = b.add(new DataOp.Reshape(Shape.of(Shape.BATCH, 32)), x);
            x = b.add(new DataOp.Reshape(Shape.of(Shape.BATCH, 4, 4, 2)), x);
            x = b.add(new FloatOp.Unary(new ScalarFn.Clip(0, i)), x);
            x = b.add(new FloatOp.Binary(FloatOp.Binary.Fn.ADD), x, skip);
            skip = i % 3 == 0 ? x : skip;
        }
        b.result(x);
        Graph g = run(b.graph(), new Canonicalize(), new FoldBatchNorm(), new DeadCode());
        assertThat(g.nodes()).noneMatch(n -> n.op() instanceof FloatOp.BatchNorm);
        assertThat(g.nodes().size()).isLessThan(LAYERS);
    }

    @Test
    void longRowsOfTheSame() {
        GraphBuilder b = new GraphBuilder();
        ValueId x = b.param(Type.f32(Shape.BATCH, 3, 2));
        ValueId y = x;
        ValueId z = x;
        for (int i = 0; i < LAYERS; i++) {
            y = b.add(new DataOp.Transpose(List.of(0, 2, 1)), y);
            z = b.add(
                    new FloatOp.Unary(new ScalarFn.Clip(-i - 1, i + 1)),
                    b.add(new DataOp.Reshape(Shape.of(Shape.BATCH, 3, 2)), z));
        }
        ValueId c = b.add(new DataOp.Concat(1), x);
        for (int i = 0; i < 200; i++) {
            c = b.add(new DataOp.Concat(1), c, x);
        }
        b.result(y);
        b.result(z);
        b.result(c);
        Graph g = run(b.graph(), new Canonicalize());
        assertThat(g.results().getFirst().value()).isEqualTo(x);
        assertThat(g.nodes().size()).isLessThan(10);
    }

    @Test
    void integerPasses() {
        GraphBuilder b = new GraphBuilder();
        Quant q = Quant.of(Storage.U8, 0.5f, 3);
        Rescale rescale = new Rescale(Rounding.TOSA, List.of(new Rescale.Scale.Fixed(1 << 30, -3)), 3, 0, 255);
        ValueId first = b.param(new Type(q, Shape.of(Shape.BATCH, 4)));
        ValueId x = first;
        for (int i = 0; i < LAYERS; i++) {
            ValueId w = b.constant(
                    new Tensor.OfInt(
                            Shape.of(4, 4), new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, i % 127}),
                    Quant.of(Storage.I8, 0.25f, 0));
            x = b.add(new IntOp.Dense(Element.INT32, null), Element.INT32, x, w);
            x = b.add(new IntOp.Requantize(rescale), q, x);
            x = b.add(new IntOp.Clamp(3, 200), x);
            if (i % 10 == 0) {
                b.result(x);
            }
        }
        b.result(x);
        Graph g = run(b.graph(), new BoundAccumulators(), new Fuse(), new ShareConstants(), new PlanMemory());
        assertThat(g.nodes()).hasSize(LAYERS + 127);
        assertThat(g.nodes()).allMatch(n -> isDenseOrConstant(n));
        // One buffer for each result, and two to work in; the input's is used again.
        assertThat(Objects.requireNonNull(g.plan()).bytes()).isLessThanOrEqualTo(64L * (LAYERS / 10 + 3));
    }

    private static boolean isDenseOrConstant(Node n) {
        return n.op() instanceof IntOp.Dense || n.op() instanceof DataOp.Constant;
    }

    private static Graph run(Graph g, Pass... passes) {
        Graph at = g;
        for (Pass p : passes) {
            at = Pipeline.step(at, p, new PassContext(new Diagnostics(), Calibration.NONE));
        }
        return at;
    }
}
