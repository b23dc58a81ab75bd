package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.seq;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Shapes;
import dev.qnet.compiler.ir.Window;
import dev.qnet.target.tvm.lower.Source.Images;
import dev.qnet.target.tvm.lower.Source.Kind;
import dev.qnet.target.tvm.lower.Tiles.Packed;
import dev.qnet.target.tvm.lower.Tiles.Reach;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Sums of products by the instructions that a CPU has for them ({@link Isa}); of what they do not fit, nothing, and
 * {@link Products} has plain loops.
 *
 * <p>With bytes {@code Σ (q − z)·w = Σ u·w − o·Σ w}, where u is the code as an unsigned byte and o its zero point there. The
 * correction is a constant that sums begin with, and padding lies in memory as o. All of it holds modulo 2^32, in which the
 * result fits.
 */
final class Kernels {
    /** Outputs of which vectors would be mostly empty. */
    private static final int FEW = 3;

    private final Layer layer;
    private final Isa isa;
    private final boolean wide;
    private final Products.Finish finish;

    /** @param wide whether sums are declared to have 64 bits */
    Kernels(Layer layer, boolean wide, Products.Finish finish) {
        this.layer = layer;
        this.isa = layer.isa();
        this.wide = wide;
        this.finish = finish;
    }

    Optional<Stmt> conv(Window window, int groups) {
        int[] x = layer.shape(0);
        int[] w = layer.shape(1);
        int outHeight = window.outHeight(x[1]);
        int outWidth = window.outWidth(x[2]);
        int outPerGroup = w[0] / groups;
        int in = w[3];
        int taps = w[1] * w[2];
        if (!constants() || outHeight < 1 || outWidth < 1) {
            return Optional.empty();
        }
        Images images = Images.under(window, x);
        if (in == 1 && groups > 1 && outPerGroup == 1) {
            return Depthwise.lower(layer, isa, window, images, finish, constant(taps));
        }
        if (outPerGroup <= FEW) {
            return Optional.empty();
        }
        // Taps of a row of the window are neighbours in memory, with all their channels.
        boolean joined = groups == 1 && window.dilationW() == 1;
        int run = joined ? w[2] * in : in;
        Optional<Constant> weights = constant(taps * in);
        if (weights.isEmpty()) {
            return Optional.empty();
        }
        for (boolean bytes : forms()) {
            if (!fits(weights.get(), bytes)) {
                continue;
            }
            Reach probe = Reach.row(run);
            boolean inTiles = bytes
                    && untuned()
                    && TileProducts.suits(
                            isa,
                            x[0] * outHeight * outWidth,
                            outPerGroup,
                            new Reach(joined ? new int[] {w[1]} : new int[] {w[1], w[2]}, new int[0], run));
            int excess = inTiles ? 0 : tiles(bytes, outPerGroup, probe).excess();
            Optional<Source> source = Source.of(layer, 0, bytes ? Kind.BYTES : Kind.PAIRS, images, excess);
            if (source.isEmpty()) {
                continue;
            }
            Source s = source.get();
            int down = window.dilationH() * s.row();
            Reach reach = joined
                    ? new Reach(new int[] {w[1]}, new int[] {down}, run)
                    : new Reach(new int[] {w[1], w[2]}, new int[] {down, window.dilationW() * x[3]}, run);
            if (inTiles) {
                return Optional.of(prepared(s, convInTiles(window, images, groups, s, reach, weights.get())));
            }
            Tiles tiles = tiles(bytes, outPerGroup, reach);
            Buffer panels = panels(
                    tiles::pack,
                    groups,
                    (g, column, r, place) -> weights.get().at(g * outPerGroup + column, r * run + place));
            Buffer init = init(tiles.paddedColumns(), groups, outPerGroup, weights.get(), s.offset());
            int out = w[0];
            Stmt products = loop("g", groups, g -> {
                Expr channel = mul(g, outPerGroup);
                Tiles.Rows rows = s.windows(window, x[0], outHeight, outWidth, x[3], mul(g, in));
                return multiply(
                        tiles,
                        (long) taps * in,
                        s.elements(),
                        rows,
                        new Packed(panels, mul(g, tiles.packedWords())),
                        new Packed(init, mul(g, tiles.paddedColumns())),
                        (row, column, sum) -> stored(mul(row, out), channel, column, sum));
            });
            return Optional.of(prepared(s, products));
        }
        return Optional.empty();
    }

