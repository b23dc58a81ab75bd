package dev.qnet.cli.verify;

import dev.qnet.compiler.interp.Value;
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
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/** Puts a graph together node by node, with the values of its inputs. Shapes are inferred. */
final class GraphAssembler {
    private final List<Graph.Param> params = new ArrayList<>();
    private final List<Node> nodes = new ArrayList<>();
    private final List<Graph.State> states = new ArrayList<>();
    private final List<Value> inputs = new ArrayList<>();
    private final Map<ValueId, Type> types = new HashMap<>();

    /** An input with the value that it is run with; its items are a batch N. */
    ValueId batch(Element element, Value value) {
        return input(new Type(element, value.shape().with(0, Shape.BATCH)), value);
    }

    /** An input with the value that it is run with. */
    ValueId input(Element element, Value value) {
        return input(new Type(element, value.shape()), value);
    }

    private ValueId input(Type type, Value value) {
        ValueId id = new ValueId("x" + params.size());
        params.add(new Graph.Param(id, type, null, Span.NONE));
        inputs.add(value);
        types.put(id, type);
        return id;
    }

    ValueId constant(Element element, Shape shape, long... values) {
        if (shape.elements() != values.length) {
            throw new CaseException("an array of " + values.length + " elements cannot have shape " + shape);
        }
        boolean wide = Arrays.stream(values).anyMatch(v -> v != (int) v);
        Tensor tensor = wide
                ? new Tensor.OfLong(shape, values)
                : new Tensor.OfInt(
                        shape, Arrays.stream(values).mapToInt(v -> (int) v).toArray());
        return add(new Type(element, shape), new DataOp.Constant(tensor));
    }

    /** A state, which starts as real 0; {@link #next} says what it becomes. */
    ValueId state(Element element, Shape shape) {
        ValueId id = new ValueId("s" + states.size());
        Type type = new Type(element, shape);
        types.put(id, type);
        states.add(new Graph.State(id, type, id, Span.NONE));
        return id;
    }

    /** What a state is in the next run. */
    void next(ValueId state, ValueId value) {
        states.replaceAll(s -> s.id().equals(state) ? new Graph.State(s.id(), s.type(), value, s.span()) : s);
    }

    /** A node of an element, whose shape is inferred. */
    ValueId add(Element element, Op op, ValueId... operands) {
        List<Shape> shapes = Stream.of(operands).map(o -> type(o).shape()).toList();
        return add(new Type(element, Shapes.infer(op, shapes)), op, operands);
    }

    private ValueId add(Type type, Op op, ValueId... operands) {
        ValueId id = new ValueId("y" + nodes.size());
        nodes.add(new Node(id, op, List.of(operands), type, Span.NONE));
        types.put(id, type);
        return id;
    }

    Type type(ValueId id) {
        return Objects.requireNonNull(types.get(id), id.toString());
    }

    /** The values of the inputs, in order. */
    List<Value> inputs() {
        return List.copyOf(inputs);
    }

    /** The graph; its result y is the last node. */
    Graph graph(String name) {
        Graph.Result y = new Graph.Result("y", nodes.getLast().id());
        return new Graph(name, params, nodes, List.of(y)).withStates(states);
    }
}
