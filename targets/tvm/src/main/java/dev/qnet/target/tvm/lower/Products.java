package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.floorDiv;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.imm;
import static dev.qnet.target.tvm.tir.Tir.let;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.local;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.seq;
import static dev.qnet.target.tvm.tir.Tir.store;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Shapes;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Sums of products of integers, in plain loops that LLVM makes vectors of: the innermost loop runs over outputs, whose weights
 * lie side by side, and adds one product to each of a block of accumulators.
 */
final class Products {
    /** Accumulators of a block: as many as fit some vector registers. */
    private static final int BLOCK = 64;

    private final Layer layer;
    private final int most;
    private final DataType acc;
    private final Finish finish;

    /** Stores an accumulator as an element of the result; or vectors of them. */
    @FunctionalInterface
    interface Finish {
        /**
         * Stores.
         *
         * @param at the result's element
         * @param channel its index along the last axis
         */
        Stmt at(Expr at, Expr channel, Expr acc);
    }

    private Products(Layer layer, DataType acc, Finish finish) {
        this.layer = layer;
        // A thread of a GPU has an output of its own.
        this.most = layer.isa() == Isa.CUDA ? 1 : BLOCK;
        this.acc = acc;
        this.finish = finish;
    }

    private static Products integers(Layer layer, Element.Int acc, @Nullable Rescale rescale) {
        return new Products(layer, accumulator(acc), finish(layer, acc, rescale));
    }

    /** The type to accumulate in. */
    static DataType accumulator(Element.Int acc) {
        return acc.bits() == 64 ? DataType.INT64 : DataType.INT32;
    }

    /** What becomes of an accumulator. */
    static Finish finish(Layer layer, Element.Int acc, @Nullable Rescale rescale) {
        if (rescale == null) {
            return (at, channel, a) -> layer.put(at, a);
        }
        Rescales r = Rescales.of(layer, "scale", rescale, acc.bits());
        return (at, channel, a) -> layer.put(at, r.code(a, channel, rescale.zero(), rescale.lo(), rescale.hi()));
    }

    static Stmt conv(Layer layer, IntOp.Conv2d op) {
        return (layer.isa() == Isa.CUDA
                        ? Dots.conv(layer, op)
                        : kernels(layer, op.acc(), op.rescale()).conv(op.window(), op.groups()))
                .orElseGet(() -> integers(layer, op.acc(), op.rescale())
                        .conv(new Windows(op.window(), layer.shape(0)), op.groups()));
    }

    static Stmt dense(Layer layer, IntOp.Dense op) {
        return (layer.isa() == Isa.CUDA
                        ? Dots.dense(layer, op)
                        : kernels(layer, op.acc(), op.rescale()).dense())
                .orElseGet(() -> integers(layer, op.acc(), op.rescale()).dense());
    }

    static Stmt matmul(Layer layer, IntOp.MatMul op) {
        return (layer.isa() == Isa.CUDA
                        ? Dots.matmul(layer, op)
                        : kernels(layer, op.acc(), op.rescale()).matmul())
                .orElseGet(() -> integers(layer, op.acc(), op.rescale()).matmul());
    }

    private static Kernels kernels(Layer layer, Element.Int acc, @Nullable Rescale rescale) {
        return new Kernels(layer, acc.bits() == 64, finish(layer, acc, rescale));
    }

    /** As those of integers, of singles in double. */
    static Stmt floatConv(Layer layer, dev.qnet.compiler.ir.FloatOp.Conv2d op) {
        return floats(layer).conv(new Windows(op.window(), layer.shape(0)), op.groups());
    }

    static Stmt floatDense(Layer layer) {
        return floats(layer).dense();
    }

    static Stmt floatMatmul(Layer layer) {
        return floats(layer).matmul();
    }

    private static Products floats(Layer layer) {
        return new Products(layer, DataType.FLOAT64, (at, channel, a) -> layer.put(at, a));
    }

    private Expr operand(int i, Expr index) {
        return acc.isFloat() ? cast(acc, layer.at(i, index)) : layer.centred(i, index, acc);
    }

    private Stmt conv(Windows windows, int groups) {
        int[] w = layer.shape(1);
        int out = w[0];
        int in = w[3];
        int outPerGroup = out / groups;
        BiFunction<Expr, Expr, Expr> weight = weights(out, windows.taps() * in);
        if (in == 1 && groups > 1) {
            // Depthwise: neighbours among the outputs read neighbours among the inputs.
            return windows.pixels(p -> blocks(
                    out,
                    (first, block, sums) -> seq(
                            start(sums, block, first),
                            windows.taps(
                                    p,
                                    (pixel, tap) -> loop("j", block, j -> {
                                        Expr o = add(first, j);
                                        Expr x = operand(0, add(pixel, floorDiv(o, outPerGroup)));
                                        return addProduct(sums, j, x, weight.apply(o, tap));
                                    })),
                            finished(sums, block, mul(p.number(), out), first))));
        }
        return windows.pixels(p -> loop(
                "g",
                groups,
                g -> blocks(outPerGroup, (from, block, sums) -> {
                    Expr first = add(mul(g, outPerGroup), from);
                    return seq(
                            start(sums, block, first),
                            windows.taps(
                                    p,
                                    (pixel, tap) -> loop(
                                            "i",
                                            in,
                                            i -> let(
                                                    "x",
                                                    operand(0, add(add(pixel, mul(g, in)), i)),
                                                    x -> loop(
                                                            "j",
                                                            block,
                                                            j -> addProduct(
                                                                    sums,
                                                                    j,
                                                                    x,
                                                                    weight.apply(
                                                                            add(first, j), add(mul(tap, in), i))))))),
                            finished(sums, block, mul(p.number(), out), first));
                })));
    }

