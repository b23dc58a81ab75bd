package dev.qnet.training.grad;

import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.OpText;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reverse-mode differentiation, graph to graph: the gradients of one number by some values, computed by nodes of the same IR
 * behind those that compute the number. A value that several nodes use gets the sum of what each passes back, added in the
 * reverse of the graph's order.
 */
public final class ReverseMode {
    private final Drawing drawing;
    private final Set<ValueId> active = new HashSet<>();
    private final Map<ValueId, ValueId> gradients = new HashMap<>();

    private ReverseMode(Graph graph) {
        this.drawing = new Drawing(graph);
    }

    /** What a gradient is called as a result: {@code grad(NAME)}. */
    public static String resultName(ValueId by) {
        return "grad(" + by.name() + ")";
    }

    /**
     * The graph with the gradients of a value as further results, named by {@link #resultName}.
     *
     * @param graph without N ({@link Batches})
     * @param of the number: f32 []
     * @param by f32 parameters of the graph, or values that nodes compute
     * @throws CompileException naming the first operation on the way that has no gradient
     */
    public static Graph gradients(Graph graph, ValueId of, List<ValueId> by) {
        return new ReverseMode(graph).run(graph, of, by);
    }

    private Graph run(Graph graph, ValueId of, List<ValueId> by) {
        if (!drawing.type(of).isFloat() || !drawing.shape(of).equals(Shape.SCALAR)) {
            throw new IllegalArgumentException("gradients are of one f32, not of " + of + ": " + drawing.type(of));
        }
        activate(graph, by);
        gradients.put(of, drawing.constant("grad." + of.name(), Shape.SCALAR, 1));
        Map<ValueId, Node> definitions = graph.definitions();
        for (Node n : graph.nodes().reversed()) {
            ValueId g = gradients.get(n.id());
            if (g == null || !active.contains(n.id()) || n.operands().stream().noneMatch(active::contains)) {
                continue;
            }
            drawing.at(n.span());
            Rules rules = new Rules(drawing, definitions, n, g, active);
            if (!rules.apply()) {
                throw new CompileException(Diagnostic.error(
                                "no-gradient",
                                n.span(),
                                "'" + n.id().name() + "' has no gradient: "
                                        + OpText.of(n.op()).mnemonic() + " cannot be trained through")
                        .withFix("use another operation there, or train only what comes after it"));
            }
            rules.results(this::accumulate);
        }
        List<Graph.Result> results = new ArrayList<>(graph.results());
        for (ValueId v : by) {
            ValueId g = gradients.get(v);
            if (g == null) {
                Shape shape = drawing.shape(v);
                g = drawing.constant("grad." + v.name(), shape, new float[shape.elements()]);
            }
            results.add(new Graph.Result(resultName(v), g));
        }
        return new Graph(graph.name(), graph.params(), drawing.nodes(), results, graph.policy(), null, graph.states());
    }

    /** What depends on the values that are asked for. */
    private void activate(Graph graph, List<ValueId> by) {
        active.addAll(by);
        for (Node n : graph.nodes()) {
            if (n.type().isFloat() && n.operands().stream().anyMatch(active::contains)) {
                active.add(n.id());
            }
        }
    }

    private void accumulate(ValueId v, ValueId g) {
        ValueId before = gradients.get(v);
        gradients.put(
                v,
                before == null
                        ? g
                        : drawing.add("grad." + v.name(), new FloatOp.Binary(FloatOp.Binary.Fn.ADD), before, g));
    }
}
