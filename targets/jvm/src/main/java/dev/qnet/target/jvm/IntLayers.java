package dev.qnet.target.jvm;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Type;
import dev.qnet.runtime.kernel.Add;
import dev.qnet.runtime.kernel.AvgPool;
import dev.qnet.runtime.kernel.Clamp;
import dev.qnet.runtime.kernel.Conv2d;
import dev.qnet.runtime.kernel.Dense;
import dev.qnet.runtime.kernel.DynamicDequantize;
import dev.qnet.runtime.kernel.DynamicParams;
import dev.qnet.runtime.kernel.DynamicQuantize;
import dev.qnet.runtime.kernel.InterpolatedTable;
import dev.qnet.runtime.kernel.LstmCell;
import dev.qnet.runtime.kernel.LstmGate;
import dev.qnet.runtime.kernel.MatMul;
import dev.qnet.runtime.kernel.Mul;
import dev.qnet.runtime.kernel.Requantize;
import dev.qnet.runtime.kernel.ResizeBilinear;
import dev.qnet.runtime.kernel.Softmax;
import dev.qnet.runtime.kernel.Softmax16;
import dev.qnet.runtime.kernel.Sum;
import dev.qnet.runtime.kernel.Table;
import dev.qnet.runtime.kernel.Thresholds;

/** Emits the layers of {@link IntOp}s. */
final class IntLayers {
    private final Layers layers;

    IntLayers(Layers layers) {
        this.layers = layers;
    }

    void emit(Node n, IntOp op) {
        Type x = layers.operand(n, 0);
        switch (op) {
            case IntOp.Conv2d c -> conv2d(n, c, x);
            case IntOp.Dense d -> dense(n, d, x);
            case IntOp.MatMul m ->
                layers.binary(
                        n,
                        a -> pair(a, n).output(m.acc(), m.rescale(), n.type()).call(MatMul.class, "of"));
            case IntOp.Mul m ->
                layers.binary(
                        n,
                        a -> pair(a, n).output(m.acc(), m.rescale(), n.type()).call(Mul.class, "of"));
            case IntOp.Add add -> add(n, add);
            case IntOp.Sum s ->
                layers.unary(
                        n,
                        a -> a.backend()
                                .operand(x)
                                .shape(x)
                                .ints(s.axes())
                                .output(s.acc(), s.rescale(), n.type())
                                .call(Sum.class, "of"));
            case IntOp.Requantize r ->
                layers.unary(
                        n,
                        a -> a.backend()
                                .operand(x)
                                .number(elements(x))
                                .number(lastAxis(x))
                                .rescale(r.rescale())
                                .kind(n.type().element())
                                .call(Requantize.class, "of"));
            case IntOp.AvgPool p ->
                layers.image(
                        n,
                        a -> image(a.backend().kind(x.element()), x)
                                .window(p.window())
                                .rounding(p.rounding())
                                .call(AvgPool.class, "of"));
            case IntOp.Clamp c ->
                layers.unary(
                        n,
                        a -> a.backend()
                                .kind(x.element())
                                .number(elements(x))
                                .number(c.lo())
                                .number(c.hi())
                                .call(Clamp.class, "of"));
            case IntOp.Table t ->
                layers.unary(
                        n,
                        a -> a.backend()
                                .number(elements(x))
                                .number(x.quant().storage().min())
                                .ints(t.entries())
                                .kind(n.type().element())
                                .call(Table.class, x.quant().storage().bits() > 8 ? "wide" : "of"));
            case IntOp.InterpolatedTable t ->
                layers.unary(
                        n,
                        a -> a.backend()
                                .number(elements(x))
                                .ints(t.entries())
                                .number(n.type().quant().lo())
                                .number(n.type().quant().hi())
                                .call(InterpolatedTable.class, "of"));
            case IntOp.Softmax s ->
                layers.unary(
                        n,
                        a -> a.backend()
                                .kind(x.element())
                                .shape(x)
                                .number(s.axis())
                                .number(s.multiplier())
                                .number(s.leftShift())
                                .number(s.diffMin())
                                .kind(n.type().element())
                                .call(Softmax.class, "of"));
            case IntOp.DynamicParams d ->
                layers.unary(
                        n,
                        a -> a.backend()
                                .number(elements(x))
                                .number(d.storage().min())
                                .number(d.storage().max())
                                .flag(d.symmetric())
                                .call(DynamicParams.class, "of"));
            case IntOp.DynamicQuantize d ->
                layers.binary(
                        n,
                        a -> a.backend()
                                .number(elements(x))
                                .number(d.storage().min())
                                .number(d.storage().max())
                                .call(DynamicQuantize.class, "of"));
            case IntOp.DynamicDequantize d -> {
                int channels = lastAxis(x);
                layers.binary(
                        n,
                        a -> a.backend()
                                .kind(x.element())
                                .number(channels == 0 ? 0 : elements(x) / channels)
                                .number(channels)
                                .floats(layers.floats(n, 2))
                                .floatsOrNull(n.operands().size() < 4 ? null : layers.floats(n, 3))
                                .call(DynamicDequantize.class, "of"));
            }
            case IntOp.Softmax16 s ->
                layers.unary(
                        n,
                        a -> a.backend()
                                .shape(x)
                                .number(s.axis())
                                .number(s.multiplier())
                                .number(s.leftShift())
                                .ints(s.exp())
                                .ints(s.reciprocal())
                                .call(Softmax16.class, "of"));
            case IntOp.ResizeBilinear r ->
                layers.image(
                        n,
                        a -> image(a.kind(x.element()), x)
                                .number(r.height())
                                .number(r.width())
                                .flag(r.alignCorners())
                                .flag(r.halfPixelCenters())
                                .call(ResizeBilinear.class, "of"));
            case IntOp.Thresholds t -> {
                int channels = lastAxis(x);
                layers.unary(
                        n,
                        a -> a.operand(x)
                                .number(channels == 0 ? 0 : elements(x) / channels)
                                .number(channels)
                                .longs(layers.longs(n, 1))
                                .ints(t.entries())
                                .kind(n.type().element())
                                .call(Thresholds.class, "of"));
            }
            case IntOp.LstmGate g -> gate(n, g, x);
            case IntOp.LstmCell c ->
                layers.quaternary(
                        n,
                        a -> a.backend()
                                .number(elements(x))
                                .number(c.inputShift())
                                .number(c.clip())
                                .call(LstmCell.class, "of"));
        }
    }

