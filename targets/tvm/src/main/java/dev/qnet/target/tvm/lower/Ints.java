package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.bitAnd;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.clamp;
import static dev.qnet.target.tvm.tir.Tir.div;
import static dev.qnet.target.tvm.tir.Tir.f32;
import static dev.qnet.target.tvm.tir.Tir.gt;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.i64;
import static dev.qnet.target.tvm.tir.Tir.imm;
import static dev.qnet.target.tvm.tir.Tir.le;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.local;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.rounded;
import static dev.qnet.target.tvm.tir.Tir.select;
import static dev.qnet.target.tvm.tir.Tir.seq;
import static dev.qnet.target.tvm.tir.Tir.shl;
import static dev.qnet.target.tvm.tir.Tir.shr;
import static dev.qnet.target.tvm.tir.Tir.store;
import static dev.qnet.target.tvm.tir.Tir.sub;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale.Scale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import dev.qnet.target.tvm.tir.Tir;
import java.util.List;
import java.util.function.Function;

/** Operations on integers that are no sums of products of many. */
final class Ints {
    /** Channels that a pool sums at a time. */
    private static final int BLOCK = 64;

    private Ints() {}

    static Stmt lower(Layer layer, IntOp op) {
        return switch (op) {
            case IntOp.Conv2d c -> Products.conv(layer, c);
            case IntOp.Dense d -> Products.dense(layer, d);
            case IntOp.MatMul m -> Products.matmul(layer, m);
            case IntOp.Mul m -> mul(layer, m);
            case IntOp.Add a -> add(layer, a);
            case IntOp.Sum s -> sum(layer, s);
            case IntOp.Requantize r -> requantize(layer, r);
            case IntOp.AvgPool p -> avgPool(layer, p);
            case IntOp.Clamp c -> each(layer, q -> clamp(cast(DataType.INT32, q), c.lo(), c.hi()));
            case IntOp.Table t -> table(layer, t);
            case IntOp.InterpolatedTable t -> interpolatedTable(layer, t);
            case IntOp.Softmax s -> Softmaxes.fixed(layer, s);
            case IntOp.Softmax16 s -> Softmaxes.tables(layer, s);
            case IntOp.DynamicParams p -> Dynamic.params(layer, p);
            case IntOp.DynamicQuantize q -> Dynamic.quantize(layer, q);
            case IntOp.DynamicDequantize d -> Dynamic.dequantize(layer);
            case IntOp.ResizeBilinear r -> Bilinear.lower(layer, r);
            case IntOp.Thresholds t -> thresholds(layer, t);
            case IntOp.LstmGate g -> Lstm.gate(layer, g);
            case IntOp.LstmCell c -> Lstm.cell(layer, c);
        };
    }

    /** Each element of the result of the same element of the first operand. */
    static Stmt each(Layer layer, Function<Expr, Expr> f) {
        return loop("i", layer.node().type().shape().elements(), i -> layer.put(i, f.apply(layer.at(0, i))));
    }

    private static Stmt mul(Layer layer, IntOp.Mul op) {
        DataType acc = Products.accumulator(op.acc());
        Products.Finish finish = Products.finish(layer, op.acc(), op.rescale());
        boolean perChannel = op.rescale() != null && op.rescale().scales().size() > 1;
        return broadcast(
                layer,
                perChannel,
                (at, channel, x, y) ->
                        finish.at(at, channel, Tir.mul(layer.centred(0, x, acc), layer.centred(1, y, acc))));
    }

    /** What is computed of two operands, broadcast. */
    @FunctionalInterface
    interface Pair {
        Stmt of(Expr at, Expr channel, Expr x, Expr y);
    }

    /** @param perChannel whether the body uses the channel, which keeps axes apart that else were one loop */
    static Stmt broadcast(Layer layer, boolean perChannel, Pair body) {
        int[] shape = layer.shape();
        return Nest.over(
                shape,
                List.of(
                        Nest.contiguous(shape),
                        Nest.broadcast(layer.type(0).shape(), shape),
                        Nest.broadcast(layer.type(1).shape(), shape),
                        perChannel ? Nest.channel(shape) : new Nest.Walk(new int[shape.length], 0)),
                p -> body.of(p.get(0), p.get(3), p.get(1), p.get(2)));
    }

