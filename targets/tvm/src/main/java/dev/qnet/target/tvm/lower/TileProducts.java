package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.floorDiv;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.let;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.local;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.lt;
import static dev.qnet.target.tvm.tir.Tir.min;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.seq;
import static dev.qnet.target.tvm.tir.Tir.store;
import static dev.qnet.target.tvm.tir.Tir.sub;
import static dev.qnet.target.tvm.tir.Tir.when;

import dev.qnet.target.tvm.lower.Tiles.Packed;
import dev.qnet.target.tvm.lower.Tiles.Reach;
import dev.qnet.target.tvm.lower.Tiles.Rows;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.BiFunction;

/**
 * Products of a matrix of unsigned bytes in memory and a packed one of signed bytes, by a {@link TileUnit}: up to 2 by 2 tiles of
 * sums, which are 32 rows by 32 columns.
 *
 * <p>Where the rows of the first matrix are equally far from each other and their runs fill rows of tiles, tiles are loaded from
 * where they lie. Else some rows are put side by side first: as many as a strip has, so that they stay in a cache. The second
 * matrix lies in the order in which it is read, {@code [block of columns][step][tile][4 terms][column]}: words of four bytes.
 *
 * <p>Strips are equally high, so that tiles are set up once; the last one begins earlier where rows do not fill it, and computes
 * some of them again.
 */
final class TileProducts {
    private static final int HIGH = 2;
    private static final int WIDE = 2;
    /** The most bytes of a strip that is put side by side, on the stack. */
    private static final int MOST_TERMS = 8192;
    /** Products that are worth setting up tiles. */
    private static final long LEAST_WORK = 1 << 17;

    // Numbers of tiles: sums by row and column of tiles, then the factors.
    private static final int X = HIGH * WIDE;
    private static final int W = X + HIGH;

    private final Rows rows;
    private final int columns;
    private final Reach reach;
    private final Layer layer;

    TileProducts(Layer layer, Rows rows, int columns, Reach reach) {
        this.layer = layer;
        this.rows = rows;
        this.columns = columns;
        this.reach = reach;
    }

    private List<TileUnit.Form> forms() {
        List<TileUnit.Form> forms = new ArrayList<>();
        for (int i = 0; i < X; i++) {
            forms.add(new TileUnit.Form(tileRows(Math.min(i / WIDE, high() - 1)), DataType.INT32));
        }
        for (int r = 0; r < HIGH; r++) {
            forms.add(new TileUnit.Form(tileRows(Math.min(r, high() - 1)), DataType.UINT8));
        }
        for (int v = 0; v < WIDE; v++) {
            forms.add(new TileUnit.Form(TileUnit.ROWS, DataType.INT32));
        }
        return forms;
    }

    /**
     * Whether tiles are worth it: much of them is used, and there is enough to do. A unit in loops is there to be tested, and
     * takes all that it can.
     */
    static boolean suits(Isa isa, int rows, int columns, Reach reach) {
        long terms = (long) reach.runs() * reach.run();
        if (!isa.hasTiles() || terms > MOST_TERMS) {
            return false;
        }
        long used = (long) rows * columns * terms;
        long taken = (long) up(rows, TileUnit.ROWS) * up(columns, TileUnit.WORDS) * up((int) terms, TileUnit.ROW_BYTES);
        return isa != Isa.AMX || (rows >= TileUnit.ROWS / 2 && used >= LEAST_WORK && taken <= 3 * used);
    }

    private static int up(int n, int to) {
        return Math.ceilDiv(n, to) * to;
    }

    // ---- Sizes

    private int strips() {
        return Math.ceilDiv(rows.count(), HIGH * TileUnit.ROWS);
    }

    /** Rows of a strip. */
    private int height() {
        return Math.ceilDiv(rows.count(), strips());
    }

    /** Tiles of a strip, one above the other. */
    private int high() {
        return Math.ceilDiv(height(), TileUnit.ROWS);
    }

    private int tileRows(int tile) {
        int first = Math.ceilDiv(height(), high());
        return tile == 0 ? first : height() - first;
    }

    private int terms() {
        return reach.runs() * reach.run();
    }

    private int steps() {
        return Math.ceilDiv(terms(), TileUnit.ROW_BYTES);
    }

    private int tilesWide() {
        return Math.ceilDiv(columns, TileUnit.WORDS);
    }

