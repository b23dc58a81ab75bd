package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.bitAnd;
import static dev.qnet.target.tvm.tir.Tir.bitOr;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.imm;
import static dev.qnet.target.tvm.tir.Tir.let;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.local;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.reinterpret;
import static dev.qnet.target.tvm.tir.Tir.seq;
import static dev.qnet.target.tvm.tir.Tir.shl;
import static dev.qnet.target.tvm.tir.Tir.store;

import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Products of a matrix in memory and a packed one, in tiles whose sums stay in registers: some rows by some vectors of columns.
 * Rows of the first are runs of elements, which lie where a window says (implicit im2col). The second lies in panels, in the
 * order in which it is read, {@code [tile][step][vector][lane]}: words of 32 bits, each with the four bytes or the two numbers
 * of 16 bits that one instruction multiplies in a lane.
 */
final class Tiles {
    private static final int WORD = 32;

    private final Isa isa;
    private final boolean bytes;
    private final int columns;
    private final Reach reach;
    private final Tiling tiling;

    /**
     * Where the elements of a row are, from its start on.
     *
     * @param extents of loops around a run, outermost first
     * @param steps elements between their passes
     * @param run neighbours at each
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Reach(int[] extents, int[] steps, int run) {
        /** All elements of a row side by side. */
        static Reach row(int run) {
            return new Reach(new int[0], new int[0], run);
        }