    private Stmt dense() {
        int[] w = layer.shape(1);
        int out = w[0];
        int in = w[1];
        int rows = layer.type(0).shape().elements() / in;
        BiFunction<Expr, Expr, Expr> weight = weights(out, in);
        return loop(
                "r",
                rows,
                r -> blocks(
                        out,
                        (first, block, sums) -> seq(
                                start(sums, block, first),
                                loop(
                                        "i",
                                        in,
                                        i -> let(
                                                "x",
                                                operand(0, add(mul(r, in), i)),
                                                x -> loop(
                                                        "j",
                                                        block,
                                                        j -> addProduct(sums, j, x, weight.apply(add(first, j), i))))),
                                finished(sums, block, mul(r, out), first))));
    }

    private Stmt matmul() {
        Shape a = layer.type(0).shape().item();
        Shape b = layer.type(1).shape().item();
        int m = a.dim(-2);
        int k = a.dim(-1);
        int n = b.dim(-1);
        Shape leadA = new Shape(a.dims().subList(0, a.rank() - 2));
        Shape leadB = new Shape(b.dims().subList(0, b.rank() - 2));
        int[] lead = Shapes.broadcast(leadA, leadB).toArray();
        return Nest.over(
                lead,
                List.of(Nest.contiguous(lead), Nest.broadcast(leadA, lead), Nest.broadcast(leadB, lead)),
                pair -> loop(
                        "m",
                        m,
                        row -> blocks(
                                n,
                                (first, block, sums) -> seq(
                                        loop("j", block, j -> store(sums, imm(acc, 0), j)),
                                        loop(
                                                "k",
                                                k,
                                                i -> let(
                                                        "x",
                                                        operand(0, add(mul(add(mul(pair.get(1), m), row), k), i)),
                                                        x -> loop(
                                                                "j",
                                                                block,
                                                                j -> addProduct(
                                                                        sums,
                                                                        j,
                                                                        x,
                                                                        operand(
                                                                                1,
                                                                                add(
                                                                                        mul(
                                                                                                add(
                                                                                                        mul(
                                                                                                                pair
                                                                                                                        .get(
                                                                                                                                2),
                                                                                                                k),
                                                                                                        i),
                                                                                                n),
                                                                                        add(first, j))))))),
                                        finished(sums, block, mul(add(mul(pair.get(0), m), row), n), first)))));
    }

    /** What is computed of a block of outputs. */
    @FunctionalInterface
    private interface Block {
        Stmt of(Expr first, int size, Buffer sums);
    }

    /** Outputs in blocks, and what is left of them. */
    private Stmt blocks(int outputs, Block body) {
        int whole = outputs / most;
        List<Stmt> steps = new ArrayList<>();
        if (whole > 0) {
            steps.add(loop("block", whole, o -> local("acc", acc, most, sums -> body.of(mul(o, most), most, sums))));
        }
        if (outputs % most > 0) {
            steps.add(local(
                    "acc", acc, outputs % most, sums -> body.of(i32((long) whole * most), outputs % most, sums)));
        }
        return seq(steps);
    }

    private Stmt start(Buffer sums, int block, Expr first) {
        return loop("j", block, j -> store(sums, layer.operands() > 2 ? operand(2, add(first, j)) : imm(acc, 0), j));
    }

    private static Stmt addProduct(Buffer sums, Expr j, Expr x, Expr w) {
        return store(sums, add(load(sums, j), mul(x, w)), j);
    }

    private Stmt finished(Buffer sums, int block, Expr row, Expr first) {
        return loop("j", block, j -> {
            Expr channel = add(first, j);
            return finish.at(add(row, channel), channel, load(sums, j));
        });
    }

    /** Weights [O, rest] by output and place in the rest; centred and laid out outputs last where they are constants. */
    private BiFunction<Expr, Expr, Expr> weights(int out, int rest) {
        if (layer.constant(1).isEmpty()) {
            return (o, r) -> operand(1, add(mul(o, rest), r));
        }
        Buffer table;
        if (acc.isFloat()) {
            float[] from = Floats.constant(layer, 1);
            float[] to = new float[from.length];
            for (int i = 0; i < from.length; i++) {
                to[i % rest * out + i / rest] = from[i];
            }
            table = layer.table("w", to);
        } else {
            long[] from = layer.centredConstant(1);
            long[] to = new long[from.length];
            for (int i = 0; i < from.length; i++) {
                to[i % rest * out + i / rest] = from[i];
            }
            table = layer.table("w", to);
        }
        return (o, r) -> cast(acc, load(table, add(mul(r, out), o)));
    }
}
