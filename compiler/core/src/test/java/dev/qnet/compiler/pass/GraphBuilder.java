package dev.qnet.compiler.pass;

import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Shapes;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;

/** Builds graphs for tests, a node at a time, shapes inferred. */
final class GraphBuilder {
    private final List<Graph.Param> params = new ArrayList<>();
    private final List<Node> nodes = new ArrayList<>();
    private final List<Graph.Result> results = new ArrayList<>();
    private final Map<ValueId, Type> types = new HashMap<>();

    ValueId param(Type type) {
        ValueId id = new ValueId("x" + params.size());
        params.add(new Graph.Param(id, type, null, Span.NONE));
        types.put(id, type);
        return id;
    }

    ValueId add(Op op, Element element, ValueId... operands) {
        Shape shape =
                Shapes.infer(op, Stream.of(operands).map(o -> type(o).shape()).toList());
        ValueId id = new ValueId("v" + nodes.size());
        Type type = new Type(element, shape);
        nodes.add(new Node(id, op, List.of(operands), type, Span.NONE));
        types.put(id, type);
        return id;
    }

    /** A node whose result has its first operand's element. */
    ValueId add(Op op, ValueId... operands) {
        return add(op, type(operands[0]).element(), operands);
    }

    ValueId constant(Tensor value, Element element) {
        return add(new DataOp.Constant(value), element);
    }

    ValueId constant(int[] dims, float... values) {
        return constant(new Tensor.OfFloat(Shape.of(dims), values), Element.FLOAT);
    }

    void result(ValueId id) {
        results.add(new Graph.Result("y" + results.size(), id));
    }

    Type type(ValueId id) {
        return Objects.requireNonNull(types.get(id));
    }

    Graph graph() {
        return new Graph("g", params, nodes, results);
    }

    /** A value for each parameter: singles around 0, with zeros of both signs, or codes of the whole range. */
    static Map<String, Value> inputs(Graph g, int items, Random random) {
        Map<String, Value> inputs = new LinkedHashMap<>();
        for (Graph.Param p : g.params()) {
            Shape shape = p.type().shape().hasBatch()
                    ? p.type().shape().with(0, items)
                    : p.type().shape();
            inputs.put(
                    p.id().name(),
                    switch (p.type().element()) {
                        case Element.F32 f -> Value.of(shape, singles(shape.elements(), random));
                        case Element.Int i ->
                            Value.of(
                                    shape, random.ints(shape.elements(), -9, 10).toArray());
                        case Quant q ->
                            Value.of(
                                    shape,
                                    random.ints(shape.elements(), q.lo(), q.hi() + 1)
                                            .toArray());
                    });
        }
        return inputs;
    }

    static float[] singles(int n, Random random) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = switch (random.nextInt(8)) {
                case 0 -> 0f;
                case 1 -> -0f;
                default -> (float) random.nextGaussian() * 2;
            };
        }
        return values;
    }
}
