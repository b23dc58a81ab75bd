package dev.qnet.target.jvm;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.target.Legality;
import java.util.Map;
import java.util.Optional;

/**
 * What the JVM target accepts: every operation but fake quantization, with constant weights, and activations with one
 * scale.
 */
final class JvmLegality implements Legality {
    @Override
    public Optional<String> refusal(Node n, Map<ValueId, Node> definitions) {
        String value = "'" + n.id().name() + "'";
        if (n.op() instanceof QuantOp.FakeQuant) {
            return Optional.of(value + " is fake quantization; lower the graph to integers first");
        }
        if (n.op() instanceof QuantOp.Quantize && scheme(n.type()) instanceof Scheme.PerGroup) {
            return Optional.of(value + " is quantized per group at run time; only constants can be");
        }
        for (int i = 0; i < n.operands().size(); i++) {
            Node operand = definitions.get(n.operand(i));
            boolean constant = operand != null && operand.op() instanceof DataOp.Constant;
            if (!Operands.inBanks(n, i) && !constant) {
                return Optional.of("operand " + (i + 1) + " of " + value + ", '" + n.operand(i).name()
                        + "', must be a constant");
            }
            if (Operands.inBanks(n, i)
                    && operand != null
                    && !Elements.isUniform(operand.type().element())
                    && Operands.needsOneScale(n)) {
                return Optional.of("operand " + (i + 1) + " of " + value + ", '" + n.operand(i).name()
                        + "', has a scale for each channel or group; one for the whole tensor is needed here");
            }
        }
        return Optional.empty();
    }

    private static Object scheme(Type t) {
        return t.element() instanceof Quant q ? q.scheme() : t;
    }
}
