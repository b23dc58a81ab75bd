package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.bitAnd;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.div;
import static dev.qnet.target.tvm.tir.Tir.f64;
import static dev.qnet.target.tvm.tir.Tir.ge;
import static dev.qnet.target.tvm.tir.Tir.gt;
import static dev.qnet.target.tvm.tir.Tir.i64;
import static dev.qnet.target.tvm.tir.Tir.let;
import static dev.qnet.target.tvm.tir.Tir.lt;
import static dev.qnet.target.tvm.tir.Tir.max;
import static dev.qnet.target.tvm.tir.Tir.min;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.reinterpret;
import static dev.qnet.target.tvm.tir.Tir.rounded;
import static dev.qnet.target.tvm.tir.Tir.select;
import static dev.qnet.target.tvm.tir.Tir.shl;
import static dev.qnet.target.tvm.tir.Tir.shr;
import static dev.qnet.target.tvm.tir.Tir.sub;

import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import java.util.function.Function;

/**
 * exp in double to the bit of {@link StrictMath#exp}, that is of fdlibm's e_exp.c (Sun Microsystems, 1993): x is k·ln 2 + r with
 * |r| at most half of ln 2, exp r is a rational function with the numerator's polynomial of degree 5 in r², and k is added to the
 * exponent. Every product is rounded in front of its sum.
 */
final class Exponential {
    /** The ends of what is neither infinite nor 0. */
    private static final double OVERFLOW = 0x1.62e42fefa39efp9;

    private static final double UNDERFLOW = -0x1.74910d52d3051p9;

    /** ln 2 in two parts; the first has so few bits that a multiple of it is exact. */
    private static final double LN2_HIGH = 0x1.62e42feep-1;

    private static final double LN2_LOW = 0x1.a39ef35793c76p-33;
    private static final double INVERSE_LN2 = 0x1.71547652b82fep0;

    private static final double[] POLYNOMIAL = {
        0x1.555555555553ep-3,
        -0x1.6c16c16bebd93p-9,
        0x1.1566aaf25de2cp-14,
        -0x1.bbd41c5d26bf1p-20,
        0x1.6376972bea4d0p-25
    };

    /** The upper halves of the doubles that divide the cases: half of ln 2, one and a half, 2^-28. */
    private static final long HALF_LN2 = 0x3fd62e42;

    private static final long ONE_AND_A_HALF_LN2 = 0x3ff0a2b2;
    private static final long TINY = 0x3e300000;

    /** Beyond this k the result is below the normal doubles. */
    private static final int LEAST_NORMAL = -1021;

    private Exponential() {}

    /** exp x of a double, for the statement that uses it. */
    static Stmt of(Expr x, Function<Expr, Stmt> body) {
        Expr nan = Floats.nan64(x);
        // Within bounds beyond which the result is known, so that k fits an integer.
        Expr near = select(nan, f64(0), min(max(x, f64(-800)), f64(800)));
        return let("x", near, r -> let(
                "magnitude", shr(bitAnd(reinterpret(DataType.INT64, r), i64(Long.MAX_VALUE)), 32), m -> let(
                        "k", multiple(r, m), k -> reduced(r, m, k, y -> {
                            Expr zero = select(lt(x, f64(UNDERFLOW)), f64(0), y);
                            Expr limited = select(gt(x, f64(OVERFLOW)), f64(Double.POSITIVE_INFINITY), zero);
                            return let("exp", select(nan, x, limited), body);
                        }))));
    }

    /** k, in 64 bits. */
    private static Expr multiple(Expr x, Expr magnitude) {
        Expr half = select(lt(x, f64(0)), f64(-0.5), f64(0.5));
        Expr far = cast(DataType.INT64, add(rounded(mul(f64(INVERSE_LN2), x)), half));
        Expr one = select(lt(x, f64(0)), i64(-1), i64(1));
        Expr some = select(lt(magnitude, i64(ONE_AND_A_HALF_LN2)), one, far);
        return select(gt(magnitude, i64(HALF_LN2)), some, i64(0));
    }

    private static Stmt reduced(Expr x, Expr magnitude, Expr k, Function<Expr, Stmt> body) {
        Expr real = cast(DataType.FLOAT64, k);
        return let("high", sub(x, rounded(mul(real, f64(LN2_HIGH)))), high -> let(
                "low", rounded(mul(real, f64(LN2_LOW))), low -> let("r", sub(high, low), r -> let(
                        "r2", rounded(mul(r, r)), r2 -> let("c", sub(r, rounded(mul(r2, polynomial(r2)))), c -> {
                            Expr quotient = div(rounded(mul(r, c)), sub(f64(2), c));
                            Expr y = sub(f64(1), sub(sub(low, quotient), high));
                            return let("y", y, near -> body.apply(select(
                                    lt(magnitude, i64(TINY)), add(f64(1), x), scaled(near, k))));
                        })))));
    }

    private static Expr polynomial(Expr x) {
        Expr sum = f64(POLYNOMIAL[POLYNOMIAL.length - 1]);
        for (int i = POLYNOMIAL.length - 2; i >= 0; i--) {
            sum = add(f64(POLYNOMIAL[i]), rounded(mul(x, sum)));
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
}
