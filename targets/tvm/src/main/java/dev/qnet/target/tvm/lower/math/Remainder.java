package dev.qnet.target.tvm.lower.math;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.bitAnd;
import static dev.qnet.target.tvm.tir.Tir.bitOr;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.clamp;
import static dev.qnet.target.tvm.tir.Tir.eq;
import static dev.qnet.target.tvm.tir.Tir.gt;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.i64;
import static dev.qnet.target.tvm.tir.Tir.let;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.local;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.lt;
import static dev.qnet.target.tvm.tir.Tir.max;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.or;
import static dev.qnet.target.tvm.tir.Tir.reinterpret;
import static dev.qnet.target.tvm.tir.Tir.select;
import static dev.qnet.target.tvm.tir.Tir.seq;
import static dev.qnet.target.tvm.tir.Tir.shl;
import static dev.qnet.target.tvm.tir.Tir.shr;
import static dev.qnet.target.tvm.tir.Tir.store;
import static dev.qnet.target.tvm.tir.Tir.sub;

import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import dev.qnet.target.tvm.tir.Tir;
import java.util.function.Function;

/**
 * The remainder of singles as Java has it, x − y·trunc(x/y), which is exact: with x = m·2^d·u and y = k·u it is
 * (m·2^d mod k)·u, a long division of integers.
 */
public final class Remainder {
    private static final long INFINITY = 0x7f800000L;
    private static final int MANTISSA = 23;

    /** Bits of m·2^d that are brought down at once. */
    private static final int STEP = 32;

    /** The most by which exponents of singles differ. */
    private static final int MOST = 253;

    private Remainder() {}

    /** {@code x % y}, for the statement that uses it. */
    public static Stmt of(Expr x, Expr y, Function<Expr, Stmt> body) {
        return let(
                "x",
                x,
                a -> let(
                        "y",
                        y,
                        b -> let(
                                "xbits",
                                magnitude(a),
                                p -> let(
                                        "ybits",
                                        magnitude(b),
                                        q -> let(
                                                "d",
                                                sub(exponent(p), exponent(q)),
                                                d -> local(
                                                        "r",
                                                        DataType.INT64,
                                                        1,
                                                        r -> seq(
                                                                divided(p, q, d, r),
                                                                let(
                                                                        "remainder",
                                                                        result(a, p, q, load(r, i32(0))),
                                                                        body))))))));
    }

    private static Expr magnitude(Expr x) {
        return cast(DataType.INT64, bitAnd(reinterpret(DataType.INT32, x), i32(Integer.MAX_VALUE)));
    }

    /** Of the last bit, from 1 on. */
    private static Expr exponent(Expr bits) {
        return max(shr(bits, MANTISSA), i64(1));
    }

    private static Expr mantissa(Expr bits) {
        Expr hidden = select(lt(bits, i64(1L << MANTISSA)), i64(0), i64(1L << MANTISSA));
        return bitOr(bitAnd(bits, i64((1L << MANTISSA) - 1)), hidden);
    }

    private static Stmt divided(Expr x, Expr y, Expr d, Buffer r) {
        return let(
                "k",
                max(mantissa(y), i64(1)),
                k -> seq(store(r, mod(mantissa(x), k), i32(0)), loop("step", Math.ceilDiv(MOST, STEP), i -> {
                    Expr bits = clamp(sub(d, mul(cast(DataType.INT64, i), STEP)), 0, STEP);
                    return store(r, mod(shl(load(r, i32(0)), bits), k), i32(0));
                })));
    }

    private static Expr mod(Expr a, Expr k) {
        return sub(a, mul(Tir.div(a, k), k));
    }

    private static Expr result(Expr x, Expr p, Expr q, Expr r) {
        // The last bit of a single of exponent e counts 2^(e − 150).
        Expr unit = reinterpret(DataType.FLOAT64, shl(add(exponent(q), i64(1023 - 150)), 52));
        Expr exact = cast(DataType.FLOAT32, mul(cast(DataType.FLOAT64, r), unit));
        Expr sign = bitAnd(reinterpret(DataType.INT32, x), i32(Integer.MIN_VALUE));
        Expr signed = reinterpret(DataType.FLOAT32, bitOr(reinterpret(DataType.INT32, exact), sign));
        Expr smaller = select(lt(p, q), x, signed);
        Expr none = or(or(eq(q, i64(0)), gt(q, i64(INFINITY))), gt(p, i64(INFINITY - 1)));
        return select(none, reinterpret(DataType.FLOAT32, i32(0x7fc00000)), smaller);
    }
}
