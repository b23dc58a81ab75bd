package dev.qnet.target.tvm.lower.math;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.and;
import static dev.qnet.target.tvm.tir.Tir.bitAnd;
import static dev.qnet.target.tvm.tir.Tir.bitOr;
import static dev.qnet.target.tvm.tir.Tir.bitXor;
import static dev.qnet.target.tvm.tir.Tir.call;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.div;
import static dev.qnet.target.tvm.tir.Tir.eq;
import static dev.qnet.target.tvm.tir.Tir.f64;
import static dev.qnet.target.tvm.tir.Tir.ge;
import static dev.qnet.target.tvm.tir.Tir.gt;
import static dev.qnet.target.tvm.tir.Tir.i64;
import static dev.qnet.target.tvm.tir.Tir.le;
import static dev.qnet.target.tvm.tir.Tir.let;
import static dev.qnet.target.tvm.tir.Tir.lt;
import static dev.qnet.target.tvm.tir.Tir.max;
import static dev.qnet.target.tvm.tir.Tir.min;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.ne;
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
import java.util.function.Function;

/**
 * Powers of singles in double, which rounded to single are those of {@link StrictMath}: fdlibm's e_pow.c (Sun Microsystems, 1993)
 * computes {@code y·log2 x} in two parts, and 2 to the power of that. Beyond ±{@value #FAR} there, where no single is, the result is
 * infinite or 0. Every product is rounded in front of its sum.
 */
public final class Power {
    private static final int FAR = 400;

    /** log2 1.5 in two parts. */
    private static final double LOG_HIGH = bits(0x3FE2B80340000000L);

    private static final double LOG_LOW = bits(0x3E4CFDEB43CFD006L);

    private static final double[] L = {
        bits(0x3FE3333333333303L),
        bits(0x3FDB6DB6DB6FABFFL),
        bits(0x3FD55555518F264DL),
        bits(0x3FD17460A91D4101L),
        bits(0x3FCD864A93C9DB65L),
        bits(0x3FCA7E284A454EEFL)
    };
    private static final double[] P = {
        bits(0x3FC555555555553EL),
        bits(0xBF66C16C16BEBD93L),
        bits(0x3F11566AAF25DE2CL),
        bits(0xBEBBBD41C5D26BF1L),
        bits(0x3E66376972BEA4D0L)
    };

    /** ln 2, and in two parts. */
    private static final double LN2 = bits(0x3FE62E42FEFA39EFL);

    private static final double LN2_HIGH = bits(0x3FE62E4300000000L);
    private static final double LN2_LOW = bits(0xBE205C610CA86C39L);

    /** 2/(3·ln 2), and in two parts. */
    private static final double CP = bits(0x3FEEC709DC3A03FDL);

    private static final double CP_HIGH = bits(0x3FEEC709E0000000L);
    private static final double CP_LOW = bits(0xBE3E2FE0145B01F5L);

    /** 1/ln 2, and in two parts. */
    private static final double INVERSE_LN2 = bits(0x3FF71547652B82FEL);

    private static final double INVERSE_HIGH = bits(0x3FF7154760000000L);
    private static final double INVERSE_LOW = bits(0x3E54AE0BF85DDF44L);

    private static final long MANTISSA = 0xFFFFF;

    private Power() {}

    private static double bits(long bits) {
        return Double.longBitsToDouble(bits);
    }

    /** x to the power of y, both singles as double, for the statement that uses it. */
    public static Stmt of(Expr base, Expr exponent, Function<Expr, Stmt> body) {
        return let(
                "x",
                base,
                x -> let("y", exponent, y -> {
                    Expr size = reinterpret(DataType.FLOAT64, bitAnd(bits(x), i64(Long.MAX_VALUE)));
                    // Other bases are 0, 1, infinite or NaN.
                    return let("size", size, ax -> {
                        Expr plain = and(gt(ax, f64(0)), and(lt(ax, f64(Double.POSITIVE_INFINITY)), ne(ax, f64(1))));
                        return let(
                                "usual",
                                select(plain, ax, f64(1.5)),
                                a -> let(
                                        "magnitude",
                                        upper(a),
                                        ix -> logarithm(
                                                a, ix, y, (t1, t2) -> power(t1, t2, y, z -> ends(x, ax, y, z, body)))));
                    });
                }));
    }

