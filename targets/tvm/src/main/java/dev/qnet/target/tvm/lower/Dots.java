package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.and;
import static dev.qnet.target.tvm.tir.Tir.ge;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.let;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.local;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.lt;
import static dev.qnet.target.tvm.tir.Tir.max;
import static dev.qnet.target.tvm.tir.Tir.min;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.select;
import static dev.qnet.target.tvm.tir.Tir.seq;
import static dev.qnet.target.tvm.tir.Tir.store;
import static dev.qnet.target.tvm.tir.Tir.sub;
import static dev.qnet.target.tvm.tir.Tir.when;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Window;
import dev.qnet.target.tvm.lower.Kernels.Constant;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Expr.Var;
import dev.qnet.target.tvm.tir.Stmt;
import dev.qnet.target.tvm.tir.Tir;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Sums of products of bytes for GPUs, four products at a time ({@code dp4a}); of what it does not fit, nothing, and
 * {@link Products} has plain loops. A thread sums four neighbouring outputs of some pixels.
 *
 * <p>{@code Σ (q − z)·w = Σ q·w − z·Σ w}: the code q is multiplied as it is, signed or unsigned, and the correction is part of
 * what sums begin with. Padding is z. All of it holds modulo 2^32, in which the result fits.
 */
final class Dots {
    /** Outputs of a thread. */
    private static final int OUTPUTS = 4;

    /** Pixels of a thread, where there are enough threads then. */
    private static final int PIXELS = 4;

    /** Threads that a GPU ought to have. */
    private static final long MANY = 1 << 14;

    private final Layer layer;
    private final Products.Finish finish;
    private final Constant weights;
    private final int zero;
    private final int groups;
    /** Factors of a sum under a tap, and words of four that hold them. */
    private final int terms;

    private final int words;
    private final int taps;

    private Dots(Layer layer, Products.Finish finish, Constant weights, int zero, int groups, int taps, int terms) {
        this.layer = layer;
        this.finish = finish;
        this.weights = weights;
        this.zero = zero;
        this.groups = groups;
        this.taps = taps;
        this.terms = terms;
        this.words = Math.ceilDiv(terms, 4);
    }

    private static Optional<Dots> of(
            Layer layer,
            Element.Int acc,
            @Nullable Rescale rescale,
            Constant weights,
            int groups,
            int taps,
            int terms) {
        OptionalInt zero = Source.zero(layer, 0);
        DataType type = layer.in(0).type();
        if (zero.isEmpty() || type.bits() != 8 || !weights.within(Byte.MIN_VALUE, Byte.MAX_VALUE)) {
            return Optional.empty();
        }
        int z = zero.getAsInt();
        int lowest = type.equals(DataType.INT8) ? Byte.MIN_VALUE : 0;
        boolean fits = z >= lowest && z <= lowest + 255;
        long[] range = Source.range(layer, 0);
        boolean bounded = acc.bits() < 64
                || weights.largest(Math.max(Math.abs(range[0]), Math.abs(range[1]))) <= Integer.MAX_VALUE;
        return fits && bounded
                ? Optional.of(new Dots(layer, Products.finish(layer, acc, rescale), weights, z, groups, taps, terms))
                : Optional.empty();
    }

    static Optional<Stmt> conv(Layer layer, IntOp.Conv2d op) {
        int[] x = layer.shape(0);
        int[] w = layer.shape(1);
        Window window = op.window();
        int height = window.outHeight(x[1]);
        int width = window.outWidth(x[2]);
        // Single channels have no neighbours to be multiplied at once.
        if (!constants(layer) || w[3] == 1 || height < 1 || width < 1) {
            return Optional.empty();
        }
        int taps = w[1] * w[2];
        return of(layer, op.acc(), op.rescale(), weights(layer, taps * w[3]), op.groups(), taps, w[3])
                .map(d -> d.products(x[0] * height * width, x[0] * x[1] * x[2], new Pixels(d, window, x, w)));
    }

    static Optional<Stmt> dense(Layer layer, IntOp.Dense op) {
        int in = layer.shape(1)[1];
        int rows = in == 0 ? 0 : layer.type(0).shape().elements() / in;
        if (!constants(layer) || rows == 0) {
            return Optional.empty();
        }
        return of(layer, op.acc(), op.rescale(), weights(layer, in), 1, 1, in)
                .map(d -> d.products(rows, rows, d.matrix()));
    }

    static Optional<Stmt> matmul(Layer layer, IntOp.MatMul op) {
        Shape a = layer.type(0).shape().item();
        Shape b = layer.type(1).shape().item();
        int k = a.dim(-1);
        int n = b.dim(-1);
        if (k == 0 || layer.constant(1).isEmpty() || b.elements() != k * n) {
            return Optional.empty();
        }
        long[] from = layer.centredConstant(1);
        long[] to = new long[from.length];
        for (int i = 0; i < from.length; i++) {
            to[i % n * k + i / n] = from[i];
        }
        int rows = a.elements() / k;
        return of(layer, op.acc(), op.rescale(), new Constant(to, new long[n], k), 1, 1, k)
                .map(d -> d.products(rows, rows, d.matrix()));
    }

