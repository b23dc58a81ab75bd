package dev.qnet.runtime.kernel;

/**
 * {@code exp(x − max) / Σ exp(x − max)} along an axis, in double with {@link StrictMath}, rounded once. May run in
 * place.
 */
public final class FloatSoftmax implements UnaryKernel {
    private final Axis axis;

    private FloatSoftmax(Axis axis) {
        this.axis = axis;
    }

    /**
     * Plans.
     *
     * @param shape the operand's shape
     * @param axis the axis along which results sum up to 1
     */
    public static FloatSoftmax of(Backend backend, int[] shape, int axis) {
        return new FloatSoftmax(Axis.of(shape, axis));
    }

    @Override
    public void run(Banks banks, int x, int y) {
        for (int o = 0; o < axis.outer(); o++) {
            for (int i = 0; i < axis.inner(); i++) {
                int at = o * axis.extent() * axis.inner() + i;
                line(banks, x + at, y + at);
            }
        }
    }

    private void line(Banks b, int x, int y) {
        float[] a = b.floats;
        int n = axis.extent();
        int step = axis.inner();
        double[] exp = b.doubles(0, n);
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < n; i++) {
            max = Math.max(max, a[x + i * step]);
        }
        double sum = 0;
        for (int i = 0; i < n; i++) {
            exp[i] = StrictMath.exp(a[x + i * step] - max);
            sum += exp[i];
        }
        for (int i = 0; i < n; i++) {
            a[y + i * step] = (float) (exp[i] / sum);
        }
    }
}