    /** Whether bytes are multiplied, what is tried first in front. */
    private boolean[] forms() {
        return layer.tiling().form() == Tiling.Form.PAIRS ? new boolean[] {false} : new boolean[] {true, false};
    }

    private boolean untuned() {
        return layer.tiling().equals(Tiling.DEFAULT);
    }

    private Tiles tiles(boolean bytes, int columns, Reach reach) {
        return new Tiles(isa, bytes, columns, reach, layer.tiling());
    }

    private static Stmt prepared(Source s, Stmt products) {
        return s.prepare().isEmpty() ? products : seq(s.prepare().get(), products);
    }

    /** Products by the vector unit, which threads share if there are many: by rows, or where these are few by columns. */
    private Stmt multiply(
            Tiles tiles, long terms, Buffer x, Tiles.Rows rows, Packed panels, @Nullable Packed init, Tiles.Store out) {
        long products = terms * rows.count() * tiles.columns();
        boolean byColumns = Parts.shares(layer, products) && Parts.of(layer, products, rows.count()) == 1;
        if (byColumns) {
            layer.share();
        }
        return Parts.over(
                layer,
                products,
                rows,
                (some, first) -> tiles.multiply(x, some, panels, init, from(first, out), byColumns));
    }

    /** Products by the unit for tiles. */
    private Stmt inTiles(
            Tiles.Rows rows,
            int columns,
            Reach reach,
            Buffer x,
            Expr from,
            Packed panels,
            Packed init,
            Tiles.Store out) {
        long products = (long) rows.count() * columns * reach.runs() * reach.run();
        return Parts.over(
                layer,
                products,
                rows,
                (some, first) -> new TileProducts(layer, some, columns, reach)
                        .multiply(x, from, panels, init, from(first, out)));
    }

    private static Tiles.Store from(Expr first, Tiles.Store out) {
        return (row, column, sum) -> out.at(add(first, row), column, sum);
    }

    private Stmt convInTiles(Window window, Images x, int groups, Source s, Reach reach, Constant weights) {
        int out = weights.outputs();
        int outPerGroup = out / groups;
        int in = x.channels() / groups;
        Tiles.Rows rows = rows(window, x, s);
        TileProducts products = new TileProducts(layer, rows, outPerGroup, reach);
        Buffer panels = panels(
                products::pack,
                groups,
                (g, column, r, place) -> weights.at(g * outPerGroup + column, r * reach.run() + place));
        Buffer init = init(products.paddedColumns(), groups, outPerGroup, weights, s.offset());
        return loop("g", groups, g -> {
            Expr channel = mul(g, outPerGroup);
            Tiles.Store store = (row, column, sum) -> stored(mul(row, out), channel, column, sum);
            return inTiles(
                    rows,
                    outPerGroup,
                    reach,
                    s.elements(),
                    mul(g, in),
                    new Packed(panels, mul(g, products.packedWords())),
                    new Packed(init, mul(g, products.paddedColumns())),
                    rows instanceof TileProducts.Grid grid ? grid.wanted(store) : store);
        });
    }

    /** Windows as a grid, where hardly any of it is not wanted. */
    private static Tiles.Rows rows(Window w, Images x, Source s) {
        int outHeight = w.outHeight(x.height());
        int outWidth = w.outWidth(x.width());
        long column = (long) w.strideW() * x.channels();
        long line = (long) w.strideH() * s.row();
        long width = outHeight == 1 ? outWidth : line / column;
        if (x.count() == 1 && (outHeight == 1 || line % column == 0) && width * 2 <= 3L * outWidth) {
            int count = (int) ((outHeight - 1) * width) + outWidth;
            return new TileProducts.Grid(count, column, (int) width, outWidth);
        }
        return s.windows(w, x.count(), outHeight, outWidth, x.channels(), i32(0));
    }

    Optional<Stmt> dense() {
        int[] w = layer.shape(1);
        if (!constants() || w[0] <= FEW) {
            return Optional.empty();
        }
        int rows = layer.type(0).shape().elements() / w[1];
        return constant(w[1]).flatMap(c -> product(c, rows, w[1], w[0]));
    }

