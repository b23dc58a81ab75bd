package dev.qnet.target.jvm;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Type;
import dev.qnet.runtime.kernel.Cast;
import dev.qnet.runtime.kernel.Compare;
import dev.qnet.runtime.kernel.IntBinary;
import dev.qnet.runtime.kernel.IntUnary;
import dev.qnet.runtime.kernel.Reduce;
import dev.qnet.runtime.kernel.TopK;

/** Emits the layers of {@link NumOp}s. */
final class NumLayers {
    private final Layers layers;

    NumLayers(Layers layers) {
        this.layers = layers;
    }

    void emit(Node n, NumOp op) {
        Type x = layers.operand(n, 0);
        boolean truth = n.type().element().equals(Element.BOOL);
        int elements = x.shape().elements();
        switch (op) {
            case NumOp.Binary b ->
                layers.binary(
                        n,
                        a -> a.backend()
                                .constant(fn(b.fn()))
                                .kind(n.type().element())
                                .flag(truth)
                                .shape(x)
                                .shape(layers.operand(n, 1))
                                .text(n.id().name())
                                .call(IntBinary.class, "of"));
            case NumOp.Unary u ->
                layers.unary(
                        n,
                        a -> a.constant(fn(u.fn()))
                                .kind(x.element())
                                .flag(truth)
                                .number(elements)
                                .call(IntUnary.class, "of"));
            case NumOp.Compare c ->
                layers.binary(
                        n,
                        a -> a.constant(fn(c.fn()))
                                .kind(x.element())
                                .shape(x)
                                .shape(layers.operand(n, 1))
                                .call(Compare.class, "of"));
            case NumOp.Cast _ ->
                layers.unary(
                        n,
                        a -> a.kind(x.element())
                                .kind(n.type().element())
                                .flag(truth)
                                .number(elements)
                                .call(Cast.class, "of"));
            case NumOp.Reinterpret _ -> {
                // It lies where its operand does.
            }
            case NumOp.Reduce r ->
                layers.unary(
                        n,
                        a -> a.constant(fn(r.fn()))
                                .kind(x.element())
                                .flag(truth)
                                .shape(x)
                                .ints(r.axes())
                                .call(Reduce.class, "of"));
            case NumOp.TopK t ->
                layers.unary(
                        n,
                        a -> a.kind(x.element())
                                .shape(x)
                                .number(t.axis())
                                .number(t.k())
                                .flag(t.largest())
                                .flag(t.indices())
                                .call(TopK.class, "of"));
        }
    }

    private static IntBinary.Fn fn(NumOp.Binary.Fn fn) {
        return switch (fn) {
            case ADD -> IntBinary.Fn.ADD;
            case SUB -> IntBinary.Fn.SUB;
            case MUL -> IntBinary.Fn.MUL;
            case DIV -> IntBinary.Fn.DIV;
            case MIN -> IntBinary.Fn.MIN;
            case MAX -> IntBinary.Fn.MAX;
            case POW -> IntBinary.Fn.POW;
            case MOD -> IntBinary.Fn.MOD;
            case AND -> IntBinary.Fn.AND;
            case OR -> IntBinary.Fn.OR;
            case XOR -> IntBinary.Fn.XOR;
        };
    }

    private static IntUnary.Fn fn(NumOp.Unary.Fn fn) {
        return switch (fn) {
            case NEG -> IntUnary.Fn.NEG;
            case ABS -> IntUnary.Fn.ABS;
            case SIGN -> IntUnary.Fn.SIGN;
            case NOT -> IntUnary.Fn.NOT;
        };
    }

    private static Compare.Fn fn(NumOp.Compare.Fn fn) {
        return switch (fn) {
            case EQ -> Compare.Fn.EQ;
            case NE -> Compare.Fn.NE;
            case LT -> Compare.Fn.LT;
            case LE -> Compare.Fn.LE;
            case GT -> Compare.Fn.GT;
            case GE -> Compare.Fn.GE;
        };
    }

    private static Reduce.Fn fn(NumOp.Reduce.Fn fn) {
        return switch (fn) {
            case SUM -> Reduce.Fn.SUM;
            case PROD -> Reduce.Fn.PROD;
            case MIN -> Reduce.Fn.MIN;
            case MAX -> Reduce.Fn.MAX;
        };
    }
}
