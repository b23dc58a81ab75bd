package dev.qnet.training.grad;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Gives the batch of a graph a size: training sums over it. */
public final class Batches {
    private Batches() {}

    /** The graph for batches of exactly so many items, without N. */
    public static Graph fix(Graph graph, int items) {
        Map<ValueId, Type> types = graph.types();
        List<Node> nodes = new ArrayList<>();
        for (Node n : graph.nodes()) {
            Op op = n.op();
            if (op instanceof DataOp.Reshape(Shape s)) {
                op = new DataOp.Reshape(fix(s, items));
            } else if (op instanceof DataOp.Broadcast(Shape s)) {
                op = new DataOp.Broadcast(fix(s, items));
            } else if (op instanceof DataOp.Slice s
                    && Objects.requireNonNull(types.get(n.operand(0))).shape().hasBatch()) {
                op = new DataOp.Slice(with(s.begin(), 0), with(s.end(), items), with(s.step(), 1));
            }
            nodes.add(n.withOp(op).withType(fix(n.type(), items)));
        }
        List<Graph.Param> params = graph.params().stream()
                .map(p -> new Graph.Param(p.id(), fix(p.type(), items), p.activations(), p.span()))
                .toList();
        return new Graph(graph.name(), params, nodes, graph.results(), graph.policy(), null, graph.states());
    }

    private static List<Integer> with(List<Integer> list, int first) {
        List<Integer> copy = new ArrayList<>(list);
        copy.set(0, first);
        return copy;
    }

    private static Type fix(Type t, int items) {
        return t.withShape(fix(t.shape(), items));
    }

    private static Shape fix(Shape s, int items) {
        return s.hasBatch() ? s.with(0, items) : s;
    }
}
