package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.let;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.local;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.seq;
import static dev.qnet.target.tvm.tir.Tir.store;

import dev.qnet.compiler.ir.Window;
import dev.qnet.target.tvm.lower.Source.Images;
import dev.qnet.target.tvm.lower.Source.Kind;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * Convolutions that keep channels apart: each lane has a channel, and a word of 32 bits holds one tap in its lower half, of the
 * codes as they are. The upper half of the weights' words is 0, whatever extending codes puts into the other.
 */
final class Depthwise {
    // A strip of pixels by vectors of channels: so many sums that one need not wait for the other.
    private static final Tiling NARROW = new Tiling(Tiling.Form.PAIRS, 4, 2, false);
    // Where a pixel has as many vectors, it is read once.
    private static final Tiling WHOLE = new Tiling(Tiling.Form.PAIRS, 2, 4, false);

    private final Layer layer;
    private final Isa isa;
    private final Window window;
    private final Images images;
    private final Products.Finish finish;
    private final Source source;
    private final Buffer weights;
    private final Buffer begin;

    private Depthwise(
            Layer layer,
            Isa isa,
            Window window,
            Images images,
            Products.Finish finish,
            Source source,
            Kernels.Constant c) {
        this.layer = layer;
        this.isa = isa;
        this.window = window;
        this.images = images;
        this.finish = finish;
        this.source = source;
        int padded = vectors() * isa.lanes();
        List<Integer> words = new ArrayList<>();
        for (int tap = 0; tap < c.terms(); tap++) {
            for (int channel = 0; channel < padded; channel++) {
                words.add(channel < images.channels() ? (int) (c.at(channel, tap) & 0xFFFF) : 0);
            }
        }
        weights = layer.table("w", DataType.INT32, words);
        List<Integer> first = new ArrayList<>();
        for (int channel = 0; channel < padded; channel++) {
            first.add(channel < images.channels() ? (int) c.begin(channel, source.offset()) : 0);
        }
        begin = layer.table("begin", DataType.INT32, first);
    }

    static Optional<Stmt> lower(
            Layer layer,
            Isa isa,
            Window window,
            Images images,
            Products.Finish finish,
            Optional<Kernels.Constant> weights) {
        if (weights.isEmpty() || !weights.get().within(-Short.MAX_VALUE, Short.MAX_VALUE)) {
            return Optional.empty();
        }
        int excess = Math.ceilDiv(images.channels(), isa.lanes()) * isa.lanes() - images.channels();
        Optional<Source> codes = weights.get().largest(2 * 255) <= Integer.MAX_VALUE || isa.wraps()
                ? Source.of(layer, 0, Kind.CODES, images, excess)
                : Optional.empty();
        return codes.or(() -> Source.of(layer, 0, Kind.PAIRS, images, excess))
                .map(s -> new Depthwise(layer, isa, window, images, finish, s, weights.get()).stmt());
    }

    private int vectors() {
        return Math.ceilDiv(images.channels(), isa.lanes());
    }

    private int outHeight() {
        return window.outHeight(images.height());
    }

    private int outWidth() {
        return window.outWidth(images.width());
    }

    private Stmt stmt() {
        int channels = images.channels();
        Tiles.Rows rows = source.windows(window, images.count(), outHeight(), outWidth(), channels, i32(0));
        List<Stmt> steps = new ArrayList<>();
        source.prepare().ifPresent(steps::add);
        long products = (long) rows.count() * channels * window.kernelH() * window.kernelW();
        steps.add(Parts.over(layer, products, rows, this::channels));
        return seq(steps);
    }

    /** All channels of some pixels, from one on. */
    private Stmt channels(Tiles.Rows rows, Expr from) {
        return tiling().rowsFirst()
                ? strips(
                        rows,
                        (pixel, height) ->
                                blocks((first, channels) -> strip(rows, from, pixel, height, first, channels)))
                : blocks((first, channels) ->
                        strips(rows, (pixel, height) -> strip(rows, from, pixel, height, first, channels)));
    }

    private Tiling tiling() {
        if (!layer.tiling().equals(Tiling.DEFAULT)) {
            return layer.tiling();
        }
        return vectors() == WHOLE.vectors() ? WHOLE : NARROW;
    }

    /** Blocks of channels: of some vectors, and what is left. */
    private Stmt blocks(BiFunction<Expr, Integer, Stmt> block) {
        int channels = images.channels();
        int wide = tiling().vectors() * isa.lanes();
        int done = channels / wide * wide;
        List<Stmt> steps = new ArrayList<>();
        if (done > 0) {
            steps.add(loop("c", channels / wide, c -> block.apply(mul(c, wide), wide)));
        }
        if (channels > done) {
            steps.add(block.apply(i32(done), channels - done));
        }
        return seq(steps);
    }

