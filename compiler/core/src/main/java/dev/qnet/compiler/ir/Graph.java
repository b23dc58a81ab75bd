package dev.qnet.compiler.ir;

import dev.qnet.compiler.ir.Spec.Policy;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A network: immutable, static single assignment, nodes in an order in which they can run.
 *
 * @param name the model's name
 * @param params its inputs
 * @param nodes its values, operands before users
 * @param results its outputs
 * @param policy how it shall be quantized, or null for a float network
 * @param plan where its values lie in memory, or null before that is planned
 * @param states what it remembers from run to run; a graph with states has no N
 */
public record Graph(
        String name,
        List<Param> params,
        List<Node> nodes,
        List<Result> results,
        @Nullable Policy policy,
        @Nullable MemoryPlan plan,
        List<State> states) {

    /**
     * An input.
     *
     * @param activations how it shall be quantized, or null for the policy's way
     */
    public record Param(ValueId id, Type type, @Nullable Spec activations, Span span) {
        @Override
        public boolean equals(Object o) {
            return o instanceof Param p
                    && id.equals(p.id)
                    && type.equals(p.type)
                    && Objects.equals(activations, p.activations);
        }

        @Override
        public int hashCode() {
            return Objects.hash(id, type, activations);
        }
    }

    /**
     * A value that is kept from one run to the next. Operands name it like an input; it starts as real 0 (a zero point, where
     * it is quantized), and after each run it takes the value of {@code next}.
     *
     * @param next a value of the same type
     */
    public record State(ValueId id, Type type, ValueId next, Span span) {
        @Override
        public boolean equals(Object o) {
            return o instanceof State s && id.equals(s.id) && type.equals(s.type) && next.equals(s.next);
        }

        @Override
        public int hashCode() {
            return Objects.hash(id, type, next);
        }
    }

    /** An output and its name. */
    public record Result(String name, ValueId value) {}

    /**
     * Where values lie in one arena, for a batch of one item.
     *
     * @param bytes the arena's size
     * @param offsets byte offsets; values without one (constants, results that share their operand's place) are absent
     */
    public record MemoryPlan(long bytes, Map<ValueId, Long> offsets) {
        public MemoryPlan {
            offsets = java.util.Collections.unmodifiableMap(new TreeMap<>(offsets));
        }
    }

    public Graph {
        params = List.copyOf(params);
        nodes = List.copyOf(nodes);
        results = List.copyOf(results);
        states = List.copyOf(states);
    }

    /** A network without states. */
    public Graph(
            String name,
            List<Param> params,
            List<Node> nodes,
            List<Result> results,
            @Nullable Policy policy,
            @Nullable MemoryPlan plan) {
        this(name, params, nodes, results, policy, plan, List.of());
    }

    /** A network without a policy and a plan. */
    public Graph(String name, List<Param> params, List<Node> nodes, List<Result> results) {
        this(name, params, nodes, results, null, null);
    }

    public Graph withNodes(List<Node> others) {
        return new Graph(name, params, others, results, policy, plan, states);
    }

    public Graph withResults(List<Result> others) {
        return new Graph(name, params, nodes, others, policy, plan, states);
    }

    public Graph withPlan(@Nullable MemoryPlan other) {
        return new Graph(name, params, nodes, results, policy, other, states);
    }

    public Graph withStates(List<State> others) {
        return new Graph(name, params, nodes, results, policy, plan, others);
    }

    /** The type of every value, parameters and states included. */
    public Map<ValueId, Type> types() {
        Map<ValueId, Type> types = new HashMap<>();
        params.forEach(p -> types.put(p.id(), p.type()));
        states.forEach(s -> types.put(s.id(), s.type()));
        nodes.forEach(n -> types.put(n.id(), n.type()));
        return types;
    }

    /** The node of every value that is not a parameter. */
    public Map<ValueId, Node> definitions() {
        Map<ValueId, Node> map = new HashMap<>();
        nodes.forEach(n -> map.put(n.id(), n));
        return map;
    }

    /** The nodes that use each value; a node appears once for each use. Results are no nodes. */
    public Map<ValueId, List<Node>> users() {
        Map<ValueId, List<Node>> map = new HashMap<>();
        for (Node n : nodes) {
            for (ValueId o : n.operands()) {
                map.computeIfAbsent(o, k -> new ArrayList<>()).add(n);
            }
        }
        return map;
    }

    /** The values that have to be computed: outputs, and what states become. */
    public List<ValueId> roots() {
        List<ValueId> roots = new ArrayList<>();
        results.forEach(r -> roots.add(r.value()));
        states.forEach(s -> roots.add(s.next()));
        return roots;
    }

    /** The graph without the nodes that no root needs; parameters stay, for they are the model's signature. */
    public Graph live() {
        Set<ValueId> needed = new HashSet<>(roots());
        List<Node> kept = new ArrayList<>();
        // Operands come before users, so that one walk from the back finds everything.
        for (Node n : nodes.reversed()) {
            if (needed.contains(n.id())) {
                needed.addAll(n.operands());
                kept.add(n);
            }
        }
        return kept.size() == nodes.size() ? this : withNodes(kept.reversed());
    }

    /** Whether a value leaves the graph: as an output, or as what a state becomes. */
    public boolean isResult(ValueId id) {
        return roots().contains(id);
    }
}
