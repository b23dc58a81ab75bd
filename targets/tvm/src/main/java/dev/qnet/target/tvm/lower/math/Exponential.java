package dev.qnet.target.tvm.lower.math;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.and;
import static dev.qnet.target.tvm.tir.Tir.bitAnd;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.div;
import static dev.qnet.target.tvm.tir.Tir.eq;
import static dev.qnet.target.tvm.tir.Tir.f64;
import static dev.qnet.target.tvm.tir.Tir.ge;
import static dev.qnet.target.tvm.tir.Tir.gt;
import static dev.qnet.target.tvm.tir.Tir.i64;
import static dev.qnet.target.tvm.tir.Tir.let;
import static dev.qnet.target.tvm.tir.Tir.lt;
import static dev.qnet.target.tvm.tir.Tir.max;
import static dev.qnet.target.tvm.tir.Tir.min;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.or;
import static dev.qnet.target.tvm.tir.Tir.reinterpret;
import static dev.qnet.target.tvm.tir.Tir.rounded;
import static dev.qnet.target.tvm.tir.Tir.select;
import static dev.qnet.target.tvm.tir.Tir.shl;
import static dev.qnet.target.tvm.tir.Tir.shr;
import static dev.qnet.target.tvm.tir.Tir.sub;

import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * exp, expm1 and tanh in double to the bit of {@link StrictMath}, that is of fdlibm's e_exp.c, s_expm1.c and s_tanh.c (Sun
 * Microsystems, 1993): x is k·ln 2 + r with |r| at most half of ln 2, the function of r is rational, with a polynomial of degree 5
 * in r², and k is added to the exponent. Every product is rounded in front of its sum.
 */
public final class Exponential {
    /** The ends of what is neither infinite nor 0. */
    private static final double OVERFLOW = 0x1.62e42fefa39efp9;

    private static final double UNDERFLOW = -0x1.74910d52d3051p9;

    /** ln 2 in two parts; the first has so few bits that a multiple of it is exact. */
    private static final double LN2_HIGH = 0x1.62e42feep-1;

    private static final double LN2_LOW = 0x1.a39ef35793c76p-33;
    private static final double INVERSE_LN2 = 0x1.71547652b82fep0;

    /** Of exp, lowest power first. */
    private static final double[] POLYNOMIAL = {
        0x1.555555555553ep-3,
        -0x1.6c16c16bebd93p-9,
        0x1.1566aaf25de2cp-14,
        -0x1.bbd41c5d26bf1p-20,
        0x1.6376972bea4d0p-25
    };

    /** Of expm1. */
    private static final double[] MINUS_ONE = {
        1,
        -0x1.11111111110f4p-5,
        0x1.a01a019fe5585p-10,
        -0x1.4ce199eaadbb7p-14,
        0x1.0cfca86e65239p-18,
        -0x1.afdb76e09c32dp-23
    };

    /** The upper halves of the doubles that divide the cases: half of ln 2, one and a half, 2^-28. */
    private static final long HALF_LN2 = 0x3fd62e42;

    private static final long ONE_AND_A_HALF_LN2 = 0x3ff0a2b2;
    private static final long TINY = 0x3e300000;

    /** And of expm1 2^-54 and 56·ln 2, of tanh 2^-55, 1 and 22. */
    private static final long SMALLEST = 0x3c900000;

    private static final long FAR = 0x4043687a;
    private static final long BELOW_ALL = 0x3c800000;
    private static final long ABOVE_1 = 0x3ff00000;
    private static final long ABOVE_22 = 0x40360000;

    /** Beyond this k the result is below the normal doubles. */
    private static final int LEAST_NORMAL = -1021;

    private Exponential() {}