    /** Columns, filled up to whole tiles. */
    int paddedColumns() {
        return tilesWide() * TileUnit.WORDS;
    }

    /** Words of the packed matrix. */
    int packedWords() {
        return steps() * TileUnit.ROWS * paddedColumns();
    }

    private boolean inPlace() {
        return rows.step().isPresent() && reach.run() % TileUnit.ROW_BYTES == 0;
    }

    /** Packs constants. What fills up terms and columns is 0. */
    int[] pack(Tiles.Weight w) {
        int[] packed = new int[packedWords()];
        int at = 0;
        for (int block = 0; block < tilesWide(); block += WIDE) {
            for (int step = 0; step < steps(); step++) {
                for (int tile = block; tile < Math.min(block + WIDE, tilesWide()); tile++) {
                    for (int k = 0; k < TileUnit.ROWS; k++) {
                        for (int c = 0; c < TileUnit.WORDS; c++) {
                            int term = step * TileUnit.ROW_BYTES + k * 4;
                            packed[at++] = word(w, tile * TileUnit.WORDS + c, term);
                        }
                    }
                }
            }
        }
        return packed;
    }

    private int word(Tiles.Weight w, int column, int first) {
        int word = 0;
        for (int b = 0; b < 4 && column < columns && first + b < terms(); b++) {
            int term = first + b;
            word |= (int) (w.at(column, term / reach.run(), term % reach.run()) & 0xFF) << (8 * b);
        }
        return word;
    }

    // ---- Products

    /**
     * The products.
     *
     * @param x elements of the rows: unsigned bytes
     * @param from what is added to the place of each
     * @param panels the packed matrix, from a word on
     * @param init what sums begin with, by column, from an element on
     */
    Stmt multiply(Buffer x, Expr from, Packed panels, Packed init, Tiles.Store out) {
        TileUnit unit = layer.isa() == Isa.AMX ? TileUnit.amx(layer, forms()) : TileUnit.loops(forms());
        Job job = new Job(unit, panels, init, out);
        Stmt all = loop("strip", strips(), s -> {
            Expr first = min(mul(s, height()), i32((long) rows.count() - height()));
            return inPlace() ? inPlace(job, x, from, first) : gathered(job, x, from, first);
        });
        return unit.configured(all);
    }

    /** What all strips share. */
    private record Job(TileUnit unit, Packed panels, Packed init, Tiles.Store out) {}

    private Stmt inPlace(Job job, Buffer x, Expr from, Expr first) {
        long distance = rows.step().orElseThrow();
        return strip(job, first, (r, offset) -> {
            Expr start = rows.start(add(first, (long) r * tileRows(0)));
            return job.unit().load(X + r, x, add(add(start, from), offset), distance);
        });
    }

    /** The rows of a strip side by side, and their products. Words behind the last term meet weights of 0. */
    private Stmt gathered(Job job, Buffer x, Expr from, Expr first) {
        int width = steps() * TileUnit.ROW_BYTES;
        return local("strip", DataType.UINT8, (long) height() * width, strip -> {
            Stmt gather = loop(
                    "i",
                    height(),
                    i -> let(
                            "start",
                            add(rows.start(add(first, i)), from),
                            start -> runs(0, i32(0), start, (run, there) -> {
                                Expr to = add(mul(i, width), mul(run, reach.run()));
                                return loop(
                                        "place", reach.run(), p -> store(strip, load(x, add(there, p)), add(to, p)));
                            })));
            Stmt products = strip(job, first, (r, offset) -> {
                Expr row = i32((long) r * tileRows(0) * width);
                return job.unit().load(X + r, strip, add(row, offset), width);
            });
            return seq(gather, products);
        });
    }

    /** Loops over runs. */
    private Stmt runs(int depth, Expr number, Expr offset, BiFunction<Expr, Expr, Stmt> body) {
        if (depth == reach.extents().length) {
            return body.apply(number, offset);
        }
        int extent = reach.extents()[depth];
        return loop(
                "k" + depth,
                extent,
                k -> runs(depth + 1, add(mul(number, extent), k), add(offset, mul(k, reach.steps()[depth])), body));
    }

    /** Loads the tile of the first factor in a row of tiles, from an offset into its rows on. */
    private interface Factor extends BiFunction<Integer, Expr, Stmt> {}

