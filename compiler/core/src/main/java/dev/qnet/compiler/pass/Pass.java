package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.Graph;
import java.util.List;

/** A pure rewrite of a graph. */
public interface Pass {
    /** The name that {@code qnet ir --after NAME} takes. */
    String name();

    /** The names of passes that must have run. */
    default List<String> after() {
        return List.of();
    }

    /**
     * The graph rewritten. What the user must hear goes to the context; an error there ends the pipeline after this pass.
     */
    Graph run(Graph graph, PassContext context);

    /**
     * Checks what the pass promises of its result.
     *
     * @throws IllegalStateException if the promise is broken, which is a bug in the pass
     */
    default void check(Graph graph) {}
}
