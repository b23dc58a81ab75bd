package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.ValueId;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reconciles parameters where values must share them. What is known of a value's parameters grows along
 * {@code Undecided < Observed < Chosen < Conflict}: calibration observes, {@link ChooseParameters} chooses, moves of elements
 * hand on what their operand has, and a concat of operands that were chosen differently is a conflict, resolved here.
 *
 * <p>A concat gets one operand's parameters if those cover all others, else new ones for the union of the ranges. What
 * only the concat reads is made with these parameters from the start; what others read too, or what the source fixed, is
 * requantized, with a warning. Further, weights of channels with hardly any weight get a coarser scale where their
 * bias would not fit an i32 of scale s_x·s_w.
 */
public final class Propagate implements Pass {
    public static final String NAME = "propagate-parameters";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public List<String> after() {
        return List.of(ChooseParameters.NAME);
    }

    @Override
    public Graph run(Graph graph, PassContext context) {
        Spec.Policy policy = graph.policy();
        if (policy == null || policy.activations().dynamic()) {
            return graph;
        }
        Graph joined = new Reconciliation(graph, policy, context.diagnostics()).run();
        return new BiasRoom(joined).run();
    }

    /** Promises that the operands of each concat share parameters, or are real. */
    @Override
    public void check(Graph graph) {
        if (graph.policy() == null) {
            return;
        }
        Map<ValueId, Quant> grids = new HashMap<>();
        for (Node n : graph.nodes()) {
            Quant q = Grids.of(n, grids);
            if (q != null) {
                grids.put(n.id(), q);
            }
            if (n.op() instanceof DataOp.Concat
                    && n.type().isFloat()
                    && n.operands().stream().allMatch(grids::containsKey)
                    && n.operands().stream().map(grids::get).distinct().count() > 1) {
                throw new IllegalStateException(
                        "the operands of " + n.id() + " have different parameters after " + NAME);
            }
            if (graph.policy() != null && n.op() instanceof QuantOp.Quantize) {
                throw new IllegalStateException("a quantize is left after " + NAME);
            }
        }
    }
}
