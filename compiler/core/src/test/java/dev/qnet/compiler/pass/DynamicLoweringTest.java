package dev.qnet.compiler.pass;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphPrinter;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.quant.Codes;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.compiler.source.Span;
import dev.qnet.compiler.testing.RandomGraphs;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Dynamic activations on random graphs: each product that the lowered graph computes is what float arithmetic makes of
 * the dequantized codes of its input and weights, up to the rounding of singles.
 */
class DynamicLoweringTest {
    private static final int GRAPHS = Math.max(50, Integer.getInteger("qnet.random.graphs", 300) / 3);

    @Test
    void productsAreThoseOfTheDequantizedCodes() {
        int products = 0;
        for (long seed = 0; seed < GRAPHS; seed++) {
            Graph source = RandomGraphs.dynamic(seed);
            try {
                products += compare(source, new Random(seed));
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("seed " + seed + ": " + e.getMessage() + "\n" + GraphPrinter.print(source), e);
            }
        }
        assertThat(products).isGreaterThan(GRAPHS / 2);
    }

    private static int compare(Graph source, Random random) {
        Diagnostics diagnostics = new Diagnostics();
        PassContext context = new PassContext(diagnostics, Calibration.NONE);
        Graph g = source;
        for (Pass p : List.of(
                new InsertFakeQuant(),
                new ChooseParameters(),
                new Propagate(),
                new LowerToIntegers(),
                new BoundAccumulators())) {
            g = Pipeline.step(g, p, context);
        }
        Map<ValueId, Value> values = new HashMap<>();
        Map<String, Value> in = new HashMap<>();
        for (Graph.Param p : source.params()) {
            Value v = Value.of(
                    p.type().shape().item(),
                    RandomGraphs.values(random, p.type().shape().elements()));
            in.put(p.id().name(), v);
            values.put(p.id(), v);
        }
        Interpreter.run(g, in, values::put);
        Map<ValueId, Node> made = g.definitions();
        Map<ValueId, Node> asked = source.definitions();
        int products = 0;
        for (Node n : g.nodes()) {
            if (n.op() instanceof IntOp.DynamicDequantize) {
                product(n, made, requireNonNull(asked.get(n.id())), values);
                products++;
            }
        }
        return products;
    }

    private static void product(Node n, Map<ValueId, Node> made, Node root, Map<ValueId, Value> values) {
        Node acc = requireNonNull(made.get(n.operand(0)));
        Node w = requireNonNull(made.get(acc.operand(1)));
        float scale = ((Value.Floats) requireNonNull(values.get(n.operand(1)))).data()[0];
        Value.Ints x = (Value.Ints) requireNonNull(values.get(acc.operand(0)));
        float[] reals = new float[x.data().length];
        for (int i = 0; i < reals.length; i++) {
            reals[i] = x.data()[i] * scale;
        }
        Quant q = w.type().quant();
        Tensor.OfFloat weights = Codes.dequantize((Tensor.OfInt) ((DataOp.Constant) w.op()).value(), q.scheme());

        List<ValueId> operands = new ArrayList<>(List.of(new ValueId("x"), new ValueId("w")));
        Map<String, Value> in = new HashMap<>(Map.of("x", Value.of(x.shape(), reals), "w", Value.of(weights)));
        List<Graph.Param> params = new ArrayList<>();
        params.add(new Graph.Param(operands.get(0), new Type(Element.FLOAT, x.shape()), null, Span.NONE));
        params.add(new Graph.Param(operands.get(1), new Type(Element.FLOAT, weights.shape()), null, Span.NONE));
        if (n.operands().size() > 3) {
            Node b = requireNonNull(made.get(n.operand(3)));
            operands.add(new ValueId("b"));
            params.add(new Graph.Param(operands.get(2), b.type(), null, Span.NONE));
            in.put("b", Value.of(((DataOp.Constant) b.op()).value()));
        }
        Value.Floats found = (Value.Floats) requireNonNull(values.get(n.id()));
        Node one = new Node(new ValueId("y"), root.op(), operands, new Type(Element.FLOAT, found.shape()), Span.NONE);
        Graph single = new Graph("one", params, List.of(one), List.of(new Graph.Result("y", one.id())));
        Value.Floats expected =
                (Value.Floats) requireNonNull(Interpreter.run(single, in).get("y"));
        for (int i = 0; i < found.data().length; i++) {
            assertThat(found.data()[i])
                    .as(n.id() + " " + i)
                    .isCloseTo(expected.data()[i], within(1e-4f + 1e-5f * Math.abs(expected.data()[i])));
        }
    }
}
