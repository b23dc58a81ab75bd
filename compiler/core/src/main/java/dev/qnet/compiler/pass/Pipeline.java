package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Verifier;
import dev.qnet.compiler.source.CompileException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;

/** Runs passes in order. The order itself is one literal list, in {@link Passes}. */
public final class Pipeline {
    private Pipeline() {}

    /**
     * Runs passes one after another, checking that each has run after those that it names, leaves a graph that
     * {@linkplain Verifier verifies}, and keeps its promise.
     *
     * @param graph where to begin
     * @param passes the passes, in order
     * @param done hears of each pass and its result; may look, not touch
     * @return the last result
     * @throws CompileException after the first pass that reported an error
     * @throws IllegalStateException if a pass made a wrong graph, which is a bug in the pass
     */
    public static Graph run(Graph graph, List<Pass> passes, PassContext context, BiConsumer<Pass, Graph> done) {
        Set<String> ran = new HashSet<>();
        Graph g = graph;
        for (Pass p : passes) {
            for (String before : p.after()) {
                if (!ran.contains(before)) {
                    throw new IllegalStateException("pass " + p.name() + " must run after " + before);
                }
            }
            g = step(g, p, context);
            ran.add(p.name());
            done.accept(p, g);
        }
        return g;
    }

    /** One pass, verified. */
    static Graph step(Graph graph, Pass pass, PassContext context) {
        Graph g = pass.run(graph, context);
        context.diagnostics().throwIfErrors();
        try {
            Verifier.verify(g);
        } catch (CompileException e) {
            throw new IllegalStateException("pass " + pass.name() + " broke the graph: " + e.getMessage(), e);
        }
        pass.check(g);
        return g;
    }
}
