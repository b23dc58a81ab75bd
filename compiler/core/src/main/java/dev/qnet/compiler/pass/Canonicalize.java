package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.ValueId;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Brings a float graph to one form among those with the same value, to the last bit: constants computed
 * ({@link ConstantFolding}), moves of elements merged ({@link MoveRules}), clamps merged and moved to the arithmetic that
 * they clamp ({@link ClampRules}), arithmetic that changes nothing removed ({@link ArithmeticRules}).
 *
 * <p>A node for which the source asks something (its quantization, or that it stay in f32) neither vanishes nor merges into
 * another. What remains keeps its name. The form does not depend on calibration, so that parameters found with one
 * compilation fit the next.
 */
public final class Canonicalize implements Pass {
    public static final String NAME = "canonicalize";

    private static final List<Simplification> RULES =
            List.of(ConstantFolding::apply, MoveRules::apply, ClampRules::apply, ArithmeticRules::apply);

    @Override
    public String name() {
        return NAME;
    }

    /** The rules for graphs without a policy, such as imported ones: their float operations stay as they are. */
    private static final List<Simplification> RULES_AS_IT_IS = Stream.concat(
                    RULES.stream(), Stream.<Simplification>of(ConstantFolding::dequantized))
            .toList();

    @Override
    public Graph run(Graph graph, PassContext context) {
        List<Simplification> rules = graph.policy() == null ? RULES_AS_IT_IS : RULES;
        return Rewriter.rewriteWhileShrinking(graph, (n, to) -> simplify(n, to, rules));
    }

    /** Promises that nothing is left to compute from constants alone, and that no node only passes its operand on. */
    @Override
    public void check(Graph graph) {
        Rewriter.rewrite(graph, (n, to) -> {
            if (ConstantFolding.apply(n, to) != null || passesOn(n, to)) {
                throw new IllegalStateException(n.id() + " can be simplified");
            }
            return to.emit(n);
        });
    }

    private static boolean passesOn(Node n, Rewriter to) {
        return n.op() instanceof DataOp op
                && n.operands().size() == 1
                && Simplification.free(n)
                && MoveRules.movesNothing(
                        op, to.type(n.operand(0)).shape(), n.type().shape());
    }

    private static ValueId simplify(Node node, Rewriter to, List<Simplification> rules) {
        Node n = node;
        while (true) {
            switch (next(n, to, rules)) {
                case null -> {
                    return to.emit(n);
                }
                case Simplification.Step.Same same -> {
                    return same.value();
                }
                case Simplification.Step.Instead instead -> n = instead.node();
            }
        }
    }

    private static Simplification.@Nullable Step next(Node n, Rewriter to, List<Simplification> rules) {
        for (Simplification rule : rules) {
            Simplification.Step step = rule.apply(n, to);
            if (step != null) {
                return step;
            }
        }
        return null;
    }
}
