package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Window;
import dev.qnet.compiler.pass.Simplification.Step;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Float arithmetic: what changes nothing goes; a matmul by a constant matrix becomes a dense, whose weights can have a
 * scale for each output; a pad in front of a conv2d becomes part of its window.
 */
final class ArithmeticRules {
    private ArithmeticRules() {}

    static @Nullable Step apply(Node n, Rewriter to) {
        if (!(n.op() instanceof FloatOp op)) {
            return null;
        }
        return switch (op) {
            case FloatOp.Binary b -> Simplification.free(n) ? binary(n, b, to) : null;
            case FloatOp.MatMul _ -> matmul(n, to);
            case FloatOp.Conv2d c -> conv(n, c, to);
            case FloatOp.AvgPool p ->
                Simplification.free(n) && MoveRules.isPoint(p.window()) ? new Step.Same(n.operand(0)) : null;
            case FloatOp.Mean _ ->
                // One element each: its sum divided by 1 is itself.
                to.type(n.operand(0)).shape().elements() == n.type().shape().elements()
                                && n.type().shape().elements() > 0
                        ? new Step.Instead(n.withOp(new DataOp.Reshape(n.type().shape())))
                        : null;
            case FloatOp.Dense _, FloatOp.Unary _, FloatOp.BatchNorm _, FloatOp.Softmax _, FloatOp.Recurrent _ -> null;
        };
    }

    /** x·1, x + (−0) and x − 0 are x to the bit; x + 0 is not, for x = −0. */
    private static @Nullable Step binary(Node n, FloatOp.Binary b, Rewriter to) {
        ValueId x = n.operand(0);
        ValueId y = n.operand(1);
        return switch (b.fn()) {
            case MUL -> all(y, 1, to) ? same(n, x, to) : all(x, 1, to) ? same(n, y, to) : null;
            case ADD -> all(y, -0f, to) ? same(n, x, to) : all(x, -0f, to) ? same(n, y, to) : null;
            case SUB -> all(y, 0, to) ? same(n, x, to) : null;
            case DIV -> all(y, 1, to) ? same(n, x, to) : null;
            case POW, MIN, MAX, MOD -> null;
        };
    }

    private static boolean all(ValueId id, float value, Rewriter to) {
        float[] values = to.singles(id);
        if (values == null) {
            return false;
        }
        for (float v : values) {
            if (Float.compare(v, value) != 0) {
                return false;
            }
        }
        return true;
    }

    private static @Nullable Step same(Node n, ValueId x, Rewriter to) {
        return to.type(x).equals(n.type()) ? new Step.Same(x) : null;
    }

    private static @Nullable Step matmul(Node n, Rewriter to) {
        ValueId right = n.operand(1);
        Shape shape = to.type(right).shape();
        float[] w = to.singles(right);
        if (w == null || shape.rank() != 2 || n.operand(0).equals(right)) {
            return null;
        }
        int depth = shape.dim(0);
        int out = shape.dim(1);
        float[] transposed = new float[w.length];
        for (int k = 0; k < depth; k++) {
            for (int o = 0; o < out; o++) {
                transposed[o * depth + k] = w[k * out + o];
            }
        }
        ValueId weights =
                to.replaceConstant(right, new Tensor.OfFloat(Shape.of(out, depth), transposed), Type.f32(out, depth));
        return new Step.Instead(n.withOp(new FloatOp.Dense()).withOperands(List.of(n.operand(0), weights)));
    }

    private static @Nullable Step conv(Node n, FloatOp.Conv2d c, Rewriter to) {
        Node x = Simplification.inner(n, to);
        if (x == null
                || !(x.op() instanceof DataOp.Pad p)
                || p.value() != 0
                || p.before().get(3) + p.after().get(3) > 0) {
            return null;
        }
        Window w = c.window();
        Window padded = new Window(
                w.kernelH(),
                w.kernelW(),
                w.strideH(),
                w.strideW(),
                w.dilationH(),
                w.dilationW(),
                w.top() + p.before().get(1),
                w.left() + p.before().get(2),
                w.bottom() + p.after().get(1),
                w.right() + p.after().get(2));
        if (isBeyond(padded)) {
            return null;
        }
        Simplification.merge(n, to);
        List<ValueId> operands = new ArrayList<>(n.operands());
        operands.set(0, x.operand(0));
        return new Step.Instead(n.withOp(new FloatOp.Conv2d(padded, c.groups())).withOperands(operands));
    }

    /** Whether some windows would see padding alone, which is not worth computing with. */
    private static boolean isBeyond(Window w) {
        int rows = (w.kernelH() - 1) * w.dilationH();
        int columns = (w.kernelW() - 1) * w.dilationW();
        return Math.max(w.top(), w.bottom()) > rows || Math.max(w.left(), w.right()) > columns;
    }
}
