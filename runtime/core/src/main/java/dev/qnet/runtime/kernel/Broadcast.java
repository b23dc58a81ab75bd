package dev.qnet.runtime.kernel;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The rows of two operands broadcast to a common shape as in NumPy. Axes along which both operands advance alike are
 * joined, so that rows are as long as they can be.
 */
final class Broadcast {
    /** A kernel that works row by row. It is its own row: a lambda's first use would take milliseconds while a model loads. */
    abstract static class Kernel implements BinaryKernel {
        private final Broadcast shape;

        Kernel(Broadcast shape) {
            this.shape = shape;
        }

        @Override
        public final void run(Banks banks, int x, int y, int z) {
            shape.walk(this, banks, 0, x, y, z);
        }

        /**
         * Handles n elements.
         *
         * @param x offset of the first operand's first element
         * @param xStep 1, or 0 where one element is repeated, or −k where the first k are, as a whole number of times
         * @param y offset of the second operand's first element
         * @param yStep likewise
         * @param z offset of the result's first element
         * @param channel index of the first element along the last axis, where that was kept
         */
        abstract void row(Banks b, int x, int xStep, int y, int yStep, int z, int n, int channel);
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
        return of(x, y, keepLast, false);
    }

    /** As {@link #of}, with rows in which some elements of an operand are repeated, where that makes them longer. */
    static Broadcast repeating(int[] x, int[] y) {
        return of(x, y, false, true);
    }

    private static Broadcast of(int[] x, int[] y, boolean keepLast, boolean repeating) {
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
        if (repeating && axes.size() > 1) {
            repeat(axes);
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

    /** Joins the two innermost axes where one operand goes on along both, and the other begins again. */
    private static void repeat(List<int[]> axes) {
        int[] inner = axes.get(0);
        int[] outer = axes.get(1);
        int n = inner[0];
        if (n > Rows.CHUNK / 2 || inner[1] != 1 || inner[2] != 1) {
            return;
        }
        for (int i = 1; i <= 2; i++) {
            if (outer[i] == n && outer[3 - i] == 0) {
                inner[0] = n * outer[0];
                inner[3 - i] = -n;
                axes.remove(1);
                return;
            }
        }
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
    private void walk(Kernel row, Banks b, int d, int x, int y, int z) {
        int n = extents[d];
        int xs = xStrides[d];
        int ys = yStrides[d];
        if (d == extents.length - 1) {
            // Where elements are repeated, each row begins with the first of them.
            int k = Math.max(1, -Math.min(xs, ys));
            int chunk = Rows.CHUNK / k * k;
            for (int i = 0; i < n; i += chunk) {
                row.row(b, x + i * Math.max(xs, 0), xs, y + i * Math.max(ys, 0), ys, z + i, Math.min(chunk, n - i), i);
            }
        } else {
            for (int i = 0; i < n; i++) {
                walk(row, b, d + 1, x + i * xs, y + i * ys, z + i * zStrides[d]);
            }
        }
    }
}
