package dev.qnet.compiler.ir;

import dev.qnet.compiler.ir.Spec.Policy;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
 */
public record Graph(
        String name,
        List<Param> params,
        List<Node> nodes,
        List<Result> results,
        @Nullable Policy policy,
        @Nullable MemoryPlan plan) {

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
    }

    /** A network without a policy and a plan. */
    public Graph(String name, List<Param> params, List<Node> nodes, List<Result> results) {
        this(name, params, nodes, results, null, null);
    }

    public Graph withNodes(List<Node> others) {
        return new Graph(name, params, others, results, policy, plan);
    }

    public Graph withResults(List<Result> others) {
        return new Graph(name, params, nodes, others, policy, plan);
    }

    public Graph withPlan(@Nullable MemoryPlan other) {
        return new Graph(name, params, nodes, results, policy, other);
    }

    /** The type of every value, parameters included. */
    public Map<ValueId, Type> types() {
        Map<ValueId, Type> types = new HashMap<>();
        params.forEach(p -> types.put(p.id(), p.type()));
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

    /** Whether a value is an output. */
    public boolean isResult(ValueId id) {
        return results.stream().anyMatch(r -> r.value().equals(id));
    }
}
