package dev.qnet.runtime.kernel;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The mean of the codes under each window, in the operand's own parameters. With n the number of codes that are not
 * padding and S their sum: {@link Rounding#TFLITE} (S ± n/2)/n, + for S &gt; 0, truncated; {@link Rounding#TOSA} ⌊(2S
 * + n)/(2n)⌋; {@link Rounding#ONNX} and {@link Rounding#XNNPACK} round_half_even((float) S / (float) n).
 */
public final class AvgPool implements UnaryKernel {
    private final Pooling pooling;

    /** Of sums that fit an int; else null. */
    private final Pooling.@Nullable Rows rows;

    private final Pooling.Taps means;

    private AvgPool(Pooling pooling, Pooling.@Nullable Rows rows, Pooling.Taps means) {
        this.pooling = pooling;
        this.rows = rows;
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
        boolean fits = kind.bytes() <= 2 && (long) window.kernelH() * window.kernelW() <= Short.MAX_VALUE;
        Operand operand = Operand.plain(kind);
        return new AvgPool(
                new Pooling(height, width, channels, window),
                fits ? new NarrowMeans(backend.loops(), operand, rounding) : null,
                new Means(backend.loops(), operand, rounding));
    }

    @Override
    public void run(Banks banks, int x, int y) {
        if (rows != null) {
            pooling.run(rows, banks, x, y);
        } else {
            pooling.run(means, banks, x, y);
        }
    }

    /** Of codes whose sum, and a half of the count more, fits an int. */
    private record NarrowMeans(Loops loops, Operand operand, Rounding rounding) implements Pooling.Rows {
        @Override
        public void first(Banks b, int x, int n) {
            loops.load(b, operand, x, b.ints(0, n + RescaleLanes.PAD), 0, n);
        }

        @Override
        public void next(Banks b, int x, int n) {
            loops.accumulate(b, operand, x, b.ints(0, n), n);
        }

        @Override
        public void write(Banks b, int at, int taps, int tapStep, int pixels, int step, int n, int y, int rows) {
            int[] mean = b.ints(1, pixels * n + RescaleLanes.PAD);
            loops.across(false, b.ints(0, 0), at, taps, tapStep, pixels, step, n, mean);
            loops.means(rounding, mean, pixels * n, rows * taps);
            loops.store(b, operand.kind(), y, mean, 0, pixels * n);
        }
    }

    /** Makes means of n sums of so many codes of at most 16 bits, in place. */
    static void means(Rounding rounding, int[] a, int from, int n, int count) {
        for (int i = from; i < n; i++) {
            int sum = a[i];
            a[i] = switch (rounding) {
                case TFLITE -> (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
                case TOSA -> (int) Math.floorDiv(2L * sum + count, 2L * count);
                case ONNX, XNNPACK -> (int) Math.rint((float) sum / (float) count);
            };
        }
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
