package dev.qnet.target.tvm.lower.math;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.bitAnd;
import static dev.qnet.target.tvm.tir.Tir.bitOr;
import static dev.qnet.target.tvm.tir.Tir.bitXor;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.div;
import static dev.qnet.target.tvm.tir.Tir.eq;
import static dev.qnet.target.tvm.tir.Tir.f64;
import static dev.qnet.target.tvm.tir.Tir.ge;
import static dev.qnet.target.tvm.tir.Tir.gt;
import static dev.qnet.target.tvm.tir.Tir.i64;
import static dev.qnet.target.tvm.tir.Tir.let;
import static dev.qnet.target.tvm.tir.Tir.lt;
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
 * Logarithms in double to the bit of {@link StrictMath}, that is of fdlibm's e_log.c and s_log1p.c (Sun Microsystems, 1993): x is
 * 2^k·(1 + f) with 1 + f between √½ and √2, and log(1 + f) a polynomial in (f/(2 + f))². Every product is rounded in front of its
 * sum.
 */
final class Logarithm {
    private static final double LN2_HIGH = 0x1.62e42feep-1;
    private static final double LN2_LOW = 0x1.a39ef35793c76p-33;

    /** From the lowest power on; of log they are summed odd and even apart. */
    private static final double[] L = {
        bits(0x3FE5555555555593L),
        bits(0x3FD999999997FA04L),
        bits(0x3FD2492494229359L),
        bits(0x3FCC71C51D8E78AFL),
        bits(0x3FC7466496CB03DEL),
        bits(0x3FC39A09D078C69FL),
        bits(0x3FC2F112DF3E5244L)
    };

    private static final long MANTISSA = 0x000FFFFFFFFFFFFFL;
    private static final long UPPER_MANTISSA = 0xFFFFF;
    private static final int BIAS = 1023;

    private Logarithm() {}

    private static double bits(long bits) {
        return Double.longBitsToDouble(bits);
    }

    /** log x of a double, for the statement that uses it. */
    static Stmt of(Expr given, Function<Expr, Stmt> body) {
        return let("x", given, x -> {
            Expr small = lt(x, f64(Double.MIN_NORMAL));
            Expr lifted = select(small, rounded(mul(x, f64(0x1p54))), x);
            return let(
                    "bits",
                    reinterpret(DataType.INT64, lifted),
                    b -> let(
                            "upper",
                            bitAnd(shr(b, 32), i64(UPPER_MANTISSA)),
                            hx -> let("more", bitAnd(add(hx, 0x95f64), i64(0x100000)), more -> {
                                Expr exponent = sub(shr(b, 52), select(small, i64(BIAS + 54), i64(BIAS)));
                                Expr one = bitXor(shl(more, 32), i64(0x3FF0000000000000L));
                                Expr reduced = reinterpret(DataType.FLOAT64, bitOr(bitAnd(b, i64(MANTISSA)), one));
                                return let(
                                        "k",
                                        add(exponent, shr(more, 20)),
                                        k -> let(
                                                "f",
                                                sub(reduced, f64(1)),
                                                f -> let(
                                                        "near", reduced(hx, k, f), y -> let("log", ends(x, y), body))));
                            })));
        });
    }

    /** The result where x has a logarithm, else what stands for it. */
    private static Expr ends(Expr x, Expr y) {
        Expr finite = select(eq(x, f64(Double.POSITIVE_INFINITY)), x, y);
        Expr zero = select(eq(x, f64(0)), f64(Double.NEGATIVE_INFINITY), finite);
        Expr negative = reinterpret(DataType.FLOAT64, i64(0x7FF8000000000000L));
        return select(Reals.nan64(x), x, select(lt(x, f64(0)), negative, zero));
    }

