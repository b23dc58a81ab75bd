package dev.qnet.compiler.pass;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;

class PipelineTest {
    private static final Graph GRAPH = GraphParser.parse("""
            graph @g {
              param %x : f32[Nx2]
              %a = relu %x : f32[Nx2]
              return y = %a
            }
            """);

    /** A pass for tests. */
    private record Step(String name, List<String> after, BiFunction<Graph, PassContext, Graph> rewrite, boolean kept)
            implements Pass {
        @Override
        public Graph run(Graph graph, PassContext context) {
            return rewrite.apply(graph, context);
        }

        @Override
        public void check(Graph graph) {
            if (!kept) {
                throw new IllegalStateException(name + " did not do what it promises");
            }
        }
    }

    private static Step step(String name, String... after) {
        return new Step(name, List.of(after), (g, c) -> g, true);
    }

    private static Graph run(Pass... passes) {
        return Pipeline.run(GRAPH, List.of(passes), new PassContext(new Diagnostics(), Calibration.NONE), (p, g) -> {});
    }

    @Test
    void runsInOrderAndShowsEachResult() {
        List<String> seen = new ArrayList<>();
        Pipeline.run(
                GRAPH,
                List.of(step("one"), step("two", "one")),
                new PassContext(new Diagnostics(), Calibration.NONE),
                (p, g) -> seen.add(p.name() + " " + g.nodes().size()));
        assertThat(seen).containsExactly("one 1", "two 1");
    }

    @Test
    void refusesTheWrongOrder() {
        assertThatThrownBy(() -> run(step("two", "one"), step("one")))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("pass two must run after one");
    }

    @Test
    void findsABrokenGraph() {
        assertThatThrownBy(() -> run(new Step("careless", List.of(), (g, c) -> g.withNodes(List.of()), true)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("pass careless broke the graph: ")
                .hasMessageContaining("%a, which is not defined");
    }

    @Test
    void findsABrokenPromise() {
        assertThatThrownBy(() -> run(new Step("proud", List.of(), (g, c) -> g, false)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("proud did not do what it promises");
    }

    @Test
    void endsAfterAPassThatReportsAnError() {
        Pass fails = new Step(
                "fails",
                List.of(),
                (g, c) -> {
                    c.diagnostics().add(Diagnostic.error("wrong", Span.NONE, "this is wrong"));
                    return g;
                },
                false);
        assertThatThrownBy(() -> run(fails, step("never")))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining("this is wrong");
    }

    @Test
    void theListIsInItsOwnOrderAndNamesAreUnique() {
        Set<String> ran = new HashSet<>();
        for (Pass p : Passes.all()) {
            assertThat(ran).as(p.name() + " runs after").containsAll(p.after());
            assertThat(ran.add(p.name())).as(p.name() + " is listed twice").isTrue();
        }
    }
}
