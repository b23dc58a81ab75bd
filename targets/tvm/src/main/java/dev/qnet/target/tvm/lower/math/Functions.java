package dev.qnet.target.tvm.lower.math;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.bitOr;
import static dev.qnet.target.tvm.tir.Tir.call;
import static dev.qnet.target.tvm.tir.Tir.div;
import static dev.qnet.target.tvm.tir.Tir.f64;
import static dev.qnet.target.tvm.tir.Tir.ge;
import static dev.qnet.target.tvm.tir.Tir.gt;
import static dev.qnet.target.tvm.tir.Tir.i64;
import static dev.qnet.target.tvm.tir.Tir.lt;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.reinterpret;
import static dev.qnet.target.tvm.tir.Tir.rounded;
import static dev.qnet.target.tvm.tir.Tir.select;
import static dev.qnet.target.tvm.tir.Tir.sub;

import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import dev.qnet.target.tvm.tir.Tir;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/** The functions of one real number. */
public final class Functions {
    private Functions() {}

    /** In double, of a double that is a single; operations in the order of docs/numerics.md. */
    public static RealFunction of(ScalarFn fn) {
        return switch (fn) {
            case ScalarFn.Relu r -> simple(x -> Reals.max64(x, 0));
            case ScalarFn.LeakyRelu l -> simple(x -> select(Reals.orNan(ge(x, f64(0)), x), x, mul(f64(l.alpha()), x)));
            case ScalarFn.Clip c -> simple(x -> Reals.min64(Reals.max64(x, c.lo()), c.hi()));
            case ScalarFn.HardSwish h ->
                simple(x -> div(mul(x, Reals.min64(Reals.max64(add(x, f64(3)), 0), 6)), f64(6)));
            case ScalarFn.HardSigmoid h ->
                simple(x -> Reals.min64(Reals.max64(add(rounded(mul(f64(h.alpha()), x)), f64(h.beta())), 0), 1));
            case ScalarFn.Softsign s -> simple(x -> div(x, add(f64(1), Reals.magnitude(x))));
            case ScalarFn.ThresholdedRelu t ->
                simple(x -> select(Reals.nan64(x), f64(0), select(gt(x, f64(t.alpha())), x, f64(0))));
            case ScalarFn.Affine a -> simple(x -> add(rounded(mul(f64(a.alpha()), x)), f64(a.beta())));
            case ScalarFn.Sqrt s -> simple(x -> call(DataType.FLOAT64, "sqrt", x));
            case ScalarFn.Abs a -> simple(Reals::magnitude);
            case ScalarFn.Neg n -> simple(Reals::negated);
            case ScalarFn.Sign s -> simple(x -> select(gt(x, f64(0)), f64(1), select(lt(x, f64(0)), f64(-1), x)));
            case ScalarFn.Floor f -> simple(x -> call(DataType.FLOAT64, "floor", x));
            case ScalarFn.Ceil c -> simple(x -> call(DataType.FLOAT64, "ceil", x));
            case ScalarFn.Round r -> simple(Tir::roundEven);
            case ScalarFn.Reciprocal r -> simple(x -> div(f64(1), x));
            case ScalarFn.Exp e -> exponential(x -> x, (x, exp) -> exp);
            case ScalarFn.Sigmoid s -> exponential(Reals::negated, (x, exp) -> div(f64(1), add(f64(1), exp)));
            case ScalarFn.Silu s -> exponential(Reals::negated, (x, exp) -> div(x, add(f64(1), exp)));
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
                        (x, exp) ->
                                add(Reals.max64(x, 0), Reals.min64(rounded(mul(f64(c.alpha()), sub(exp, f64(1)))), 0)));
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
            case ScalarFn.Softplus s -> Functions::softplus;
            case ScalarFn.Mish m ->
                (x, body) -> Tir.let("real", x, r -> softplus(r, s -> Exponential.tanh(s, t -> body.apply(mul(r, t)))));
            case ScalarFn.Sin s -> Trigonometry::sin;
            case ScalarFn.Cos c -> Trigonometry::cos;
        };
    }

    private static RealFunction simple(UnaryOperator<Expr> f) {
        return (x, body) -> body.apply(f.apply(x));
    }

    /** A function of x and its exponential, or that of something made of x. */
    private static RealFunction exponential(UnaryOperator<Expr> argument, BinaryOperator<Expr> f) {
        return (x, body) ->
                Tir.let("real", x, named -> Exponential.of(argument.apply(named), e -> body.apply(f.apply(named, e))));
    }

    /** {@code max(x, 0) + log1p(exp(−|x|))}. */
    private static Stmt softplus(Expr x, Function<Expr, Stmt> body) {
        return Tir.let(
                "real",
                x,
                r -> Exponential.of(
                        reinterpret(DataType.FLOAT64, bitOr(Reals.bits64(r), i64(Long.MIN_VALUE))),
                        e -> Logarithm.ofOneAnd(e, l -> body.apply(add(Reals.max64(r, 0), l)))));
    }
}
