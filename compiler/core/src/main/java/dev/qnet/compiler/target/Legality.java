package dev.qnet.compiler.target;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What a target accepts. */
@FunctionalInterface
public interface Legality {
    /** More refusals would only repeat the first ones. */
    int MOST_REPORTED = 20;

    /**
     * Why the target cannot run a node, in the user's terms, without a final full stop; empty if it can.
     *
     * @param node the node
     * @param definitions the node of every value that is not a parameter
     */
    Optional<String> refusal(Node node, Map<ValueId, Node> definitions);

    /**
     * Refuses a graph with nodes that the target cannot run.
     *
     * @throws CompileException with an error for each of these nodes
     */
    default void check(Graph graph) {
        Map<ValueId, Node> definitions = graph.definitions();
        List<Diagnostic> errors = new ArrayList<>();
        for (Node n : graph.nodes()) {
            if (errors.size() < MOST_REPORTED) {
                refusal(n, definitions)
                        .ifPresent(why -> errors.add(
                                Diagnostic.error("target", n.span(), why).labelled("'" + n.id().name() + "'")));
            }
        }
        if (!errors.isEmpty()) {
            throw new CompileException(errors);
        }
    }
}
