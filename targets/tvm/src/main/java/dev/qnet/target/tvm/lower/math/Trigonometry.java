package dev.qnet.target.tvm.lower.math;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.and;
import static dev.qnet.target.tvm.tir.Tir.bitAnd;
import static dev.qnet.target.tvm.tir.Tir.bitOr;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.eq;
import static dev.qnet.target.tvm.tir.Tir.f64;
import static dev.qnet.target.tvm.tir.Tir.ge;
import static dev.qnet.target.tvm.tir.Tir.gt;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.i64;
import static dev.qnet.target.tvm.tir.Tir.le;
import static dev.qnet.target.tvm.tir.Tir.let;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.local;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.lt;
import static dev.qnet.target.tvm.tir.Tir.max;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.ne;
import static dev.qnet.target.tvm.tir.Tir.or;
import static dev.qnet.target.tvm.tir.Tir.reinterpret;
import static dev.qnet.target.tvm.tir.Tir.rounded;
import static dev.qnet.target.tvm.tir.Tir.select;
import static dev.qnet.target.tvm.tir.Tir.seq;
import static dev.qnet.target.tvm.tir.Tir.shl;
import static dev.qnet.target.tvm.tir.Tir.shr;
import static dev.qnet.target.tvm.tir.Tir.store;
import static dev.qnet.target.tvm.tir.Tir.sub;
import static dev.qnet.target.tvm.tir.Tir.when;

import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import dev.qnet.target.tvm.tir.Stmt.LoopKind;
import dev.qnet.target.tvm.tir.Tir;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * Sines and cosines in double to the bit of {@link StrictMath}, that is of fdlibm's k_sin.c, k_cos.c, e_rem_pio2.c and
 * k_rem_pio2.c (Sun Microsystems, 1993), of numbers that are singles: x is n·π/2 + y0 + y1, and y0 + y1 is at most π/4.
 * Every product is rounded in front of its sum.
 *
 * <p>Large singles are 24 bits times a power of two. So fdlibm's arithmetic on 24 bits of 2/π at a time, there in double, is on
 * integers here, and more digits are needed once at most, two at most: all singles were looked at.
 */
final class Trigonometry {
    private static final double[] SIN = {
        -0x1.5555555555549p-3,
        0x1.111111110f8a6p-7,
        -0x1.a01a019c161d5p-13,
        0x1.71de357b1fe7dp-19,
        -0x1.ae5e68a2b9cebp-26,
        0x1.5d93a5acfd57cp-33
    };
    private static final double[] COS = {
        0x1.555555555554cp-5,
        -0x1.6c16c16c15177p-10,
        0x1.a01a019cb159p-16,
        -0x1.27e4f809c52adp-22,
        0x1.1ee9ebdb4b1c4p-29,
        -0x1.8fae9be8838d4p-37
    };

    /** 2/π, 24 bits each: as many as singles need. */
    private static final int[] TWO_OVER_PI = {
        0xA2F983, 0x6E4E44, 0x1529FC, 0x2757D1, 0xF534DD, 0xC0DB62, 0x95993C, 0x439041, 0xFE5163, 0xABDEBB
    };

    /** π/2, about 24 bits each. */
    private static final double[] HALF_PI = {0x1.921fb4p0, 0x1.4442dp-24, 0x1.846988p-48, 0x1.8cc516p-72, 0x1.01b838p-96
    };

    /** π/2 in parts of 33 bits, and what is left behind each. */
    private static final double[] PART = {0x1.921fb544p0, 0x1.0b4611a6p-34, 0x1.3198a2ep-69};

    private static final double[] LEFT = {0x1.0b4611a626331p-34, 0x1.3198a2e037073p-69, 0x1.b839a252049c1p-104};

    /** Digits of 24 bits that are looked at first, but for the last. */
    private static final int FIRST = 4;

    private static final int DIGIT = 24;
    private static final int MOST_DIGITS = 8;

    /** Multiples of π/2 below this are told apart by the upper halves of their bits. */
    private static final int NEAR_MULTIPLES = 32;

    private static final long QUARTER_PI = 0x3fe921fb;
    private static final long THREE_QUARTERS = 0x4002d97c;
    private static final long MEDIUM = 0x413921fb;
    private static final long INFINITY = 0x7ff00000;

    /** Below this a sine is its argument. */
    private static final long TINY = 0x3e400000;

    private Trigonometry() {}

    /** sin x of a double that is a single, for the statement that uses it. */
    static Stmt sin(Expr x, Function<Expr, Stmt> body) {
        return of(x, 0, body);
    }

