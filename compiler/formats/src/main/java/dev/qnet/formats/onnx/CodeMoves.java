package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.ValueId;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Moves codes instead of the real numbers that they stand for: a dequantize, or a change of what codes mean, comes after
 * the operation on data that it stood before. Every method gives null where that cannot be.
 */
final class CodeMoves {
    private final Rewrite to;

    CodeMoves(Rewrite to) {
        this.to = to;
    }

    @Nullable ValueId reinterpreted(Node n) {
        ValueId x = n.operand(0);
        Node d = to.definition(x);
        if (d != null && d.op() instanceof NumOp.Reinterpret) {
            x = d.operand(0);
        }
        if (to.type(x).equals(n.type())) {
            return x;
        }
        Tensor t = to.constant(x);
        if (t != null) {
            return to.constant(t, n.type().element());
        }
        return x.equals(n.operand(0)) ? null : to.emit(n.op(), n.type().element(), x);
    }

    /** What a value is made of without computing: the operand of a dequantize or of a reinterpret, or null. */
    private @Nullable ValueId inside(ValueId id) {
        Node d = to.definition(id);
        return d != null && (d.op() instanceof QuantOp.Dequantize || d.op() instanceof NumOp.Reinterpret)
                ? d.operand(0)
                : null;
    }

    /** The same as was done to the inside, done to the outside. */
    private ValueId outside(Node like, ValueId id, Element element) {
        return to.emit(like.op(), element, id);
    }

    @Nullable ValueId moved(Node n, DataOp op) {
        if (n.operands().isEmpty()) {
            return null;
        }
        Node d = to.definition(n.operand(0));
        ValueId x = inside(n.operand(0));
        if (d == null || x == null || op instanceof DataOp.Select) {
            return null;
        }
        Element e = to.type(x).element();
        if (e instanceof Quant q) {
            Quant m = Moves.moved(op, q, to.type(x).shape(), n.type().shape());
            if (m == null) {
                return null;
            }
            e = m;
        }
        List<ValueId> operands = new ArrayList<>(n.operands());
        operands.set(0, x);
        Tensor t = to.constant(x);
        ValueId y = t != null && op instanceof DataOp.Reshape
                ? to.constant(t.reshaped(n.type().shape()), e)
                : to.emit(op, e, operands);
        return outside(d, y, n.type().element());
    }

    @Nullable ValueId joined(Node n) {
        Node d = to.definition(n.operand(0));
        ValueId first = inside(n.operand(0));
        if (d == null || first == null) {
            return null;
        }
        List<ValueId> parts = new ArrayList<>();
        for (ValueId o : n.operands()) {
            Node p = to.definition(o);
            ValueId x = inside(o);
            if (p == null
                    || x == null
                    || !p.op().equals(d.op())
                    || !to.type(x).element().equals(to.type(first).element())
                    || !oneScale(to.type(x).element())) {
                return null;
            }
            parts.add(x);
        }
        ValueId y = to.emit(n.op(), to.type(first).element(), parts);
        return outside(d, y, n.type().element());
    }

    private static boolean oneScale(Element e) {
        return !(e instanceof Quant q) || q.scheme() instanceof Scheme.PerTensor;
    }

    @Nullable ValueId padded(Node n, DataOp.Pad p) {
        Node d = to.definition(n.operand(0));
        ValueId x = inside(n.operand(0));
        if (d == null || x == null || !oneScale(to.type(x).element())) {
            return null;
        }
        float value = p.value();
        if (d.op() instanceof QuantOp.Dequantize) {
            Quant q = to.type(x).quant();
            int code = new Staircase(List.of(), q, 1).code(p.value());
            float back = Staircase.dequantize(q, new Tensor.OfInt(Shape.of(1), new int[] {code}))[0];
            if (back != p.value()) {
                return null;
            }
            value = code;
        }
        ValueId y =
                to.emit(new DataOp.Pad(p.before(), p.after(), value), to.type(x).element(), x);
        return outside(d, y, n.type().element());
    }

    /** The largest of dequantized codes is the largest code dequantized. */
    @Nullable ValueId reduced(Node n, NumOp.Reduce r) {
        ValueId x = to.codes(n.operand(0));
        boolean order = r.fn() == NumOp.Reduce.Fn.MAX || r.fn() == NumOp.Reduce.Fn.MIN;
        if (x == null || !order || !oneScale(to.type(x).element())) {
            return null;
        }
        Quant q = to.type(x).quant();
        ValueId plain = to.emit(new NumOp.Reinterpret(), Coding.plain(q), x);
        ValueId y = to.emit(new NumOp.Reinterpret(), q, to.emit(r, Coding.plain(q), plain));
        return to.emit(new QuantOp.Dequantize(), Element.FLOAT, y);
    }
}