    private static Stmt add(Layer layer, IntOp.Add op) {
        if (!op.rounding().fixedPoint()) {
            return broadcast(layer, false, (at, channel, i, j) -> {
                // Each product is rounded in front of the sum.
                Expr x = rounded(
                        Tir.mul(single(layer, 0, i), f32(factor(op.scales().get(0)))));
                Expr y = rounded(
                        Tir.mul(single(layer, 1, j), f32(factor(op.scales().get(1)))));
                Expr s = op.subtract() ? sub(x, y) : Tir.add(x, y);
                return layer.put(at, Rescales.rounded(s, op.zero(), op.lo(), op.hi()));
            });
        }
        Rescales left = Rescales.of(layer, "left", op.rounding(), op.scales().get(0));
        Rescales right = Rescales.of(layer, "right", op.rounding(), op.scales().get(1));
        Rescales out = Rescales.of(layer, "out", op.rounding(), op.scales().get(2));
        return broadcast(layer, false, (at, channel, i, j) -> {
            Expr x = left.scale(shl(layer.centred(0, i, DataType.INT64), op.leftShift()), channel);
            Expr y = right.scale(shl(layer.centred(1, j, DataType.INT64), op.leftShift()), channel);
            Expr s = op.subtract() ? sub(x, y) : Tir.add(x, y);
            return layer.put(at, out.code(s, channel, op.zero(), op.lo(), op.hi()));
        });
    }

    private static Expr single(Layer layer, int operand, Expr index) {
        return cast(DataType.FLOAT32, layer.centred(operand, index, DataType.INT32));
    }

    private static float factor(Scale scale) {
        return switch (scale) {
            case Scale.Real r -> r.factor();
            case Scale.Fixed f -> throw new IllegalArgumentException("expected a factor, found " + f);
        };
    }

    private static Stmt sum(Layer layer, IntOp.Sum op) {
        DataType acc = Products.accumulator(op.acc());
        Products.Finish finish = Products.finish(layer, op.acc(), op.rescale());
        int[] result = layer.shape();
        int channels = result.length == 0 ? 1 : result[result.length - 1];
        return Reductions.over(
                layer,
                op.axes(),
                (at, elements) -> local(
                        "acc",
                        acc,
                        1,
                        s -> seq(
                                store(s, imm(acc, 0), i32(0)),
                                elements.each(i ->
                                        store(s, Tir.add(load(s, i32(0)), layer.centred(0, i, acc)), i32(0))),
                                finish.at(at, Tir.floorMod(at, channels), load(s, i32(0))))));
    }

    private static Stmt requantize(Layer layer, IntOp.Requantize op) {
        Element element = layer.type(0).element();
        int bits = element instanceof Element.Int plain ? plain.bits() : 32;
        DataType acc = bits == 64 ? DataType.INT64 : DataType.INT32;
        var r = op.rescale();
        Rescales scale = Rescales.of(layer, "scale", r, bits);
        int[] shape = layer.shape();
        List<Nest.Walk> walks = scale.perChannel()
                ? List.of(Nest.contiguous(shape), Nest.channel(shape))
                : List.of(Nest.contiguous(shape));
        return Nest.over(
                shape,
                walks,
                p -> layer.put(
                        p.getFirst(),
                        scale.code(layer.centred(0, p.getFirst(), acc), p.getLast(), r.zero(), r.lo(), r.hi())));
    }

    private static Stmt avgPool(Layer layer, IntOp.AvgPool op) {
        Windows windows = new Windows(op.window(), layer.shape(0));
        int channels = windows.channels();
        Quant type = layer.node().type().quant();
        int most = layer.isa() == Isa.CUDA ? 1 : BLOCK;
        return windows.pixels(p -> {
            Expr n = windows.count(layer, p);
            return loop(
                    "block",
                    Math.ceilDiv(channels, most),
                    b -> local("sums", DataType.INT32, most, sums -> {
                        Expr first = Tir.mul(b, most);
                        Expr size = channels % most == 0 ? i32(most) : Tir.min(i32(most), sub(i32(channels), first));
                        return seq(
                                span("j", size, j -> store(sums, i32(0), j)),
                                windows.taps(
                                        p,
                                        (pixel, tap) -> span(
                                                "j",
                                                size,
                                                j -> store(
                                                        sums,
                                                        Tir.add(
                                                                load(sums, j),
                                                                cast(
                                                                        DataType.INT32,
                                                                        layer.at(
                                                                                0, Tir.add(Tir.add(pixel, first), j)))),
                                                        j))),
                                span(
                                        "j",
                                        size,
                                        j -> layer.put(
                                                Tir.add(Tir.add(Tir.mul(p.number(), channels), first), j),
                                                average(load(sums, j), n, op.rounding(), type))));
                    }));
        });
    }

