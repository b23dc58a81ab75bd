package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
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
        return graph.live();
    }

    @Override
    public void check(Graph graph) {
        List<Node> live = graph.live().nodes();
        if (live.size() < graph.nodes().size()) {
            Set<Node> kept = new HashSet<>(live);
            graph.nodes().stream().filter(n -> !kept.contains(n)).findFirst().ifPresent(n -> {
                throw new IllegalStateException("no result needs " + n.id());
            });
        }
    }
}