    private Stmt strip(Job job, Expr first, Factor factor) {
        int width = WIDE * TileUnit.WORDS;
        int whole = columns / width;
        List<Stmt> blocks = new ArrayList<>();
        if (whole > 0) {
            blocks.add(loop("block", whole, b -> block(job, first, factor, mul(b, width), width)));
        }
        if (columns % width > 0) {
            blocks.add(block(job, first, factor, i32((long) whole * width), columns % width));
        }
        return seq(blocks);
    }

    /** Some columns of a strip, from one on. */
    private Stmt block(Job job, Expr first, Factor factor, Expr column, int count) {
        int wide = Math.ceilDiv(count, TileUnit.WORDS);
        int width = wide * TileUnit.WORDS;
        Packed panel = new Packed(
                job.panels().buffer(), add(job.panels().from(), mul(column, (long) steps() * TileUnit.ROWS)));
        Expr init = add(job.init().from(), column);
        return local("sums", DataType.INT32, (long) height() * width, sums -> {
            List<Stmt> steps = new ArrayList<>();
            eachTile(wide, (r, v) -> {
                Expr at = add(init, (long) v * TileUnit.WORDS);
                steps.add(job.unit().load(sumTile(r, v), job.init().buffer(), at, 0));
            });
            steps.add(products(job.unit(), factor, panel, wide));
            eachTile(wide, (r, v) -> {
                long at = (long) r * tileRows(0) * width + (long) v * TileUnit.WORDS;
                steps.add(job.unit().store(sumTile(r, v), sums, i32(at), width));
            });
            steps.add(loop(
                    "i",
                    height(),
                    i -> Tiles.finish(TileUnit.WORDS, count, column, add(first, i), mul(i, width), sums, job.out())));
            return seq(steps);
        });
    }

    private Stmt products(TileUnit unit, Factor factor, Packed panel, int wide) {
        int perRun = reach.run() / TileUnit.ROW_BYTES;
        return inPlace()
                ? runs(
                        0,
                        i32(0),
                        i32(0),
                        (run, offset) -> loop("step", perRun, s -> {
                            Expr at = add(offset, mul(s, TileUnit.ROW_BYTES));
                            return step(unit, factor, panel, add(mul(run, perRun), s), at, wide);
                        }))
                : loop("step", steps(), s -> step(unit, factor, panel, s, mul(s, TileUnit.ROW_BYTES), wide));
    }

    /** What is done for each tile of sums. */
    @FunctionalInterface
    private interface EachTile {
        void at(int row, int column);
    }

    private void eachTile(int wide, EachTile body) {
        for (int r = 0; r < high(); r++) {
            for (int v = 0; v < wide; v++) {
                body.at(r, v);
            }
        }
    }

    private static int sumTile(int row, int column) {
        return row * WIDE + column;
    }

    private static int tileWords() {
        return TileUnit.ROWS * TileUnit.WORDS;
    }

    private Stmt step(TileUnit unit, Factor factor, Packed panel, Expr number, Expr offset, int wide) {
        Expr w = add(panel.from(), mul(number, (long) wide * tileWords()));
        List<Stmt> steps = new ArrayList<>();
        for (int v = 0; v < wide; v++) {
            steps.add(unit.load(W + v, panel.buffer(), add(w, (long) v * tileWords()), TileUnit.WORDS));
        }
        for (int r = 0; r < high(); r++) {
            steps.add(factor.apply(r, offset));
        }
        eachTile(wide, (r, v) -> steps.add(unit.dot(sumTile(r, v), X + r, W + v)));
        return seq(steps);
    }

    /** Rows that are equally far from each other, on a grid of which some columns are not wanted. */
    record Grid(int count, long distance, int width, int wanted) implements Rows {
        @Override
        public Expr start(Expr row) {
            return mul(row, distance);
        }

        @Override
        public OptionalLong step() {
            return OptionalLong.of(distance);
        }

        /** What becomes of sums, where {@code out} counts wanted rows only. */
        Tiles.Store wanted(Tiles.Store out) {
            if (width == wanted) {
                return out;
            }
            return (row, column, sum) -> {
                Expr y = floorDiv(row, width);
                Expr x = sub(row, mul(y, width));
                return when(lt(x, i32(wanted)), out.at(add(mul(y, wanted), x), column, sum));
            };
        }
    }
}