    /** exp x of a double, for the statement that uses it. */
    public static Stmt of(Expr x, Function<Expr, Stmt> body) {
        Expr nan = Reals.nan64(x);
        // Within bounds beyond which the result is known, so that k fits an integer.
        Expr near = select(nan, f64(0), min(max(x, f64(-800)), f64(800)));
        return let(
                "x",
                near,
                r -> let(
                        "magnitude",
                        upperHalf(r),
                        m -> let(
                                "k",
                                multiple(r, m),
                                k -> reduced(r, m, k, y -> {
                                    Expr zero = select(lt(x, f64(UNDERFLOW)), f64(0), y);
                                    Expr limited = select(gt(x, f64(OVERFLOW)), f64(Double.POSITIVE_INFINITY), zero);
                                    return let("exp", select(nan, x, limited), body);
                                }))));
    }

    /** The upper half of |x|'s bits, by which fdlibm tells its cases. */
    private static Expr upperHalf(Expr x) {
        return shr(bitAnd(reinterpret(DataType.INT64, x), i64(Long.MAX_VALUE)), 32);
    }

    /** k, in 64 bits. */
    private static Expr multiple(Expr x, Expr magnitude) {
        Expr half = select(lt(x, f64(0)), f64(-0.5), f64(0.5));
        Expr far = cast(DataType.INT64, add(rounded(mul(f64(INVERSE_LN2), x)), half));
        Expr one = select(lt(x, f64(0)), i64(-1), i64(1));
        Expr some = select(lt(magnitude, i64(ONE_AND_A_HALF_LN2)), one, far);
        return select(gt(magnitude, i64(HALF_LN2)), some, i64(0));
    }

    /** What is done with {@code high − low = r}. */
    private interface Parts {
        Stmt of(Expr high, Expr low, Expr r);
    }

    /** x without k·ln 2, in two parts. */
    private static Stmt without(Expr x, Expr k, Parts body) {
        Expr real = cast(DataType.FLOAT64, k);
        return let(
                "high",
                sub(x, rounded(mul(real, f64(LN2_HIGH)))),
                high -> let(
                        "low",
                        rounded(mul(real, f64(LN2_LOW))),
                        low -> let("r", sub(high, low), r -> body.of(high, low, r))));
    }

    private static Stmt reduced(Expr x, Expr magnitude, Expr k, Function<Expr, Stmt> body) {
        return without(
                x,
                k,
                (high, low, r) -> let(
                        "r2",
                        rounded(mul(r, r)),
                        r2 -> let("c", sub(r, rounded(mul(r2, polynomial(POLYNOMIAL, r2)))), c -> {
                            Expr quotient = div(rounded(mul(r, c)), sub(f64(2), c));
                            Expr y = sub(f64(1), sub(sub(low, quotient), high));
                            return let(
                                    "y",
                                    y,
                                    near -> body.apply(
                                            select(lt(magnitude, i64(TINY)), add(f64(1), x), scaled(near, k))));
                        })));
    }

    private static Expr polynomial(double[] coefficients, Expr x) {
        Expr sum = f64(coefficients[coefficients.length - 1]);
        for (int i = coefficients.length - 2; i >= 0; i--) {
            sum = add(f64(coefficients[i]), rounded(mul(x, sum)));
        }
        return sum;
    }

    /** y·2^k, y near 1; in two steps where the result is not normal. */
    private static Expr scaled(Expr y, Expr k) {
        Expr bits = reinterpret(DataType.INT64, y);
        Expr normal = reinterpret(DataType.FLOAT64, add(bits, shl(k, 52)));
        Expr lifted = reinterpret(DataType.FLOAT64, add(bits, shl(add(k, 1000), 52)));
        return select(ge(k, i64(LEAST_NORMAL)), normal, rounded(mul(lifted, f64(0x1p-1000))));
    }

