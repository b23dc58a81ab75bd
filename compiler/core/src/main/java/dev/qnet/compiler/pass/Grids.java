package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.ValueId;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Which values of a fake-quantized graph lie on which grid. */
public final class Grids {
    private Grids() {}

    /**
     * The grid of a node's value, per tensor; null where it has none, or where operands differ.
     *
     * @param known of the values before it
     */
    static @Nullable Quant of(Node n, Map<ValueId, Quant> known) {
        return switch (Role.of(n)) {
            case POINT -> n.op() instanceof QuantOp.FakeQuant f ? perTensor(f.chosen()) : null;
            case DATA, CLAMP -> {
                Quant first = known.get(n.operand(0));
                boolean same = first != null && n.operands().stream().allMatch(o -> first.equals(known.get(o)));
                yield same ? first : null;
            }
            case CONSTANT, ARITHMETIC, POOL, SOFTMAX, TABLE, DEQUANTIZE, FLOAT_ONLY, INTEGER -> null;
        };
    }

    /** Whether integers compute a node on its operand's grid, unless the source asks for another. */
    public static boolean keeps(Node n) {
        return n.intent().activations() == null
                && switch (Role.of(n)) {
                    case POOL, DATA, CLAMP -> true;
                    case CONSTANT, ARITHMETIC, SOFTMAX, TABLE, POINT, DEQUANTIZE, FLOAT_ONLY, INTEGER -> false;
                };
    }

    /** Whether a node only moves or clamps codes, so that its value is on its operand's grid by nature. */
    public static boolean passes(Node n) {
        return Role.of(n) == Role.DATA || Role.of(n) == Role.CLAMP;
    }

    /**
     * Whether float arithmetic leaves the grid where integers stay on it: an average, a bound or a padding that has no
     * code of its own.
     */
    static boolean rounds(Op op) {
        return switch (op) {
            case FloatOp.AvgPool p -> true;
            case FloatOp.Unary u -> u.fn() instanceof ScalarFn.Clip;
            case DataOp.Pad _, DataOp.Dilate _ -> Fills.of(op) != 0;
            case FloatOp _, DataOp _, QuantOp _, NumOp _, IntOp _, TrainOp _ -> false;
        };
    }

    private static @Nullable Quant perTensor(@Nullable Quant q) {
        return q != null && q.scheme() instanceof Scheme.PerTensor ? q : null;
    }
}
