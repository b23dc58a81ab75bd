package dev.qnet.runtime.kernel;

/** Mean of the singles under each window that are not padding: sum and division in double, rounded once. */
public final class FloatAvgPool implements UnaryKernel {
    private static final Means MEANS = new Means();

    private final Pooling pooling;

    private FloatAvgPool(Pooling pooling) {
        this.pooling = pooling;
    }

    /**
     * Plans x [H,W,C] → [H',W',C].
     *
     * @param window padded by less than its size, so that no window is all padding
     */
    public static FloatAvgPool of(Backend backend, int height, int width, int channels, Window window) {
        return new FloatAvgPool(new Pooling(height, width, channels, window));
    }

    @Override
    public void run(Banks banks, int x, int y) {
        pooling.run(MEANS, banks, x, y);
    }

    private record Means() implements Pooling.Taps {
        @Override
        public void first(Banks b, int x, int n) {
            double[] sum = b.doubles(0, n);
            for (int i = 0; i < n; i++) {
                sum[i] = 0.0 + b.floats[x + i];
            }
        }

        @Override
        public void next(Banks b, int x, int n) {
            double[] sum = b.doubles(0, n);
            for (int i = 0; i < n; i++) {
                sum[i] += b.floats[x + i];
            }
        }

        @Override
        public void write(Banks b, int y, int n, int count) {
            double[] sum = b.doubles(0, n);
            for (int i = 0; i < n; i++) {
                b.floats[y + i] = (float) (sum[i] / count);
            }
        }
    }
}
