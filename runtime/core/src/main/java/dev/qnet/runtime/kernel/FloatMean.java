package dev.qnet.runtime.kernel;

import java.util.Arrays;

/** Mean of singles over axes: sum in double in ascending row-major order, division in double, rounded once. */
public final class FloatMean extends Reduction.Kernel {
    private final Reduction reduction;
    private final int count;

    private FloatMean(Reduction reduction, int count) {
        this.reduction = reduction;
        this.count = count;
    }

    /**
     * Plans.
     *
     * @param shape the operand's shape
     * @param axes the axes averaged over
     */
    public static FloatMean of(Backend backend, int[] shape, int[] axes) {
        int count = 1;
        for (int a : axes) {
            count *= shape[a];
        }
        return new FloatMean(Reduction.of(shape, axes), count);
    }

    @Override
    public void run(Banks banks, int x, int y) {
        int n = reduction.results();
        double[] sum = banks.doubles(0, n);
        Arrays.fill(sum, 0, n, 0);
        reduction.run(this, banks, x, 0);
        for (int i = 0; i < n; i++) {
            banks.floats[y + i] = (float) (sum[i] / count);
        }
    }

    @Override
    void row(Banks b, int x, int y, int yStep, int n) {
        double[] sum = b.doubles(0, 0);
        float[] a = b.floats;
        if (yStep == 1) {
            for (int i = 0; i < n; i++) {
                sum[y + i] += a[x + i];
            }
            return;
        }
        double one = sum[y];
        for (int i = 0; i < n; i++) {
            one += a[x + i];
        }
        sum[y] = one;
    }
}
