package dev.qnet.runtime.kernel;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The rows of two operands broadcast to a common shape as in NumPy. Axes along which both operands advance alike are
 * joined, so that rows are as long as they can be.
 */
final class Broadcast {
    /** What is done to a row. */
    interface Row {
        /**
         * Handles n elements.
         *
         * @param x offset of the first operand's first element
         * @param xStep 1, or 0 where one element is repeated
         * @param y offset of the second operand's first element
         * @param yStep 1, or 0 where one element is repeated
         * @param z offset of the result's first element
         * @param channel index of the first element along the last axis, where that was kept
         */
        void row(Banks b, int x, int xStep, int y, int yStep, int z, int n, int channel);
    }

    private final int[] extents;
    private final int[] xStrides;
    private final int[] yStrides;
    private final int[] zStrides;

    private Broadcast(int[] extents, int[] xStrides, int[] yStrides, int[] zStrides) {
        this.extents = extents;
        this.xStrides = xStrides;
        this.yStrides = yStrides;
        this.zStrides = zStrides;
    }

    /**
     * Plans.
     *
     * @param x shape of the first operand
     * @param y shape of the second
     * @param keepLast whether the last axis is not joined with others, so that a row's channel is known
     * @throws IllegalArgumentException if the shapes do not broadcast
     */
    static Broadcast of(int[] x, int[] y, boolean keepLast) {
        int[] z = shape(x, y);
        int rank = z.length;
        int[] xs = strides(x, rank);
        int[] ys = strides(y, rank);
        List<int[]> axes = new ArrayList<>(); // extent, stride of x, of y; innermost first
        for (int d = rank - 1; d >= 0; d--) {
            if (z[d] == 1 && !(keepLast && d == rank - 1)) {
                continue;
            }
            int[] inner = axes.isEmpty() ? null : axes.getLast();
            boolean pinned = keepLast && axes.size() == 1;
            if (inner != null && !pinned && xs[d] == inner[1] * inner[0] && ys[d] == inner[2] * inner[0]) {
                inner[0] *= z[d];
            } else {
                axes.add(new int[] {z[d], xs[d], ys[d]});
            }
        }
        if (axes.isEmpty()) {
            axes.add(new int[] {1, 0, 0});
        }
        int n = axes.size();
        int[] extents = new int[n];
        int[] xStrides = new int[n];
        int[] yStrides = new int[n];
        int[] zStrides = new int[n];
        int step = 1;
        for (int d = 0; d < n; d++) {
            int to = n - 1 - d;
            extents[to] = axes.get(d)[0];
            xStrides[to] = axes.get(d)[1];
            yStrides[to] = axes.get(d)[2];
            zStrides[to] = step;
            step *= extents[to];
        }
        return new Broadcast(extents, xStrides, yStrides, zStrides);
    }

    /** The common shape. */
    static int[] shape(int[] x, int[] y) {
        int rank = Math.max(x.length, y.length);
        int[] z = new int[rank];
        for (int d = 0; d < rank; d++) {
            int a = extent(x, rank, d);
            int b = extent(y, rank, d);
            if (a != b && a != 1 && b != 1) {
                throw new IllegalArgumentException(
                        "shapes " + Arrays.toString(x) + " and " + Arrays.toString(y) + " do not broadcast");
            }
            z[d] = a == 1 ? b : a;
        }
        return z;
    }

    private static int extent(int[] shape, int rank, int d) {
        int i = d - (rank - shape.length);
        return i < 0 ? 1 : shape[i];
    }

    /** Row-major strides under the common rank; 0 where an axis is repeated. */
    static int[] strides(int[] shape, int rank) {
        int[] s = new int[rank];
        int step = 1;
        for (int d = rank - 1; d >= 0; d--) {
            int e = extent(shape, rank, d);
            s[d] = e == 1 ? 0 : step;
            step *= e;
        }
        return s;
    }

    /** Calls the row for all rows, in order. */
    void run(Row row, Banks b, int x, int y, int z) {
        walk(row, b, 0, x, y, z);
    }

    private void walk(Row row, Banks b, int d, int x, int y, int z) {
        int n = extents[d];
        int xs = xStrides[d];
        int ys = yStrides[d];
        if (d == extents.length - 1) {
            for (int i = 0; i < n; i += Rows.CHUNK) {
                row.row(b, x + i * xs, xs, y + i * ys, ys, z + i, Math.min(Rows.CHUNK, n - i), i);
            }
        } else {
            for (int i = 0; i < n; i++) {
                walk(row, b, d + 1, x + i * xs, y + i * ys, z + i * zStrides[d]);
            }
        }
    }
}
