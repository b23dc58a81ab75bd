package dev.qnet.runtime.kernel;

/**
 * Matrix product of singles: x [..,M,K], y [..,K,N] → [..,M,N]; leading axes broadcast. Sums in double in ascending
 * order of k, rounded once.
 */
public final class FloatMatMul implements BinaryKernel {
    /** Rows of x at a time. */
    private static final int ROWS = 16;

    private static final int X = 0;
    private static final int SUMS = 1;

    private final Loops loops;
    private final int m;
    private final int k;
    private final int n;
    private final MatMul.Batches batches;

    /** What sums begin with. */
    private final double[] zeros;

    private FloatMatMul(Loops loops, int m, int k, int n, MatMul.Batches batches) {
        this.loops = loops;
        this.m = m;
        this.k = k;
        this.n = n;
        this.batches = batches;
        zeros = new double[n + RescaleLanes.PAD];
    }

    /** Plans. */
    public static FloatMatMul of(Backend backend, int[] xShape, int[] yShape) {
        MatMul.Batches batches = MatMul.Batches.of(xShape, yShape);
        return new FloatMatMul(
                backend.loops(),
                xShape[xShape.length - 2],
                xShape[xShape.length - 1],
                yShape[yShape.length - 1],
                batches);
    }

    @Override
    public void run(Banks banks, int xAt, int yAt, int zAt) {
        float[] a = banks.floats;
        double[] x = banks.doubles(X, Math.min(m, ROWS) * k + RescaleLanes.PAD);
        double[] sums = banks.doubles(SUMS, Math.min(m, ROWS) * n + RescaleLanes.PAD);
        for (int i = 0; i < batches.count(); i++) {
            float[] w = a;
            int from = yAt + batches.y(i);
            if (from + k * n + RescaleLanes.PAD > a.length) {
                // It would be read beyond the bank's end.
                w = banks.floats(0, k * n + RescaleLanes.PAD);
                System.arraycopy(a, from, w, 0, k * n);
                from = 0;
            }
            for (int r = 0; r < m; r += ROWS) {
                int rows = Math.min(ROWS, m - r);
                loops.widen(a, xAt + batches.x(i) + r * k, x, 0, rows * k);
                loops.product(x, rows, k, w, from, n, zeros, sums, n);
                int to = zAt + (i * m + r) * n;
                for (int j = 0; j < rows * n; j++) {
                    a[to + j] = (float) sums[j];
                }
            }
        }
    }
}
