package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.ValueId;
import java.util.HashSet;
import java.util.Set;

/** Names that are still free in a graph that is being built. */
final class Names {
    private final Set<ValueId> taken = new HashSet<>();

    /** With no name taken. */
    Names() {}

    /** With the names of a graph taken. */
    Names(Graph graph) {
        graph.params().forEach(p -> taken.add(p.id()));
        graph.states().forEach(s -> taken.add(s.id()));
        graph.nodes().forEach(n -> taken.add(n.id()));
    }

    /** Takes {@code base}, or {@code base.2}, {@code base.3} … where it is taken. */
    ValueId fresh(String base) {
        ValueId id = new ValueId(base);
        for (int i = 2; !taken.add(id); i++) {
            id = new ValueId(base + "." + i);
        }
        return id;
    }
}
