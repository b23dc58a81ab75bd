package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Collects a graph's inputs and nodes in order. Types are the caller's matter. */
final class GraphBuilder {
    private final List<Graph.Param> params = new ArrayList<>();
    private final Map<ValueId, Graph.State> states = new LinkedHashMap<>();
    private final Set<ValueId> told = new HashSet<>();
    private final List<Node> nodes = new ArrayList<>();
    private final Map<ValueId, Integer> index = new HashMap<>();
    private final Set<String> names = new HashSet<>();

    /** Whether a value of that name exists. */
    boolean taken(String name) {
        return names.contains(name);
    }

    /** Takes a name for something that is no value, such as an instance of a block. */
    void reserve(String name) {
        names.add(name);
    }

    /** The name itself, or where it is taken one close to it. */
    String free(String name) {
        String free = name;
        for (int i = 2; taken(free); i++) {
            free = name + "_" + i;
        }
        return free;
    }

    Value.Computed param(Graph.Param param) {
        names.add(param.id().name());
        params.add(param);
        return new Value.Computed(param.id(), param.type(), param.span());
    }

    /** Adds a state that is to be told what it becomes. */
    Value.Computed state(ValueId id, Type type, Span span) {
        names.add(id.name());
        states.put(id, new Graph.State(id, type, id, span));
        return new Value.Computed(id, type, span);
    }

    /** Says what a state becomes, once. */
    void next(ValueId state, ValueId value) {
        states.computeIfPresent(state, (id, s) -> new Graph.State(id, s.type(), value, s.span()));
        told.add(state);
    }

    /** Whether it has been said what a state becomes. */
    boolean hasNext(ValueId state) {
        return told.contains(state);
    }

    /** A state by its name, or null. */
    Graph.@Nullable State state(String name) {
        return states.get(new ValueId(name));
    }

    List<Graph.State> states() {
        return List.copyOf(states.values());
    }

    void replaceParam(int at, Graph.Param param) {
        params.set(at, param);
    }

    List<Graph.Param> params() {
        return params;
    }

    /**
     * Adds a node.
     *
     * @throws Rejected if the graph is full
     */
    Value.Computed add(Node node) {
        if (nodes.size() >= Limits.NODES) {
            throw new Rejected(Messages.limit(node.span(), "a model has at most " + Limits.NODES + " operations"));
        }
        names.add(node.id().name());
        index.put(node.id(), nodes.size());
        nodes.add(node);
        return new Value.Computed(node.id(), node.type(), node.span());
    }

    /** Adds a constant. */
    Value.Computed constant(String name, ConstTensor value, Span span) {
        ValueId id = new ValueId(name);
        return add(new Node(id, new DataOp.Constant(value.value()), List.of(), value.type(), span));
    }

    /** A value that could not be made, but whose type is known, so that binding can go on to find more errors. */
    Value.Computed missing(String name, Element element, Shape shape, Span span) {
        names.add(name);
        return new Value.Computed(new ValueId(name), new Type(element, shape), span);
    }

    /** The node of a value, or null for an input. */
    @Nullable Node node(ValueId id) {
        Integer at = index.get(id);
        return at == null ? null : nodes.get(at);
    }

    /** Changes what the source asks for one node. */
    void intend(ValueId id, UnaryOperator<Spec.Intent> change) {
        Integer at = index.get(id);
        if (at != null) {
            Node n = nodes.get(at);
            nodes.set(at, n.withIntent(change.apply(n.intent())));
        }
    }

    /** The values that nodes use. */
    Set<ValueId> used() {
        Set<ValueId> used = new HashSet<>();
        nodes.forEach(n -> used.addAll(n.operands()));
        states.values().forEach(s -> used.add(s.next()));
        return used;
    }

    Graph build(String name, List<Graph.Result> results, Spec.@Nullable Policy policy) {
        return new Graph(name, params, nodes, results, policy, null, List.copyOf(states.values()));
    }
}
