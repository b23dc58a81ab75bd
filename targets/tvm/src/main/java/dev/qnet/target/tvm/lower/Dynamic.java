package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.clamp;
import static dev.qnet.target.tvm.tir.Tir.div;
import static dev.qnet.target.tvm.tir.Tir.eq;
import static dev.qnet.target.tvm.tir.Tir.f32;
import static dev.qnet.target.tvm.tir.Tir.f64;
import static dev.qnet.target.tvm.tir.Tir.gt;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.i64;
import static dev.qnet.target.tvm.tir.Tir.let;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.local;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.lt;
import static dev.qnet.target.tvm.tir.Tir.max;
import static dev.qnet.target.tvm.tir.Tir.min;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.roundEven;
import static dev.qnet.target.tvm.tir.Tir.rounded;
import static dev.qnet.target.tvm.tir.Tir.select;
import static dev.qnet.target.tvm.tir.Tir.seq;
import static dev.qnet.target.tvm.tir.Tir.store;
import static dev.qnet.target.tvm.tir.Tir.sub;

import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.target.tvm.lower.math.Reals;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import dev.qnet.target.tvm.tir.Tir;
import java.util.function.BiFunction;
import java.util.function.Function;

/** Quantization with parameters chosen at run time: docs/numerics.md, "Dynamic quantization". */
final class Dynamic {
    /** Beyond every code. */
    private static final double FAR = 0x1p33;

    /** Threads of a GPU that look for the range of a tensor. */
    private static final int PARTS = 256;

    private Dynamic() {}

    static Stmt params(Layer layer, IntOp.DynamicParams op) {
        int count = layer.type(0).shape().elements();
        if (layer.isa() != Isa.CUDA || count <= PARTS) {
            return range(count, i -> layer.at(0, i), (lo, hi) -> chosen(layer, op, lo, hi));
        }
        // Each thread takes a part; the last one may be told its last element more than once.
        int each = Math.ceilDiv(count, PARTS);
        Buffer ends = layer.scratch("ends", DataType.FLOAT32, 2 * PARTS);
        return seq(
                loop(
                        "part",
                        PARTS,
                        part -> range(
                                each,
                                i -> layer.at(0, min(add(mul(part, each), i), i32(count - 1L))),
                                (lo, hi) -> seq(store(ends, lo, mul(part, 2)), store(ends, hi, add(mul(part, 2), 1))))),
                range(2 * PARTS, i -> load(ends, i), (lo, hi) -> chosen(layer, op, lo, hi)));
    }

    /** The least and the greatest of some reals and 0; NaN does not count. */
    private static Stmt range(int count, Function<Expr, Expr> element, BiFunction<Expr, Expr, Stmt> body) {
        return local(
                "lo",
                DataType.FLOAT32,
                1,
                lo -> local("hi", DataType.FLOAT32, 1, hi -> {
                    Expr least = load(lo, i32(0));
                    Expr greatest = load(hi, i32(0));
                    return seq(
                            store(lo, f32(0), i32(0)),
                            store(hi, f32(0), i32(0)),
                            loop(
                                    "i",
                                    count,
                                    i -> let(
                                            "x",
                                            element.apply(i),
                                            x -> let(
                                                    "real",
                                                    select(Reals.isNan(x), f32(0), x),
                                                    r -> seq(
                                                            store(lo, select(lt(r, least), r, least), i32(0)),
                                                            store(hi, select(gt(r, greatest), r, greatest), i32(0)))))),
                            let("low", least, low -> let("high", greatest, high -> body.apply(low, high))));
                }));
    }

    /** The scale and the zero point for a range. */
    private static Stmt chosen(Layer layer, IntOp.DynamicParams op, Expr low, Expr high) {
        Storage t = op.storage();
        Expr negated = sub(f32(0), low);
        Expr range =
                op.symmetric() ? div(max(negated, high), f32(t.max())) : div(sub(high, low), f32(t.max() - t.min()));
        return let(
                "range",
                range,
                r -> let("scale", select(eq(r, f32(0)), f32(1), r), s -> {
                    Expr z = op.symmetric() ? i64(0) : clamp(add(integer(div(negated, s)), t.min()), t.min(), t.max());
                    return seq(layer.put(i32(0), s), layer.put(i32(1), cast(DataType.FLOAT32, z)));
                }));
    }

    /** A real number rounded half to even, as a 64-bit integer; NaN is 0. */
    private static Expr integer(Expr x) {
        Expr wide = cast(DataType.FLOAT64, roundEven(x));
        Expr near = min(max(wide, f64(-FAR)), f64(FAR));
        return cast(DataType.INT64, select(Reals.isNan(x), f64(0), near));
    }

    static Stmt quantize(Layer layer, IntOp.DynamicQuantize op) {
        Storage t = op.storage();
        return let(
                "scale",
                layer.at(1, i32(0)),
                s -> let(
                        "zero",
                        cast(DataType.INT64, layer.at(1, i32(1))),
                        z -> Ints.each(layer, x -> {
                            Expr u = div(x, s);
                            Expr q = sub(clamp(add(integer(u), z), t.min(), t.max()), z);
                            return select(Reals.isNan(u), i64(0), q);
                        })));
    }

    static Stmt dequantize(Layer layer) {
        int[] shape = layer.shape();
        int scales = layer.type(2).shape().elements();
        return let(
                "scale",
                layer.at(1, i32(0)),
                s -> Nest.over(shape, java.util.List.of(Nest.contiguous(shape), Nest.channel(shape)), p -> {
                    Expr channel = p.get(1);
                    Expr unit = rounded(mul(s, layer.at(2, scales == 1 ? i32(0) : channel)));
                    Expr product = mul(cast(DataType.FLOAT32, layer.at(0, p.get(0))), unit);
                    return layer.put(
                            p.get(0), layer.operands() > 3 ? Tir.add(rounded(product), layer.at(3, channel)) : product);
                }));
    }
}