    /** tanh x of a double, for the statement that uses it. */
    static Stmt tanh(Expr given, Function<Expr, Stmt> body) {
        return let(
                "x",
                given,
                x -> let("magnitude", upperHalf(x), m -> {
                    Expr absolute =
                            reinterpret(DataType.FLOAT64, bitAnd(reinterpret(DataType.INT64, x), i64(Long.MAX_VALUE)));
                    Expr large = ge(m, i64(ABOVE_1));
                    Expr twice = rounded(mul(select(large, f64(2), f64(-2)), absolute));
                    return minusOne(twice, t -> {
                        Expr above = sub(f64(1), div(f64(2), add(t, f64(2))));
                        Expr below = div(sub(f64(0), t), add(t, f64(2)));
                        Expr z = select(lt(m, i64(ABOVE_22)), select(large, above, below), f64(1));
                        Expr signed = select(lt(reinterpret(DataType.INT64, x), i64(0)), sub(f64(0), z), z);
                        Expr tiny = rounded(mul(x, add(f64(1), x)));
                        Expr finite = select(lt(m, i64(BELOW_ALL)), tiny, signed);
                        return let("tanh", select(Reals.nan64(x), x, finite), body);
                    });
                }));
    }

    /** exp x − 1. */
    private static Stmt minusOne(Expr x, Function<Expr, Stmt> body) {
        Expr near = select(Reals.nan64(x), f64(0), min(max(x, f64(-800)), f64(800)));
        return let(
                "a",
                near,
                a -> let(
                        "size",
                        upperHalf(a),
                        m -> let(
                                "k",
                                multiple(a, m),
                                k -> without(
                                        a,
                                        k,
                                        (high, low, r) -> rational(r, (square, e) -> {
                                            Expr c = sub(sub(high, r), low);
                                            return cases(a, m, k, r, c, square, e, body);
                                        })))));
    }

    /** The square r²/2 of the remainder, and the rational function of it that expm1 is made of. */
    private static Stmt rational(Expr r, BiFunction<Expr, Expr, Stmt> body) {
        return let(
                "half",
                rounded(mul(f64(0.5), r)),
                half -> let(
                        "square",
                        rounded(mul(r, half)),
                        square -> let(
                                "r1",
                                polynomial(MINUS_ONE, square),
                                r1 -> let("t", sub(f64(3), rounded(mul(r1, half))), t -> {
                                    Expr e = div(sub(r1, t), sub(f64(6), rounded(mul(r, t))));
                                    return let("e", rounded(mul(square, e)), named -> body.apply(square, named));
                                }))));
    }

    /** What is made of the parts of expm1, depending on k. */
    private static Stmt cases(Expr a, Expr m, Expr k, Expr r, Expr c, Expr square, Expr e, Function<Expr, Stmt> body) {
        Expr none = sub(r, sub(rounded(mul(r, e)), square));
        Expr rest = sub(sub(rounded(mul(r, sub(e, c))), c), square);
        return let("rest", rest, q -> {
            Expr down = sub(rounded(mul(f64(0.5), sub(r, q))), f64(0.5));
            Expr up = select(
                    lt(r, f64(-0.25)),
                    rounded(mul(f64(-2), sub(q, add(r, f64(0.5))))),
                    add(f64(1), rounded(mul(f64(2), sub(r, q)))));
            Expr power = reinterpret(DataType.FLOAT64, shl(sub(i64(0x3ff), k), 52));
            Expr far = sub(lifted(sub(f64(1), sub(q, r)), k), f64(1));
            Expr middle = lifted(sub(sub(f64(1), power), sub(q, r)), k);
            Expr high = lifted(add(sub(r, add(q, power)), f64(1)), k);
            Expr other = select(lt(k, i64(20)), middle, high);
            Expr some = select(or(lt(k, i64(-1)), gt(k, i64(56))), far, other);
            Expr y = select(eq(k, i64(-1)), down, select(eq(k, i64(1)), up, some));
            Expr all = select(eq(k, i64(0)), none, y);
            Expr limited = select(and(ge(m, i64(FAR)), lt(a, f64(0))), f64(-1), all);
            return let("less", select(lt(m, i64(SMALLEST)), a, limited), body);
        });
    }

    /** y·2^k for a result that is normal. */
    private static Expr lifted(Expr y, Expr k) {
        return reinterpret(DataType.FLOAT64, add(reinterpret(DataType.INT64, y), shl(k, 52)));
    }
}
