package dev.qnet.runtime.kernel;

import java.util.Arrays;

/**
 * Moves elements of any kind between strided blocks: reshape, transpose, concat, slice, pad, dilate and broadcast
 * are all this. Operand and result must not overlap.
 */
public final class Copy implements UnaryKernel {
    /** From so many elements on, a call of arraycopy is faster than a loop, whatever the type. */
    private static final int RUN = 16;

    /** Rows of fewer elements are copied by columns. */
    private static final int SHORT = 4;

    private final Kind kind;

    /** A block's extents, at least one axis; the last axis of as many elements as possible. */
    private final int[] extents;

    private final int[] xStrides;
    private final int[] yStrides;
    private final int xBase;
    private final int yBase;

    /** Elements of the result that are filled before the block is copied; 0 for none. */
    private final int fill;

    private final float fillValue;

    private Copy(
            Kind kind, int[] extents, int[] xStrides, int[] yStrides, int xBase, int yBase, int fill, float fillValue) {
        this.kind = kind;
        this.xBase = xBase;
        this.yBase = yBase;
        this.fill = fill;
        this.fillValue = fillValue;
        // Join axes along which both sides advance alike; axes of one element do not matter.
        int rank = Math.max(extents.length, 1);
        int[] e = new int[rank];
        int[] xs = new int[rank];
        int[] ys = new int[rank];
        int used = rank;
        for (int d = extents.length - 1; d >= 0; d--) {
            if (extents[d] == 1) {
                continue;
            }
            if (used < rank && xStrides[d] == xs[used] * e[used] && yStrides[d] == ys[used] * e[used]) {
                e[used] *= extents[d];
            } else {
                used--;
                e[used] = extents[d];
                xs[used] = xStrides[d];
                ys[used] = yStrides[d];
            }
        }
        if (used == rank) {
            e[--used] = 1;
            xs[used] = 1;
            ys[used] = 1;
        }
        this.extents = Arrays.copyOfRange(e, used, rank);
        this.xStrides = Arrays.copyOfRange(xs, used, rank);
        this.yStrides = Arrays.copyOfRange(ys, used, rank);
    }

    /** All n elements as they are: a reshape, or a plain copy. */
    public static Copy all(Kind kind, int n) {
        return new Copy(kind, new int[] {n}, new int[] {1}, new int[] {1}, 0, 0, 0, 0);
    }

    /**
     * Result axis i is operand axis {@code permutation[i]}.
     *
     * @param shape the operand's shape
     */
    public static Copy transpose(Kind kind, int[] shape, int[] permutation) {
        int rank = shape.length;
        int[] in = strides(shape);
        int[] extents = new int[rank];
        int[] xs = new int[rank];
        for (int d = 0; d < rank; d++) {
            extents[d] = shape[permutation[d]];
            xs[d] = in[permutation[d]];
        }
        return new Copy(kind, extents, xs, strides(extents), 0, 0, 0, 0);
    }

    /**
     * One operand of a concat, into its place in the result.
     *
     * @param shape the operand's shape
     * @param axis the axis along which operands are joined
     * @param total the result's extent along it
     * @param start where the operand begins along it
     */
    public static Copy concatPart(Kind kind, int[] shape, int axis, int total, int start) {
        int[] result = shape.clone();
        result[axis] = total;
        if (start < 0 || start + shape[axis] > total) {
            throw new IllegalArgumentException(
                    "part " + start + ".." + (start + shape[axis]) + " of an axis of " + total);
        }
        int[] ys = strides(result);
        return new Copy(kind, shape, strides(shape), ys, 0, start * ys[axis], 0, 0);
    }

    /**
     * Along each axis the elements {@code begin, begin + step, … < end}.
     *
     * @param shape the operand's shape
     */
    public static Copy slice(Kind kind, int[] shape, int[] begin, int[] end, int[] step) {
        int rank = shape.length;
        int[] in = strides(shape);
        int[] extents = new int[rank];
        int[] xs = new int[rank];
        int base = 0;
        for (int d = 0; d < rank; d++) {
            if (begin[d] < 0 || end[d] > shape[d] || begin[d] > end[d] || step[d] < 1) {
                throw new IllegalArgumentException("slice " + begin[d] + ".." + end[d] + " step " + step[d]
                        + " of axis " + d + " of " + Arrays.toString(shape));
            }
            extents[d] = (end[d] - begin[d] + step[d] - 1) / step[d];
            xs[d] = in[d] * step[d];
            base += begin[d] * in[d];
        }
        return new Copy(kind, extents, xs, strides(extents), base, 0, 0, 0);
    }

    /**
     * The operand surrounded by a value.
     *
     * @param shape the operand's shape
     * @param before elements added in front, an axis each
     * @param after elements added behind
     * @param value a number, or a code for integer kinds
     */
    public static Copy pad(Kind kind, int[] shape, int[] before, int[] after, float value) {
        int rank = shape.length;
        int[] result = new int[rank];
        int size = 1;
        for (int d = 0; d < rank; d++) {
            result[d] = before[d] + shape[d] + after[d];
            size = Math.multiplyExact(size, result[d]);
        }
        int[] ys = strides(result);
        int base = 0;
        for (int d = 0; d < rank; d++) {
            base += before[d] * ys[d];
        }
        return new Copy(kind, shape, strides(shape), ys, 0, base, size, value);
    }

    /**
     * The operand, repeated along axes of one element.
     *
     * @param shape the operand's shape
     * @param to the result's shape, to which it broadcasts as in NumPy
     */
    public static Copy broadcast(Kind kind, int[] shape, int[] to) {
        if (!Arrays.equals(Broadcast.shape(shape, to), to)) {
            throw new IllegalArgumentException(
                    Arrays.toString(shape) + " does not broadcast to " + Arrays.toString(to));
        }
        return new Copy(kind, to, Broadcast.strides(shape, to.length), strides(to), 0, 0, 0, 0);
    }