    private static Expr bits(Expr x) {
        return reinterpret(DataType.INT64, x);
    }

    private static Expr upper(Expr x) {
        return shr(bits(x), 32);
    }

    /** x without the lower half of its bits. */
    private static Expr head(Expr x) {
        return reinterpret(DataType.FLOAT64, bitAnd(bits(x), i64(~0xFFFFFFFFL)));
    }

    private static Expr times(Expr a, Expr b) {
        return rounded(mul(a, b));
    }

    private static Expr horner(double[] coefficients, Expr x) {
        Expr sum = f64(coefficients[coefficients.length - 1]);
        for (int i = coefficients.length - 2; i >= 0; i--) {
            sum = add(f64(coefficients[i]), times(x, sum));
        }
        return sum;
    }

    /** What uses a number in two parts. */
    @FunctionalInterface
    private interface Parts {
        Stmt of(Expr high, Expr low);
    }

    private static Stmt logarithm(Expr a, Expr ix, Expr y, Parts body) {
        Expr j = bitAnd(ix, i64(MANTISSA));
        Expr middle = and(gt(j, i64(0x3988E)), lt(j, i64(0xBB67A)));
        Expr above = ge(j, i64(0xBB67A));
        return let(
                "k",
                select(middle, i64(1), i64(0)),
                k -> let(
                        "hi",
                        sub(bitOr(j, i64(0x3FF00000)), select(above, i64(0x100000), i64(0))),
                        hi -> let(
                                "n",
                                add(sub(shr(ix, 20), 0x3FF), select(above, i64(1), i64(0))),
                                n -> let(
                                        "m",
                                        reinterpret(
                                                DataType.FLOAT64,
                                                bitOr(shl(hi, 32), bitAnd(bits(a), i64(0xFFFFFFFFL)))),
                                        m -> reduced(
                                                m,
                                                hi,
                                                k,
                                                n,
                                                (t1, t2) -> nearOne(a, (u1, u2) -> {
                                                    // Enormous exponents have finite powers only next to 1.
                                                    Expr close = and(
                                                            gt(bitAnd(upper(y), i64(0x7FFFFFFF)), i64(0x41E00000)),
                                                            and(ge(ix, i64(0x3FEFFFFF)), le(ix, i64(0x3FF00000))));
                                                    return let(
                                                            "t1",
                                                            select(close, u1, t1),
                                                            h -> let("t2", select(close, u2, t2), l -> body.of(h, l)));
                                                }))))));
    }

    private static Stmt nearOne(Expr a, Parts body) {
        return let("t", sub(a, f64(1)), t -> {
            Expr cubic = sub(f64(0.5), times(t, sub(f64(0.3333333333333333), times(t, f64(0.25)))));
            Expr w = times(times(t, t), cubic);
            return let(
                    "u",
                    times(f64(INVERSE_HIGH), t),
                    u -> let(
                            "v",
                            sub(times(t, f64(INVERSE_LOW)), times(w, f64(INVERSE_LN2))),
                            v -> let("near", head(add(u, v)), t1 -> body.of(t1, sub(v, sub(t1, u))))));
        });
    }

