package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.ValueId;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Finding constants. */
final class Constants {
    private Constants() {}

    /** The constant that a value is, or that it dequantizes; null where there is none. */
    static @Nullable Node behind(ValueId v, Map<ValueId, Node> definitions) {
        Node n = definitions.get(v);
        if (n != null && n.op() instanceof QuantOp.Dequantize) {
            n = definitions.get(n.operand(0));
        }
        return n != null && n.op() instanceof DataOp.Constant ? n : null;
    }
}
