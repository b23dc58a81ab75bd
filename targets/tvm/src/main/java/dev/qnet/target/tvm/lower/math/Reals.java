package dev.qnet.target.tvm.lower.math;

import static dev.qnet.target.tvm.tir.Tir.bitAnd;
import static dev.qnet.target.tvm.tir.Tir.bitOr;
import static dev.qnet.target.tvm.tir.Tir.f64;
import static dev.qnet.target.tvm.tir.Tir.gt;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.i64;
import static dev.qnet.target.tvm.tir.Tir.lt;
import static dev.qnet.target.tvm.tir.Tir.reinterpret;
import static dev.qnet.target.tvm.tir.Tir.select;

import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Tir;

/** Real numbers that may be NaN: TVM tells LLVM that none is, so that is looked for in the bits. */
public final class Reals {
    private static final long INFINITY = 0x7f800000L;

    private Reals() {}

    private static Expr bits(Expr x) {
        return reinterpret(DataType.INT32, x);
    }

    /** Whether a single is NaN. */
    public static Expr isNan(Expr x) {
        return gt(bitAnd(bits(x), i32(Integer.MAX_VALUE)), i32(INFINITY));
    }

    /** The larger of two singles; NaN if either is, and −0 is below 0. */
    public static Expr max(Expr x, Expr y) {
        Expr zeros = reinterpret(DataType.FLOAT32, bitAnd(bits(x), bits(y)));
        return ordered(x, y, select(gt(x, y), x, select(lt(x, y), y, zeros)));
    }

    /** As {@link #max}. */
    public static Expr min(Expr x, Expr y) {
        Expr zeros = reinterpret(DataType.FLOAT32, bitOr(bits(x), bits(y)));
        return ordered(x, y, select(lt(x, y), x, select(gt(x, y), y, zeros)));
    }

    private static Expr ordered(Expr x, Expr y, Expr otherwise) {
        return select(isNan(x), x, select(isNan(y), y, otherwise));
    }

    /** −x; of NaN, too. */
    public static Expr negated(Expr x) {
        return reinterpret(DataType.FLOAT64, Tir.bitXor(bits64(x), i64(Long.MIN_VALUE)));
    }

    static Expr bits64(Expr x) {
        return reinterpret(DataType.INT64, x);
    }

    /** Whether a double is NaN. */
    public static Expr nan64(Expr x) {
        return gt(bitAnd(bits64(x), i64(Long.MAX_VALUE)), i64(0x7ff0000000000000L));
    }

    /** Whether a condition holds, or x is NaN. */
    static Expr orNan(Expr condition, Expr x) {
        return Tir.or(condition, nan64(x));
    }

    /** |x|; of NaN, too. */
    static Expr magnitude(Expr x) {
        return reinterpret(DataType.FLOAT64, bitAnd(bits64(x), i64(Long.MAX_VALUE)));
    }

    /** As {@link Math#max}; of the zeros the positive one. */
    public static Expr max64(Expr x, double limit) {
        Expr zeros = reinterpret(DataType.FLOAT64, bitAnd(bits64(x), i64(Double.doubleToRawLongBits(limit))));
        return select(nan64(x), x, select(gt(x, f64(limit)), x, select(lt(x, f64(limit)), f64(limit), zeros)));
    }

    /** As {@link Math#min}; of the zeros the negative one. */
    public static Expr min64(Expr x, double limit) {
        Expr zeros = reinterpret(DataType.FLOAT64, bitOr(bits64(x), i64(Double.doubleToRawLongBits(limit))));
        return select(nan64(x), x, select(lt(x, f64(limit)), x, select(gt(x, f64(limit)), f64(limit), zeros)));
    }
}