        int runs() {
            return Arrays.stream(extents).reduce(1, (a, b) -> a * b);
        }
    }

    /** The first matrix. */
    interface Rows {
        int count();

        /** The first element of a row. */
        Expr start(Expr row);

        /** Elements between the starts of neighbours, where they are equally far from each other. */
        default OptionalLong step() {
            return OptionalLong.empty();
        }
    }

    /** An element of the second matrix, before it is packed. */
    @FunctionalInterface
    interface Weight {
        /**
         * The element.
         *
         * @param run its number
         * @param place in the run
         */
        long at(int column, int run, int place);
    }

    /** What becomes of sums: {@code column} and {@code sum} have as many lanes. */
    @FunctionalInterface
    interface Store {
        Stmt at(Expr row, Expr column, Expr sum);
    }

    /**
     * Describes products.
     *
     * @param bytes whether unsigned bytes are multiplied by signed ones; else numbers of 16 bits
     */
    Tiles(Isa isa, boolean bytes, int columns, Reach reach, Tiling tiling) {
        this.isa = isa;
        this.bytes = bytes;
        this.columns = columns;
        this.reach = reach;
        this.tiling = tiling;
    }

    int columns() {
        return columns;
    }

    /** Elements in a word. */
    private int group() {
        return bytes ? 4 : 2;
    }

    /** Words of a run. */
    private int words() {
        return Math.ceilDiv(reach.run(), group());
    }

    /** Elements that are read beyond the end of a run; they count for nothing. */
    int excess() {
        return words() * group() - reach.run();
    }

    private int lanes() {
        return isa.lanes();
    }

    private int vectors() {
        return Math.ceilDiv(columns, lanes());
    }

    private boolean untuned() {
        return tiling.equals(Tiling.DEFAULT);
    }

    /** Vectors of a tile: so many that the last tile is hardly smaller. */
    private int width() {
        int most = untuned() ? lanes() == 16 ? 4 : 2 : tiling.vectors();
        return Math.ceilDiv(vectors(), Math.ceilDiv(vectors(), most));
    }

    private int steps() {
        return reach.runs() * words();
    }

    /** Words of the packed matrix. */
    int packedWords() {
        return steps() * paddedColumns();
    }

    /** Columns, filled up to whole vectors. */
    int paddedColumns() {
        return vectors() * lanes();
    }

    /** Packs constants. What fills up runs and columns is 0. */
    int[] pack(Weight w) {
        int[] packed = new int[packedWords()];
        int at = 0;
        for (int tile = 0; tile < vectors(); tile += width()) {
            int wide = Math.min(width(), vectors() - tile) * lanes();
            for (int run = 0; run < reach.runs(); run++) {
                for (int word = 0; word < words(); word++) {
                    for (int lane = 0; lane < wide; lane++) {
                        packed[at++] = word(w, tile * lanes() + lane, run, word);
                    }
                }
            }
        }
        return packed;
    }

    private int word(Weight w, int column, int run, int word) {
        int bits = WORD / group();
        int packed = 0;
        for (int k = 0; k < group() && column < columns; k++) {
            int place = word * group() + k;
            long value = place < reach.run() ? w.at(column, run, place) : 0;
            packed |= (int) (value & ((1L << bits) - 1)) << (k * bits);
        }
        return packed;
    }

    /**
     * Packs a matrix {@code [run, columns]} when the network runs; for pairs of 16 bits.
     *
     * @param element of 32 bits, by its place
     */
    Stmt pack(Function<Expr, Expr> element, Buffer to) {
        List<Stmt> steps = new ArrayList<>();
        int pairs = reach.run() / 2;
        for (int tile = 0; tile < vectors(); tile += width()) {
            int wide = Math.min(width(), vectors() - tile) * lanes();
            int first = tile * lanes();
            int base = first * steps();
            if (pairs > 0) {
                steps.add(loop(
                        "pair",
                        pairs,
                        p -> packed(wide, first, add(mul(p, wide), base), to, j -> {
                            Expr low = add(mul(p, 2L * columns), j);
                            return bitOr(
                                    bitAnd(element.apply(low), i32(0xFFFF)),
                                    shl(element.apply(add(low, columns)), WORD / 2));
                        })));
            }
            if (reach.run() % 2 > 0) {
                steps.add(packed(
                        wide,
                        first,
                        i32((long) base + (long) pairs * wide),
                        to,
                        j -> bitAnd(element.apply(add(j, 2L * pairs * columns)), i32(0xFFFF))));
            }
        }
        return seq(steps);
    }

    private Stmt packed(int wide, int first, Expr at, Buffer to, Function<Expr, Expr> word) {
        int there = Math.min(wide, columns - first);
        Stmt words = loop("j", there, j -> store(to, word.apply(add(j, first)), add(at, j)));
        return there == wide
                ? words
                : seq(words, loop("j", wide - there, j -> store(to, i32(0), add(add(at, there), j))));
    }

    /**
     * The products.
     *
     * @param x elements of the rows: of 8 bits, unsigned, or of 16 bits
     * @param panels the packed matrix, from a word on
     * @param init what sums begin with, by column, from an element on; null for 0
     * @param parallel whether threads share the columns
     */
    Stmt multiply(Buffer x, Rows rows, Packed panels, @Nullable Packed init, Store out, boolean parallel) {
        int wide = width() * lanes();
        Function<Expr, Tile> whole = t -> new Tile(x, rows, panels, init, out, width(), mul(t, wide), wide);
        int count = columns / wide;
        int rest = columns - count * wide;
        List<Tile> last = rest == 0
                ? List.of()
                : List.of(new Tile(
                        x, rows, panels, init, out, vectors() - count * width(), i32((long) count * wide), rest));
        if (tiling.rowsFirst() && !parallel) {
            return strips(rows.count(), width(), (first, height) -> {
                List<Stmt> steps = new ArrayList<>();
                if (count > 0) {
                    steps.add(loop("tile", count, t -> tile(whole.apply(t), first, height)));
                }
                last.forEach(t -> steps.add(tile(t, first, height)));
                return seq(steps);
            });
        }
        List<Stmt> steps = new ArrayList<>();
        if (count > 0) {
            steps.add(
                    parallel && count > 1
                            ? loop("tile", i32(0), i32(count), Stmt.LoopKind.PARALLEL, t -> rows(whole.apply(t)))
                            : loop("tile", count, t -> rows(whole.apply(t))));
        }
        last.forEach(t -> steps.add(rows(t)));
        return seq(steps);
    }

    /** A part of some memory, from an element on. */
    record Packed(Buffer buffer, Expr from) {}

    /** Some vectors of columns. */
    private record Tile(
            Buffer x,
            Rows rows,
            Packed panels,
            @Nullable Packed init,
            Store out,
            int vectors,
            Expr first,
            int columns) {}

    private Stmt rows(Tile t) {
        return strips(t.rows().count(), t.vectors(), (first, height) -> tile(t, first, height));
    }

    /** Rows in strips that are equally high, but for the last one. */
    private Stmt strips(int count, int vectors, BiFunction<Expr, Integer, Stmt> strip) {
        int most = untuned() ? Math.min(isa.accumulators() / vectors, 12) : tiling.rows();
        int height = Math.ceilDiv(count, Math.ceilDiv(count, most));
        int whole = count / height;
        List<Stmt> steps = new ArrayList<>();
        steps.add(loop("strip", whole, s -> strip.apply(mul(s, height), height)));
        int rest = count - whole * height;
        if (rest > 0) {
            steps.add(strip.apply(i32((long) whole * height), rest));
        }
        return seq(steps);
    }

    private Stmt tile(Tile t, Expr first, int height) {
        int sums = height * t.vectors();
        Stmt body = local(
                "acc",
                DataType.INT32,
                (long) sums * lanes(),
                acc -> seq(
                        begin(t, height, acc),
                        starts(t, first, height, new ArrayList<>(), from -> runs(t, acc, from, 0, i32(0), i32(0))),
                        local("sums", DataType.INT32, (long) sums * lanes(), to -> {
                            List<Stmt> steps = new ArrayList<>();
                            for (int i = 0; i < sums; i++) {
                                Expr at = vector(i32((long) i * lanes()));
                                steps.add(store(to, load(acc, at), at));
                            }
                            steps.add(loop(
                                    "i",
                                    height,
                                    i -> finish(
                                            lanes(),
                                            t.columns(),
                                            t.first(),
                                            add(first, i),
                                            mul(i, (long) t.vectors() * lanes()),
                                            to,
                                            t.out())));
                            return seq(steps);
                        })));
        return body;
    }

    private Expr vector(Expr first) {
        return new Expr.Ramp(first, 1, lanes());
    }

    private Stmt begin(Tile t, int height, Buffer acc) {
        List<Stmt> steps = new ArrayList<>();
        for (int v = 0; v < t.vectors(); v++) {
            Packed init = t.init();
            Expr value = init == null
                    ? imm(DataType.INT32.vector(lanes()), 0)
                    : load(init.buffer(), vector(add(add(init.from(), t.first()), (long) v * lanes())));
            for (int i = 0; i < height; i++) {
                steps.add(store(acc, value, vector(i32((long) (i * t.vectors() + v) * lanes()))));
            }
        }
        return seq(steps);
    }

    private static Stmt starts(Tile t, Expr first, int height, List<Expr> starts, Function<List<Expr>, Stmt> body) {
        if (starts.size() == height) {
            return body.apply(starts);
        }
        return let("x" + starts.size(), t.rows().start(add(first, starts.size())), s -> {
            starts.add(s);
            return starts(t, first, height, starts, body);
        });
    }

    /** Loops over runs. */
    private Stmt runs(Tile t, Buffer acc, List<Expr> starts, int depth, Expr number, Expr offset) {
        if (depth < reach.extents().length) {
            int extent = reach.extents()[depth];
            return loop(
                    "k" + depth,
                    extent,
                    k -> runs(
                            t,
                            acc,
                            starts,
                            depth + 1,
                            add(mul(number, extent), k),
                            add(offset, mul(k, reach.steps()[depth]))));
        }
        return loop("word", words(), word -> {
            Expr step = add(mul(number, words()), word);
            Expr panel = add(add(t.panels().from(), mul(t.first(), steps())), mul(step, (long) t.vectors() * lanes()));
            return weights(
                    t, panel, new ArrayList<>(), w -> products(t, acc, starts, add(offset, mul(word, group())), w));
        });
    }

    private Stmt weights(Tile t, Expr panel, List<Expr> weights, Function<List<Expr>, Stmt> body) {
        if (weights.size() == t.vectors()) {
            return body.apply(weights);
        }
        Expr value = load(t.panels().buffer(), vector(add(panel, (long) weights.size() * lanes())));
        return let("w" + weights.size(), value, w -> {
            weights.add(w);
            return weights(t, panel, weights, body);
        });
    }

    private Stmt products(Tile t, Buffer acc, List<Expr> starts, Expr offset, List<Expr> weights) {
        List<Stmt> steps = new ArrayList<>();
        for (int i = 0; i < starts.size(); i++) {
            Expr word = reinterpret(DataType.INT32, load(t.x(), new Expr.Ramp(add(starts.get(i), offset), 1, group())));
            int row = i * t.vectors();
            steps.add(let("x", new Expr.Broadcast(word, lanes()), x -> {
                List<Stmt> sums = new ArrayList<>();
                for (int v = 0; v < weights.size(); v++) {
                    Expr at = vector(i32((long) (row + v) * lanes()));
                    Expr sum = load(acc, at);
                    Expr w = weights.get(v);
                    sums.add(store(acc, bytes ? isa.dotBytes(sum, x, w) : isa.dotPairs(sum, x, w), at));
                }
                return seq(sums);
            }));
        }
        return seq(steps);
    }

    /**
     * Stores a row of sums: whole vectors, and what is left element by element.
     *
     * @param columns of them, from the first on
     * @param from where they begin among the sums
     */
    static Stmt finish(int lanes, int columns, Expr first, Expr row, Expr from, Buffer sums, Store out) {
        int whole = columns / lanes;
        List<Stmt> steps = new ArrayList<>();
        if (whole > 0) {
            steps.add(loop("v", whole, v -> {
                Expr at = mul(v, lanes);
                Expr column = new Expr.Ramp(add(first, at), 1, lanes);
                return out.at(row, column, load(sums, new Expr.Ramp(add(from, at), 1, lanes)));
            }));
        }
        int rest = columns % lanes;
        if (rest > 0) {
            steps.add(loop("j", rest, j -> {
                Expr at = add(j, (long) whole * lanes);
                return out.at(row, add(first, at), load(sums, add(from, at)));
            }));
        }
        return seq(steps);
    }
}