    private static boolean constants(Layer layer) {
        return layer.constant(1).isPresent()
                && (layer.operands() < 3 || layer.constant(2).isPresent());
    }

    private static Constant weights(Layer layer, int terms) {
        long[] biases = layer.operands() > 2 ? layer.centredConstant(2) : new long[layer.shape(1)[0]];
        return new Constant(layer.centredConstant(1), biases, terms);
    }

    /** Where the words of a pixel's factors lie. */
    private interface Reach {
        /** Loops over the taps; the body is given a tap's number, and the loops that set the places of all pixels. */
        Stmt each(Function<Tap, Stmt> body);
    }

    /** A tap: its number; and for a pixel the first word of its first group, −1 where it is padding. */
    private record Tap(Expr number, Function<Expr, Expr> first, boolean padded) {}

    private Reach matrix() {
        return body -> body.apply(new Tap(i32(0), row -> mul(row, words), false));
    }

    /** Pixels of images under a window. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Pixels(Dots dots, Window window, int[] x, int[] w) implements Reach {
        @Override
        public Stmt each(Function<Tap, Stmt> body) {
            return loop(
                    "ky",
                    w[1],
                    ky -> loop(
                            "kx",
                            w[2],
                            kx -> body.apply(
                                    new Tap(add(mul(ky, w[2]), kx), pixel -> first(pixel, ky, kx), padded()))));
        }

        private boolean padded() {
            int height = window.outHeight(x[1]);
            int width = window.outWidth(x[2]);
            int bottom = (height - 1) * window.strideH() - window.top() + (w[1] - 1) * window.dilationH();
            int right = (width - 1) * window.strideW() - window.left() + (w[2] - 1) * window.dilationW();
            return window.top() > 0 || window.left() > 0 || bottom >= x[1] || right >= x[2];
        }

        private Expr first(Expr pixel, Expr ky, Expr kx) {
            int height = window.outHeight(x[1]);
            int width = window.outWidth(x[2]);
            Expr ox = width == 1 ? i32(0) : Tir.floorMod(pixel, width);
            Expr line = Tir.floorDiv(pixel, width);
            Expr oy = x[0] == 1 ? line : Tir.floorMod(line, height);
            Expr image = x[0] == 1 ? i32(0) : Tir.floorDiv(line, height);
            Expr y = add(sub(mul(oy, window.strideH()), window.top()), mul(ky, window.dilationH()));
            Expr column = add(sub(mul(ox, window.strideW()), window.left()), mul(kx, window.dilationW()));
            Expr place = mul(add(mul(add(mul(image, x[1]), y), x[2]), column), (long) dots.groups * dots.words);
            if (!padded()) {
                return place;
            }
            Expr inside = and(and(ge(y, i32(0)), lt(y, i32(x[1]))), and(ge(column, i32(0)), lt(column, i32(x[2]))));
            return select(inside, place, i32(-1));
        }
    }

    /**
     * The products.
     *
     * @param rows of results
     * @param pixels of the operand, each with its groups' terms
     */
    private Stmt products(int rows, int pixels, Reach reach) {
        Buffer from = layer.in(0);
        Stmt prepare = null;
        if (terms % 4 != 0) {
            Buffer whole = layer.scratch("words", from.type(), (long) pixels * groups * words * 4);
            prepare = padded(from, whole, pixels);
            from = whole;
        }
        Buffer x = Buffer.at(Var.pointer("x4", DataType.INT32), (long) pixels * groups * words);
        Stmt body = new Stmt.Let(x.data(), Tir.address(from, i32(0)), new Stmt.Declare(x, threads(rows, reach, x)));
        return prepare == null ? body : seq(prepare, body);
    }

    /** Each group's factors in whole words; what is beyond them is multiplied by 0. */
    private Stmt padded(Buffer from, Buffer to, int pixels) {
        return loop(
                "pixel",
                pixels,
                pixel -> loop(
                        "g",
                        groups,
                        g -> loop("i", words * 4L, i -> {
                            Expr code = load(
                                    from,
                                    add(
                                            add(mul(pixel, (long) groups * terms), mul(g, terms)),
                                            min(i, i32(terms - 1L))));
                            return store(to, code, add(mul(add(mul(pixel, groups), g), words * 4L), i));
                        })));
    }

