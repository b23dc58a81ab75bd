package dev.qnet.target.jvm;

import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Type;
import dev.qnet.runtime.kernel.FloatAvgPool;
import dev.qnet.runtime.kernel.FloatBatchNorm;
import dev.qnet.runtime.kernel.FloatBinary;
import dev.qnet.runtime.kernel.FloatConv2d;
import dev.qnet.runtime.kernel.FloatDense;
import dev.qnet.runtime.kernel.FloatMatMul;
import dev.qnet.runtime.kernel.FloatMean;
import dev.qnet.runtime.kernel.FloatSoftmax;
import dev.qnet.runtime.kernel.FloatUnary;
import dev.qnet.runtime.kernel.Recurrent;
import dev.qnet.runtime.kernel.Scalar;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Emits the layers of {@link FloatOp}s: float islands. */
final class FloatLayers {
    private final Layers layers;

    FloatLayers(Layers layers) {
        this.layers = layers;
    }

    void emit(Node n, FloatOp op) {
        Type x = layers.operand(n, 0);
        int elements = x.shape().elements();
        switch (op) {
            case FloatOp.Conv2d c ->
                layers.image(
                        n,
                        a -> IntLayers.image(a.backend(), x)
                                .number(layers.operand(n, 1).shape().dim(0))
                                .window(c.window())
                                .number(c.groups())
                                .floats(layers.floats(n, 1))
                                .floatsOrNull(bias(n))
                                .call(FloatConv2d.class, "of"));
            case FloatOp.Dense d -> {
                Type w = layers.operand(n, 1);
                int features = w.shape().dim(1);
                layers.unary(
                        n,
                        a -> a.backend()
                                .number(features == 0 ? 0 : elements / features)
                                .number(features)
                                .number(w.shape().dim(0))
                                .floats(layers.floats(n, 1))
                                .floatsOrNull(bias(n))
                                .call(FloatDense.class, "of"));
            }
            case FloatOp.MatMul m ->
                layers.binary(
                        n, a -> a.backend().shape(x).shape(layers.operand(n, 1)).call(FloatMatMul.class, "of"));
            case FloatOp.Binary b ->
                layers.binary(
                        n,
                        a -> a.backend()
                                .constant(fn(b.fn()))
                                .shape(x)
                                .shape(layers.operand(n, 1))
                                .call(FloatBinary.class, "of"));
            case FloatOp.Unary u -> unary(n, u.fn(), elements);
            case FloatOp.AvgPool p ->
                layers.image(
                        n,
                        a -> IntLayers.image(a.backend(), x).window(p.window()).call(FloatAvgPool.class, "of"));
            case FloatOp.Mean m ->
                layers.unary(n, a -> a.backend().shape(x).ints(m.axes()).call(FloatMean.class, "of"));
            case FloatOp.BatchNorm b -> {
                int channels = x.shape().dim(-1);
                layers.unary(
                        n,
                        a -> a.backend()
                                .number(channels == 0 ? 0 : elements / channels)
                                .floats(layers.floats(n, 1))
                                .floats(layers.floats(n, 2))
                                .floats(layers.floats(n, 3))
                                .floats(layers.floats(n, 4))
                                .number(b.epsilon())
                                .call(FloatBatchNorm.class, "of"));
            }
            case FloatOp.Softmax s ->
                layers.unary(n, a -> a.backend().shape(x).number(s.axis()).call(FloatSoftmax.class, "of"));
            case FloatOp.Recurrent r -> recurrent(n, r, x);
        }
    }

    private void unary(Node n, ScalarFn fn, int elements) {
        Scalars s = Scalars.of(fn);
        layers.unary(
                n,
                a -> a.backend()
                        .constant(s.fn())
                        .number(elements)
                        .number(s.a())
                        .number(s.b())
                        .call(FloatUnary.class, "of"));
    }

    private void recurrent(Node n, FloatOp.Recurrent r, Type x) {
        boolean lstm = r.cell() == FloatOp.Recurrent.Cell.LSTM;
        int[] extents = x.shape().toArray();
        int hidden = layers.operand(n, 2).shape().dim(1);
        int[] sizes = {extents[0], extents[1], extents[2], hidden};
        // One initial state an item, or one for all.
        boolean ownHidden = layers.operand(n, 4).shape().toArray()[0] != 1;
        boolean ownCell = lstm && layers.operand(n, 5).shape().toArray()[0] != 1;
        Consumer<Args> factory = a -> {
            a.backend().constant(cell(r.cell())).ints(sizes).flag(ownHidden).flag(ownCell);
            a.flag(r.reverse()).flag(r.linearBeforeReset()).flag(r.coupled()).number(r.clip());
            for (int i = 0; i < 3; i++) {
                if (i < r.activations().size()) {
                    a.scalar(r.activations().get(i));
                } else {
                    a.nothing(Scalar.class);
                }
            }
            a.floats(layers.floats(n, 1)).floats(layers.floats(n, 2)).floats(layers.floats(n, 3));
            a.floats(lstm ? layers.floats(n, 6) : new float[0]).call(Recurrent.class, "of");
        };
        if (lstm) {
            layers.ternary(n, 0, 4, 5, factory);
        } else {
            layers.binary(n, 0, 4, factory);
        }
    }

    private static Recurrent.Cell cell(FloatOp.Recurrent.Cell cell) {
        return switch (cell) {
            case RNN -> Recurrent.Cell.RNN;
            case GRU -> Recurrent.Cell.GRU;
            case LSTM -> Recurrent.Cell.LSTM;
        };
    }

    private static FloatBinary.Fn fn(FloatOp.Binary.Fn fn) {
        return switch (fn) {
            case ADD -> FloatBinary.Fn.ADD;
            case SUB -> FloatBinary.Fn.SUB;
            case MUL -> FloatBinary.Fn.MUL;
            case DIV -> FloatBinary.Fn.DIV;
            case POW -> FloatBinary.Fn.POW;
            case MIN -> FloatBinary.Fn.MIN;
            case MAX -> FloatBinary.Fn.MAX;
            case MOD -> FloatBinary.Fn.MOD;
        };
    }

    private float @Nullable [] bias(Node n) {
        return n.operands().size() < 3 ? null : layers.floats(n, 2);
    }
}
