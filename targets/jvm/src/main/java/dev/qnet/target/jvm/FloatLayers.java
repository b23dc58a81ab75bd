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
                layers.unary(
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
                layers.unary(
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
            case FloatOp.Recurrent r -> throw new IllegalStateException("refused before: " + op);
        }
    }

    private void unary(Node n, ScalarFn fn, int elements) {
        switch (fn) {
            case ScalarFn.Relu f -> unary(n, FloatUnary.Fn.RELU, elements, 0, 0);
            case ScalarFn.LeakyRelu f -> unary(n, FloatUnary.Fn.LEAKY_RELU, elements, f.alpha(), 0);
            case ScalarFn.Clip f -> unary(n, FloatUnary.Fn.CLIP, elements, f.lo(), f.hi());
            case ScalarFn.Sigmoid f -> unary(n, FloatUnary.Fn.SIGMOID, elements, 0, 0);
            case ScalarFn.Tanh f -> unary(n, FloatUnary.Fn.TANH, elements, 0, 0);
            case ScalarFn.HardSwish f -> unary(n, FloatUnary.Fn.HARD_SWISH, elements, 0, 0);
            case ScalarFn.Gelu f -> unary(n, FloatUnary.Fn.GELU, elements, 0, 0);
            case ScalarFn f -> throw new IllegalStateException("refused before: " + f);
        }
    }

    private void unary(Node n, FloatUnary.Fn fn, int elements, float p, float q) {
        layers.unary(
                n,
                a -> a.backend()
                        .constant(fn)
                        .number(elements)
                        .number(p)
                        .number(q)
                        .call(FloatUnary.class, "of"));
    }

    private static FloatBinary.Fn fn(FloatOp.Binary.Fn fn) {
        return switch (fn) {
            case ADD -> FloatBinary.Fn.ADD;
            case SUB -> FloatBinary.Fn.SUB;
            case MUL -> FloatBinary.Fn.MUL;
            case DIV, POW, MIN, MAX, MOD -> throw new IllegalStateException("refused before: " + fn);
        };
    }

    private float @Nullable [] bias(Node n) {
        return n.operands().size() < 3 ? null : layers.floats(n, 2);
    }
}
