package dev.qnet.runtime.kernel;

/**
 * {@code exp(x − max) / Σ exp(x − max)} along an axis, in double with {@link StrictMath}, rounded once. May run in
 * place.
 */
public final class FloatSoftmax implements UnaryKernel {
    private final Loops loops;
    private final Axis axis;

    private FloatSoftmax(Loops loops, Axis axis) {
        this.loops = loops;
        this.axis = axis;
    }

    /**
     * Plans.
     *
     * @param shape the operand's shape
     * @param axis the axis along which results sum up to 1
     */
    public static FloatSoftmax of(Backend backend, int[] shape, int axis) {
        return new FloatSoftmax(backend.loops(), Axis.of(shape, axis));
    }

    @Override
    public void run(Banks banks, int x, int y) {
        int n = axis.extent();
        int step = axis.inner();
        for (int o = 0; o < axis.outer(); o++) {
            for (int i = 0; i < step; i++) {
                int at = o * n * step + i;
                if (step == 1) {
                    line(banks, banks.floats, x + at, y + at);
                } else {
                    float[] row = banks.floats(0, n);
                    for (int j = 0; j < n; j++) {
                        row[j] = banks.floats[x + at + j * step];
                    }
                    line(banks, row, 0, 0);
                    for (int j = 0; j < n; j++) {
                        banks.floats[y + at + j * step] = row[j];
                    }
                }
            }
        }
    }

    private void line(Banks b, float[] a, int x, int y) {
        int n = axis.extent();
        double[] exp = b.doubles(0, n + RescaleLanes.PAD);
        double max = loops.largest(a, x, n);
        for (int i = 0; i < n; i++) {
            exp[i] = a[x + i] - max;
        }
        loops.exp(exp, n);
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += exp[i];
        }
        for (int i = 0; i < n; i++) {
            a[y + i] = (float) (exp[i] / sum);
        }
    }
}
