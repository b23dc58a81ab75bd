package dev.qnet.target.jvm;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.OpText;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.target.Legality;
import java.util.Map;
import java.util.Optional;

/** What the JVM target accepts: every operation but fake quantization, with constant weights. */
final class JvmLegality implements Legality {
    @Override
    public Optional<String> refusal(Node n, Map<ValueId, Node> definitions) {
        String value = "'" + n.id().name() + "'";
        if (n.op() instanceof QuantOp.FakeQuant) {
            return Optional.of(value + " is fake quantization; lower the graph to integers first");
        }
        if (n.op() instanceof TrainOp t) {
            return Optional.of(value + " is " + OpText.of(t).mnemonic()
                    + ", an operation of training; compile the graph that training ends with");
        }
        if (n.op() instanceof QuantOp.Quantize
                && n.type().element() instanceof Quant q
                && q.scheme() instanceof Scheme.PerGroup) {
            return Optional.of(value + " is quantized per group at run time; only constants can be");
        }
        for (int i = 0; i < n.operands().size(); i++) {
            Node operand = definitions.get(n.operand(i));
            boolean constant = operand != null && operand.op() instanceof DataOp.Constant;
            if (!Operands.inBanks(n, i) && !constant) {
                return Optional.of("operand " + (i + 1) + " of " + value + ", '"
                        + n.operand(i).name() + "', must be a constant: weights are packed when a model is loaded");
            }
        }
        return Optional.empty();
    }
}
