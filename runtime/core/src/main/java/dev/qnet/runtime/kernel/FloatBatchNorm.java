package dev.qnet.runtime.kernel;

/**
 * {@code (x − mean)·gamma/√(variance + epsilon) + beta} along the last axis, evaluated in double, rounded once. May
 * run in place.
 */
public final class FloatBatchNorm implements UnaryKernel {
    private final int rows;
    private final float[] gamma;
    private final float[] beta;
    private final float[] mean;
    private final double[] deviation;

    private FloatBatchNorm(int rows, float[] gamma, float[] beta, float[] mean, double[] deviation) {
        this.rows = rows;
        this.gamma = gamma;
        this.beta = beta;
        this.mean = mean;
        this.deviation = deviation;
    }

    /**
     * Plans x [rows,C].
     *
     * @param rows product of the leading axes
     * @param gamma [C]
     * @param beta [C]
     * @param mean [C]
     * @param variance [C]
     * @param epsilon keeps the root above zero
     */
    public static FloatBatchNorm of(
            Backend backend, int rows, float[] gamma, float[] beta, float[] mean, float[] variance, float epsilon) {
        int c = gamma.length;
        if (beta.length != c || mean.length != c || variance.length != c) {
            throw new IllegalArgumentException("a batch norm has as many gammas, betas, means and variances");
        }
        double[] deviation = new double[c];
        for (int i = 0; i < c; i++) {
            deviation[i] = Math.sqrt((double) variance[i] + epsilon);
        }
        return new FloatBatchNorm(rows, gamma.clone(), beta.clone(), mean.clone(), deviation);
    }

    @Override
    public void run(Banks banks, int x, int y) {
        float[] a = banks.floats;
        int n = gamma.length;
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < n; c++) {
                double v = ((double) a[x + r * n + c] - mean[c]) * gamma[c] / deviation[c] + beta[c];
                a[y + r * n + c] = (float) v;
            }
        }
    }
}
