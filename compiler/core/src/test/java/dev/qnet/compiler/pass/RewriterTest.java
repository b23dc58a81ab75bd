package dev.qnet.compiler.pass;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.compiler.ir.GraphPrinter;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import java.util.List;
import org.junit.jupiter.api.Test;

class RewriterTest {
    private static final Graph GRAPH = GraphParser.parse("""
            graph @g {
              param %x : f32[Nx2]
              %w = constant [1.0, 2.0, 3.0, 4.0] : f32[2x2]
              %a = dense %x, %w : f32[Nx2]
              %b = relu %a : f32[Nx2]
              %c = relu %b : f32[Nx2]
              %d = tanh %b : f32[Nx2]
              return c = %c, d = %d
            }
            """);

    private static final ValueId A = new ValueId("a");
    private static final ValueId W = new ValueId("w");

    @Test
    void emittingAllGivesTheSameGraph() {
        assertThat(Rewriter.rewrite(GRAPH, (n, to) -> to.emit(n))).isEqualTo(GRAPH);
    }

    @Test
    void usersAndResultsFollowAReplacedValue() {
        Graph g = Rewriter.rewrite(GRAPH, (n, to) -> isRelu(n) ? n.operand(0) : to.emit(n));
        assertThat(GraphPrinter.print(g)).isEqualTo("""
                        graph @g {
                          param %x : f32[Nx2]
                          %w = constant [1.0, 2.0, 3.0, 4.0] : f32[2x2]
                          %a = dense %x, %w : f32[Nx2]
                          %d = tanh %a : f32[Nx2]
                          return c = %a, d = %d
                        }
                        """);
    }

    @Test
    void whatLosesItsLastUseLeavesWithWhatOnlyItUsed() {
        Graph g = Rewriter.rewrite(GRAPH, (n, to) -> n.id().name().equals("b") ? new ValueId("x") : to.emit(n));
        assertThat(g.nodes()).extracting(n -> n.id().name()).containsExactly("c", "d");
    }

    @Test
    void countsUsesAsTheRuleSeesThem() {
        Rewriter.rewrite(GRAPH, (n, to) -> {
            switch (n.id().name()) {
                // Only a uses w.
                case "a" -> assertThat(to.soleUse(W)).isTrue();
                // c and d both use b, but only b uses a.
                case "b" -> {
                    assertThat(to.soleUse(A)).isTrue();
                    assertThat(to.usedOnce(W)).isTrue();
                }
                case "c", "d" -> assertThat(to.soleUse(new ValueId("b"))).isFalse();
                default -> assertThat(n.id()).isEqualTo(W);
            }
            return to.emit(n);
        });
    }

    @Test
    void aConstantIsReplacedUnderItsNameOnlyWhereNothingElseReadsIt() {
        Tensor twos = new Tensor.OfFloat(Shape.of(2, 2), new float[] {2, 2, 2, 2});
        Graph shared = GraphParser.parse(GraphPrinter.print(GRAPH).replace("tanh %b", "dense %b, %w"));
        for (Graph g : new Graph[] {GRAPH, shared}) {
            Graph after = Rewriter.rewrite(
                    g,
                    (n, to) -> to.emit(
                            n.id().equals(A)
                                    ? n.withOperands(List.of(
                                            n.operand(0), to.replaceConstant(n.operand(1), twos, Type.f32(2, 2))))
                                    : n));
            boolean alone = g.equals(GRAPH);
            assertThat(after.definitions().get(A))
                    .isNotNull()
                    .extracting(n -> n.operand(1).name())
                    .isEqualTo(alone ? "w" : "w.2");
            assertThat(after.nodes()).hasSize(alone ? 5 : 6);
        }
    }

    @Test
    void refusesARuleThatForgetsOrRepeats() {
        assertThatThrownBy(() -> Rewriter.rewrite(GRAPH, (n, to) -> new ValueId("nowhere")))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the rule for %w gives %nowhere, which it did not emit");
        assertThatThrownBy(() -> Rewriter.rewrite(GRAPH, (n, to) -> {
                    to.emit(n);
                    return to.emit(n);
                }))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("%w is emitted twice");
        assertThatThrownBy(() -> Rewriter.rewrite(
                        GRAPH, (n, to) -> isRelu(n) ? to.take(n.operand(0)).id() : to.emit(n)))
                .isInstanceOf(IllegalStateException.class);
    }

    private static boolean isRelu(Node n) {
        return n.op() instanceof FloatOp.Unary(ScalarFn.Relu _);
    }
}
