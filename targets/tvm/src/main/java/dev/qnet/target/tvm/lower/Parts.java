package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.let;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.min;
import static dev.qnet.target.tvm.tir.Tir.mul;

import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import java.util.OptionalLong;
import java.util.function.BiFunction;

/**
 * Shares the rows of a large layer among threads, where that was asked for. How many parts there are does not depend on the
 * threads, and each result is computed as one thread computes it; where parts overlap, because they are equally large, both
 * write the same.
 */
final class Parts {
    /** Products for which threads are worth waking. */
    private static final long LEAST = 1 << 20;

    /** Products of a part, at least. */
    private static final long PART = 1 << 18;

    private static final int LEAST_ROWS = 12;
    private static final int MOST = 32;

    private Parts() {}

    /** Whether a layer of so many products is shared at all. */
    static boolean shares(Layer layer, long products) {
        return layer.parallel() && products >= LEAST;
    }

    /** How many parts rows are in. */
    static int of(Layer layer, long products, int rows) {
        if (!shares(layer, products)) {
            return 1;
        }
        int most = (int) Math.min(MOST, products / PART);
        int parts = Math.max(Math.min(most, rows / LEAST_ROWS), 1);
        return Math.ceilDiv(rows, Math.ceilDiv(rows, parts));
    }

    /**
     * All rows, in one part or several.
     *
     * @param products of all rows
     * @param body given some rows, and the first's number
     */
    static Stmt over(Layer layer, long products, Tiles.Rows rows, BiFunction<Tiles.Rows, Expr, Stmt> body) {
        int parts = of(layer, products, rows.count());
        if (parts == 1) {
            return body.apply(rows, i32(0));
        }
        layer.share();
        int height = Math.ceilDiv(rows.count(), parts);
        return loop(
                "part",
                i32(0),
                i32(parts),
                Stmt.LoopKind.PARALLEL,
                p -> let(
                        "first",
                        min(mul(p, height), i32((long) rows.count() - height)),
                        first -> body.apply(new Some(rows, first, height), first)));
    }

    /** Neighbours among rows. */
    private record Some(Tiles.Rows of, Expr first, int count) implements Tiles.Rows {
        @Override
        public Expr start(Expr row) {
            return of.start(add(first, row));
        }

        @Override
        public OptionalLong step() {
            return of.step();
        }
    }
}