    /** Rows of the first operand by constant columns. */
    private Optional<Stmt> product(Constant weights, int rows, int in, int out) {
        for (boolean bytes : forms()) {
            if (!fits(weights, bytes)) {
                continue;
            }
            boolean inTiles = bytes && untuned() && TileProducts.suits(isa, rows, out, Reach.row(in));
            Tiles tiles = tiles(bytes, out, Reach.row(in));
            Optional<Source> source = Source.of(
                    layer, 0, bytes ? Kind.BYTES : Kind.PAIRS, Images.matrix(rows, in), inTiles ? 0 : tiles.excess());
            if (source.isEmpty()) {
                continue;
            }
            Source s = source.get();
            Tiles.Store store = (row, column, sum) -> stored(mul(row, out), i32(0), column, sum);
            if (inTiles) {
                Tiles.Rows all = new TileProducts.Grid(rows, in, rows, rows);
                TileProducts products = new TileProducts(layer, all, out, Reach.row(in));
                Buffer panels = panels(products::pack, 1, (g, column, run, place) -> weights.at(column, place));
                Buffer init = init(products.paddedColumns(), 1, out, weights, s.offset());
                Stmt sums = inTiles(
                        all,
                        out,
                        Reach.row(in),
                        s.elements(),
                        i32(0),
                        new Packed(panels, i32(0)),
                        new Packed(init, i32(0)),
                        store);
                return Optional.of(prepared(s, sums));
            }
            Buffer panels = panels(tiles::pack, 1, (g, column, run, place) -> weights.at(column, place));
            Buffer init = init(tiles.paddedColumns(), 1, out, weights, s.offset());
            Stmt products = multiply(
                    tiles,
                    in,
                    s.elements(),
                    matrix(rows, in, i32(0)),
                    new Packed(panels, i32(0)),
                    new Packed(init, i32(0)),
                    store);
            return Optional.of(prepared(s, products));
        }
        return Optional.empty();
    }

    Optional<Stmt> matmul() {
        Shape a = layer.type(0).shape().item();
        Shape b = layer.type(1).shape().item();
        int m = a.dim(-2);
        int k = a.dim(-1);
        int n = b.dim(-1);
        if (isa == Isa.PLAIN || n <= FEW || k == 0) {
            return Optional.empty();
        }
        if (layer.constant(1).isPresent() && b.elements() == k * n) {
            long[] from = layer.centredConstant(1);
            long[] to = new long[from.length];
            for (int i = 0; i < from.length; i++) {
                to[i % n * k + i / n] = from[i];
            }
            Constant weights = new Constant(to, new long[n], k);
            return bounded(weights) ? product(weights, a.elements() / k, k, n) : Optional.empty();
        }
        Tiles tiles = tiles(false, n, Reach.row(k));
        if (Source.zero(layer, 1).isEmpty()) {
            return Optional.empty();
        }
        long[] range = Source.range(layer, 1);
        Optional<Source> source = Source.of(layer, 0, Kind.PAIRS, Images.matrix(a.elements() / k, k), tiles.excess());
        // Both −32768 would be too much for a pair.
        if (range[0] <= Short.MIN_VALUE || range[1] > Short.MAX_VALUE || source.isEmpty()) {
            return Optional.empty();
        }
        if (wide && furthest(0) * furthest(1) * k > Integer.MAX_VALUE) {
            return Optional.empty();
        }
        Source s = source.get();
        Buffer panels = layer.scratch("panels", DataType.INT32, tiles.packedWords());
        Shape leadA = new Shape(a.dims().subList(0, a.rank() - 2));
        Shape leadB = new Shape(b.dims().subList(0, b.rank() - 2));
        int[] lead = Shapes.broadcast(leadA, leadB).toArray();
        Stmt products = Nest.over(
                lead,
                List.of(Nest.contiguous(lead), Nest.broadcast(leadA, lead), Nest.broadcast(leadB, lead)),
                pair -> seq(
                        tiles.pack(
                                i -> layer.centred(1, add(mul(pair.get(2), (long) k * n), i), DataType.INT32), panels),
                        multiply(
                                tiles,
                                k,
                                s.elements(),
                                matrix(m, k, mul(pair.get(1), (long) m * k)),
                                new Packed(panels, i32(0)),
                                null,
                                (row, column, sum) ->
                                        stored(mul(add(mul(pair.get(0), m), row), n), i32(0), column, sum))));
        return Optional.of(prepared(s, products));
    }

