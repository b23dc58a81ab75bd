package dev.qnet.runtime.kernel;

import java.util.Arrays;

/** Of two operands the first where a condition holds, else the second, all broadcast. */
public final class Select implements TernaryKernel {
    private final Kind kind;
    private final int[] extents;
    private final int[] cStrides;
    private final int[] xStrides;
    private final int[] yStrides;

    private Select(Kind kind, int[] extents, int[] cStrides, int[] xStrides, int[] yStrides) {
        this.kind = kind;
        this.extents = extents;
        this.cStrides = cStrides;
        this.xStrides = xStrides;
        this.yStrides = yStrides;
    }

    /**
     * Plans.
     *
     * @param kind of the elements, any
     * @param condition the shape of the truth values, {@link Kind#U8} of 0 and 1
     * @param x the first operand's shape
     * @param y the second operand's shape
     */
    public static Select of(Kind kind, int[] condition, int[] x, int[] y) {
        int[] z = Broadcast.shape(condition, Broadcast.shape(x, y));
        int rank = z.length;
        int[] cs = Broadcast.strides(condition, rank);
        int[] xs = Broadcast.strides(x, rank);
        int[] ys = Broadcast.strides(y, rank);
        // Axes along which all advance alike are joined, from behind.
        int used = rank;
        for (int d = rank - 1; d >= 0; d--) {
            if (z[d] == 1) {
                continue;
            }
            boolean joins = used < rank
                    && cs[d] == cs[used] * z[used]
                    && xs[d] == xs[used] * z[used]
                    && ys[d] == ys[used] * z[used];
            if (joins) {
                z[used] *= z[d];
            } else {
                used--;
                z[used] = z[d];
                cs[used] = cs[d];
                xs[used] = xs[d];
                ys[used] = ys[d];
            }
        }
        if (used == rank) {
            return new Select(kind, new int[] {1}, new int[1], new int[1], new int[1]);
        }
        return new Select(
                kind,
                Arrays.copyOfRange(z, used, rank),
                Arrays.copyOfRange(cs, used, rank),
                Arrays.copyOfRange(xs, used, rank),
                Arrays.copyOfRange(ys, used, rank));
    }

    @Override
    public void run(Banks banks, int condition, int x, int y, int result) {
        walk(banks, 0, condition, x, y, result);
    }

    /** Returns where the result continues. */
    private int walk(Banks b, int d, int c, int x, int y, int z) {
        int n = extents[d];
        if (d == extents.length - 1) {
            row(b, c, cStrides[d], x, xStrides[d], y, yStrides[d], z, n);
            return z + n;
        }
        int to = z;
        for (int i = 0; i < n; i++) {
            to = walk(b, d + 1, c + i * cStrides[d], x + i * xStrides[d], y + i * yStrides[d], to);
        }
        return to;
    }

    private void row(Banks b, int c, int cs, int x, int xs, int y, int ys, int z, int n) {
        byte[] t = b.bytes;
        switch (kind) {
            case S8, U8 -> {
                for (int i = 0; i < n; i++) {
                    t[z + i] = t[c + i * cs] != 0 ? t[x + i * xs] : t[y + i * ys];
                }
            }
            case S16, U16 -> {
                short[] a = b.shorts;
                for (int i = 0; i < n; i++) {
                    a[z + i] = t[c + i * cs] != 0 ? a[x + i * xs] : a[y + i * ys];
                }
            }
            case S32 -> {
                int[] a = b.ints;
                for (int i = 0; i < n; i++) {
                    a[z + i] = t[c + i * cs] != 0 ? a[x + i * xs] : a[y + i * ys];
                }
            }
            case S64 -> {
                long[] a = b.longs;
                for (int i = 0; i < n; i++) {
                    a[z + i] = t[c + i * cs] != 0 ? a[x + i * xs] : a[y + i * ys];
                }
            }
            case F32 -> {
                float[] a = b.floats;
                for (int i = 0; i < n; i++) {
                    a[z + i] = t[c + i * cs] != 0 ? a[x + i * xs] : a[y + i * ys];
                }
            }
        }
    }
}
