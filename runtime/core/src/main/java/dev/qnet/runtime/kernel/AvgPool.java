package dev.qnet.runtime.kernel;

import java.util.Arrays;

/**
 * The mean of the codes under each window, in the operand's own parameters. With n the number of codes that are not
 * padding and S their sum: {@link Rounding#TFLITE} (S ± n/2)/n, + for S &gt; 0, truncated; {@link Rounding#TOSA} ⌊(2S
 * + n)/(2n)⌋; {@link Rounding#ONNX} and {@link Rounding#XNNPACK} round_half_even((float) S / (float) n).
 */
public final class AvgPool implements UnaryKernel {
    private final Pooling pooling;
    private final Means means;

    private AvgPool(Pooling pooling, Means means) {
        this.pooling = pooling;
        this.means = means;
    }

    /**
     * Plans x [H,W,C] → [H',W',C].
     *
     * @param kind of the codes, at most 32 bits
     * @param height H
     * @param width W
     * @param channels C
     * @param window padded by less than its size, so that no window is all padding
     * @param rounding how a mean is rounded
     */
    public static AvgPool of(
            Backend backend, Kind kind, int height, int width, int channels, Window window, Rounding rounding) {
        if (!kind.fitsInt()) {
            throw new IllegalArgumentException("an average of " + kind + " codes");
        }
        return new AvgPool(
                new Pooling(height, width, channels, window),
                new Means(backend.loops(), Operand.plain(kind), rounding));
    }

    @Override
    public void run(Banks banks, int x, int y) {
        pooling.run(means, banks, x, y);
    }

    private record Means(Loops loops, Operand operand, Rounding rounding) implements Pooling.Taps {
        @Override
        public void first(Banks b, int x, int n) {
            Arrays.fill(b.longs(0, n), 0, n, 0);
            next(b, x, n);
        }

        @Override
        public void next(Banks b, int x, int n) {
            long[] sum = b.longs(0, n);
            int[] row = b.ints(0, n);
            loops.load(b, operand, x, row, 0, n);
            for (int i = 0; i < n; i++) {
                sum[i] += row[i];
            }
        }

        @Override
        public void write(Banks b, int y, int n, int count) {
            long[] sum = b.longs(0, n);
            int[] mean = b.ints(0, n);
            switch (rounding) {
                case TFLITE -> {
                    for (int i = 0; i < n; i++) {
                        mean[i] = (int) ((sum[i] > 0 ? sum[i] + count / 2 : sum[i] - count / 2) / count);
                    }
                }
                case TOSA -> {
                    for (int i = 0; i < n; i++) {
                        mean[i] = (int) Math.floorDiv(2 * sum[i] + count, 2L * count);
                    }
                }
                case ONNX, XNNPACK -> {
                    for (int i = 0; i < n; i++) {
                        mean[i] = (int) Math.rint((float) sum[i] / (float) count);
                    }
                }
            }
            loops.store(b, operand.kind(), y, mean, 0, n);
        }
    }
}