    /** Weights and biases that are constants. */
    private boolean constants() {
        return isa != Isa.PLAIN
                && layer.constant(1).isPresent()
                && (layer.operands() < 3 || layer.constant(2).isPresent());
    }

    /**
     * Constant weights, centred.
     *
     * @param weights row-major: outputs, what each sums
     * @param biases one for each output
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Constant(long[] weights, long[] biases, int terms) {
        long at(int output, int term) {
            return weights[output * terms + term];
        }

        int outputs() {
            return biases.length;
        }

        /** What sums begin with: the bias, less what the offset of the other factor makes of them. */
        long begin(int output, int offset) {
            long sum = 0;
            for (int i = 0; i < terms; i++) {
                sum += at(output, i);
            }
            return (int) (biases[output] - offset * sum);
        }

        /** What no sum exceeds, on its way from {@link #begin} on with factors up to a bound. */
        double largest(long bound) {
            double largest = 0;
            for (int o = 0; o < outputs(); o++) {
                double sum = Math.abs((double) biases[o]);
                for (int i = 0; i < terms; i++) {
                    sum += (double) bound * Math.abs(at(o, i));
                }
                largest = Math.max(largest, sum);
            }
            return largest;
        }

        /** Whether all weights are within bounds. */
        boolean within(long lo, long hi) {
            return Arrays.stream(weights).allMatch(v -> v >= lo && v <= hi);
        }
    }

    private Optional<Constant> constant(int terms) {
        int outputs = layer.shape(1)[0];
        long[] biases = layer.operands() > 2 ? layer.centredConstant(2) : new long[outputs];
        Constant c = new Constant(layer.centredConstant(1), biases, terms);
        return Source.zero(layer, 0).isPresent() && bounded(c) ? Optional.of(c) : Optional.empty();
    }

    /** Whether sums of 32 bits do; those that are declared so have been proven. */
    private boolean bounded(Constant c) {
        if (!wide) {
            return true;
        }
        if (Source.zero(layer, 0).isEmpty()) {
            return false;
        }
        return c.largest(furthest(0)) <= Integer.MAX_VALUE;
    }

    private long furthest(int operand) {
        long[] range = Source.range(layer, operand);
        return Math.max(Math.abs(range[0]), Math.abs(range[1]));
    }

    private boolean fits(Constant c, boolean bytes) {
        return bytes
                ? isa.hasBytes() && c.within(Byte.MIN_VALUE, Byte.MAX_VALUE)
                : c.within(-Short.MAX_VALUE, Short.MAX_VALUE);
    }

    /** A weight of a group. */
    @FunctionalInterface
    private interface Weight {
        long at(int group, int column, int run, int place);
    }

    private Buffer panels(Function<Tiles.Weight, int[]> pack, int groups, Weight weight) {
        List<Integer> words = new ArrayList<>();
        for (int g = 0; g < groups; g++) {
            int group = g;
            for (int word : pack.apply((column, run, place) -> weight.at(group, column, run, place))) {
                words.add(word);
            }
        }
        return layer.table("panels", DataType.INT32, words);
    }

    private Buffer init(int paddedColumns, int groups, int outPerGroup, Constant c, int offset) {
        List<Integer> values = new ArrayList<>();
        for (int g = 0; g < groups; g++) {
            for (int column = 0; column < paddedColumns; column++) {
                values.add(column < outPerGroup ? (int) c.begin(g * outPerGroup + column, offset) : 0);
            }
        }
        return layer.table("begin", DataType.INT32, values);
    }

    private static Tiles.Rows matrix(int rows, int in, Expr first) {
        return new Tiles.Rows() {
            @Override
            public int count() {
                return rows;
            }

            @Override
            public Expr start(Expr row) {
                return add(first, mul(row, in));
            }
        };
    }

    /** Stores sums: some neighbours from a column on, or one. */
    private Stmt stored(Expr row, Expr first, Expr column, Expr sum) {
        if (column instanceof Expr.Ramp(Expr base, int stride, int lanes)) {
            Expr channel = add(first, base);
            return finish.at(
                    new Expr.Ramp(add(row, channel), stride, lanes), new Expr.Ramp(channel, stride, lanes), sum);
        }
        Expr channel = add(first, column);
        return finish.at(add(row, channel), channel, sum);
    }
}