    private Stmt threads(int rows, Reach reach, Buffer x) {
        int outputs = weights.outputs() / groups;
        int blocks = Math.ceilDiv(outputs, OUTPUTS);
        int each = (long) rows * groups * blocks / PIXELS >= MANY ? PIXELS : 1;
        Buffer panels = panels(outputs, blocks);
        Buffer begin = begin(outputs, blocks);
        return parallel(
                "rows",
                Math.ceilDiv(rows, each),
                many -> parallel(
                        "g",
                        groups,
                        g -> parallel("outputs", blocks, block -> {
                            Expr place = add(mul(g, blocks), block);
                            return local(
                                    "sum",
                                    DataType.INT32,
                                    (long) each * OUTPUTS,
                                    sums -> local(
                                            "at",
                                            DataType.INT32,
                                            each,
                                            at -> seq(
                                                    unrolled(
                                                            "p",
                                                            each,
                                                            p -> unrolled(
                                                                    "j",
                                                                    OUTPUTS,
                                                                    j -> store(
                                                                            sums,
                                                                            load(begin, add(mul(place, OUTPUTS), j)),
                                                                            add(mul(p, OUTPUTS), j)))),
                                                    reach.each(tap -> seq(
                                                            unrolled("p", each, p -> {
                                                                Expr row = add(mul(many, each), p);
                                                                Expr known = rows % each == 0
                                                                        ? row
                                                                        : min(row, i32(rows - 1L));
                                                                return let(
                                                                        "row",
                                                                        known,
                                                                        r -> store(
                                                                                at,
                                                                                tap.first()
                                                                                        .apply(r),
                                                                                p));
                                                            }),
                                                            loop(
                                                                    "i",
                                                                    words,
                                                                    i -> step(
                                                                            x, panels, sums, at, each, tap, g, place,
                                                                            i)))),
                                                    unrolled("p", each, p -> {
                                                        Expr row = add(mul(many, each), p);
                                                        Stmt stores = unrolled("j", OUTPUTS, j -> {
                                                            Expr own = add(mul(block, OUTPUTS), j);
                                                            Expr channel = add(mul(g, outputs), own);
                                                            Stmt put = finish.at(
                                                                    add(mul(row, weights.outputs()), channel),
                                                                    channel,
                                                                    load(sums, add(mul(p, OUTPUTS), j)));
                                                            return outputs % OUTPUTS == 0
                                                                    ? put
                                                                    : when(lt(own, i32(outputs)), put);
                                                        });
                                                        return rows % each == 0
                                                                ? stores
                                                                : when(lt(row, i32(rows)), stores);
                                                    }))));
                        })));
    }

    /** A word of each pixel times a word of each output. */
    private Stmt step(Buffer x, Buffer panels, Buffer sums, Buffer at, int each, Tap tap, Expr g, Expr place, Expr i) {
        int all = groups * Math.ceilDiv(weights.outputs() / groups, OUTPUTS);
        Expr first = mul(add(mul(add(mul(tap.number(), words), i), all), place), OUTPUTS);
        int padded = 0x01010101 * (zero & 0xff);
        Expr padding = i32(padded);
        String dot = layer.in(0).type().equals(DataType.INT8) ? "__dp4a" : "qnet_dp4a_us";
        return unrolled("p", each, p -> {
            Expr start = load(at, p);
            Expr word = add(add(start, mul(g, words)), i);
            Expr code = tap.padded() ? select(ge(start, i32(0)), load(x, max(word, i32(0))), padding) : load(x, word);
            return let(
                    "code",
                    code,
                    c -> unrolled("j", OUTPUTS, j -> {
                        Expr sum = add(mul(p, OUTPUTS), j);
                        return store(
                                sums,
                                Tir.call(
                                        DataType.INT32,
                                        "call_pure_extern",
                                        new Expr.Text(dot),
                                        c,
                                        load(panels, add(first, j)),
                                        load(sums, sum)),
                                sum);
                    }));
        });
    }

    /** Words of weights: for each tap and word of it the outputs of all threads side by side. */
    private Buffer panels(int outputs, int blocks) {
        int all = groups * blocks * OUTPUTS;
        int[] panels = new int[taps * words * all];
        for (int output = 0; output < weights.outputs(); output++) {
            int column = output / outputs * blocks * OUTPUTS + output % outputs;
            for (int term = 0; term < taps * terms; term++) {
                int word = term / terms * words + term % terms / 4;
                int place = 8 * (term % terms % 4);
                panels[word * all + column] |= ((int) weights.at(output, term) & 0xff) << place;
            }
        }
        return layer.table(
                "panels", DataType.INT32, IntStream.of(panels).boxed().toList());
    }

    private Buffer begin(int outputs, int blocks) {
        Integer[] begin = new Integer[groups * blocks * OUTPUTS];
        for (int i = 0; i < begin.length; i++) {
            int own = i % (blocks * OUTPUTS);
            int group = i / (blocks * OUTPUTS);
            begin[i] = own < outputs ? (int) weights.begin(group * outputs + own, zero) : 0;
        }
        return layer.table("begin", DataType.INT32, List.of(begin));
    }

    private static Stmt parallel(String name, long extent, Function<Expr, Stmt> body) {
        return extent == 1 ? body.apply(i32(0)) : loop(name, i32(0), i32(extent), Stmt.LoopKind.PARALLEL, body);
    }

    private static Stmt unrolled(String name, long extent, Function<Expr, Stmt> body) {
        return extent == 1 ? body.apply(i32(0)) : loop(name, i32(0), i32(extent), Stmt.LoopKind.UNROLLED, body);
    }
}
