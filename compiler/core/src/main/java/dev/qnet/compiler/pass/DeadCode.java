package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.ValueId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Removes values that no result needs. Parameters stay: they are the model's signature. */
public final class DeadCode implements Pass {
    public static final String NAME = "dead-code";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Graph run(Graph graph, PassContext context) {
        Set<ValueId> needed = needed(graph);
        List<Node> kept =
                graph.nodes().stream().filter(n -> needed.contains(n.id())).toList();
        return kept.size() == graph.nodes().size() ? graph : graph.withNodes(kept);
    }

    @Override
    public void check(Graph graph) {
        Set<ValueId> needed = needed(graph);
        for (Node n : graph.nodes()) {
            if (!needed.contains(n.id())) {
                throw new IllegalStateException("no result needs " + n.id());
            }
        }
    }

    /** Operands come before users, so that one walk from the back finds everything. */
    private static Set<ValueId> needed(Graph graph) {
        Set<ValueId> needed = new HashSet<>(graph.roots());
        List<Node> backwards = new ArrayList<>(graph.nodes());
        Collections.reverse(backwards);
        for (Node n : backwards) {
            if (needed.contains(n.id())) {
                needed.addAll(n.operands());
            }
        }
        return needed;
    }
}
