package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.and;
import static dev.qnet.target.tvm.tir.Tir.bitAnd;
import static dev.qnet.target.tvm.tir.Tir.bitOr;
import static dev.qnet.target.tvm.tir.Tir.bitXor;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.div;
import static dev.qnet.target.tvm.tir.Tir.eq;
import static dev.qnet.target.tvm.tir.Tir.f32;
import static dev.qnet.target.tvm.tir.Tir.f64;
import static dev.qnet.target.tvm.tir.Tir.ge;
import static dev.qnet.target.tvm.tir.Tir.gt;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.i64;
import static dev.qnet.target.tvm.tir.Tir.imm;
import static dev.qnet.target.tvm.tir.Tir.le;
import static dev.qnet.target.tvm.tir.Tir.let;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.local;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.lt;
import static dev.qnet.target.tvm.tir.Tir.max;
import static dev.qnet.target.tvm.tir.Tir.min;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.ne;
import static dev.qnet.target.tvm.tir.Tir.or;
import static dev.qnet.target.tvm.tir.Tir.reinterpret;
import static dev.qnet.target.tvm.tir.Tir.select;
import static dev.qnet.target.tvm.tir.Tir.seq;
import static dev.qnet.target.tvm.tir.Tir.shl;
import static dev.qnet.target.tvm.tir.Tir.shr;
import static dev.qnet.target.tvm.tir.Tir.store;
import static dev.qnet.target.tvm.tir.Tir.sub;
import static dev.qnet.target.tvm.tir.Tir.when;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.target.tvm.lower.math.Reals;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;

/**
 * Arithmetic of plain numbers, which wraps around: docs/numerics.md, "Plain numbers". Numbers are taken in 64 bits and cut to
 * their width where they are stored; those of 64 bits are added and multiplied in halves, because LLVM is told that what it
 * adds does not wrap.
 */
final class Numbers {
    private static final long LOW = 0xFFFFFFFFL;

    private Numbers() {}

    static Stmt lower(Layer layer, NumOp op) {
        return switch (op) {
            case NumOp.Binary b -> binary(layer, b.fn());
            case NumOp.Unary u -> unary(layer, u.fn());
            case NumOp.Compare c -> compare(layer, c.fn());
            case NumOp.Cast c -> convert(layer);
            case NumOp.Reinterpret r -> Ints.each(layer, x -> x);
            case NumOp.Reduce r -> reduce(layer, r);
            case NumOp.TopK t -> topK(layer, t);
        };
    }

    private static boolean wide(Layer layer) {
        return layer.out().type().equals(DataType.INT64);
    }

    private static Stmt binary(Layer layer, NumOp.Binary.Fn fn) {
        return Ints.broadcast(layer, false, (at, channel, i, j) -> {
            Expr x = cast(DataType.INT64, layer.at(0, i));
            Expr y = cast(DataType.INT64, layer.at(1, j));
            return switch (fn) {
                case ADD -> layer.put(at, wide(layer) ? sum(x, y) : add(x, y));
                case SUB -> layer.put(at, wide(layer) ? sum(sum(inverted(y), i64(1)), x) : sub(x, y));
                case MUL -> layer.put(at, truth(layer, wide(layer) ? product(x, y) : mul(x, y)));
                case MIN -> layer.put(at, min(x, y));
                case MAX -> layer.put(at, max(x, y));
                case AND -> layer.put(at, bitAnd(x, y));
                case OR -> layer.put(at, bitOr(x, y));
                case XOR -> layer.put(at, bitXor(x, y));
                case DIV, MOD -> checked(layer, y, layer.put(at, quotient(layer, fn, x, y)));
                case POW -> power(layer, at, x, y);
            };
        });
    }

    /** Truth values: 1 for all but 0. */
    private static Expr truth(Layer layer, Expr x) {
        return layer.node().type().element() instanceof Element.Int plain && plain.bits() == 1
                ? select(ne(x, imm(x.type(), 0)), imm(x.type(), 1), imm(x.type(), 0))
                : x;
    }

