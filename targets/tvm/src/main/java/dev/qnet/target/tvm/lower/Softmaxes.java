package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.bitAnd;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.clamp;
import static dev.qnet.target.tvm.tir.Tir.eq;
import static dev.qnet.target.tvm.tir.Tir.ge;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.i64;
import static dev.qnet.target.tvm.tir.Tir.let;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.local;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.lt;
import static dev.qnet.target.tvm.tir.Tir.max;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.ne;
import static dev.qnet.target.tvm.tir.Tir.or;
import static dev.qnet.target.tvm.tir.Tir.select;
import static dev.qnet.target.tvm.tir.Tir.seq;
import static dev.qnet.target.tvm.tir.Tir.shl;
import static dev.qnet.target.tvm.tir.Tir.shr;
import static dev.qnet.target.tvm.tir.Tir.store;
import static dev.qnet.target.tvm.tir.Tir.sub;
import static dev.qnet.target.tvm.tir.Tir.when;

import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Rescale.Scale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import java.util.List;
import java.util.function.Function;

/**
 * Softmax in fixed point, as gemmlowp and TFLite compute it. Numbers are raw integers of a Q format, here in 64 bits so that
 * nothing overflows before it is limited to 32.
 */
final class Softmaxes {
    /** Integer bits of a scaled difference. */
    private static final int DIFF_BITS = 5;

    /** Integer bits of the sum of exponentials. */
    private static final int SUM_BITS = 12;

    private static final long ONE = Integer.MAX_VALUE;

    /** exp(−2^e) in Q0.31, for e = −2 … 4. */
    private static final List<Integer> EXP_OF_POWERS =
            List.of(1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242);

    private Softmaxes() {}

    static Stmt fixed(Layer layer, IntOp.Softmax op) {
        Storage out = layer.node().type().quant().storage();
        int n = layer.shape(0)[op.axis()];
        int step = Nest.rowMajor(layer.shape(0))[op.axis()];
        return lines(
                layer,
                op.axis(),
                first -> local(
                        "max",
                        DataType.INT32,
                        1,
                        top -> local(
                                "sum",
                                DataType.INT64,
                                1,
                                sum -> seq(
                                        largest(layer, top, first, n, step),
                                        store(sum, i64(0), i32(0)),
                                        loop(
                                                "i",
                                                n,
                                                i -> let(
                                                        "diff",
                                                        difference(layer, top, first, i, step),
                                                        diff -> when(
                                                                ge(diff, i64(op.diffMin())),
                                                                exponential(
                                                                        op,
                                                                        diff,
                                                                        e -> store(
                                                                                sum,
                                                                                add(
                                                                                        load(sum, i32(0)),
                                                                                        Ints.roundingDivide(
                                                                                                e, SUM_BITS)),
                                                                                i32(0)))))),
                                        let(
                                                "total",
                                                load(sum, i32(0)),
                                                total -> let(
                                                        "headroom",
                                                        Ints.leadingZeros(cast(DataType.INT32, total)),
                                                        zeros -> normalized(
                                                                total,
                                                                zeros,
                                                                (reciprocal, bits) -> loop(
                                                                        "i",
                                                                        n,
                                                                        i -> let(
                                                                                "diff",
                                                                                difference(layer, top, first, i, step),
                                                                                diff -> {
                                                                                    Expr at = add(first, mul(i, step));
                                                                                    return when(
                                                                                            ge(diff, i64(op.diffMin())),
                                                                                            exponential(
                                                                                                    op,
                                                                                                    diff,
                                                                                                    e -> layer.put(
                                                                                                            at,
                                                                                                            code(
                                                                                                                    multiply(
                                                                                                                            reciprocal,
                                                                                                                            e),
                                                                                                                    bits,
                                                                                                                    out))),
                                                                                            layer.put(
                                                                                                    at,
                                                                                                    i32(out.min())));
                                                                                })))))))));
    }

    /** p / 2^(bitsOverUnit + 31 − bits), ties away from zero, as a code. */
    private static Expr code(Expr p, Expr bitsOverUnit, Storage out) {
        Expr n = cast(DataType.INT64, add(bitsOverUnit, 31 - out.bits()));
        // p is not negative.
        Expr rounded = shr(add(p, shr(shl(i64(1), n), 1)), n);
        return clamp(add(rounded, out.min()), out.min(), out.max());
    }

