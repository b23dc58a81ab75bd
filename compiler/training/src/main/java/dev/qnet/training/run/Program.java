package dev.qnet.training.run;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A graph without N, prepared to run again and again: every value has its array, kernels are chosen once, and nothing is
 * allocated while it runs. Values that are not alive at the same time share arrays. Not thread-safe; the crew's threads share the work
 * of each operation.
 */
public final class Program {
    /** One node. */
    private record Step(Node node, Runnable kernel) {}

    private final Graph graph;
    private final Map<ValueId, float[]> arrays = new HashMap<>();
    private final Map<String, float[]> inputs = new LinkedHashMap<>();
    private final Map<String, float[]> results = new LinkedHashMap<>();
    private final List<Step> steps = new ArrayList<>();

    /**
     * Prepares a graph.
     *
     * @throws IllegalArgumentException naming the first operation that cannot be run here
     */
    public Program(Graph graph, Crew crew) {
        this.graph = graph;
        Map<ValueId, Type> types = graph.types();
        Map<ValueId, ValueId> roots = aliases(graph);
        Map<ValueId, Integer> lastUse = lastUses(graph, roots);
        Map<Integer, Deque<float[]>> free = new HashMap<>();
        Set<ValueId> kept = new HashSet<>();
        for (Graph.Param p : graph.params()) {
            float[] array = new float[p.type().shape().elements()];
            arrays.put(p.id(), array);
            inputs.put(p.id().name(), array);
            kept.add(p.id());
        }
        graph.results().forEach(r -> kept.add(root(r.value(), roots)));
        for (int i = 0; i < graph.nodes().size(); i++) {
            Node n = graph.nodes().get(i);
            if (n.op() instanceof DataOp.Constant(Tensor t)) {
                if (!(t instanceof Tensor.OfFloat f)) {
                    throw new IllegalArgumentException(n.id() + " is no f32, and training computes in f32");
                }
                arrays.put(n.id(), f.values().clone());
                kept.add(n.id());
                continue;
            }
            if (roots.containsKey(n.id())) {
                arrays.put(n.id(), array(n.operand(0)));
            } else {
                int size = n.type().shape().elements();
                Deque<float[]> pool = free.computeIfAbsent(size, k -> new ArrayDeque<>());
                float[] array = pool.isEmpty() || kept.contains(n.id()) ? new float[size] : pool.pop();
                arrays.put(n.id(), array);
                List<float[]> in = n.operands().stream().map(this::array).toList();
                List<Type> inTypes = n.operands().stream()
                        .map(o -> Objects.requireNonNull(types.get(o)))
                        .toList();
                steps.add(new Step(n, Kernels.of(n, inTypes, in, array, crew)));
            }
            release(n, i, roots, lastUse, kept, free);
        }
        graph.results().forEach(r -> results.put(r.name(), array(r.value())));
    }

    private void release(
            Node n,
            int i,
            Map<ValueId, ValueId> roots,
            Map<ValueId, Integer> lastUse,
            Set<ValueId> kept,
            Map<Integer, Deque<float[]>> free) {
        Set<ValueId> ended = new HashSet<>();
        n.operands().forEach(o -> ended.add(root(o, roots)));
        ended.add(root(n.id(), roots));
        for (ValueId v : ended) {
            if (!kept.contains(v) && lastUse.getOrDefault(v, i) == i) {
                float[] array = array(v);
                free.computeIfAbsent(array.length, k -> new ArrayDeque<>()).push(array);
            }
        }
    }

    /** Values that are another value's elements under another shape, and whose. */
    private static Map<ValueId, ValueId> aliases(Graph graph) {
        Map<ValueId, ValueId> roots = new HashMap<>();
        for (Node n : graph.nodes()) {
            if (n.op() instanceof DataOp.Reshape) {
                roots.put(n.id(), root(n.operand(0), roots));
            }
        }
        return roots;
    }

    private static ValueId root(ValueId v, Map<ValueId, ValueId> roots) {
        return roots.getOrDefault(v, v);
    }

    private static Map<ValueId, Integer> lastUses(Graph graph, Map<ValueId, ValueId> roots) {
        Map<ValueId, Integer> last = new HashMap<>();
        for (int i = 0; i < graph.nodes().size(); i++) {
            for (ValueId o : graph.nodes().get(i).operands()) {
                last.put(root(o, roots), i);
            }
        }
        return last;
    }

    private float[] array(ValueId v) {
        return Objects.requireNonNull(arrays.get(v));
    }

    /** The elements of an input, to be written before a run. Throws IllegalArgumentException if there is none of this name. */
    public float[] input(String name) {
        return known(inputs, name, "input");
    }

    /** The elements of a result, valid until the next run. Throws IllegalArgumentException if there is none of this name. */
    public float[] result(String name) {
        return known(results, name, "result");
    }

    private float[] known(Map<String, float[]> all, String name, String what) {
        float[] array = all.get(name);
        if (array == null) {
            throw new IllegalArgumentException(
                    graph.name() + " has no " + what + " '" + name + "'; it has " + all.keySet());
        }
        return array;
    }

    /** Computes everything from the inputs as they are. */
    public void run() {
        for (Step s : steps) {
            s.kernel().run();
        }
    }

    /**
     * Runs again, and names the first value with an element that is not finite or further from 0 than a limit, for advice where a loss
     * has exploded.
     *
     * @return the node, or null if there is none
     */
    public @Nullable Node firstBeyond(float limit) {
        for (Step s : steps) {
            s.kernel().run();
            for (float v : array(s.node().id())) {
                if (!(Math.abs(v) <= limit)) {
                    return s.node();
                }
            }
        }
        return null;
    }
}