    /** A loop whose end may vary. */
    static Stmt span(String name, Expr size, Function<Expr, Stmt> body) {
        return loop(name, i32(0), size, Stmt.LoopKind.SERIAL, body);
    }

    private static Expr average(Expr s, Expr n, Rounding rounding, Quant type) {
        return switch (rounding) {
            case TFLITE -> {
                Expr half = div(n, i32(2));
                yield div(select(gt(s, i32(0)), Tir.add(s, half), sub(s, half)), n);
            }
            // Moved by a multiple of the divisor until nothing is below 0, where division truncates downwards.
            case TOSA -> {
                int low = Math.min(type.storage().min(), 0);
                Expr lifted = sub(Tir.add(Tir.mul(s, 2), n), Tir.mul(Tir.mul(n, 2), low));
                yield Tir.add(div(lifted, Tir.mul(n, 2)), low);
            }
            case ONNX, XNNPACK ->
                Rescales.rounded(div(cast(DataType.FLOAT32, s), cast(DataType.FLOAT32, n)), 0, type.lo(), type.hi());
        };
    }

    private static Stmt table(Layer layer, IntOp.Table op) {
        Storage storage = layer.type(0).quant().storage();
        Buffer entries = layer.table("entries", layer.out().type(), op.entries());
        return each(layer, q -> load(entries, sub(cast(DataType.INT32, q), storage.min())));
    }

    private static Stmt interpolatedTable(Layer layer, IntOp.InterpolatedTable op) {
        Quant result = layer.node().type().quant();
        Buffer entries = layer.table("entries", DataType.INT16, op.entries());
        return each(layer, q -> clamp(interpolated(entries, cast(DataType.INT32, q)), result.lo(), result.hi()));
    }

    /** A table of 513 entries at a code of 16 bits. */
    static Expr interpolated(Buffer entries, Expr code) {
        Expr u = Tir.add(code, 32768);
        Expr i = shr(u, 7);
        Expr low = cast(DataType.INT32, load(entries, i));
        Expr high = cast(DataType.INT32, load(entries, Tir.add(i, 1)));
        return Tir.add(low, shr(Tir.add(Tir.mul(sub(high, low), bitAnd(u, i32(127))), 64), 7));
    }

    private static Stmt thresholds(Layer layer, IntOp.Thresholds op) {
        int rows = layer.shape(1)[0];
        int count = layer.shape(1)[1];
        boolean wide = layer.in(0).type().bits() == 64 || layer.in(1).type().bits() == 64;
        DataType type = wide ? DataType.INT64 : DataType.INT32;
        Buffer entries = layer.table("entries", layer.out().type(), op.entries());
        int[] shape = layer.shape();
        return Nest.over(
                shape,
                List.of(Nest.contiguous(shape), Nest.channel(shape)),
                p -> Tir.let(
                        "x",
                        layer.centred(0, p.getFirst(), type),
                        x -> local(
                                "reached",
                                DataType.INT32,
                                1,
                                n -> seq(
                                        store(n, i32(0), i32(0)),
                                        loop("t", count, t -> {
                                            Expr row = rows == 1 ? i32(0) : p.getLast();
                                            Expr limit = cast(type, layer.at(1, Tir.add(Tir.mul(row, count), t)));
                                            return store(
                                                    n,
                                                    Tir.add(load(n, i32(0)), select(le(limit, x), i32(1), i32(0))),
                                                    i32(0));
                                        }),
                                        layer.put(p.getFirst(), load(entries, load(n, i32(0))))))));
    }

    /** Limited to 16 bits. */
    static Expr saturate(Expr x) {
        return clamp(x, Short.MIN_VALUE, Short.MAX_VALUE);
    }

    /** {@code x / 2^n} of a 64-bit integer, ties away from zero. */
    static Expr roundingDivide(Expr x, int n) {
        return n == 0 ? x : shr(sub(Tir.add(x, 1L << (n - 1)), bitAnd(shr(x, 63), i64(1))), n);
    }

    /** The number of zero bits in front of a 32-bit integer's first 1; 32 for 0. */
    static Expr leadingZeros(Expr x) {
        return new Expr.Intrinsic(DataType.INT32, "llvm.ctlz", 2, true, List.of(x, new Expr.Imm(DataType.BOOL, 0)));
    }
}