    /** As {@link #sin}, cos x. */
    static Stmt cos(Expr x, Function<Expr, Stmt> body) {
        return of(x, 1, body);
    }

    /** The sine of x and as many quarters of a turn. */
    private static Stmt of(Expr given, int quarters, Function<Expr, Stmt> body) {
        return let(
                "x",
                given,
                x -> let(
                        "upper",
                        upper(x),
                        ix -> local(
                                "y",
                                DataType.FLOAT64,
                                2,
                                y -> local(
                                        "n",
                                        DataType.INT64,
                                        1,
                                        n -> seq(reduce(x, ix, y, n), result(x, ix, y, n, quarters, body))))));
    }

    /** The upper half of a double's bits, without its sign. */
    private static Expr upper(Expr x) {
        return bitAnd(shr(reinterpret(DataType.INT64, x), 32), i64(0x7fffffff));
    }

    private static Stmt result(Expr x, Expr ix, Buffer y, Buffer n, int quarters, Function<Expr, Stmt> body) {
        Expr negative = lt(reinterpret(DataType.INT64, x), i64(0));
        Expr reduced = gt(ix, i64(QUARTER_PI));
        return let(
                "y0",
                signed(negative, load(y, i32(0))),
                y0 -> let("y1", signed(negative, load(y, i32(1))), y1 -> {
                    Expr turns = select(negative, sub(i64(0), load(n, i32(0))), load(n, i32(0)));
                    return let("quadrant", bitAnd(add(turns, i64(quarters)), i64(3)), q -> {
                        Expr odd = ne(bitAnd(q, i64(1)), i64(0));
                        Expr value = select(odd, kernelCos(y0, y1), kernelSin(y0, y1, reduced));
                        Expr sine = signed(ge(q, i64(2)), value);
                        Expr nan = reinterpret(DataType.FLOAT64, i64(0x7ff8000000000000L));
                        return let("sine", select(ge(ix, i64(INFINITY)), nan, sine), body);
                    });
                }));
    }

    private static Expr signed(Expr negative, Expr x) {
        return select(negative, Reals.negated(x), x);
    }

    private static Expr kernelSin(Expr x, Expr y, Expr reduced) {
        Expr z = rounded(mul(x, x));
        Expr v = rounded(mul(z, x));
        Expr r = Logarithm.horner(z, SIN[1], SIN[2], SIN[3], SIN[4], SIN[5]);
        Expr alone = add(x, rounded(mul(v, add(f64(SIN[0]), rounded(mul(z, r))))));
        Expr half = sub(rounded(mul(f64(0.5), y)), rounded(mul(v, r)));
        Expr inner = sub(sub(rounded(mul(z, half)), y), rounded(mul(v, f64(SIN[0]))));
        return select(lt(upper(x), i64(TINY)), x, select(reduced, sub(x, inner), alone));
    }

    private static Expr kernelCos(Expr x, Expr y) {
        Expr ix = upper(x);
        Expr z = rounded(mul(x, x));
        Expr r = rounded(mul(z, Logarithm.horner(z, COS)));
        Expr rest = sub(rounded(mul(z, r)), rounded(mul(x, y)));
        Expr half = rounded(mul(f64(0.5), z));
        Expr near = sub(f64(1), sub(half, rest));
        Expr quarter = reinterpret(DataType.FLOAT64, shl(max(sub(ix, i64(0x200000)), i64(0)), 32));
        Expr q = select(gt(ix, i64(0x3fe90000)), f64(0.28125), quarter);
        Expr far = sub(sub(f64(1), q), sub(sub(half, q), rest));
        return select(lt(ix, i64(TINY)), f64(1), select(lt(ix, i64(0x3fd33333)), near, far));
    }

    /** Stores y0, y1 and n of |x|. */
    private static Stmt reduce(Expr x, Expr ix, Buffer y, Buffer n) {
        Expr t = reinterpret(DataType.FLOAT64, bitAnd(reinterpret(DataType.INT64, x), i64(Long.MAX_VALUE)));
        Stmt within = seq(store(y, t, i32(0)), store(y, f64(0), i32(1)), store(n, i64(0), i32(0)));
        return let(
                "t",
                t,
                a -> when(
                        or(le(ix, i64(QUARTER_PI)), ge(ix, i64(INFINITY))),
                        within,
                        when(
                                lt(ix, i64(THREE_QUARTERS)),
                                once(a, ix, y, n),
                                when(le(ix, i64(MEDIUM)), medium(a, ix, y, n), large(a, y, n)))));
    }

