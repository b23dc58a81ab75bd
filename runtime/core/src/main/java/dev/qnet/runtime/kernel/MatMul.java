package dev.qnet.runtime.kernel;

import java.util.Arrays;

/** Matrix product of two operands in the banks: x [..,M,K], y [..,K,N] → [..,M,N]; leading axes broadcast. */
public final class MatMul implements BinaryKernel {
    private final Loops loops;
    private final Operand x;
    private final Operand y;
    private final int m;
    private final int k;
    private final int n;
    private final Output out;
    private final Batches batches;

    private MatMul(Loops loops, Operand x, Operand y, int m, int k, int n, Output out, Batches batches) {
        this.loops = loops;
        this.x = x;
        this.y = y;
        this.m = m;
        this.k = k;
        this.n = n;
        this.out = out;
        this.batches = batches;
    }

    /**
     * Plans.
     *
     * @param x the first operand's element, of at most 16 bits
     * @param xShape its shape
     * @param y the second operand's element, of at most 16 bits
     * @param yShape its shape
     * @param out what becomes of the accumulators
     */
    public static MatMul of(Backend backend, Operand x, int[] xShape, Operand y, int[] yShape, Output out) {
        if (x.kind().bytes() > 2 || y.kind().bytes() > 2) {
            throw new IllegalArgumentException("a matrix product of " + x.kind() + " and " + y.kind());
        }
        Batches batches = Batches.of(xShape, yShape);
        int m = xShape[xShape.length - 2];
        int k = xShape[xShape.length - 1];
        int n = yShape[yShape.length - 1];
        Rescale.checkChannels(out.rescale(), n);
        return new MatMul(backend.loops(), x, y, m, k, n, out, batches);
    }

    @Override
    public void run(Banks banks, int xAt, int yAt, int zAt) {
        for (int i = 0; i < batches.count(); i++) {
            product(banks, xAt + batches.x(i), yAt + batches.y(i), zAt + i * m * n);
        }
    }

    private void product(Banks b, int xAt, int yAt, int zAt) {
        int[] row = b.ints(0, k);
        int[] other = b.ints(1, n);
        for (int i = 0; i < m; i++) {
            Rows.load(b, x, xAt + i * k, row, 0, k);
            if (out.wide()) {
                long[] acc = b.longs(0, n);
                Arrays.fill(acc, 0, n, 0);
                for (int j = 0; j < k; j++) {
                    Rows.load(b, y, yAt + j * n, other, 0, n);
                    addWide(acc, other, row[j], n);
                }
                out.store(b, zAt + i * n, acc, 0, n, 0);
            } else {
                int[] acc = b.ints(2, n);
                Arrays.fill(acc, 0, n, 0);
                for (int j = 0; j < k; j++) {
                    Rows.load(b, y, yAt + j * n, other, 0, n);
                    add(acc, other, row[j], n);
                }
                out.store(loops, b, zAt + i * n, acc, 0, n, 0);
            }
        }
    }

    private static void add(int[] acc, int[] y, int a, int n) {
        for (int i = 0; i < n; i++) {
            acc[i] += a * y[i];
        }
    }

    private static void addWide(long[] acc, int[] y, int a, int n) {
        for (int i = 0; i < n; i++) {
            acc[i] += (long) a * y[i];
        }
    }

    /**
     * Where the matrices of a batched product begin, relative to their operands.
     *
     * @param count matrices
     * @param xOffsets in x
     * @param yOffsets in y
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Batches(int count, int[] xOffsets, int[] yOffsets) {
        static Batches of(int[] xShape, int[] yShape) {
            int xr = xShape.length;
            int yr = yShape.length;
            if (xr < 2 || yr < 2 || xShape[xr - 1] != yShape[yr - 2]) {
                throw new IllegalArgumentException("a matrix product of " + Arrays.toString(xShape) + " and " + Arrays.toString(yShape));
            }
            int[] lead = Broadcast.shape(Arrays.copyOf(xShape, xr - 2), Arrays.copyOf(yShape, yr - 2));
            int count = 1;
            for (int d : lead) {
                count = Math.multiplyExact(count, d);
            }
            int[] xs = Broadcast.strides(Arrays.copyOf(xShape, xr - 2), lead.length);
            int[] ys = Broadcast.strides(Arrays.copyOf(yShape, yr - 2), lead.length);
            int[] x = new int[count];
            int[] y = new int[count];
            for (int i = 0; i < count; i++) {
                int rest = i;
                for (int d = lead.length - 1; d >= 0; d--) {
                    x[i] += rest % lead[d] * xs[d];
                    y[i] += rest % lead[d] * ys[d];
                    rest /= lead[d];
                }
                x[i] *= xShape[xr - 2] * xShape[xr - 1];
                y[i] *= yShape[yr - 2] * yShape[yr - 1];
            }
            return new Batches(count, x, y);
        }

        int x(int i) {
            return xOffsets[i];
        }

        int y(int i) {
            return yOffsets[i];
        }
    }
}
