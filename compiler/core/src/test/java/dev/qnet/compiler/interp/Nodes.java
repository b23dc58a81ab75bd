package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Shapes;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/** Builds small graphs, chiefly of one operation, and runs them. */
final class Nodes {
    private final List<Graph.Param> params = new ArrayList<>();
    private final List<Node> nodes = new ArrayList<>();
    private final Map<String, Value> inputs = new HashMap<>();

    /** A parameter with the value that it is run with. */
    ValueId input(Type type, Value value) {
        ValueId id = new ValueId("x" + params.size());
        params.add(new Graph.Param(id, type, null, Span.NONE));
        inputs.put(id.name(), value);
        return id;
    }

    ValueId input(Element element, Value value) {
        return input(new Type(element, value.shape()), value);
    }

    ValueId input(Value.Floats value) {
        return input(Element.FLOAT, value);
    }

    ValueId constant(Element element, Tensor value) {
        return add(new Type(element, value.shape()), new DataOp.Constant(value));
    }

    ValueId add(Type type, Op op, ValueId... operands) {
        ValueId id = new ValueId("y" + nodes.size());
        nodes.add(new Node(id, op, List.of(operands), type, Span.NONE));
        return id;
    }

    /** A node whose shape is inferred. */
    ValueId add(Element element, Op op, ValueId... operands) {
        Map<ValueId, Type> types = graph().types();
        Shape shape = Shapes.infer(
                op,
                Stream.of(operands)
                        .map(o -> Objects.requireNonNull(types.get(o)).shape())
                        .toList());
        return add(new Type(element, shape), op, operands);
    }

    /** The graph so far; its result y is the last node. */
    @SuppressWarnings("NullAway") // it does not see that the policy is nullable in a class file
    Graph graph() {
        List<Graph.Result> results = nodes.isEmpty()
                ? List.of()
                : List.of(new Graph.Result("y", nodes.getLast().id()));
        return new Graph("test", params, nodes, results, null, null);
    }

    /** Runs the graph; the value of its last node. */
    Value run() {
        return Objects.requireNonNull(Interpreter.run(graph(), inputs).get("y"));
    }

    /** One operation on inputs of the given elements. */
    static Value run(Op op, Element result, List<Element> elements, Value... values) {
        Nodes n = new Nodes();
        ValueId[] ids = new ValueId[values.length];
        for (int i = 0; i < values.length; i++) {
            ids[i] = n.input(elements.get(i), values[i]);
        }
        n.add(result, op, ids);
        return n.run();
    }
}
