package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.and;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.ge;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.imm;
import static dev.qnet.target.tvm.tir.Tir.let;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.local;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.lt;
import static dev.qnet.target.tvm.tir.Tir.max;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.ne;
import static dev.qnet.target.tvm.tir.Tir.select;
import static dev.qnet.target.tvm.tir.Tir.seq;
import static dev.qnet.target.tvm.tir.Tir.store;
import static dev.qnet.target.tvm.tir.Tir.when;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.target.tvm.lower.math.Reals;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import dev.qnet.target.tvm.tir.Tir;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntBinaryOperator;
import java.util.function.IntUnaryOperator;

/** Operations that only move elements, whatever their type. */
final class Moves {
    private Moves() {}

    static Stmt lower(Layer layer, DataOp op) {
        return switch (op) {
            case DataOp.Constant c -> throw new IllegalArgumentException("a constant is no step");
            case DataOp.Reshape r -> Ints.each(layer, x -> x);
            case DataOp.Transpose t -> transpose(layer, t);
            case DataOp.Concat c -> concat(layer, c);
            case DataOp.Slice s -> slice(layer, s);
            case DataOp.Pad p ->
                fill(layer, p.value(), axis -> 1, (axis, extent) -> p.before().get(axis));
            case DataOp.Dilate d -> fill(layer, d.value(), d.factors()::get, (axis, extent) -> 0);
            case DataOp.MaxPool p -> maxPool(layer, p);
            case DataOp.ResizeNearest r -> resize(layer, r);
            case DataOp.Gather g -> gather(layer, g);
            case DataOp.Broadcast b -> {
                int[] shape = layer.shape();
                yield copy(layer, shape, Nest.broadcast(layer.type(0).shape(), shape));
            }
            case DataOp.Select s -> select3(layer);
        };
    }

    private static Stmt copy(Layer layer, int[] shape, Nest.Walk from) {
        return Nest.over(shape, List.of(Nest.contiguous(shape), from), p -> layer.put(p.get(0), layer.at(0, p.get(1))));
    }

    private static Stmt transpose(Layer layer, DataOp.Transpose op) {
        int[] own = Nest.rowMajor(layer.shape(0));
        int[] steps = op.permutation().stream().mapToInt(axis -> own[axis]).toArray();
        return copy(layer, layer.shape(), new Nest.Walk(steps, 0));
    }

    private static Stmt slice(Layer layer, DataOp.Slice op) {
        int[] steps = Nest.rowMajor(layer.shape(0));
        int first = layer.type(0).shape().hasBatch() ? 1 : 0;
        long offset = 0;
        for (int axis = first; axis < steps.length; axis++) {
            offset += (long) op.begin().get(axis) * steps[axis];
            steps[axis] *= op.step().get(axis);
        }
        return copy(layer, layer.shape(), new Nest.Walk(steps, offset));
    }

    private static Stmt concat(Layer layer, DataOp.Concat op) {
        int[] steps = Nest.rowMajor(layer.shape());
        List<Stmt> parts = new ArrayList<>();
        long offset = 0;
        for (int i = 0; i < layer.operands(); i++) {
            int operand = i;
            int[] shape = layer.shape(i);
            if (layer.type(i).shape().elements() > 0) {
                parts.add(Nest.over(
                        shape,
                        List.of(Nest.contiguous(shape), new Nest.Walk(steps, offset)),
                        p -> layer.put(p.get(1), layer.at(operand, p.get(0)))));
            }
            offset += (long) shape[op.axis()] * steps[op.axis()];
        }
        return seq(parts);
    }

    /** A constant everywhere, and the operand over it. */
    private static Stmt fill(Layer layer, float value, IntUnaryOperator factor, IntBinaryOperator before) {
        DataType type = layer.out().type();
        Expr filling = type.isFloat() ? Tir.f32(value) : imm(type, (long) value);
        int[] shape = layer.shape(0);
        int[] own = Nest.rowMajor(layer.shape());
        int[] steps = new int[own.length];
        long offset = 0;
        for (int axis = 0; axis < steps.length; axis++) {
            steps[axis] = own[axis] * factor.applyAsInt(axis);
            offset += (long) own[axis] * before.applyAsInt(axis, shape[axis]);
        }
        Stmt everywhere = loop("i", layer.node().type().shape().elements(), i -> layer.put(i, filling));
        if (layer.type(0).shape().elements() == 0) {
            return everywhere;
        }
        Nest.Walk to = new Nest.Walk(steps, offset);
        return seq(
                everywhere,
                Nest.over(shape, List.of(Nest.contiguous(shape), to), p -> layer.put(p.get(1), layer.at(0, p.get(0)))));
    }

