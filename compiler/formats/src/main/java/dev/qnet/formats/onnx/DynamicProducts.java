package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Products of what is quantized at run time, scaled as real numbers by parameters of run time. */
final class DynamicProducts {
    private final Rewrite to;

    DynamicProducts(Rewrite to) {
        this.to = to;
    }

    /** {@code (float) acc · (scale of run time · scales) [+ bias]}. */
    @Nullable ValueId of(Node n, FloatOp.Binary op) {
        for (int i = 0; i < 2; i++) {
            Node d = to.definition(n.operand(i));
            ValueId other = n.operand(1 - i);
            if (d == null) {
                continue;
            }
            if (op.fn() == FloatOp.Binary.Fn.MUL && d.op() instanceof NumOp.Cast) {
                ValueId y = scaled(n, d.operand(0), other);
                if (y != null) {
                    return y;
                }
            }
            if (op.fn() == FloatOp.Binary.Fn.ADD
                    && d.op() instanceof IntOp.DynamicDequantize
                    && d.operands().size() == 3) {
                ValueId bias = perChannel(other, to.channels(n.operand(i)), false);
                if (bias != null && d.type().shape().equals(n.type().shape())) {
                    return to.emit(d.op(), Element.FLOAT, d.operand(0), d.operand(1), d.operand(2), bias);
                }
            }
        }
        return null;
    }

    private @Nullable ValueId scaled(Node n, ValueId acc, ValueId scale) {
        Type t = to.type(acc);
        Node m = to.definition(scale);
        while (m != null && m.op() instanceof DataOp.Reshape && (isOne(m.id()) || to.keepsLastAxis(m))) {
            m = to.definition(m.operand(0));
        }
        boolean wide = t.element().equals(Element.INT32) || t.element().equals(Element.INT64);
        if (!wide || m == null || !t.shape().equals(n.type().shape())) {
            return null;
        }
        ValueId parameters = scaleOf(scale);
        if (parameters != null) {
            return dequantized(acc, parameters, to.vector(new float[] {1}));
        }
        if (!(m.op() instanceof FloatOp.Binary b) || b.fn() != FloatOp.Binary.Fn.MUL) {
            return null;
        }
        for (int i = 0; i < 2; i++) {
            parameters = scaleOf(m.operand(i));
            ValueId scales = parameters == null ? null : perChannel(m.operand(1 - i), to.channels(acc), true);
            if (parameters != null && scales != null) {
                return dequantized(acc, parameters, scales);
            }
        }
        return null;
    }

    private ValueId dequantized(ValueId acc, ValueId parameters, ValueId scales) {
        to.fused("an integer product of what is quantized at run time");
        return to.emit(new IntOp.DynamicDequantize(), Element.FLOAT, acc, parameters, scales);
    }

    /** The parameters whose scale a value is, or null. */
    private @Nullable ValueId scaleOf(ValueId x) {
        Node d = to.definition(x);
        while (d != null && d.op() instanceof DataOp.Reshape) {
            d = to.definition(d.operand(0));
        }
        if (d == null
                || !(d.op() instanceof DataOp.Slice s)
                || s.begin().getLast() != 0
                || s.end().getLast() != 1) {
            return null;
        }
        Node p = to.definition(d.operand(0));
        return p != null && p.op() instanceof IntOp.DynamicParams ? p.id() : null;
    }

    /** A known vector along the last axis (or one number for all) as [C] or, if allowed, [1]. */
    private @Nullable ValueId perChannel(ValueId x, int channels, boolean one) {
        float[] v = to.reals(x);
        Shape s = to.type(x).shape();
        if (v == null || (v.length != 1 && (v.length != channels || s.dim(-1) != channels))) {
            return null;
        }
        float[] all = v;
        if (v.length == 1 && !one) {
            all = new float[channels];
            Arrays.fill(all, v[0]);
        }
        return to.constant(new Tensor.OfFloat(Shape.of(all.length), all), Element.FLOAT);
    }

    private boolean isOne(ValueId x) {
        return to.type(x).shape().elements() == 1 && !to.type(x).shape().hasBatch();
    }
}