    private static Stmt split(Buffer y, Expr r, Expr w) {
        return let("y0", sub(r, w), y0 -> seq(store(y, y0, i32(0)), store(y, sub(sub(r, y0), w), i32(1))));
    }

    /** Up to 3π/4, where n is 1. */
    private static Stmt once(Expr t, Expr ix, Buffer y, Buffer n) {
        Expr z = sub(t, f64(PART[0]));
        return seq(
                store(n, i64(1), i32(0)),
                when(ne(ix, i64(highest(1))), split(y, z, f64(LEFT[0])), split(y, sub(z, f64(PART[1])), f64(LEFT[1]))));
    }

    /** The upper half of the bits of n·π/2. */
    private static long highest(int n) {
        return Double.doubleToRawLongBits(n * (Math.PI / 2)) >>> 32;
    }

    /** Up to 2^19·π/2: π/2 in one part, in two where that cancels more than 16 bits, in three for more than 49. */
    private static Stmt medium(Expr t, Expr ix, Buffer y, Buffer n) {
        Expr turns = cast(DataType.INT64, add(rounded(mul(t, f64(2 / Math.PI))), f64(0.5)));
        return let(
                "turns",
                turns,
                k -> let("fn", cast(DataType.FLOAT64, k), fn -> {
                    Expr multiple = i64(highest(1));
                    for (int m = 2; m < NEAR_MULTIPLES; m++) {
                        multiple = select(eq(k, i64(m)), i64(highest(m)), multiple);
                    }
                    Expr far = and(lt(k, i64(NEAR_MULTIPLES)), ne(ix, multiple));
                    Expr r = sub(t, rounded(mul(fn, f64(PART[0]))));
                    Expr w = rounded(mul(fn, f64(LEFT[0])));
                    return seq(
                            store(n, k, i32(0)),
                            let(
                                    "r",
                                    r,
                                    r0 -> let("w", w, w0 -> {
                                        Expr cancelled = select(far, i64(0), cancelled(ix, r0, w0));
                                        return when(le(cancelled, i64(16)), split(y, r0, w0), second(ix, fn, r0, y));
                                    })));
                }));
    }

    private static Expr cancelled(Expr ix, Expr r, Expr w) {
        return sub(shr(ix, 20), shr(upper(sub(r, w)), 20));
    }

    private static Stmt second(Expr ix, Expr fn, Expr r, Buffer y) {
        return next(
                fn,
                1,
                r,
                (r1, w1) -> when(
                        le(cancelled(ix, r1, w1), i64(49)),
                        split(y, r1, w1),
                        next(fn, 2, r1, (r2, w2) -> split(y, r2, w2))));
    }

    /** Takes one more part away from r. */
    private static Stmt next(Expr fn, int part, Expr r, BiFunction<Expr, Expr, Stmt> body) {
        return let(
                "part",
                rounded(mul(fn, f64(PART[part]))),
                p -> let("r", sub(r, p), r1 -> {
                    Expr lost = sub(sub(r, r1), p);
                    return let("w", sub(rounded(mul(fn, f64(LEFT[part]))), lost), w1 -> body.apply(r1, w1));
                }));
    }

    /** The memory that {@link #large} works in. */
    private record Digits(Buffer table, Buffer q, Buffer iq, Buffer values, Buffer sums, Buffer at) {
        /** What is where in {@code at}: how many digits, the power of two of the last, the fraction's bits and what they say. */
        static final Expr COUNT = i32(0);

        static final Expr POWER = i32(1);
        static final Expr FRACTION = i32(2);
        static final Expr CARRY = i32(3);
        static final Expr NEGATE = i32(4);

        Expr get(Expr cell) {
            return load(at, cell);
        }

        Stmt set(Expr cell, Expr value) {
            return store(at, value, cell);
        }

        /** Digits, as what a loop runs to. */
        Expr count() {
            return cast(DataType.INT32, get(COUNT));
        }
    }

    /** Above: the 24 bits of t times the digits of 2/π that matter. */
    private static Stmt large(Expr t, Buffer y, Buffer n) {
        int values = MOST_DIGITS + HALF_PI.length - 1;
        return local(
                "table",
                DataType.INT64,
                TWO_OVER_PI.length,
                table -> integers(
                        "q",
                        q -> integers(
                                "iq",
                                iq -> local(
                                        "values",
                                        DataType.FLOAT64,
                                        values,
                                        v -> local(
                                                "sums",
                                                DataType.FLOAT64,
                                                MOST_DIGITS,
                                                s -> integers(
                                                        "at",
                                                        at -> large(t, y, n, new Digits(table, q, iq, v, s, at))))))));
    }

