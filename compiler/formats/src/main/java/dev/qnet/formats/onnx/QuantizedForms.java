package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.ValueId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Integer forms of what a quantizer gives. From the quantizer back, functions of one value are gathered until they end at
 * codes, at an operation of codes, or at a product with known weights.
 */
final class QuantizedForms {
    private final Rewrite to;
    private final LinearProducts products;
    private final CodeOperations operations;

    QuantizedForms(Rewrite to) {
        this.to = to;
        this.products = new LinearProducts(to);
        this.operations = new CodeOperations(to);
    }

    /** The codes of a value, by integer operations, or null where there is no such form. */
    @Nullable ValueId quantized(ValueId x, Quant q) {
        if (to.type(x).shape().elements() == 0) {
            return null;
        }
        return form(new Chain(List.of(), x), q);
    }

    private @Nullable ValueId form(Chain c, Quant q) {
        Node d = to.definition(c.from());
        if (d == null) {
            return null;
        }
        ValueId codes = to.codes(c.from());
        if (codes != null) {
            return ofCodes(c, codes, q);
        }
        Step s = Step.of(d, to);
        if (s != null && c.uniform() && ofOneCode(d)) {
            return form(c.before(s, d.operand(s.variable())), q);
        }
        ValueId base = base(c, d, q);
        if (base != null) {
            return base;
        }
        if (s != null) {
            return form(c.before(s, d.operand(s.variable())), q);
        }
        return d.op() instanceof DataOp op ? throughData(c, d, op, q) : null;
    }

    /** Whether a node is a function of one activation's codes, the same for all, that a table can hold. */
    private boolean ofOneCode(Node d) {
        Node at = d;
        while (at != null) {
            Step s = Step.of(at, to);
            if (s == null || !s.uniform()) {
                return false;
            }
            ValueId x = at.operand(s.variable());
            Quant q = to.activation(x);
            if (q != null) {
                return q.storage().bits() <= 16 && to.constant(to.codesOf(x)) == null;
            }
            at = to.definition(x);
        }
        return false;
    }

    /** Functions of every element alike change places with what moves elements. */
    private @Nullable ValueId throughData(Chain c, Node d, DataOp op, Quant q) {
        boolean lastKept = op instanceof DataOp.Reshape && to.keepsLastAxis(d);
        boolean rising = c.steps().stream().allMatch(Step::rising);
        if (!c.uniform() && !lastKept) {
            return null;
        }
        return switch (op) {
            case DataOp.Reshape r -> thenMoved(c, d, q);
            case DataOp.Transpose t -> thenMoved(c, d, q);
            case DataOp.Slice s -> thenMoved(c, d, q);
            case DataOp.ResizeNearest r -> thenMoved(c, d, q);
            case DataOp.Gather g -> thenMoved(c, d, q);
            case DataOp.Broadcast b -> thenMoved(c, d, q);
            case DataOp.MaxPool p -> rising ? thenMoved(c, d, q) : null;
            case DataOp.Concat j -> {
                List<ValueId> parts = new ArrayList<>();
                for (ValueId o : d.operands()) {
                    ValueId part = form(c.on(o), q);
                    if (part == null) {
                        yield null;
                    }
                    parts.add(part);
                }
                yield to.emit(j, q, parts);
            }
            case DataOp.Pad p -> {
                ValueId x = form(c.on(d.operand(0)), q);
                int value = new Staircase(c.steps(), q, 1).code(p.value());
                yield x == null ? null : to.emit(new DataOp.Pad(p.before(), p.after(), value), q, x);
            }
            case DataOp.Constant k -> null;
            case DataOp.Dilate k -> null;
            case DataOp.Select k -> null;
        };
    }

    private @Nullable ValueId thenMoved(Chain c, Node d, Quant q) {
        ValueId x = form(c.on(d.operand(0)), q);
        if (x == null) {
            return null;
        }
        List<ValueId> operands = new ArrayList<>(d.operands());
        operands.set(0, x);
        return to.emit(d.op(), q, operands);
    }

    private @Nullable ValueId ofCodes(Chain c, ValueId codes, Quant q) {
        Quant from = to.type(codes).quant();
        if (!(from.scheme() instanceof Scheme.PerTensor scheme) || to.constant(codes) != null) {
            return null;
        }
        if (c.steps().isEmpty() && from.equals(q)) {
            return codes;
        }
        if (from.equals(q) && c.clamps() && q.storage() != Storage.BIPOLAR) {
            to.fused("a clamp of codes");
            return to.emit(new IntOp.Clamp(c.least(q), c.most(q)), q, codes);
        }
        if (c.uniform()) {
            if (from.storage().bits() > 16) {
                return null;
            }
            List<Integer> entries = new Staircase(c.steps(), q, 1).table(from);
            to.fused("a table of " + entries.size() + " codes");
            return to.emit(new IntOp.Table(entries), q, codes);
        }
        if (!Staircase.fits(q)) {
            return null;
        }
        int channels = to.channels(c.from());
        long[] least = new long[channels];
        long[] most = new long[channels];
        Arrays.fill(least, (long) from.lo() - scheme.zero());
        Arrays.fill(most, (long) from.hi() - scheme.zero());
        Staircase.Thresholds t = new Staircase(c.steps(), q, channels)
                .thresholds(least, most, (n, channel) -> (float) n * scheme.scale());
        return t == null || t.anyFalls() ? null : t.of(codes, q, to);
    }

    /** An operation of dequantized codes, then clamps or steps, as one integer operation. */
    private @Nullable ValueId base(Chain c, Node d, Quant q) {
        LinearProduct l = LinearProduct.of(d, to);
        if (l != null) {
            return products.quantized(c, l, q);
        }
        if (!c.clamps() || q.storage() == Storage.BIPOLAR) {
            return null;
        }
        return operations.of(d, q, c.least(q), c.most(q));
    }
}