    private static Expr reduced(Expr hx, Expr k, Expr f) {
        Expr dk = cast(DataType.FLOAT64, k);
        Expr low = rounded(mul(dk, f64(LN2_LOW)));
        Expr high = rounded(mul(dk, f64(LN2_HIGH)));
        Expr none = eq(k, i64(0));
        // |f| below 2^-20.
        Expr third = rounded(mul(f64(0.3333333333333333), f));
        Expr r0 = rounded(mul(rounded(mul(f, f)), sub(f64(0.5), third)));
        Expr tiny = select(none, sub(f, r0), sub(high, sub(sub(r0, low), f)));
        Expr exact = select(none, f64(0), add(high, low));
        Expr close = select(eq(f, f64(0)), exact, tiny);

        Expr s = div(f, add(f64(2), f));
        Expr z = rounded(mul(s, s));
        Expr w = rounded(mul(z, z));
        Expr even = rounded(mul(w, horner(w, L[1], L[3], L[5])));
        Expr odd = rounded(mul(z, horner(w, L[0], L[2], L[4], L[6])));
        Expr r = add(odd, even);
        Expr half = rounded(mul(rounded(mul(f64(0.5), f)), f));
        Expr upper = rounded(mul(s, add(half, r)));
        Expr above = select(none, sub(f, sub(half, upper)), sub(high, sub(sub(half, add(upper, low)), f)));
        Expr lower = rounded(mul(s, sub(f, r)));
        Expr below = select(none, sub(f, lower), sub(high, sub(sub(lower, low), f)));
        Expr middle = bitOr(sub(hx, 0x6147a), sub(i64(0x6b851), hx));
        Expr usual = select(gt(middle, i64(0)), above, below);
        return select(lt(bitAnd(add(hx, 2), i64(UPPER_MANTISSA)), i64(3)), close, usual);
    }

    /** A polynomial, each product rounded; from its lowest coefficient on. */
    static Expr horner(Expr x, double... coefficients) {
        Expr sum = f64(coefficients[coefficients.length - 1]);
        for (int i = coefficients.length - 2; i >= 0; i--) {
            sum = add(f64(coefficients[i]), rounded(mul(x, sum)));
        }
        return sum;
    }

    /** log(1 + x) of a double from 0 to 1, or of NaN. */
    static Stmt ofOneAnd(Expr given, Function<Expr, Stmt> body) {
        return let(
                "x",
                given,
                x -> let("small", lt(shr(reinterpret(DataType.INT64, x), 32), i64(0x3FDA827A)), small -> {
                    // 1 + x is between √2 and 2: twice 1 + f.
                    return let("u", add(f64(1), x), u -> {
                        Expr two = eq(u, f64(2));
                        Expr error = select(two, sub(f64(1), sub(u, x)), sub(x, sub(u, f64(1))));
                        Expr upper = bitAnd(shr(reinterpret(DataType.INT64, u), 32), i64(UPPER_MANTISSA));
                        Expr f = select(small, x, sub(rounded(mul(u, f64(0.5))), f64(1)));
                        Expr close = select(small, i64(1), shr(sub(i64(0x100000), upper), 2));
                        return let(
                                "f",
                                select(two, f64(0), f),
                                g -> let(
                                        "c",
                                        div(error, u),
                                        c -> let(
                                                "log1p",
                                                parts(x, small, two, close, g, c),
                                                y -> body.apply(select(Reals.nan64(x), x, y)))));
                    });
                }));
    }

    private static Expr parts(Expr x, Expr small, Expr two, Expr close, Expr f, Expr c) {
        Expr low = add(f64(LN2_LOW), c);
        Expr half = rounded(mul(rounded(mul(f64(0.5), f)), f));
        Expr r0 = rounded(mul(half, sub(f64(1), rounded(mul(f64(0.6666666666666666), f)))));
        Expr near = sub(f64(LN2_HIGH), sub(sub(r0, low), f));
        Expr s = div(f, add(f64(2), f));
        Expr z = rounded(mul(s, s));
        Expr r = rounded(mul(z, horner(z, L)));
        Expr product = rounded(mul(s, add(half, r)));
        Expr none = sub(f, sub(half, product));
        Expr one = sub(f64(LN2_HIGH), sub(sub(half, add(product, low)), f));
        Expr far = select(small, none, select(eq(close, i64(0)), near, one));
        Expr tiny = sub(x, rounded(mul(rounded(mul(x, x)), f64(0.5))));
        Expr magnitude = shr(reinterpret(DataType.INT64, x), 32);
        Expr few = select(lt(magnitude, i64(0x3C900000)), x, tiny);
        Expr top = add(f64(LN2_HIGH), add(c, f64(LN2_LOW)));
        return select(ge(magnitude, i64(0x3E200000)), select(two, top, far), few);
    }
}