    /**
     * The operand with a value between neighbours.
     *
     * @param shape the operand's shape
     * @param factors one more than the elements added between two neighbours, an axis each
     * @param value a number, or a code for integer kinds
     */
    public static Copy dilate(Kind kind, int[] shape, int[] factors, float value) {
        int rank = shape.length;
        int[] result = new int[rank];
        int size = 1;
        for (int d = 0; d < rank; d++) {
            result[d] = shape[d] == 0 ? 0 : (shape[d] - 1) * factors[d] + 1;
            size = Math.multiplyExact(size, result[d]);
        }
        int[] ys = strides(result);
        for (int d = 0; d < rank; d++) {
            ys[d] *= factors[d];
        }
        return new Copy(kind, shape, strides(shape), ys, 0, 0, size, value);
    }

    /** Row-major strides. */
    private static int[] strides(int[] shape) {
        int[] s = new int[shape.length];
        int step = 1;
        for (int d = shape.length - 1; d >= 0; d--) {
            s[d] = step;
            step = Math.multiplyExact(step, shape[d]);
        }
        return s;
    }

    @Override
    public void run(Banks banks, int x, int y) {
        if (fill > 0) {
            fill(banks, y);
        }
        walk(banks.of(kind), 0, x + xBase, y + yBase);
    }

    private void fill(Banks b, int y) {
        switch (kind) {
            case S8, U8 -> Arrays.fill(b.bytes, y, y + fill, (byte) (int) fillValue);
            case S16, U16 -> Arrays.fill(b.shorts, y, y + fill, (short) (int) fillValue);
            case S32 -> Arrays.fill(b.ints, y, y + fill, (int) fillValue);
            case S64 -> Arrays.fill(b.longs, y, y + fill, (long) fillValue);
            case F32 -> Arrays.fill(b.floats, y, y + fill, fillValue);
        }
    }

    private void walk(Object bank, int d, int x, int y) {
        int n = extents[d];
        int xs = xStrides[d];
        int ys = yStrides[d];
        if (d == extents.length - 2 && (extents[d + 1] < RUN || xStrides[d + 1] != 1 || yStrides[d + 1] != 1)) {
            block(bank, n, x, xs, y, ys, extents[d + 1], xStrides[d + 1], yStrides[d + 1]);
        } else if (d < extents.length - 1) {
            for (int i = 0; i < n; i++) {
                walk(bank, d + 1, x + i * xs, y + i * ys);
            }
        } else if (xs == 1 && ys == 1) {
            copyRun(bank, x, y, n);
        } else {
            row(bank, x, xs, y, ys, n);
        }
    }

    /** Rows of n elements; or columns, where those are longer. */
    private static void block(Object bank, int rows, int x, int xRow, int y, int yRow, int n, int xs, int ys) {
        if (n < SHORT && rows > n) {
            block(bank, n, x, xs, y, ys, rows, xRow, yRow);
            return;
        }
        // No switch over types: its first use takes a JVM milliseconds, and would be in the first answer.
        if (bank instanceof byte[] a) {
            for (int r = 0; r < rows; r++) {
                int p = x + r * xRow;
                int q = y + r * yRow;
                for (int i = 0; i < n; i++) {
                    a[q + i * ys] = a[p + i * xs];
                }
            }
        } else if (bank instanceof short[] a) {
            for (int r = 0; r < rows; r++) {
                int p = x + r * xRow;
                int q = y + r * yRow;
                for (int i = 0; i < n; i++) {
                    a[q + i * ys] = a[p + i * xs];
                }
            }
        } else if (bank instanceof int[] a) {
            for (int r = 0; r < rows; r++) {
                int p = x + r * xRow;
                int q = y + r * yRow;
                for (int i = 0; i < n; i++) {
                    a[q + i * ys] = a[p + i * xs];
                }
            }
        } else if (bank instanceof long[] a) {
            for (int r = 0; r < rows; r++) {
                int p = x + r * xRow;
                int q = y + r * yRow;
                for (int i = 0; i < n; i++) {
                    a[q + i * ys] = a[p + i * xs];
                }
            }
        } else if (bank instanceof float[] a) {
            for (int r = 0; r < rows; r++) {
                int p = x + r * xRow;
                int q = y + r * yRow;
                for (int i = 0; i < n; i++) {
                    a[q + i * ys] = a[p + i * xs];
                }
            }
        } else {
            throw new AssertionError(bank);
        }
    }

    private static void row(Object bank, int x, int xs, int y, int ys, int n) {
        if (bank instanceof byte[] a) {
            for (int i = 0; i < n; i++) {
                a[y + i * ys] = a[x + i * xs];
            }
        } else if (bank instanceof short[] a) {
            for (int i = 0; i < n; i++) {
                a[y + i * ys] = a[x + i * xs];
            }
        } else if (bank instanceof int[] a) {
            for (int i = 0; i < n; i++) {
                a[y + i * ys] = a[x + i * xs];
            }
        } else if (bank instanceof long[] a) {
            for (int i = 0; i < n; i++) {
                a[y + i * ys] = a[x + i * xs];
            }
        } else if (bank instanceof float[] a) {
            for (int i = 0; i < n; i++) {
                a[y + i * ys] = a[x + i * xs];
            }
        } else {
            throw new AssertionError(bank);
        }
    }

    /** Neighbours to neighbours. For a few elements a loop is faster than a call of arraycopy, whatever the type. */
    static void copyRun(Object bank, int x, int y, int n) {
        if (n < RUN) {
            row(bank, x, 1, y, 1, n);
        } else {
            System.arraycopy(bank, x, bank, y, n);
        }
    }
}
