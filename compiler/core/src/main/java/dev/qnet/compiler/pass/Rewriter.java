package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Shapes;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Builds a new graph from an old one, a node at a time: a {@link Rule} gets each node with its operands already mapped to
 * the new graph, and says which value of the new graph stands for it.
 *
 * <p>Uses are counted as the rewrite goes, so that a rule can ask whether it is the only one to use a value
 * ({@link #soleUse}); a value that loses its last use to a rule leaves the new graph, and what only it used leaves with it.
 * Values that nothing used to begin with stay (that is {@link DeadCode}'s work). Names, spans and intents stay with the
 * nodes that keep them. A rewrite takes time linear in the graph. The new graph has no memory plan.
 */
public final class Rewriter {
    /** What becomes of one node. */
    @FunctionalInterface
    public interface Rule {
        /**
         * Rewrites a node.
         *
         * @param node the node, its operands mapped; the uses it makes of them do not count while the rule runs
         * @param to where to {@linkplain #emit emit} nodes
         * @return the value of the new graph that stands for the node
         */
        ValueId rewrite(Node node, Rewriter to);
    }

    /** Real graphs take two rounds; the limit keeps made-up ones from taking quadratic time. */
    private static final int MAX_ROUNDS = 100;

    private final Set<ValueId> names = new HashSet<>();
    private final Map<String, Integer> suffixes = new HashMap<>();
    private final Map<ValueId, ValueId> mapped = new HashMap<>();
    private final Map<ValueId, Integer> uses;
    private final Map<ValueId, Type> types = new HashMap<>();
    private final Map<ValueId, Integer> places = new HashMap<>();
    private final List<@Nullable Node> nodes = new ArrayList<>();
    private final List<ValueId> lifted = new ArrayList<>();

    private Rewriter(Graph graph) {
        for (Graph.Param p : graph.params()) {
            names.add(p.id());
            types.put(p.id(), p.type());
        }
        for (Graph.State s : graph.states()) {
            names.add(s.id());
            types.put(s.id(), s.type());
        }
        graph.nodes().forEach(n -> names.add(n.id()));
        uses = countUses(graph);
    }

    /** The graph that a rule makes of another. */
    public static Graph rewrite(Graph graph, Rule rule) {
        Rewriter r = new Rewriter(graph);
        for (Node n : graph.nodes()) {
            r.step(n, rule);
        }
        List<Graph.Result> results = graph.results().stream()
                .map(x -> new Graph.Result(x.name(), r.map(x.value())))
                .toList();
        List<Node> kept = r.nodes.stream().filter(Objects::nonNull).toList();
        List<Graph.State> states = graph.states().stream()
                .map(x -> new Graph.State(x.id(), x.type(), r.map(x.next()), x.span()))
                .toList();
        return new Graph(graph.name(), graph.params(), kept, results, graph.policy(), null, states);
    }

    /**
     * As {@link #rewrite}, again as long as that leaves fewer nodes: what goes late may have been the second reader of
     * something early.
     */
    public static Graph rewriteWhileShrinking(Graph graph, Rule rule) {
        Graph before = graph;
        Graph after = rewrite(graph, rule);
        for (int i = 1; i < MAX_ROUNDS && after.nodes().size() < before.nodes().size(); i++) {
            before = after;
            after = rewrite(after, rule);
        }
        return after;
    }

    private void step(Node node, Rule rule) {
        Node n = node.withOperands(node.operands().stream().map(this::map).toList());
        lifted.clear();
        lift(n);
        ValueId to = rule.rewrite(n, this);
        if (!types.containsKey(to)) {
            throw new IllegalStateException("the rule for " + node.id() + " gives " + to + ", which it did not emit");
        }
        if (!to.equals(node.id())) {
            mapped.put(node.id(), to);
            uses.merge(to, uses.getOrDefault(node.id(), 0), Integer::sum);
            uses.remove(node.id());
        }
        for (ValueId o : lifted) {
            dropIfUnused(o);
        }
    }

    /** Uncounts the uses that a node makes; what is unused when the rule ends is dropped. */
    private void lift(Node n) {
        for (ValueId o : n.operands()) {
            uses.merge(o, -1, Integer::sum);
            lifted.add(o);
        }
    }

    private ValueId map(ValueId old) {
        return mapped.getOrDefault(old, old);
    }

    private void dropIfUnused(ValueId id) {
        Deque<ValueId> work = new ArrayDeque<>(List.of(id));
        while (!work.isEmpty()) {
            ValueId v = work.pop();
            Integer place = places.get(v);
            if (place != null && uses.getOrDefault(v, 0) == 0) {
                Node dead = remove(v, place);
                for (ValueId o : dead.operands()) {
                    uses.merge(o, -1, Integer::sum);
                    work.push(o);
                }
            }
        }
    }

    private Node remove(ValueId id, int place) {
        Node n = Objects.requireNonNull(nodes.set(place, null));
        places.remove(id);
        types.remove(id);
        return n;
    }

    /**
     * Takes a node that only the node being rewritten uses out of the new graph, to be merged into that; its operands
     * count as the rule's own. Its name is free again.
     */
    public Node take(ValueId id) {
        if (!soleUse(id)) {
            throw new IllegalStateException(id + " has other uses");
        }
        Node n = remove(id, Objects.requireNonNull(places.get(id), "a parameter cannot be taken"));
        lift(n);
        return n;
    }

    /** Adds a node to the new graph. Its operands are values of the new graph; its name is its own or fresh. */
    public ValueId emit(Node node) {
        names.add(node.id());
        if (types.put(node.id(), node.type()) != null) {
            throw new IllegalStateException(node.id() + " is emitted twice");
        }
        places.put(node.id(), nodes.size());
        nodes.add(node);
        node.operands().forEach(o -> uses.merge(o, 1, Integer::sum));
        return node.id();
    }

    /** Adds a constant to the new graph. */
    public ValueId constant(String name, Tensor value, Type type, Node like) {
        return emit(new Node(fresh(name), new DataOp.Constant(value), List.of(), type, Spec.Intent.NONE, like.span()));
    }

    /**
     * A constant to take the place of another in one node: under the old one's name if nothing else uses that (so that
     * calibration still finds it), else under a fresh one.
     *
     * @param old a constant's value that the node being rewritten used
     */
    public ValueId replaceConstant(ValueId old, Tensor value, Type type) {
        int place = Objects.requireNonNull(places.get(old), "not in the new graph");
        Node node = Objects.requireNonNull(nodes.get(place));
        if (uses.getOrDefault(old, 0) > 0) {
            return emit(node.withId(fresh(old.name()))
                    .withOp(new DataOp.Constant(value))
                    .withType(type));
        }
        nodes.set(place, node.withOp(new DataOp.Constant(value)).withType(type));
        types.put(old, type);
        return old;
    }

    /** A name that no value has: {@code base}, or {@code base.2}, {@code base.3} … */
    public ValueId fresh(String base) {
        ValueId id = new ValueId(base);
        while (!names.add(id)) {
            // The last number taken is kept, so that many values with one base take linear time.
            int suffix = suffixes.merge(base, 2, (last, two) -> last + 1);
            id = new ValueId(base + "." + suffix);
        }
        return id;
    }

    /** The node of a value of the new graph, or null for a parameter. */
    public @Nullable Node definition(ValueId id) {
        Integer place = places.get(id);
        return place == null ? null : nodes.get(place);
    }

    /** The type of a value of the new graph. */
    public Type type(ValueId id) {
        return Objects.requireNonNull(types.get(id), () -> id + " is not in the new graph");
    }

    /** Whether nothing but the node being rewritten uses a value: no other node, no result. */
    public boolean soleUse(ValueId id) {
        return uses.getOrDefault(id, 0) == 0;
    }

    /** Whether one node of the new graph, or one result, uses a value, and the node being rewritten does not. */
    public boolean usedOnce(ValueId id) {
        return uses.getOrDefault(id, 0) == 1;
    }

    /** The values of a graph that one node, or one result, uses. */
    static Set<ValueId> usedOnce(Graph graph) {
        Map<ValueId, Integer> uses = countUses(graph);
        Set<ValueId> once = new HashSet<>();
        uses.forEach((id, n) -> {
            if (n == 1) {
                once.add(id);
            }
        });
        return once;
    }

    private static Map<ValueId, Integer> countUses(Graph graph) {
        Map<ValueId, Integer> uses = new HashMap<>();
        for (Node n : graph.nodes()) {
            n.operands().forEach(o -> uses.merge(o, 1, Integer::sum));
        }
        graph.roots().forEach(r -> uses.merge(r, 1, Integer::sum));
        return uses;
    }

    /** Gives a value of the new graph another operation on the same operands, with a result of the same type. */
    public void update(ValueId id, Op op) {
        int place = Objects.requireNonNull(places.get(id), "not in the new graph");
        nodes.set(place, Objects.requireNonNull(nodes.get(place)).withOp(op));
    }

    /** The node with the shape that its operands give and the element of its first operand. */
    public Node retyped(Node n) {
        List<Type> in = n.operands().stream().map(this::type).toList();
        return n.withType(new Type(
                in.getFirst().element(),
                Shapes.infer(n.op(), in.stream().map(Type::shape).toList())));
    }

    /** The elements of a single-precision constant, or null if the value is none. */
    public float @Nullable [] singles(ValueId id) {
        Node n = definition(id);
        return n != null && n.op() instanceof DataOp.Constant(Tensor.OfFloat f) ? f.values() : null;
    }
}
