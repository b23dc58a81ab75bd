package dev.qnet.training.grad;

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

/** A graph being drawn: nodes are added at its end, with types that follow from their operands. */
public final class Drawing {
    private final Map<ValueId, Type> types = new HashMap<>();
    private final List<Node> nodes = new ArrayList<>();
    private final Map<String, Integer> counts = new HashMap<>();
    private Span span = Span.NONE;

    /** An empty drawing. */
    public Drawing() {}

    /** A drawing that begins as a graph. */
    public Drawing(Graph graph) {
        types.putAll(graph.types());
        nodes.addAll(graph.nodes());
    }

    /** From where the nodes come that are added from now on. */
    public void at(Span place) {
        span = place;
    }

    /** Makes a value known that no node computes. */
    public ValueId input(ValueId id, Type type) {
        types.put(id, type);
        return id;
    }

    /** A node as it is. */
    public ValueId add(Node n) {
        nodes.add(n);
        types.put(n.id(), n.type());
        return n.id();
    }

    /** A new f32 value, named after another. */
    public ValueId add(String name, Op op, ValueId... operands) {
        List<ValueId> in = List.of(operands);
        Shape shape = Shapes.infer(op, in.stream().map(this::shape).toList());
        return add(new Node(fresh(name), op, in, new Type(Element.FLOAT, shape), span));
    }

    /** A constant. */
    public ValueId constant(String name, Shape shape, float... values) {
        return add(name, new DataOp.Constant(new Tensor.OfFloat(shape, values)));
    }

    /** A name that no value has yet. */
    public ValueId fresh(String name) {
        ValueId id = new ValueId(name);
        while (types.containsKey(id)) {
            id = new ValueId(name + "_" + counts.merge(name, 1, Integer::sum));
        }
        return id;
    }

    public Type type(ValueId id) {
        Type t = types.get(id);
        if (t == null) {
            throw new IllegalArgumentException("there is no value " + id);
        }
        return t;
    }

    public Shape shape(ValueId id) {
        return type(id).shape();
    }

    /** The nodes so far. */
    public List<Node> nodes() {
        return List.copyOf(nodes);
    }
}