    private static Stmt reduced(Expr m, Expr hi, Expr k, Expr n, Parts body) {
        Expr one = eq(k, i64(1));
        Expr bp = select(one, f64(1.5), f64(1));
        return let(
                "u",
                sub(m, bp),
                u -> let(
                        "v",
                        div(f64(1), add(m, bp)),
                        v -> let("ss", times(u, v), ss -> {
                            Expr coarse = add(add(bitOr(shr(hi, 1), i64(0x20000000)), 0x80000), shl(k, 18));
                            return let(
                                    "sh",
                                    head(ss),
                                    sh -> let(
                                            "th",
                                            reinterpret(DataType.FLOAT64, shl(coarse, 32)),
                                            th -> let(
                                                    "tl",
                                                    sub(m, sub(th, bp)),
                                                    tl -> let(
                                                            "sl",
                                                            times(v, sub(sub(u, times(sh, th)), times(sh, tl))),
                                                            sl -> {
                                                                Expr s2 = times(ss, ss);
                                                                Expr series = times(times(s2, s2), horner(L, s2));
                                                                return let(
                                                                        "r",
                                                                        add(series, times(sl, add(sh, ss))),
                                                                        r -> let(
                                                                                "square",
                                                                                times(sh, sh),
                                                                                q -> let(
                                                                                        "sum",
                                                                                        head(add(add(f64(3), q), r)),
                                                                                        sum -> product(
                                                                                                ss, sh, sl, r, q, sum,
                                                                                                one, n, body))));
                                                            }))));
                        })));
    }

    private static Stmt product(Expr ss, Expr sh, Expr sl, Expr r, Expr q, Expr sum, Expr one, Expr n, Parts body) {
        Expr rest = sub(r, sub(sub(sum, f64(3)), q));
        return let(
                "u2",
                times(sh, sum),
                u -> let(
                        "v2",
                        add(times(sl, sum), times(rest, ss)),
                        v -> let("ph", head(add(u, v)), ph -> {
                            Expr pl = sub(v, sub(ph, u));
                            Expr high = times(f64(CP_HIGH), ph);
                            Expr low = add(
                                    add(times(f64(CP_LOW), ph), times(pl, f64(CP))), select(one, f64(LOG_LOW), f64(0)));
                            Expr part = select(one, f64(LOG_HIGH), f64(0));
                            return let(
                                    "zh",
                                    high,
                                    zh -> let(
                                            "zl",
                                            low,
                                            zl -> let(
                                                    "t",
                                                    cast(DataType.FLOAT64, n),
                                                    t -> let(
                                                            "log",
                                                            head(add(add(add(zh, zl), part), t)),
                                                            t1 -> body.of(
                                                                    t1, sub(zl, sub(sub(sub(t1, t), part), zh)))))));
                        })));
    }

    /** 2 to the power of y·(t1 + t2). */
    private static Stmt power(Expr t1, Expr t2, Expr y, Function<Expr, Stmt> body) {
        return let(
                "y1",
                head(y),
                y1 -> let(
                        "low",
                        add(times(sub(y, y1), t1), times(y, t2)),
                        pl -> let(
                                "high",
                                times(y1, t1),
                                ph -> let("z", add(pl, ph), z -> {
                                    Expr over = ge(z, f64(FAR));
                                    Expr inside = and(lt(z, f64(FAR)), gt(z, f64(-FAR)));
                                    return let(
                                            "pl",
                                            select(inside, pl, f64(0)),
                                            l -> let(
                                                    "ph",
                                                    select(inside, ph, f64(0)),
                                                    h -> raised(
                                                            h,
                                                            l,
                                                            w -> body.apply(select(
                                                                    inside,
                                                                    w,
                                                                    select(
                                                                            over,
                                                                            f64(Double.POSITIVE_INFINITY),
                                                                            f64(0)))))));
                                }))));
    }

    private static Stmt raised(Expr ph, Expr pl, Function<Expr, Stmt> body) {
        return let(
                "near",
                add(pl, ph),
                z -> let("i", bitAnd(upper(z), i64(0x7FFFFFFF)), i -> {
                    Expr some = gt(i, i64(0x3FE00000));
                    Expr k = min(max(sub(shr(i, 20), 0x3FF), i64(-1)), i64(10));
                    return let(
                            "up",
                            add(i, shr(i64(0x100000), add(k, 1))),
                            up -> let("e", min(max(sub(shr(up, 20), 0x3FF), i64(0)), i64(10)), e -> {
                                Expr sign = bitAnd(bits(z), i64(Long.MIN_VALUE));
                                Expr mask = bitXor(shr(i64(MANTISSA), e), i64(-1));
                                Expr whole = reinterpret(DataType.FLOAT64, bitOr(shl(bitAnd(up, mask), 32), sign));
                                Expr count = shr(bitOr(bitAnd(up, i64(MANTISSA)), i64(0x100000)), sub(i64(20), e));
                                Expr signed = select(lt(bits(z), i64(0)), sub(i64(0), count), count);
                                return let(
                                        "n",
                                        select(some, signed, i64(0)),
                                        n -> let(
                                                "p",
                                                sub(ph, select(some, whole, f64(0))),
                                                p -> let("t", head(add(pl, p)), t -> fraction(t, p, pl, n, body))));
                            }));
                }));
    }