    /** What is made of the sum's reciprocal. */
    @FunctionalInterface
    private interface Normal {
        Stmt of(Expr reciprocal, Expr bitsOverUnit);
    }

    /** The sum is 2^bitsOverUnit · (1 + fraction), the fraction in Q0.31; gives 1/(1 + fraction). */
    private static Stmt normalized(Expr sum, Expr zeros, Normal body) {
        Expr fraction = sub(shl(sum, cast(DataType.INT64, zeros)), 1L << 31);
        return let("fraction", fraction, a -> oneOverOnePlus(a, r -> body.of(r, sub(i32(SUM_BITS), zeros))));
    }

    /** Loops over the lines along an axis; the body is given the first element of each. */
    static Stmt lines(Layer layer, int axis, Function<Expr, Stmt> body) {
        int[] shape = layer.shape(0);
        int[] across = shape.clone();
        across[axis] = 1;
        return Nest.over(across, List.of(new Nest.Walk(Nest.rowMajor(shape), 0)), p -> body.apply(p.getFirst()));
    }

    private static Stmt largest(Layer layer, Buffer top, Expr first, int n, int step) {
        return seq(
                store(top, i32(Integer.MIN_VALUE), i32(0)),
                loop(
                        "i",
                        n,
                        i -> store(
                                top,
                                max(load(top, i32(0)), cast(DataType.INT32, layer.at(0, add(first, mul(i, step))))),
                                i32(0))));
    }

    private static Expr difference(Layer layer, Buffer top, Expr first, Expr i, int step) {
        Expr x = cast(DataType.INT64, layer.at(0, add(first, mul(i, step))));
        return sub(x, cast(DataType.INT64, load(top, i32(0))));
    }

    /** exp of a difference of codes, in Q0.31: gemmlowp's exp_on_negative_values. */
    private static Stmt exponential(IntOp.Softmax op, Expr diff, Function<Expr, Stmt> body) {
        long quarter = 1L << (31 - DIFF_BITS - 2);
        return let(
                "a",
                multiply(shl(diff, op.leftShift()), i64(op.multiplier())),
                a -> let(
                        "below",
                        sub(bitAnd(a, i64(quarter - 1)), quarter),
                        below -> let(
                                "x",
                                // x is the fraction plus 1/8.
                                add(limited(shl(below, DIFF_BITS)), 1L << 28),
                                x -> let(
                                        "x2",
                                        multiply(x, x),
                                        x2 -> let(
                                                "higher",
                                                Ints.roundingDivide(
                                                        add(
                                                                multiply(
                                                                        add(
                                                                                Ints.roundingDivide(
                                                                                        multiply(x2, x2), 2),
                                                                                multiply(x2, x)),
                                                                        i64(715827883)),
                                                                x2),
                                                        1),
                                                higher -> let(
                                                        "e",
                                                        add(i64(1895147668), multiply(i64(1895147668), add(x, higher))),
                                                        e -> powers(
                                                                sub(below, a),
                                                                e,
                                                                0,
                                                                quarter,
                                                                result -> let(
                                                                        "exp",
                                                                        select(eq(a, i64(0)), i64(ONE), result),
                                                                        body))))))));
    }

    /** Times exp(−2^e) for each bit of the remainder. */
    private static Stmt powers(Expr remainder, Expr e, int bit, long quarter, Function<Expr, Stmt> body) {
        if (bit == EXP_OF_POWERS.size()) {
            return body.apply(e);
        }
        Expr set = ne(bitAnd(remainder, i64(quarter << bit)), i64(0));
        Expr next = select(set, multiply(e, i64(EXP_OF_POWERS.get(bit))), e);
        return let("e" + (bit + 1), next, r -> powers(remainder, r, bit + 1, quarter, body));
    }

    /** 1/(1 + a) for 0 ≤ a ≤ 1 in Q0.31: Newton's iteration in Q2.29. */
    private static Stmt oneOverOnePlus(Expr a, Function<Expr, Stmt> body) {
        // Not negative, so that the shift is a division.
        return let(
                "half",
                shr(add(a, ONE + 1), 1),
                half -> newton(
                        half,
                        add(i64(1515870810), multiply(half, i64(-1010580540))),
                        0,
                        x -> let("reciprocal", limited(shl(x, 1)), body)));
    }