    private static Stmt checked(Layer layer, Expr divisor, Stmt body) {
        return when(eq(divisor, i64(0)), layer.fail("'" + layer.node().id().name() + "' divides by 0"), body);
    }

    /** The divisor is not 0; −1, whose quotient may not fit, has no division. */
    private static Expr quotient(Layer layer, NumOp.Binary.Fn fn, Expr x, Expr y) {
        Expr safe = select(or(eq(y, i64(-1)), eq(y, i64(0))), i64(1), y);
        Expr truncated = div(x, safe);
        if (fn == NumOp.Binary.Fn.DIV) {
            return select(eq(y, i64(-1)), negated(layer, x), truncated);
        }
        Expr remainder = sub(x, mul(truncated, safe));
        Expr other = ne(shr(bitXor(remainder, y), 63), i64(0));
        Expr floor = select(eq(remainder, i64(0)), i64(0), select(other, add(remainder, y), remainder));
        return select(eq(y, i64(-1)), i64(0), floor);
    }

    private static Expr negated(Layer layer, Expr x) {
        return wide(layer) ? sum(inverted(x), i64(1)) : sub(i64(0), x);
    }

    private static Expr inverted(Expr x) {
        return bitXor(x, i64(-1));
    }

    /** x + y, wrapped at 64 bits. */
    private static Expr sum(Expr x, Expr y) {
        Expr low = add(bitAnd(x, i64(LOW)), bitAnd(y, i64(LOW)));
        Expr high = add(add(high(x), high(y)), shr(low, 32));
        return bitOr(shl(high, 32), bitAnd(low, i64(LOW)));
    }

    private static Expr high(Expr x) {
        return bitAnd(shr(x, 32), i64(LOW));
    }

    /** x · y, wrapped at 64 bits, of pieces of 16 bits of y, so that each product of 32 and 16 bits fits. */
    private static Expr product(Expr x, Expr y) {
        Expr total = i64(0);
        for (int piece = 0; piece < 4; piece++) {
            Expr part = bitAnd(shr(y, 16 * piece), i64(0xFFFF));
            Expr low = mul(bitAnd(x, i64(LOW)), part);
            Expr upper = mul(high(x), part);
            Expr whole = sum(low, shl(upper, 32));
            total = piece == 0 ? whole : sum(total, shl(whole, 16 * piece));
        }
        return total;
    }

    private static Stmt power(Layer layer, Expr at, Expr x, Expr y) {
        return local(
                "power",
                DataType.INT64,
                2,
                p -> seq(
                        store(p, i64(1), i32(0)),
                        store(p, x, i32(1)),
                        loop(
                                "bit",
                                63,
                                bit -> seq(
                                        when(
                                                ne(bitAnd(shr(y, cast(DataType.INT64, bit)), i64(1)), i64(0)),
                                                store(p, product(load(p, i32(0)), load(p, i32(1))), i32(0))),
                                        store(p, product(load(p, i32(1)), load(p, i32(1))), i32(1)))),
                        when(
                                lt(y, i64(0)),
                                // Of the integers only 1 and −1 have an inverse.
                                store(
                                        p,
                                        select(
                                                eq(x, i64(1)),
                                                i64(1),
                                                select(
                                                        eq(x, i64(-1)),
                                                        select(eq(bitAnd(y, i64(1)), i64(0)), i64(1), i64(-1)),
                                                        i64(0))),
                                        i32(0))),
                        layer.put(at, truth(layer, load(p, i32(0))))));
    }

    private static Stmt unary(Layer layer, NumOp.Unary.Fn fn) {
        boolean bool = layer.node().type().element() instanceof Element.Int plain && plain.bits() == 1;
        return Ints.each(layer, q -> {
            Expr x = cast(DataType.INT64, q);
            return switch (fn) {
                case NEG -> truth(layer, negated(layer, x));
                case ABS -> select(lt(x, i64(0)), negated(layer, x), x);
                case SIGN -> select(gt(x, i64(0)), i64(1), select(lt(x, i64(0)), i64(-1), i64(0)));
                case NOT -> bool ? sub(i64(1), x) : inverted(x);
            };
        });
    }