    private static Stmt maxPool(Layer layer, DataOp.MaxPool op) {
        Windows windows = new Windows(op.window(), layer.shape(0));
        int channels = windows.channels();
        Buffer out = layer.out();
        DataType type = out.type();
        Expr lowest = type.isFloat()
                ? Tir.f32(Float.NEGATIVE_INFINITY)
                : imm(type, type.kind() == DataType.Kind.UINT ? 0 : -1L << (type.bits() - 1));
        if (layer.isa() == Isa.CUDA) {
            // A channel of a pixel is a thread's.
            return windows.pixels(p -> loop(
                    "c",
                    channels,
                    c -> local(
                            "best",
                            type,
                            1,
                            best -> seq(
                                    store(best, lowest, i32(0)),
                                    windows.taps(p, (pixel, tap) -> {
                                        Expr x = layer.at(0, add(pixel, c));
                                        Expr so = load(best, i32(0));
                                        return store(best, type.isFloat() ? Reals.max(so, x) : max(so, x), i32(0));
                                    }),
                                    layer.put(add(mul(p.number(), channels), c), load(best, i32(0)))))));
        }
        return windows.pixels(p -> {
            Expr first = mul(p.number(), channels);
            return seq(
                    loop("c", channels, c -> store(out, lowest, add(first, c))),
                    windows.taps(
                            p,
                            (pixel, tap) -> loop("c", channels, c -> {
                                Expr at = add(first, c);
                                Expr x = layer.at(0, add(pixel, c));
                                return store(
                                        out, type.isFloat() ? Reals.max(load(out, at), x) : max(load(out, at), x), at);
                            })));
        });
    }

    private static Stmt resize(Layer layer, DataOp.ResizeNearest op) {
        int[] x = layer.shape(0);
        int channels = x[3];
        Buffer rows = layer.table("rows", nearest(x[1], op.height()));
        Buffer columns = layer.table("columns", nearest(x[2], op.width()));
        return loop(
                "b",
                x[0],
                b -> loop(
                        "oy",
                        op.height(),
                        oy -> loop("ox", op.width(), ox -> {
                            Expr y = cast(DataType.INT32, load(rows, oy));
                            Expr column = cast(DataType.INT32, load(columns, ox));
                            Expr from = mul(add(mul(add(mul(b, x[1]), y), x[2]), column), channels);
                            Expr to = mul(add(mul(add(mul(b, op.height()), oy), op.width()), ox), channels);
                            return loop("c", channels, c -> layer.put(add(to, c), layer.at(0, add(from, c))));
                        })));
    }

    private static long[] nearest(int extent, int out) {
        long[] places = new long[out];
        Arrays.setAll(places, o -> (long) o * extent / out);
        return places;
    }

    private static Stmt gather(Layer layer, DataOp.Gather op) {
        int[] x = layer.shape(0);
        int extent = x[op.axis()];
        int inner = Nest.rowMajor(x)[op.axis()];
        int outer = 1;
        for (int axis = 0; axis < op.axis(); axis++) {
            outer *= x[axis];
        }
        int count = layer.type(1).shape().elements();
        int slices = outer;
        return loop(
                "i",
                count,
                i -> let(
                        "index",
                        cast(DataType.INT64, layer.at(1, i)),
                        raw -> let(
                                "place",
                                select(lt(raw, Tir.i64(0)), add(raw, extent), raw),
                                place -> when(
                                        and(ge(place, Tir.i64(0)), lt(place, Tir.i64(extent))),
                                        loop(
                                                "o",
                                                slices,
                                                o -> loop(
                                                        "k",
                                                        inner,
                                                        k -> layer.put(
                                                                add(mul(add(mul(o, count), i), inner), k),
                                                                layer.at(
                                                                        0,
                                                                        add(
                                                                                mul(
                                                                                        add(
                                                                                                mul(o, extent),
                                                                                                cast(
                                                                                                        DataType.INT32,
                                                                                                        place)),
                                                                                        inner),
                                                                                k))))),
                                        layer.fail("an index of '"
                                                + layer.node().id().name() + "' is outside axis " + op.axis() + " of "
                                                + layer.type(0).shape())))));
    }

    private static Stmt select3(Layer layer) {
        int[] shape = layer.shape();
        List<Nest.Walk> walks = new ArrayList<>(List.of(Nest.contiguous(shape)));
        for (int i = 0; i < 3; i++) {
            Shape from = layer.type(i).shape();
            walks.add(Nest.broadcast(from, shape));
        }
        return Nest.over(
                shape,
                walks,
                p -> layer.put(
                        p.get(0),
                        select(
                                ne(cast(DataType.INT32, layer.at(0, p.get(1))), i32(0)),
                                layer.at(1, p.get(2)),
                                layer.at(2, p.get(3)))));
    }
}