    private void conv2d(Node n, IntOp.Conv2d c, Type x) {
        Type w = layers.operand(n, 1);
        layers.image(n, a -> {
            image(a.backend().operand(x, layers.centred(n, 0)), x)
                    .number(w.shape().dim(0))
                    .window(c.window())
                    .number(c.groups())
                    .weights(layers.ints(n, 1), w);
            boolean wide = bias(n, a);
            a.output(c.acc(), c.rescale(), n.type()).call(Conv2d.class, wide ? "withLongBias" : "of");
        });
    }

    private void dense(Node n, IntOp.Dense d, Type x) {
        Type w = layers.operand(n, 1);
        int features = w.shape().dim(1);
        layers.unary(n, a -> {
            a.backend()
                    .operand(x, layers.centred(n, 0))
                    .number(features == 0 ? 0 : elements(x) / features)
                    .number(features)
                    .number(w.shape().dim(0))
                    .weights(layers.ints(n, 1), w);
            boolean wide = bias(n, a);
            a.output(d.acc(), d.rescale(), n.type()).call(Dense.class, wide ? "withLongBias" : "of");
        });
    }

    private void gate(Node n, IntOp.LstmGate g, Type x) {
        Type h = layers.operand(n, 1);
        Type w = layers.operand(n, 2);
        Type r = layers.operand(n, 3);
        int units = w.shape().dim(0);
        layers.binary(
                n,
                a -> a.backend()
                        .operand(x)
                        .operand(h)
                        .number(units == 0 ? 0 : n.type().shape().elements() / units)
                        .number(w.shape().dim(1))
                        .number(r.shape().dim(1))
                        .number(units)
                        .weights(layers.ints(n, 2), w)
                        .weights(layers.ints(n, 3), r)
                        .intsOrNull(n.operands().size() < 5 ? null : layers.ints(n, 4))
                        .ints(new int[] {g.input().multiplier(), g.recurrent().multiplier()})
                        .ints(new int[] {g.input().shift(), g.recurrent().shift()})
                        .call(LstmGate.class, "of"));
    }

    private void add(Node n, IntOp.Add add) {
        Element z = n.type().element();
        if (add.rounding().fixedPoint()) {
            int[] multipliers = new int[3];
            int[] shifts = new int[3];
            for (int i = 0; i < 3; i++) {
                Rescale.Scale.Fixed f = (Rescale.Scale.Fixed) add.scales().get(i);
                multipliers[i] = f.multiplier();
                shifts[i] = f.shift();
            }
            layers.binary(n, a -> {
                a.backend().rounding(add.rounding()).flag(add.subtract()).number(add.leftShift());
                operands(a, n).ints(multipliers).ints(shifts);
                a.number(add.zero()).number(add.lo()).number(add.hi()).kind(z).call(Add.class, "fixed");
            });
        } else {
            float fx = ((Rescale.Scale.Real) add.scales().get(0)).factor();
            float fy = ((Rescale.Scale.Real) add.scales().get(1)).factor();
            layers.binary(n, a -> {
                operands(a.backend().flag(add.subtract()), n).number(fx).number(fy);
                a.number(add.zero()).number(add.lo()).number(add.hi()).kind(z).call(Add.class, "real");
            });
        }
    }

    /** Pushes operand 2, if there is one; returns whether it needs more than 32 bits. */
    private boolean bias(Node n, Args a) {
        boolean wide = n.operands().size() > 2 && layers.isLong(n, 2);
        if (wide) {
            a.longs(layers.longs(n, 2));
        } else {
            a.intsOrNull(n.operands().size() < 3 ? null : layers.ints(n, 2));
        }
        return wide;
    }

    private Args pair(Args a, Node n) {
        return operands(a.backend(), n);
    }

    /** x, its shape, y, its shape. */
    private Args operands(Args a, Node n) {
        Type x = layers.operand(n, 0);
        Type y = layers.operand(n, 1);
        return a.operand(x, layers.centred(n, 0))
                .shape(x)
                .operand(y, layers.centred(n, 1))
                .shape(y);
    }

    /** Height, width, channels. */
    static Args image(Args a, Type x) {
        return a.number(x.shape().dim(1))
                .number(x.shape().dim(2))
                .number(x.shape().dim(3));
    }

    private static int elements(Type x) {
        return x.shape().elements();
    }

    /** The extent of the last axis, N counting as 1. */
    private static int lastAxis(Type x) {
        int rank = x.shape().rank();
        return rank == 0 ? 1 : x.shape().toArray()[rank - 1];
    }
}
