package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.QuantOp;
import java.util.List;

/**
 * Replaces float arithmetic between fake quantizations by integer operations, in the policy's rounding contract:
 *
 * <ul>
 *   <li>conv2d, dense, matmul, mul and mean become an accumulator and a requantize; biases become i32 with scale s_x·s_w;
 *   <li>a relu or clip in front of a fake quantization becomes the bounds of its requantize; others a clamp of codes;
 *   <li>add and sub become integer additions under a common scale; softmax and functions of one variable their integer forms;
 *   <li>an input whose users are all quantized gets their type: the runtime quantizes it on entry;
 *   <li>a result on a grid keeps its quantized type: the runtime dequantizes it on request.
 * </ul>
 *
 * A node that {@code @float} keeps in f32 stays, with dequantized operands. With dynamic activations all values stay in
 * f32, except inside conv2d, dense and matmul.
 */
public final class LowerToIntegers implements Pass {
    public static final String NAME = "lower-to-integers";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public List<String> after() {
        return List.of(Propagate.NAME);
    }

    @Override
    public Graph run(Graph graph, PassContext context) {
        return graph.policy() == null ? graph : new Lowering(graph, graph.policy(), context.diagnostics()).run();
    }

    /** Promises that no fake quantization is left, and float operations only where asked for. */
    @Override
    public void check(Graph graph) {
        if (graph.policy() == null) {
            return;
        }
        boolean dynamic = graph.policy().activations().dynamic();
        for (Node n : graph.nodes()) {
            if (n.op() instanceof QuantOp.FakeQuant
                    || (n.op() instanceof FloatOp && !n.intent().keepFloat() && !dynamic)) {
                throw new IllegalStateException(n.id() + " is still " + Role.name(n.op()) + " after " + NAME);
            }
        }
    }
}
