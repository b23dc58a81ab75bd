package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.bitAnd;
import static dev.qnet.target.tvm.tir.Tir.bitOr;
import static dev.qnet.target.tvm.tir.Tir.call;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.div;
import static dev.qnet.target.tvm.tir.Tir.f64;
import static dev.qnet.target.tvm.tir.Tir.ge;
import static dev.qnet.target.tvm.tir.Tir.gt;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.i64;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.local;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.lt;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.reinterpret;
import static dev.qnet.target.tvm.tir.Tir.rounded;
import static dev.qnet.target.tvm.tir.Tir.select;
import static dev.qnet.target.tvm.tir.Tir.seq;
import static dev.qnet.target.tvm.tir.Tir.store;
import static dev.qnet.target.tvm.tir.Tir.sub;

import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import dev.qnet.target.tvm.tir.Tir;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;

/**
 * Operations on singles: docs/numerics.md, "Float arithmetic". TVM tells LLVM that no number is NaN, so NaN is looked for in
 * the bits.
 */
final class Floats {
    private static final long INFINITY = 0x7f800000L;

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
                Function f = function(u.fn());
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

    private static Expr bits(Expr x) {
        return reinterpret(DataType.INT32, x);
    }

    /** Whether a single is NaN. */
    static Expr isNan(Expr x) {
        return gt(bitAnd(bits(x), i32(Integer.MAX_VALUE)), i32(INFINITY));
    }

    /** The larger of two singles; NaN if either is, and −0 is below 0. */
    static Expr max(Expr x, Expr y) {
        Expr zeros = reinterpret(DataType.FLOAT32, bitAnd(bits(x), bits(y)));
        return ordered(x, y, select(gt(x, y), x, select(lt(x, y), y, zeros)));
    }

    /** As {@link #max}. */
    static Expr min(Expr x, Expr y) {
        Expr zeros = reinterpret(DataType.FLOAT32, bitOr(bits(x), bits(y)));
        return ordered(x, y, select(lt(x, y), x, select(gt(x, y), y, zeros)));
    }

    private static Expr ordered(Expr x, Expr y, Expr otherwise) {
        return select(isNan(x), x, select(isNan(y), y, otherwise));
    }

    private static Expr binary(FloatOp.Binary.Fn fn, Expr x, Expr y) {
        return switch (fn) {
            case ADD -> add(x, y);
            case SUB -> sub(x, y);
            case MUL -> mul(x, y);
            case DIV -> div(x, y);
            case MIN -> min(x, y);
            case MAX -> max(x, y);
            case POW, MOD -> throw new IllegalArgumentException(fn.toString());
        };
    }

    /** A function of a double, for the statement that uses its value. */
    @FunctionalInterface
    interface Function {
        Stmt of(Expr x, java.util.function.Function<Expr, Stmt> body);
    }

    private static Function simple(UnaryOperator<Expr> f) {
        return (x, body) -> body.apply(f.apply(x));
    }

    /** A function of x and its exponential, or that of something made of x. */
    private static Function exponential(UnaryOperator<Expr> argument, BinaryOperator<Expr> f) {
        return (x, body) ->
                Tir.let("real", x, named -> Exponential.of(argument.apply(named), e -> body.apply(f.apply(named, e))));
    }