    private Stmt strips(Tiles.Rows rows, BiFunction<Expr, Integer, Stmt> strip) {
        int height = Math.ceilDiv(rows.count(), Math.ceilDiv(rows.count(), tiling().rows()));
        int whole = rows.count() / height;
        int rest = rows.count() % height;
        List<Stmt> steps = new ArrayList<>();
        steps.add(loop("strip", whole, s -> strip.apply(mul(s, height), height)));
        if (rest > 0) {
            steps.add(strip.apply(i32((long) whole * height), rest));
        }
        return seq(steps);
    }

    private Expr vector(Expr first) {
        return new Expr.Ramp(first, 1, isa.lanes());
    }

    private Stmt strip(Tiles.Rows rows, Expr from, Expr pixel, int height, Expr channel, int channels) {
        int width = Math.ceilDiv(channels, isa.lanes());
        long sums = (long) height * width * isa.lanes();
        return local(
                "acc",
                DataType.INT32,
                sums,
                acc -> seq(
                        begin(acc, height, channel, width),
                        starts(rows, pixel, height, new ArrayList<>(), s -> taps(acc, s, channel, width)),
                        local("sums", DataType.INT32, sums, to -> {
                            List<Stmt> steps = new ArrayList<>();
                            for (long i = 0; i < sums; i += isa.lanes()) {
                                steps.add(store(to, load(acc, vector(i32(i))), vector(i32(i))));
                            }
                            steps.add(loop(
                                    "i",
                                    height,
                                    i -> finished(
                                            to,
                                            mul(i, (long) width * isa.lanes()),
                                            mul(add(add(from, pixel), i), images.channels()),
                                            channel,
                                            channels)));
                            return seq(steps);
                        })));
    }

    private Stmt begin(Buffer acc, int height, Expr channel, int width) {
        List<Stmt> steps = new ArrayList<>();
        for (int v = 0; v < width; v++) {
            Expr value = load(begin, vector(add(channel, (long) v * isa.lanes())));
            for (int i = 0; i < height; i++) {
                steps.add(store(acc, value, vector(i32((long) (i * width + v) * isa.lanes()))));
            }
        }
        return seq(steps);
    }

    private static Stmt starts(
            Tiles.Rows rows, Expr pixel, int height, List<Expr> starts, Function<List<Expr>, Stmt> body) {
        if (starts.size() == height) {
            return body.apply(starts);
        }
        return let("x" + starts.size(), rows.start(add(pixel, starts.size())), s -> {
            starts.add(s);
            return starts(rows, pixel, height, starts, body);
        });
    }

    private Stmt taps(Buffer acc, List<Expr> starts, Expr channel, int width) {
        int padded = vectors() * isa.lanes();
        return loop(
                "ky",
                window.kernelH(),
                ky -> loop("kx", window.kernelW(), kx -> {
                    Expr tap = mul(add(mul(ky, window.kernelW()), kx), padded);
                    Expr offset = add(
                            add(mul(ky, (long) window.dilationH() * source.row()), channel),
                            mul(kx, (long) window.dilationW() * images.channels()));
                    List<Stmt> steps = new ArrayList<>();
                    for (int v = 0; v < width; v++) {
                        long lane = (long) v * isa.lanes();
                        int vector = v;
                        steps.add(let("w", load(weights, vector(add(add(tap, channel), lane))), w -> {
                            List<Stmt> products = new ArrayList<>();
                            for (int i = 0; i < starts.size(); i++) {
                                Expr codes = load(source.elements(), vector(add(add(starts.get(i), offset), lane)));
                                Expr x = cast(DataType.INT32.vector(isa.lanes()), codes);
                                Expr at = vector(i32((long) (i * width + vector) * isa.lanes()));
                                products.add(store(acc, isa.dotPairs(load(acc, at), x, w), at));
                            }
                            return seq(products);
                        }));
                    }
                    return seq(steps);
                }));
    }

    /** Stores a pixel's sums: whole vectors, and what is left one by one. */
    private Stmt finished(Buffer sums, Expr from, Expr row, Expr channel, int channels) {
        int whole = channels / isa.lanes();
        List<Stmt> steps = new ArrayList<>();
        if (whole > 0) {
            steps.add(loop("v", whole, v -> {
                Expr at = mul(v, isa.lanes());
                Expr c = add(channel, at);
                return finish.at(vector(add(row, c)), vector(c), load(sums, vector(add(from, at))));
            }));
        }
        int rest = channels % isa.lanes();
        if (rest > 0) {
            steps.add(loop("j", rest, j -> {
                Expr at = add(j, (long) whole * isa.lanes());
                Expr c = add(channel, at);
                return finish.at(add(row, c), c, load(sums, add(from, at)));
            }));
        }
        return seq(steps);
    }
}
