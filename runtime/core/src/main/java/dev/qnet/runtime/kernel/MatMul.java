package dev.qnet.runtime.kernel;

import java.util.Arrays;

/** Matrix product of two operands in the banks: x [..,M,K], y [..,K,N] → [..,M,N]; leading axes broadcast. */
public final class MatMul implements BinaryKernel {
    private final BinaryKernel product;
    private final Batches batches;
    private final int size;

    private MatMul(BinaryKernel product, Batches batches, int size) {
        this.product = product;
        this.batches = batches;
        this.size = size;
    }

    /**
     * Plans.
     *
     * @param x the first operand's element, of at most 16 bits
     * @param xShape its shape
     * @param y the second operand's element, of at most 16 bits
     * @param yShape its shape
     * @param out what becomes of the accumulators; scales are one, or one for each n
     */
    public static MatMul of(Backend backend, Operand x, int[] xShape, Operand y, int[] yShape, Output out) {
        Batches batches = Batches.of(xShape, yShape);
        int m = xShape[xShape.length - 2];
        int k = xShape[xShape.length - 1];
        int n = yShape[yShape.length - 1];
        BinaryKernel product = backend.loops().matmul(new MatMulSpec(x, y, m, k, n, out));
        return new MatMul(product, batches, m * n);
    }

    @Override
    public void run(Banks banks, int x, int y, int z) {
        for (int i = 0; i < batches.count(); i++) {
            product.run(banks, x + batches.x(i), y + batches.y(i), z + i * size);
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
                throw new IllegalArgumentException(
                        "a matrix product of " + Arrays.toString(xShape) + " and " + Arrays.toString(yShape));
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