    private static Stmt fraction(Expr t, Expr p, Expr pl, Expr n, Function<Expr, Stmt> body) {
        return let(
                "u",
                times(t, f64(LN2_HIGH)),
                u -> let(
                        "v",
                        add(times(sub(pl, sub(t, p)), f64(LN2)), times(t, f64(LN2_LOW))),
                        v -> let("z", add(u, v), z -> {
                            Expr w = sub(v, sub(z, u));
                            Expr square = times(z, z);
                            return let("t1", sub(z, times(square, horner(P, square))), t1 -> {
                                Expr r = sub(div(times(z, t1), sub(t1, f64(2))), add(w, times(z, w)));
                                Expr y = sub(f64(1), sub(r, z));
                                return let("power", reinterpret(DataType.FLOAT64, add(bits(y), shl(n, 52))), body);
                            });
                        })));
    }

    /** The signs, and what is not computed. */
    private static Stmt ends(Expr x, Expr ax, Expr y, Expr z, Function<Expr, Stmt> body) {
        Expr ay = reinterpret(DataType.FLOAT64, bitAnd(bits(y), i64(Long.MAX_VALUE)));
        Expr negative = lt(bits(x), i64(0));
        Expr whole = eq(call(DataType.FLOAT64, "floor", ay), ay);
        Expr halved = mul(ay, f64(0.5));
        Expr odd = and(whole, ne(call(DataType.FLOAT64, "floor", halved), halved));
        Expr nan = reinterpret(DataType.FLOAT64, i64(0x7FF8000000000000L));
        Expr infinity = f64(Double.POSITIVE_INFINITY);

        Expr enormous = gt(ay, f64(0x1.001p31));
        Expr grows = select(gt(ax, f64(1)), gt(y, f64(0)), lt(y, f64(0)));
        Expr farFromOne = or(lt(ax, f64(1 - 0x1p-19)), gt(ax, f64(1 + 0x1p-19)));
        Expr usual = select(and(enormous, farFromOne), select(grows, infinity, f64(0)), z);
        Expr special = or(or(eq(ax, f64(0)), eq(ax, f64(1))), eq(ax, infinity));
        Expr size = select(special, select(lt(y, f64(0)), div(f64(1), ax), ax), usual);
        Expr opposite = reinterpret(DataType.FLOAT64, bitXor(bits(size), i64(Long.MIN_VALUE)));
        Expr signed = select(and(negative, odd), opposite, size);
        // Of numbers below 0 only whole powers are real; 0 and infinity have all.
        Expr real = select(and(and(negative, not(whole)), and(gt(ax, f64(0)), lt(ax, infinity))), nan, signed);
        Expr root = and(eq(y, f64(0.5)), or(lt(ax, infinity), not(negative)));
        Expr simple = select(root, call(DataType.FLOAT64, "sqrt", add(x, f64(0))), real);
        Expr squared = select(eq(y, f64(2)), mul(x, x), simple);
        Expr inverse = select(eq(y, f64(-1)), div(f64(1), x), select(eq(y, f64(1)), x, squared));
        Expr endless = select(eq(ax, f64(1)), nan, select(grows, infinity, f64(0)));
        Expr all = select(eq(ay, infinity), endless, inverse);
        Expr number = select(or(Reals.nan64(x), Reals.nan64(y)), nan, all);
        return let("pow", select(eq(ay, f64(0)), f64(1), number), body);
    }

    private static Expr not(Expr condition) {
        return eq(select(condition, i64(1), i64(0)), i64(0));
    }
}
