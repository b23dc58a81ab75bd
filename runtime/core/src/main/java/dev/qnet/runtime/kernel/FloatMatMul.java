package dev.qnet.runtime.kernel;

import java.util.Arrays;

/**
 * Matrix product of singles: x [..,M,K], y [..,K,N] → [..,M,N]; leading axes broadcast. Sums in double in ascending
 * order of k, rounded once.
 */
public final class FloatMatMul implements BinaryKernel {
    private final int m;
    private final int k;
    private final int n;
    private final MatMul.Batches batches;

    private FloatMatMul(int m, int k, int n, MatMul.Batches batches) {
        this.m = m;
        this.k = k;
        this.n = n;
        this.batches = batches;
    }

    /** Plans. */
    public static FloatMatMul of(Backend backend, int[] xShape, int[] yShape) {
        MatMul.Batches batches = MatMul.Batches.of(xShape, yShape);
        return new FloatMatMul(
                xShape[xShape.length - 2], xShape[xShape.length - 1], yShape[yShape.length - 1], batches);
    }

    @Override
    public void run(Banks banks, int xAt, int yAt, int zAt) {
        float[] a = banks.floats;
        double[] acc = banks.doubles(0, n);
        for (int i = 0; i < batches.count(); i++) {
            for (int r = 0; r < m; r++) {
                Arrays.fill(acc, 0, n, 0);
                for (int j = 0; j < k; j++) {
                    FloatConv2d.axpy(acc, 0, a[xAt + batches.x(i) + r * k + j], a, yAt + batches.y(i) + j * n, n);
                }
                int to = zAt + (i * m + r) * n;
                for (int j = 0; j < n; j++) {
                    a[to + j] = (float) acc[j];
                }
            }
        }
    }
}