    private static Stmt compare(Layer layer, NumOp.Compare.Fn fn) {
        return Ints.broadcast(layer, false, (at, channel, i, j) -> {
            Expr x = layer.at(0, i);
            Expr y = layer.at(1, j);
            if (!x.type().isFloat()) {
                Expr holds = holds(fn, cast(DataType.INT64, x), cast(DataType.INT64, y));
                return layer.put(at, select(holds, i32(1), i32(0)));
            }
            Expr unordered = or(Reals.isNan(x), Reals.isNan(y));
            Expr ordered = select(holds(fn, x, y), i32(1), i32(0));
            return layer.put(at, select(unordered, i32(fn == NumOp.Compare.Fn.NE ? 1 : 0), ordered));
        });
    }

    private static Expr holds(NumOp.Compare.Fn fn, Expr x, Expr y) {
        return switch (fn) {
            case EQ -> eq(x, y);
            case NE -> ne(x, y);
            case LT -> lt(x, y);
            case LE -> le(x, y);
            case GT -> gt(x, y);
            case GE -> ge(x, y);
        };
    }

    private static Stmt convert(Layer layer) {
        Element to = layer.node().type().element();
        return Ints.each(layer, x -> {
            if (to instanceof Element.Int plain && x.type().isFloat()) {
                return plain.bits() == 1
                        ? select(or(ne(x, f32(0)), Reals.isNan(x)), i32(1), i32(0))
                        : truncated(x, plain);
            }
            if (x.type().isFloat() || x.type().equals(layer.out().type())) {
                return truth(layer, x);
            }
            return to instanceof Element.F32 ? cast(DataType.FLOAT32, x) : truth(layer, cast(DataType.INT64, x));
        });
    }

    /** Towards 0, limited to a type; NaN is 0. */
    private static Expr truncated(Expr x, Element.Int to) {
        double below = to.bits() == 64 ? 0x1.fffffep62 : (double) to.max();
        Expr wide = cast(DataType.FLOAT64, x);
        Expr near = min(max(wide, f64((double) to.min())), f64(below));
        Expr integer = cast(DataType.INT64, select(Reals.isNan(x), f64(0), near));
        return to.bits() == 64
                ? select(Reals.isNan(x), i64(0), select(ge(wide, f64(0x1p63)), i64(Long.MAX_VALUE), integer))
                : integer;
    }

    private static Stmt reduce(Layer layer, NumOp.Reduce op) {
        if (layer.out().type().isFloat()) {
            return reduceFloats(layer, op);
        }
        Element.Int element = (Element.Int) layer.node().type().element();
        long start = switch (op.fn()) {
            case SUM -> 0;
            case PROD -> 1;
            case MIN -> element.max();
            case MAX -> element.min();
        };
        return Reductions.over(
                layer,
                op.axes(),
                (at, elements) -> local(
                        "acc",
                        DataType.INT64,
                        1,
                        acc -> seq(
                                store(acc, i64(start), i32(0)),
                                elements.each(i -> {
                                    Expr x = cast(DataType.INT64, layer.at(0, i));
                                    Expr a = load(acc, i32(0));
                                    // Each step is cut to the width, so that truth values stay such.
                                    return store(
                                            acc,
                                            switch (op.fn()) {
                                                case SUM -> truth(layer, sum(a, x));
                                                case PROD -> truth(layer, product(a, x));
                                                case MIN -> min(a, x);
                                                case MAX -> max(a, x);
                                            },
                                            i32(0));
                                }),
                                layer.put(at, load(acc, i32(0))))));
    }