    private static Stmt newton(Expr half, Expr start, int step, Function<Expr, Stmt> body) {
        return let("n" + step, start, x -> {
            if (step == 3) {
                return body.apply(x);
            }
            Expr error = sub(i64(1L << 29), multiply(half, x));
            return newton(half, add(x, limited(shl(multiply(x, error), 2))), step + 1, body);
        });
    }

    /** gemmlowp's rounding doubling high multiply, of two numbers that are not both −2^31: half up. */
    private static Expr multiply(Expr a, Expr b) {
        return shr(add(mul(a, b), 1L << 30), 31);
    }

    private static Expr limited(Expr x) {
        return clamp(x, Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    /** Of 16-bit codes, with two interpolated tables. */
    static Stmt tables(Layer layer, IntOp.Softmax16 op) {
        int n = layer.shape(0)[op.axis()];
        int step = Nest.rowMajor(layer.shape(0))[op.axis()];
        Buffer exp = layer.table("exp", DataType.INT16, op.exp());
        Buffer reciprocals = layer.table("reciprocal", DataType.INT16, op.reciprocal());
        Rescales scale = Rescales.of(layer, "scale", Rounding.TFLITE, new Scale.Fixed(op.multiplier(), op.leftShift()));
        Buffer out = layer.out();
        return lines(
                layer,
                op.axis(),
                first -> local(
                        "max",
                        DataType.INT32,
                        1,
                        top -> local(
                                "sum",
                                DataType.INT64,
                                1,
                                sum -> seq(
                                        largest(layer, top, first, n, step),
                                        store(sum, i64(0), i32(0)),
                                        // The exponentials wait in the result's place.
                                        loop(
                                                "i",
                                                n,
                                                i -> let("diff", difference(layer, top, first, i, step), diff -> {
                                                    Expr u = Ints.saturate(add(
                                                            clamp(scale.scale(diff, i32(0)), -1L << 31, 1L << 31),
                                                            32767));
                                                    return let(
                                                            "e",
                                                            Ints.interpolated(exp, cast(DataType.INT32, u)),
                                                            e -> seq(
                                                                    layer.put(add(first, mul(i, step)), e),
                                                                    store(
                                                                            sum,
                                                                            add(
                                                                                    load(sum, i32(0)),
                                                                                    cast(DataType.INT64, e)),
                                                                            i32(0))));
                                                })),
                                        let(
                                                "total",
                                                load(sum, i32(0)),
                                                total -> when(
                                                        or(lt(total, i64(1)), ge(total, i64(1L << 31))),
                                                        layer.fail("the exponentials of '"
                                                                + layer.node()
                                                                        .id()
                                                                        .name() + "' have a sum that is not above 0"),
                                                        let(
                                                                "zeros",
                                                                cast(
                                                                        DataType.INT64,
                                                                        Ints.leadingZeros(cast(DataType.INT32, total))),
                                                                zeros -> {
                                                                    Expr normal = shr(
                                                                            add(shl(total, sub(zeros, 1)), 1L << 13),
                                                                            14);
                                                                    Expr place = Ints.saturate(
                                                                            sub(normal, (1L << 15) + (1L << 16)));
                                                                    Expr reciprocal = cast(
                                                                            DataType.INT64,
                                                                            Ints.interpolated(
                                                                                    reciprocals,
                                                                                    cast(DataType.INT32, place)));
                                                                    Expr shift = sub(i64(31), zeros);
                                                                    return let(
                                                                            "r",
                                                                            reciprocal,
                                                                            r -> loop("i", n, i -> {
                                                                                Expr at = add(first, mul(i, step));
                                                                                Expr e = cast(
                                                                                        DataType.INT64, load(out, at));
                                                                                Expr half = shr(shl(i64(1), shift), 1);
                                                                                return layer.put(
                                                                                        at,
                                                                                        clamp(
                                                                                                shr(
                                                                                                        add(
                                                                                                                mul(
                                                                                                                        e,
                                                                                                                        r),
                                                                                                                half),
                                                                                                        shift),
                                                                                                0,
                                                                                                32767));
                                                                            }));
                                                                })))))));
    }
}