    /** In double, of a double that is a single; operations in the order of docs/numerics.md. */
    static Function function(ScalarFn fn) {
        return switch (fn) {
            case ScalarFn.Relu r -> simple(x -> max64(x, 0));
            case ScalarFn.LeakyRelu l -> simple(x -> select(orNan(ge(x, f64(0)), x), x, mul(f64(l.alpha()), x)));
            case ScalarFn.Clip c -> simple(x -> min64(max64(x, c.lo()), c.hi()));
            case ScalarFn.HardSwish h -> simple(x -> div(mul(x, min64(max64(add(x, f64(3)), 0), 6)), f64(6)));
            case ScalarFn.HardSigmoid h ->
                simple(x -> min64(max64(add(rounded(mul(f64(h.alpha()), x)), f64(h.beta())), 0), 1));
            case ScalarFn.Softsign s -> simple(x -> div(x, add(f64(1), magnitude(x))));
            case ScalarFn.ThresholdedRelu t ->
                simple(x -> select(nan64(x), f64(0), select(gt(x, f64(t.alpha())), x, f64(0))));
            case ScalarFn.Affine a -> simple(x -> add(rounded(mul(f64(a.alpha()), x)), f64(a.beta())));
            case ScalarFn.Sqrt s -> simple(x -> call(DataType.FLOAT64, "sqrt", x));
            case ScalarFn.Abs a -> simple(Floats::magnitude);
            case ScalarFn.Neg n -> simple(Floats::negated);
            case ScalarFn.Sign s -> simple(x -> select(gt(x, f64(0)), f64(1), select(lt(x, f64(0)), f64(-1), x)));
            case ScalarFn.Floor f -> simple(x -> call(DataType.FLOAT64, "floor", x));
            case ScalarFn.Ceil c -> simple(x -> call(DataType.FLOAT64, "ceil", x));
            case ScalarFn.Round r -> simple(Tir::roundEven);
            case ScalarFn.Reciprocal r -> simple(x -> div(f64(1), x));
            case ScalarFn.Exp e -> exponential(x -> x, (x, exp) -> exp);
            case ScalarFn.Sigmoid s -> exponential(Floats::negated, (x, exp) -> div(f64(1), add(f64(1), exp)));
            case ScalarFn.Silu s -> exponential(Floats::negated, (x, exp) -> div(x, add(f64(1), exp)));
            case ScalarFn.Elu e ->
                exponential(x -> x, (x, exp) -> select(ge(x, f64(0)), x, mul(f64(e.alpha()), sub(exp, f64(1)))));
            case ScalarFn.Selu s -> {
                double factor = s.gamma() * (double) s.alpha();
                yield exponential(
                        x -> x,
                        (x, exp) -> select(gt(x, f64(0)), mul(f64(s.gamma()), x), mul(f64(factor), sub(exp, f64(1)))));
            }
            case ScalarFn.Celu c ->
                exponential(
                        x -> div(x, f64(c.alpha())),
                        (x, exp) -> add(max64(x, 0), min64(rounded(mul(f64(c.alpha()), sub(exp, f64(1)))), 0)));
            case ScalarFn.Tanh t -> Exponential::tanh;
            case ScalarFn.ScaledTanh t ->
                (x, body) -> Exponential.tanh(rounded(mul(f64(t.beta()), x)), y -> body.apply(mul(f64(t.alpha()), y)));
            case ScalarFn.Gelu g ->
                (x, body) -> Tir.let("real", x, r -> {
                    Expr cube = rounded(mul(f64(0.044715), mul(mul(r, r), r)));
                    Expr inner = rounded(mul(f64(StrictMath.sqrt(2 / Math.PI)), add(r, cube)));
                    return Exponential.tanh(inner, t -> body.apply(mul(div(r, f64(2)), add(f64(1), t))));
                });
            case ScalarFn.GeluErf g ->
                (x, body) -> Tir.let(
                        "real",
                        x,
                        r -> Erf.of(div(r, f64(Math.sqrt(2))), e -> body.apply(mul(div(r, f64(2)), add(f64(1), e)))));
            case ScalarFn.Erf e -> Erf::of;
            case ScalarFn.Log l -> Logarithm::of;
            case ScalarFn.Softplus s -> Floats::softplus;
            case ScalarFn.Mish m ->
                (x, body) -> Tir.let("real", x, r -> softplus(r, s -> Exponential.tanh(s, t -> body.apply(mul(r, t)))));
            case ScalarFn.Sin s -> Trigonometry::sin;
            case ScalarFn.Cos c -> Trigonometry::cos;
        };
    }

    /** {@code max(x, 0) + log1p(exp(−|x|))}. */
    private static Stmt softplus(Expr x, java.util.function.Function<Expr, Stmt> body) {
        return Tir.let(
                "real",
                x,
                r -> Exponential.of(
                        reinterpret(DataType.FLOAT64, bitOr(bits64(r), i64(Long.MIN_VALUE))),
                        e -> Logarithm.ofOneAnd(e, l -> body.apply(add(max64(r, 0), l)))));
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
                                                        max(load(top, i32(0)), layer.at(0, add(first, mul(i, step)))),
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

    /** −x; of NaN, too. */
    static Expr negated(Expr x) {
        return reinterpret(DataType.FLOAT64, Tir.bitXor(bits64(x), i64(Long.MIN_VALUE)));
    }

    private static Expr bits64(Expr x) {
        return reinterpret(DataType.INT64, x);
    }

    /** Whether a double is NaN. */
    static Expr nan64(Expr x) {
        return gt(bitAnd(bits64(x), i64(Long.MAX_VALUE)), i64(0x7ff0000000000000L));
    }

    private static Expr orNan(Expr condition, Expr x) {
        return Tir.or(condition, nan64(x));
    }

    private static Expr magnitude(Expr x) {
        return reinterpret(DataType.FLOAT64, bitAnd(bits64(x), i64(Long.MAX_VALUE)));
    }

    /** As {@link Math#max}; of the zeros the positive one. */
    static Expr max64(Expr x, double limit) {
        Expr zeros = reinterpret(DataType.FLOAT64, bitAnd(bits64(x), i64(Double.doubleToRawLongBits(limit))));
        return select(nan64(x), x, select(gt(x, f64(limit)), x, select(lt(x, f64(limit)), f64(limit), zeros)));
    }

    static Expr min64(Expr x, double limit) {
        Expr zeros = reinterpret(DataType.FLOAT64, bitOr(bits64(x), i64(Double.doubleToRawLongBits(limit))));
        return select(nan64(x), x, select(lt(x, f64(limit)), x, select(gt(x, f64(limit)), f64(limit), zeros)));
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
