package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.evaluate;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.i64;
import static dev.qnet.target.tvm.tir.Tir.imm;
import static dev.qnet.target.tvm.tir.Tir.local;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.seq;
import static dev.qnet.target.tvm.tir.Tir.shl;
import static dev.qnet.target.tvm.tir.Tir.shr;

import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import dev.qnet.target.tvm.tir.Tir;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A unit that multiplies matrices of bytes in tiles, as AMX does: eight tiles of up to 16 rows of 64 bytes. Tiles are loaded from
 * memory, row by row; a product adds to a tile of sums; sums are stored. {@link #amx} is the processor's; {@link #loops} does
 * the same in loops, so that kernels can be tested where there is none.
 */
abstract sealed class TileUnit {
    /** The most rows of a tile. */
    static final int ROWS = 16;

    /** Bytes of a row. */
    static final int ROW_BYTES = 64;

    /** Words of 32 bits in a row: columns of sums, and of weights. */
    static final int WORDS = ROW_BYTES / Integer.BYTES;

    /**
     * What a tile is used for: rows of {@link #ROW_BYTES}.
     *
     * @param type of its elements: uint8 for the first factor, int32 for sums and for words of the second
     */
    record Form(int rows, DataType type) {}

    final List<Form> forms;

    private TileUnit(List<Form> forms) {
        this.forms = List.copyOf(forms);
    }

    /** The processor's. */
    static TileUnit amx(Layer layer, List<Form> forms) {
        return new Amx(layer, forms);
    }

    /** Loops over tiles in memory. */
    static TileUnit loops(List<Form> forms) {
        return new Loops(forms);
    }

    /** A statement with the tiles at hand, whose contents are then undefined. */
    abstract Stmt configured(Stmt body);

    /**
     * Loads a tile.
     *
     * @param stride elements between rows; 0 puts the same into each
     */
    abstract Stmt load(int tile, Buffer from, Expr at, long stride);

    /** Fills a tile with 0. */
    abstract Stmt zero(int tile);

    /** {@code sums += x · w} modulo 2^32, where a word of w holds four rows of signed bytes. */
    abstract Stmt dot(int sums, int x, int w);

    /** Stores a tile, with so many elements between rows. */
    abstract Stmt store(int tile, Buffer to, Expr at, long stride);

    private static final class Amx extends TileUnit {
        private final Buffer palette;

        Amx(Layer layer, List<Form> forms) {
            super(forms);
            Integer[] bytes = new Integer[64];
            Arrays.fill(bytes, 0);
            bytes[0] = 1;
            for (int t = 0; t < forms.size(); t++) {
                bytes[16 + 2 * t] = ROW_BYTES;
                bytes[48 + t] = forms.get(t).rows();
            }
            palette = layer.table("palette", DataType.UINT8, List.of(bytes));
            layer.needTiles();
        }

        private static Stmt run(String name, Expr... arguments) {
            return evaluate(new Expr.Intrinsic(DataType.INT32, "llvm.x86." + name, 0, false, List.of(arguments)));
        }

        private static Expr tile(int number) {
            return imm(DataType.INT8, number);
        }

        private static Expr bytes(Buffer b, long elements) {
            return i64(elements * b.type().bytes());
        }

        @Override
        Stmt configured(Stmt body) {
            return seq(run("ldtilecfg", Tir.address(palette, i32(0))), body, run("tilerelease"));
        }

        @Override
        Stmt load(int tile, Buffer from, Expr at, long stride) {
            return run("tileloadd64", tile(tile), Tir.address(from, at), bytes(from, stride));
        }

        @Override
        Stmt zero(int tile) {
            return run("tilezero", tile(tile));
        }

        @Override
        Stmt dot(int sums, int x, int w) {
            return run("tdpbusd", tile(sums), tile(x), tile(w));
        }

        @Override
        Stmt store(int tile, Buffer to, Expr at, long stride) {
            return run("tilestored64", tile(tile), Tir.address(to, at), bytes(to, stride));
        }
    }

    private static final class Loops extends TileUnit {
        private final List<Buffer> tiles = new ArrayList<>();

        Loops(List<Form> forms) {
            super(forms);
            for (int t = 0; t < forms.size(); t++) {
                tiles.add(Buffer.of(
                        "tile" + t, forms.get(t).type(), (long) forms.get(t).rows() * width(t)));
            }
        }

        private int width(int tile) {
            return ROW_BYTES / forms.get(tile).type().bytes();
        }

        @Override
        Stmt configured(Stmt body) {
            Stmt all = body;
            for (Buffer t : tiles) {
                all = new Stmt.Allocate(t, t.bytes() / t.type().bytes(), true, all);
            }
            return all;
        }

        private Stmt each(int tile, java.util.function.BiFunction<Expr, Expr, Stmt> body) {
            return loop("row", forms.get(tile).rows(), row -> loop("column", width(tile), c -> body.apply(row, c)));
        }

        private Expr at(int tile, Expr row, Expr column) {
            return add(mul(row, width(tile)), column);
        }

        @Override
        Stmt load(int tile, Buffer from, Expr at, long stride) {
            return each(
                    tile,
                    (row, c) -> Tir.store(
                            tiles.get(tile), Tir.load(from, add(at, add(mul(row, stride), c))), at(tile, row, c)));
        }

        @Override
        Stmt zero(int tile) {
            return each(tile, (row, c) -> Tir.store(tiles.get(tile), i32(0), at(tile, row, c)));
        }

        @Override
        Stmt dot(int sums, int x, int w) {
            Buffer to = tiles.get(sums);
            return each(
                    sums,
                    (row, c) -> local("dot", DataType.INT64, 1, dot -> {
                        Expr at = at(sums, row, c);
                        Stmt products = loop(
                                "k",
                                forms.get(w).rows(),
                                k -> loop("byte", 4, b -> {
                                    Expr code = Tir.load(tiles.get(x), at(x, row, add(mul(k, 4), b)));
                                    Expr word = Tir.load(tiles.get(w), at(w, k, c));
                                    Expr weight = shr(shl(word, mul(Tir.sub(i32(3), b), 8)), 24);
                                    return Tir.store(
                                            dot,
                                            add(
                                                    Tir.load(dot, i32(0)),
                                                    cast(DataType.INT64, mul(cast(DataType.INT32, code), weight))),
                                            i32(0));
                                }));
                        // In 64 bits, so that what passes 32 wraps as it does in the unit.
                        return seq(
                                Tir.store(dot, cast(DataType.INT64, Tir.load(to, at)), i32(0)),
                                products,
                                Tir.store(to, cast(DataType.INT32, Tir.load(dot, i32(0))), at));
                    }));
        }

        @Override
        Stmt store(int tile, Buffer to, Expr at, long stride) {
            return each(
                    tile,
                    (row, c) -> Tir.store(
                            to, Tir.load(tiles.get(tile), at(tile, row, c)), add(at, add(mul(row, stride), c))));
        }
    }
}
