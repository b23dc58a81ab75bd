package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Computes operations on constants while compiling: those that move elements, and float arithmetic. The result must not be
 * much larger than the operands, nor take long, so that a small source cannot become a huge model.
 */
final class ConstantFolding {
    /** Results up to this many elements are folded whatever the operands. */
    private static final long FREE_ELEMENTS = 1 << 16;
    /** Multiply-accumulates that folding one node may take. */
    private static final long MAX_WORK = 1 << 24;

    private ConstantFolding() {}

    static Simplification.@Nullable Step apply(Node n, Rewriter to) {
        if (n.op() instanceof DataOp.Constant || !(n.op() instanceof DataOp || n.op() instanceof FloatOp)) {
            return null;
        }
        List<Node> constants = new ArrayList<>();
        long read = 0;
        for (ValueId o : n.operands()) {
            Node c = to.definition(o);
            if (c == null || !(c.op() instanceof DataOp.Constant)) {
                return null;
            }
            constants.add(c);
            read += c.type().shape().elements();
        }
        if (!foldable(n, constants.getFirst().type(), read)) {
            return null;
        }
        Tensor value = Evaluator.evaluate(n, constants);
        return new Simplification.Step.Instead(
                n.withOp(new DataOp.Constant(value)).withOperands(List.of()));
    }

    /**
     * Codes of constants as the reals that they stand for, for graphs without a policy: with one, the codes are what integer
     * weights are made of.
     */
    static Simplification.@Nullable Step dequantized(Node n, Rewriter to) {
        if (!(n.op() instanceof QuantOp.Dequantize)) {
            return null;
        }
        Node c = to.definition(n.operand(0));
        if (c == null || !(c.op() instanceof DataOp.Constant)) {
            return null;
        }
        Tensor value = Evaluator.evaluate(n, List.of(c));
        return new Simplification.Step.Instead(
                n.withOp(new DataOp.Constant(value)).withOperands(List.of()));
    }

    private static boolean foldable(Node n, Type first, long read) {
        if (canFail(n)) {
            return false;
        }
        // Axes of scales do not survive moves of elements.
        boolean oneScale = !(n.type().element() instanceof Quant q) || q.scheme() instanceof Scheme.PerTensor;
        long elements = n.type().shape().elements();
        return oneScale
                && elements <= Math.max(FREE_ELEMENTS, read)
                && elements * depth(n.op() instanceof FloatOp f ? f : null, first, read) <= MAX_WORK;
    }

    /** Whether a node's values may be refused at run time, which a compiler must not do in its place. */
    private static boolean canFail(Node n) {
        return n.op() instanceof DataOp.Gather
                || (n.op() instanceof NumOp.Binary b
                        && (b.fn() == NumOp.Binary.Fn.DIV || b.fn() == NumOp.Binary.Fn.MOD));
    }

    /** At most how many operand elements go into one of the result. */
    private static long depth(@Nullable FloatOp op, Type first, long read) {
        return switch (op) {
            case null -> 0;
            case FloatOp.Unary _, FloatOp.Binary _, FloatOp.BatchNorm _, FloatOp.Softmax _ -> 0;
            case FloatOp.Dense _, FloatOp.MatMul _ -> first.shape().dim(-1);
            case FloatOp.Conv2d c ->
                (long) c.window().kernelH()
                        * c.window().kernelW()
                        * first.shape().dim(-1)
                        / c.groups();
            case FloatOp.AvgPool p -> (long) p.window().kernelH() * p.window().kernelW();
            case FloatOp.Mean _, FloatOp.Recurrent _ -> read;
        };
    }
}