    private static Stmt reduceFloats(Layer layer, NumOp.Reduce op) {
        boolean order = op.fn() == NumOp.Reduce.Fn.MIN || op.fn() == NumOp.Reduce.Fn.MAX;
        DataType type = order ? DataType.FLOAT32 : DataType.FLOAT64;
        Expr start = switch (op.fn()) {
            case SUM -> f64(0);
            case PROD -> f64(1);
            case MIN -> f32(Float.POSITIVE_INFINITY);
            case MAX -> f32(Float.NEGATIVE_INFINITY);
        };
        return Reductions.over(
                layer,
                op.axes(),
                (at, elements) -> local(
                        "acc",
                        type,
                        1,
                        acc -> seq(
                                store(acc, start, i32(0)),
                                elements.each(i -> {
                                    Expr x = cast(type, layer.at(0, i));
                                    Expr a = load(acc, i32(0));
                                    return store(
                                            acc,
                                            switch (op.fn()) {
                                                case SUM -> add(a, x);
                                                case PROD -> mul(a, x);
                                                case MIN -> Reals.min(a, x);
                                                case MAX -> Reals.max(a, x);
                                            },
                                            i32(0));
                                }),
                                layer.put(at, load(acc, i32(0))))));
    }

    /** The best k times, each time of those that come after the last one in the order. */
    private static Stmt topK(Layer layer, NumOp.TopK op) {
        int[] shape = layer.shape(0);
        int n = shape[op.axis()];
        int step = Nest.rowMajor(shape)[op.axis()];
        int[] result = Nest.rowMajor(layer.shape());
        int[] across = shape.clone();
        across[op.axis()] = 1;
        return Nest.over(
                across,
                java.util.List.of(new Nest.Walk(Nest.rowMajor(shape), 0), new Nest.Walk(result, 0)),
                p -> local(
                        "last",
                        DataType.INT32,
                        1,
                        last -> local(
                                "best",
                                DataType.INT32,
                                1,
                                best -> seq(
                                        store(last, i32(-1), i32(0)),
                                        loop(
                                                "k",
                                                op.k(),
                                                k -> seq(
                                                        store(best, i32(-1), i32(0)),
                                                        loop(
                                                                "i",
                                                                n,
                                                                i -> when(
                                                                        after(
                                                                                layer,
                                                                                op,
                                                                                p.get(0),
                                                                                step,
                                                                                load(last, i32(0)),
                                                                                i),
                                                                        when(
                                                                                after(
                                                                                        layer,
                                                                                        op,
                                                                                        p.get(0),
                                                                                        step,
                                                                                        i,
                                                                                        load(best, i32(0))),
                                                                                store(best, i, i32(0)),
                                                                                when(
                                                                                        lt(load(best, i32(0)), i32(0)),
                                                                                        store(best, i, i32(0)))))),
                                                        let(
                                                                "found",
                                                                load(best, i32(0)),
                                                                found -> seq(
                                                                        store(last, found, i32(0)),
                                                                        layer.put(
                                                                                add(
                                                                                        p.get(1),
                                                                                        mul(k, result[op.axis()])),
                                                                                op.indices()
                                                                                        ? found
                                                                                        : layer.at(
                                                                                                0,
                                                                                                add(
                                                                                                        p.get(0),
                                                                                                        mul(
                                                                                                                found,
                                                                                                                step))))))))))));
    }

    /** Whether element j comes after element i in the order; everything comes after −1, and nothing before it. */
    private static Expr after(Layer layer, NumOp.TopK op, Expr first, int step, Expr i, Expr j) {
        Expr x = key(layer, add(first, mul(max(i, i32(0)), step)));
        Expr y = key(layer, add(first, mul(max(j, i32(0)), step)));
        Expr better = op.largest() ? gt(x, y) : lt(x, y);
        Expr same = and(eq(x, y), lt(i, j));
        Expr known = and(ge(j, i32(0)), or(better, same));
        return or(and(lt(i, i32(0)), ge(j, i32(0))), known);
    }

    /** An integer in the order of an element: for singles NaN highest, the zeros alike. */
    private static Expr key(Layer layer, Expr at) {
        Expr x = layer.at(0, at);
        if (!x.type().isFloat()) {
            return cast(DataType.INT64, x);
        }
        Expr bits = reinterpret(DataType.INT32, x);
        Expr magnitude = bitAnd(bits, i32(Integer.MAX_VALUE));
        Expr signed = select(lt(bits, i32(0)), sub(i32(0), magnitude), magnitude);
        return select(Reals.isNan(x), i32(Integer.MAX_VALUE), signed);
    }
}
