package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Window;
import dev.qnet.compiler.quant.Multipliers;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Float operations of two activations, or of one with itself, as integer operations of their codes. */
final class CodeOperations {
    private final Rewrite to;

    CodeOperations(Rewrite to) {
        this.to = to;
    }

    /**
     * The codes of an operation's result, or null where it has no integer form.
     *
     * @param lo the least code that clamps behind the operation leave
     * @param hi the greatest
     */
    @Nullable ValueId of(Node d, Quant q, int lo, int hi) {
        return switch (d.op()) {
            case FloatOp.Binary b -> binary(d, b, q, lo, hi);
            case FloatOp.Mean m -> mean(d, m, q, lo, hi);
            case FloatOp.AvgPool p -> average(d, p, q, lo, hi);
            case FloatOp.MatMul m -> matmul(d, q, lo, hi);
            default -> null;
        };
    }

    private @Nullable ValueId binary(Node d, FloatOp.Binary op, Quant q, int lo, int hi) {
        Quant x = to.activation(d.operand(0));
        Quant y = to.activation(d.operand(1));
        if (x == null || y == null) {
            return null;
        }
        float sx = x.perTensor().scale();
        float sy = y.perTensor().scale();
        float so = q.perTensor().scale();
        ValueId left = to.codesOf(d.operand(0));
        ValueId right = to.codesOf(d.operand(1));
        return switch (op.fn()) {
            case ADD, SUB -> {
                boolean subtract = op.fn() == FloatOp.Binary.Fn.SUB;
                if (!Float.isFinite(sx / so) || !Float.isFinite(sy / so)) {
                    yield null;
                }
                to.fused(subtract ? "an integer difference" : "an integer sum");
                yield to.emit(
                        new IntOp.Add(
                                subtract,
                                0,
                                Rounding.ONNX,
                                Multipliers.add(Rounding.ONNX, sx, sy, so, 0),
                                q.perTensor().zero(),
                                lo,
                                hi),
                        q,
                        left,
                        right);
            }
            case MUL -> {
                Element.Int acc = Accumulators.within((double) Accumulators.reach(x) * Accumulators.reach(y));
                Rescale.Scale m = Accumulators.product(sx, sy, so);
                if (acc == null || m == null) {
                    yield null;
                }
                to.fused("an integer product");
                yield to.emit(new IntOp.Mul(acc, Accumulators.rescale(m, q, lo, hi)), q, left, right);
            }
            case DIV, POW, MIN, MAX, MOD -> null;
        };
    }

    private @Nullable ValueId mean(Node d, FloatOp.Mean op, Quant q, int lo, int hi) {
        Quant x = to.activation(d.operand(0));
        if (x == null) {
            return null;
        }
        long n = 1;
        for (int axis : op.axes()) {
            n *= to.type(d.operand(0)).shape().dim(axis);
        }
        Element.Int acc = Accumulators.within((double) n * Accumulators.reach(x));
        Rescale.Scale m = Accumulators.mean(x.perTensor().scale(), q.perTensor().scale(), n);
        if (acc == null || n < 1 || m == null) {
            return null;
        }
        to.fused("an integer mean");
        return to.emit(
                new IntOp.Sum(op.axes(), op.keepDims(), acc, Accumulators.rescale(m, q, lo, hi)),
                q,
                to.codesOf(d.operand(0)));
    }

    private @Nullable ValueId average(Node d, FloatOp.AvgPool op, Quant q, int lo, int hi) {
        Quant x = to.activation(d.operand(0));
        if (x == null) {
            return null;
        }
        ValueId in = to.codesOf(d.operand(0));
        if (x.equals(q)) {
            to.fused("an integer average pool");
            ValueId y = to.emit(new IntOp.AvgPool(op.window(), Rounding.ONNX), q, in);
            return lo == q.lo() && hi == q.hi() ? y : to.emit(new IntOp.Clamp(lo, hi), q, y);
        }
        Window w = op.window();
        if (w.top() + w.left() + w.bottom() + w.right() != 0) {
            return null;
        }
        // Every window has the same count: a depthwise convolution with ones, the count in its scale.
        int n = w.kernelH() * w.kernelW();
        int channels = to.channels(d.operand(0));
        Element.Int acc = Accumulators.within((double) n * Accumulators.reach(x));
        Rescale.Scale m = Accumulators.mean(x.perTensor().scale(), q.perTensor().scale(), n);
        if (acc == null || m == null) {
            return null;
        }
        int[] ones = new int[n * channels];
        Arrays.fill(ones, 1);
        Shape shape = Shape.of(channels, w.kernelH(), w.kernelW(), 1);
        ValueId k = to.constant(new Tensor.OfInt(shape, ones), Quant.of(Storage.I8, 1, 0));
        to.fused("an integer average pool");
        return to.emit(new IntOp.Conv2d(w, channels, acc, Accumulators.rescale(m, q, lo, hi)), q, in, k);
    }

    private @Nullable ValueId matmul(Node d, Quant q, int lo, int hi) {
        Quant x = to.activation(d.operand(0));
        Quant y = to.activation(d.operand(1));
        if (x == null || y == null) {
            return null;
        }
        Element.Int acc =
                Accumulators.within((double) to.channels(d.operand(0)) * Accumulators.reach(x) * Accumulators.reach(y));
        Rescale.Scale m = Accumulators.product(
                x.perTensor().scale(), y.perTensor().scale(), q.perTensor().scale());
        if (acc == null || m == null) {
            return null;
        }
        to.fused("an integer matrix product");
        return to.emit(
                new IntOp.MatMul(acc, Accumulators.rescale(m, q, lo, hi)),
                q,
                to.codesOf(d.operand(0)),
                to.codesOf(d.operand(1)));
    }
}
