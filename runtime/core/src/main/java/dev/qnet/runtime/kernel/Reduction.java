package dev.qnet.runtime.kernel;

import java.util.Arrays;

/**
 * The rows of a tensor that is reduced along some axes. Elements are visited in row-major order, so that each result
 * meets its elements in ascending order.
 */
final class Reduction {
    /** A kernel that works row by row. It is its own row: a lambda's first use would take milliseconds while a model loads. */
    abstract static class Kernel implements UnaryKernel {
        /**
         * Handles n elements of the last axis (or of several joined).
         *
         * @param x offset of the first
         * @param y offset of its result
         * @param yStep 1 where each has a result of its own, 0 where all have the same
         */
        abstract void row(Banks b, int x, int y, int yStep, int n);
    }

    private final int[] extents;
    private final int[] xStrides;
    private final int[] yStrides;
    private final int results;
    private final int lastAxis;

    private Reduction(int[] extents, int[] xStrides, int[] yStrides, int results, int lastAxis) {
        this.extents = extents;
        this.xStrides = xStrides;
        this.yStrides = yStrides;
        this.results = results;
        this.lastAxis = lastAxis;
    }

    static Reduction of(int[] shape, int[] axes) {
        boolean[] reduced = new boolean[shape.length];
        for (int a : axes) {
            if (a < 0 || a >= shape.length || reduced[a]) {
                throw new IllegalArgumentException("axes " + Arrays.toString(axes) + " of " + Arrays.toString(shape));
            }
            reduced[a] = true;
        }
        int rank = Math.max(shape.length, 1);
        int[] extents = new int[rank];
        int[] xs = new int[rank];
        int[] ys = new int[rank];
        int used = rank; // joined axes fill the arrays from behind
        int xStep = 1;
        int yStep = 1;
        int last = 1;
        for (int d = shape.length - 1; d >= 0; d--) {
            int stride = reduced[d] ? 0 : yStep;
            boolean joins =
                    used < rank && (reduced[d] ? ys[used] == 0 : ys[used] != 0 && stride == ys[used] * extents[used]);
            if (joins) {
                extents[used] *= shape[d];
            } else {
                used--;
                extents[used] = shape[d];
                xs[used] = xStep;
                ys[used] = stride;
            }
            xStep *= shape[d];
            if (!reduced[d]) {
                last = yStep == 1 && last == 1 ? shape[d] : last;
                yStep *= shape[d];
            }
        }
        if (used == rank) {
            extents[--used] = 1;
            xs[used] = 1;
        }
        return new Reduction(
                Arrays.copyOfRange(extents, used, rank),
                Arrays.copyOfRange(xs, used, rank),
                Arrays.copyOfRange(ys, used, rank),
                yStep,
                last);
    }

    /** Elements of the result. */
    int results() {
        return results;
    }

    /** Extent of the last axis that stays; 1 if none does. */
    int lastAxis() {
        return lastAxis;
    }

    /** The elements of each result, where they lie in rows one behind the other of at most half a chunk; otherwise 0. */
    int ownRow() {
        int last = extents.length - 1;
        int n = extents[last];
        boolean rows = last == 1 && yStrides[1] == 0 && yStrides[0] == 1 && xStrides[0] == n;
        return rows && n <= Rows.CHUNK / 2 ? n : 0;
    }

    void run(Kernel row, Banks b, int x, int y) {
        walk(row, b, 0, x, y);
    }

    private void walk(Kernel row, Banks b, int d, int x, int y) {
        int n = extents[d];
        int ys = yStrides[d];
        if (d == extents.length - 1) {
            for (int i = 0; i < n; i += Rows.CHUNK) {
                row.row(b, x + i, y + i * ys, ys, Math.min(Rows.CHUNK, n - i));
            }
        } else {
            for (int i = 0; i < n; i++) {
                walk(row, b, d + 1, x + i * xStrides[d], y + i * ys);
            }
        }
    }
}