    private static Stmt integers(String name, Function<Buffer, Stmt> body) {
        return local(name, DataType.INT64, MOST_DIGITS, body);
    }

    private static Stmt large(Expr t, Buffer y, Buffer n, Digits d) {
        Expr bits = reinterpret(DataType.INT64, t);
        Expr mantissa = bitOr(bitAnd(shr(bits, 29), i64(0x7fffff)), i64(0x800000));
        return let(
                "m",
                mantissa,
                m -> let("e0", sub(shr(bits, 52), i64(1046)), e0 -> {
                    // Truncated, in fdlibm, and below 0 only above −24.
                    Expr skipped = Tir.div(max(sub(e0, i64(3)), i64(0)), i64(DIGIT));
                    return let(
                            "jv",
                            skipped,
                            jv -> let("q0", sub(e0, mul(add(jv, i64(1)), i64(DIGIT))), q0 -> {
                                List<Stmt> steps = new ArrayList<>();
                                for (int i = 0; i < TWO_OVER_PI.length; i++) {
                                    steps.add(store(d.table(), i64(TWO_OVER_PI[i]), i32(i)));
                                }
                                steps.add(d.set(Digits.COUNT, i64(FIRST)));
                                steps.add(digits(d, m, jv, q0, n));
                                Expr more = select(eq(load(d.iq(), i32(FIRST - 1)), i64(0)), i64(2), i64(1));
                                steps.add(when(
                                        eq(d.get(Digits.FRACTION), i64(0)),
                                        seq(d.set(Digits.COUNT, add(i64(FIRST), more)), digits(d, m, jv, q0, n))));
                                steps.add(chop(d, q0));
                                steps.add(product(d, y));
                                return seq(steps);
                            }));
                }));
    }

    /** Digits of x·2/π modulo 8, of which what is above a half is taken from 1: n, the fraction in the first, those below. */
    private static Stmt digits(Digits d, Expr m, Expr jv, Expr q0, Buffer n) {
        Expr last = sub(d.count(), i32(1));
        Expr mask = i64(0xffffff);
        Stmt products = loop(
                "i",
                i32(0),
                add(d.count(), i32(1)),
                LoopKind.SERIAL,
                i -> store(d.q(), mul(m, load(d.table(), add(cast(DataType.INT32, jv), i))), i));
        Stmt distilled = loop("i", i32(0), d.count(), LoopKind.SERIAL, i -> {
            Expr j = sub(d.count(), i);
            return seq(
                    store(d.iq(), bitAnd(d.get(Digits.CARRY), mask), i),
                    d.set(Digits.CARRY, add(load(d.q(), sub(j, i32(1))), shr(d.get(Digits.CARRY), DIGIT))));
        });
        return seq(
                products,
                d.set(Digits.CARRY, load(d.q(), d.count())),
                distilled,
                let(
                        "above",
                        max(q0, i64(0)),
                        above -> let("below", max(sub(i64(0), q0), i64(0)), below -> {
                            Expr z = d.get(Digits.CARRY);
                            Expr one = shl(i64(1), below);
                            Expr first = load(d.iq(), last);
                            Expr spill = shr(first, sub(i64(DIGIT), above));
                            Expr whole = bitAnd(add(shr(shl(z, above), below), spill), i64(7));
                            Expr left = bitAnd(first, sub(shl(i64(1), sub(i64(DIGIT), above)), i64(1)));
                            Expr half = select(
                                    lt(q0, i64(0)),
                                    ge(bitAnd(z, sub(one, i64(1))), shr(one, 1)),
                                    ne(shr(left, sub(i64(DIGIT - 1), above)), i64(0)));
                            return let(
                                    "whole",
                                    whole,
                                    w -> let(
                                            "half",
                                            select(half, i64(1), i64(0)),
                                            h -> seq(
                                                    d.set(Digits.FRACTION, bitAnd(z, sub(one, i64(1)))),
                                                    store(d.iq(), left, last),
                                                    store(n, add(w, h), i32(0)),
                                                    d.set(Digits.NEGATE, h),
                                                    when(ne(h, i64(0)), fromOne(d, one, above, q0)))));
                        })));
    }

