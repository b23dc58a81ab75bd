package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.call;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.div;
import static dev.qnet.target.tvm.tir.Tir.f64;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.local;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.seq;
import static dev.qnet.target.tvm.tir.Tir.store;
import static dev.qnet.target.tvm.tir.Tir.sub;

import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.target.tvm.lower.math.Exponential;
import dev.qnet.target.tvm.lower.math.Functions;
import dev.qnet.target.tvm.lower.math.Power;
import dev.qnet.target.tvm.lower.math.RealFunction;
import dev.qnet.target.tvm.lower.math.Reals;
import dev.qnet.target.tvm.lower.math.Remainder;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import dev.qnet.target.tvm.tir.Tir;

/**
 * Operations on singles: docs/numerics.md, "Float arithmetic". TVM tells LLVM that no number is NaN, so NaN is looked for in
 * the bits.
 */
final class Floats {
    private Floats() {}

    static Stmt lower(Layer layer, FloatOp op) {
        return switch (op) {
            case FloatOp.Conv2d c -> Products.floatConv(layer, c);
            case FloatOp.Dense d -> Products.floatDense(layer);
            case FloatOp.MatMul m -> Products.floatMatmul(layer);
            case FloatOp.Binary b
            when b.fn() == FloatOp.Binary.Fn.POW ->
                Ints.broadcast(
                        layer,
                        false,
                        (at, channel, x, y) -> Power.of(
                                cast(DataType.FLOAT64, layer.at(0, x)),
                                cast(DataType.FLOAT64, layer.at(1, y)),
                                z -> layer.put(at, z)));
            case FloatOp.Binary b
            when b.fn() == FloatOp.Binary.Fn.MOD ->
                Ints.broadcast(
                        layer,
                        false,
                        (at, channel, x, y) -> Remainder.of(layer.at(0, x), layer.at(1, y), z -> layer.put(at, z)));
            case FloatOp.Binary b ->
                Ints.broadcast(
                        layer,
                        false,
                        (at, channel, x, y) -> layer.put(at, binary(b.fn(), layer.at(0, x), layer.at(1, y))));
            case FloatOp.Unary u -> {
                RealFunction f = Functions.of(u.fn());
                yield loop(
                        "i",
                        layer.node().type().shape().elements(),
                        i -> f.of(cast(DataType.FLOAT64, layer.at(0, i)), y -> layer.put(i, y)));
            }
            case FloatOp.AvgPool p -> avgPool(layer, p);
            case FloatOp.Mean m -> mean(layer, m);
            case FloatOp.BatchNorm b -> batchNorm(layer, b);
            case FloatOp.Softmax s -> softmax(layer, s);
            case FloatOp.Recurrent r -> Recurrents.lower(layer, r);
        };
    }

    /** The elements of an operand that is a constant. */
    static float[] constant(Layer layer, int operand) {
        return switch (layer.constant(operand).orElseThrow()) {
            case Tensor.OfFloat f -> f.values();
            case Tensor.OfInt i -> throw new IllegalArgumentException("expected f32, found " + i);
            case Tensor.OfLong l -> throw new IllegalArgumentException("expected f32, found " + l);
        };
    }

    private static Expr binary(FloatOp.Binary.Fn fn, Expr x, Expr y) {
        return switch (fn) {
            case ADD -> add(x, y);
            case SUB -> sub(x, y);
            case MUL -> mul(x, y);
            case DIV -> div(x, y);
            case MIN -> Reals.min(x, y);
            case MAX -> Reals.max(x, y);
            case POW, MOD -> throw new IllegalArgumentException(fn.toString());
        };
    }

    /** The exponentials are computed twice, for the sum and for the result, instead of being kept. */
    private static Stmt softmax(Layer layer, FloatOp.Softmax op) {
        int n = layer.shape(0)[op.axis()];
        int step = Nest.rowMajor(layer.shape(0))[op.axis()];
        return Softmaxes.lines(
                layer,
                op.axis(),
                first -> local(
                        "max",
                        DataType.FLOAT32,
                        1,
                        top -> local(
                                "sum",
                                DataType.FLOAT64,
                                1,
                                sum -> seq(
                                        store(top, Tir.f32(Float.NEGATIVE_INFINITY), i32(0)),
                                        loop(
                                                "i",
                                                n,
                                                i -> store(
                                                        top,
                                                        Reals.max(
                                                                load(top, i32(0)),
                                                                layer.at(0, add(first, mul(i, step)))),
                                                        i32(0))),
                                        store(sum, f64(0), i32(0)),
                                        loop(
                                                "i",
                                                n,
                                                i -> Exponential.of(
                                                        difference(layer, add(first, mul(i, step)), top),
                                                        e -> store(sum, add(load(sum, i32(0)), e), i32(0)))),
                                        loop("i", n, i -> {
                                            Expr at = add(first, mul(i, step));
                                            return Exponential.of(
                                                    difference(layer, at, top),
                                                    e -> layer.put(at, div(e, load(sum, i32(0)))));
                                        })))));
    }

    private static Expr difference(Layer layer, Expr at, Buffer top) {
        return sub(cast(DataType.FLOAT64, layer.at(0, at)), cast(DataType.FLOAT64, load(top, i32(0))));
    }

    private static Stmt avgPool(Layer layer, FloatOp.AvgPool op) {
        Windows windows = new Windows(op.window(), layer.shape(0));
        int channels = windows.channels();
        return windows.pixels(p -> {
            Expr n = cast(DataType.FLOAT64, windows.count(layer, p));
            return loop(
                    "c",
                    channels,
                    c -> local(
                            "sum",
                            DataType.FLOAT64,
                            1,
                            sum -> seq(
                                    store(sum, f64(0), i32(0)),
                                    windows.taps(
                                            p,
                                            (pixel, tap) -> store(
                                                    sum,
                                                    add(
                                                            load(sum, i32(0)),
                                                            cast(DataType.FLOAT64, layer.at(0, add(pixel, c)))),
                                                    i32(0))),
                                    layer.put(add(mul(p.number(), channels), c), div(load(sum, i32(0)), n)))));
        });
    }

    private static Stmt mean(Layer layer, FloatOp.Mean op) {
        int count = Reductions.count(layer, op.axes());
        return Reductions.over(
                layer,
                op.axes(),
                (at, elements) -> local(
                        "sum",
                        DataType.FLOAT64,
                        1,
                        sum -> seq(
                                store(sum, f64(0), i32(0)),
                                elements.each(i -> store(
                                        sum, add(load(sum, i32(0)), cast(DataType.FLOAT64, layer.at(0, i))), i32(0))),
                                layer.put(at, div(load(sum, i32(0)), f64(count))))));
    }

    private static Stmt batchNorm(Layer layer, FloatOp.BatchNorm op) {
        int[] shape = layer.shape();
        return Nest.over(shape, java.util.List.of(Nest.contiguous(shape), Nest.channel(shape)), p -> {
            Expr c = p.get(1);
            Expr centred = sub(wide(layer, 0, p.get(0)), wide(layer, 3, c));
            Expr deviation = call(DataType.FLOAT64, "sqrt", add(wide(layer, 4, c), f64(op.epsilon())));
            return layer.put(p.get(0), add(div(mul(centred, wide(layer, 1, c)), deviation), wide(layer, 2, c)));
        });
    }

    private static Expr wide(Layer layer, int operand, Expr index) {
        return cast(DataType.FLOAT64, layer.at(operand, index));
    }
}
