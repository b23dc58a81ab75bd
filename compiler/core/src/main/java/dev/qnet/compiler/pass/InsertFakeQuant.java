package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Spec;

/**
 * Puts fake quantization where integers will be rounded, so that float arithmetic sees what they will: around weights,
 * with parameters decided at once from their elements; behind inputs; behind each operation that leaves its operand's
 * grid, after the relu or clip that follows it. Moves of elements, pooling and clamps of codes stay on the grid they are on.
 *
 * <p>With dynamic activations only weights and the inputs of conv2d, dense and matmul are wrapped; all else stays in f32.
 */
public final class InsertFakeQuant implements Pass {
    public static final String NAME = "insert-fake-quant";

    private final boolean training;

    /** For inference: constants whose codes are not the nearest ones of a grid become codes at once. */
    public InsertFakeQuant() {
        this(false);
    }

    private InsertFakeQuant(boolean training) {
        this.training = training;
    }

    /** For training: all weights stay in f32 behind fake quantization, whatever their quantizer. */
    public static InsertFakeQuant forTraining() {
        return new InsertFakeQuant(true);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Graph run(Graph graph, PassContext context) {
        Spec.Policy policy = graph.policy();
        if (policy == null) {
            return graph;
        }
        return policy.activations().dynamic()
                ? new DynamicInsertion(graph, policy, context.diagnostics()).run()
                : new Insertion(graph, policy, context.diagnostics(), training).run();
    }

    /** Promises that no quantized type is computed yet: {@code quantize} has become fake quantization. */
    @Override
    public void check(Graph graph) {
        if (graph.policy() != null && graph.nodes().stream().anyMatch(n -> n.op() instanceof QuantOp.Quantize)) {
            throw new IllegalStateException("a quantize is left after " + NAME);
        }
    }
}