    /** 1 − the fraction. */
    private static Stmt fromOne(Digits d, Expr one, Expr above, Expr q0) {
        Expr last = sub(d.count(), i32(1));
        Expr carry = d.get(Digits.CARRY);
        Stmt complement = loop(
                "i",
                i32(0),
                d.count(),
                LoopKind.SERIAL,
                i -> let("digit", load(d.iq(), i), digit -> {
                    Expr taken = sub(select(ne(carry, i64(0)), i64(0xffffff), i64(0x1000000)), digit);
                    return seq(
                            store(d.iq(), select(eq(bitOr(carry, digit), i64(0)), i64(0), taken), i),
                            d.set(Digits.CARRY, bitOr(carry, digit)));
                }));
        Expr fraction = sub(sub(one, d.get(Digits.FRACTION)), select(ne(carry, i64(0)), i64(1), i64(0)));
        return seq(
                d.set(Digits.CARRY, i64(0)),
                complement,
                store(d.iq(), bitAnd(load(d.iq(), last), sub(shl(i64(1), sub(i64(DIGIT), above)), i64(1))), last),
                when(lt(q0, i64(0)), d.set(Digits.FRACTION, fraction)));
    }

    /** Leaves out digits of 0 in front, or puts the fraction in front of them; COUNT is then the first one's index. */
    private static Stmt chop(Digits d, Expr q0) {
        Expr fraction = d.get(Digits.FRACTION);
        Stmt without = seq(
                d.set(Digits.COUNT, sub(d.get(Digits.COUNT), i64(1))),
                d.set(Digits.POWER, sub(q0, i64(DIGIT))),
                loop(
                        "i",
                        MOST_DIGITS,
                        i -> when(
                                eq(load(d.iq(), d.count()), i64(0)),
                                seq(
                                        d.set(Digits.COUNT, sub(d.get(Digits.COUNT), i64(1))),
                                        d.set(Digits.POWER, sub(d.get(Digits.POWER), i64(DIGIT)))))));
        Stmt with = seq(
                d.set(Digits.POWER, q0),
                store(d.iq(), bitAnd(fraction, i64(0xffffff)), d.count()),
                when(
                        ge(fraction, i64(0x1000000)),
                        seq(
                                d.set(Digits.COUNT, add(d.get(Digits.COUNT), i64(1))),
                                d.set(Digits.POWER, add(q0, i64(DIGIT))),
                                store(d.iq(), shr(fraction, DIGIT), d.count()))));
        return when(eq(fraction, i64(0)), without, with);
    }

    /** The digits times π/2: products by the power of two that they have, summed up from the smallest on. */
    private static Stmt product(Digits d, Buffer y) {
        Expr products = add(d.count(), i32(1));
        List<Stmt> steps = new ArrayList<>();
        // So that each product has as many terms.
        for (int k = 1; k < HALF_PI.length; k++) {
            steps.add(store(d.values(), f64(0), i32(k - 1)));
        }
        steps.add(loop("i", i32(0), products, LoopKind.SERIAL, i -> {
            Expr power = sub(d.get(Digits.POWER), mul(cast(DataType.INT64, i), i64(DIGIT)));
            Expr unit = reinterpret(DataType.FLOAT64, shl(add(power, i64(1023)), 52));
            Expr digit = cast(DataType.FLOAT64, load(d.iq(), sub(d.count(), i)));
            return store(d.values(), rounded(mul(unit, digit)), add(i, i32(HALF_PI.length - 1)));
        }));
        steps.add(loop("i", i32(0), products, LoopKind.SERIAL, i -> {
            Expr sum = f64(0);
            for (int k = 0; k < HALF_PI.length; k++) {
                Expr value = load(d.values(), add(i, i32(HALF_PI.length - 1 - k)));
                sum = add(sum, rounded(mul(f64(HALF_PI[k]), value)));
            }
            return store(d.sums(), sum, i);
        }));
        steps.add(store(y, f64(0), i32(0)));
        steps.add(loop(
                "i",
                i32(0),
                products,
                LoopKind.SERIAL,
                i -> store(y, add(load(y, i32(0)), load(d.sums(), sub(d.count(), i))), i32(0))));
        steps.add(store(y, sub(load(d.sums(), i32(0)), load(y, i32(0))), i32(1)));
        steps.add(loop(
                "i",
                i32(0),
                d.count(),
                LoopKind.SERIAL,
                i -> store(y, add(load(y, i32(1)), load(d.sums(), add(i, i32(1)))), i32(1))));
        Expr negate = ne(d.get(Digits.NEGATE), i64(0));
        for (int k = 0; k < 2; k++) {
            steps.add(store(y, signed(negate, load(y, i32(k))), i32(k)));
        }
        return seq(steps);
    }
}
