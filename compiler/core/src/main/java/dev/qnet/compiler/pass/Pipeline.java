package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.Graph;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

/** Runs passes in order. The order itself is one literal list, in {@link Passes}. */
public final class Pipeline {
    private Pipeline() {}

    /**
     * Runs passes one after another, checking that each has run after those that it names and keeps its promise.
     *
     * @param graph where to begin
     * @param passes the passes, in order
     * @param done hears of each pass and its result; may look, not touch
     * @return the last result
     * @throws dev.qnet.compiler.source.CompileException after the first pass that reported an error
     */
    public static Graph run(Graph graph, List<Pass> passes, PassContext context, BiConsumer<Pass, Graph> done) {
        List<String> ran = new ArrayList<>();
        Graph g = graph;
        for (Pass p : passes) {
            for (String before : p.after()) {
                if (!ran.contains(before)) {
                    throw new IllegalStateException("pass " + p.name() + " must run after " + before);
                }
            }
            g = p.run(g, context);
            context.diagnostics().throwIfErrors();
            p.check(g);
            ran.add(p.name());
            done.accept(p, g);
        }
        return g;
    }
}
