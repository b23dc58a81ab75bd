package dev.qnet.training.quantizer;

import java.util.Arrays;

/** Statistics of elements that quantizers begin with. */
final class Values {
    /** The least scale: below it quotients overflow. */
    static final float LEAST = 1e-8f;
    /** Clippings tried for the least squared error, of the whole range down to a hundredth of it. */
    private static final int STEPS = 100;

    private static final int TURNS = 30;

    /** Added and taken away again, it rounds a single below 2^22 to the nearest integer, ties to even. */
    static final float ROUND = 0x1.8p23f;

    private Values() {}

    /** Throws IllegalArgumentException for an element that is not finite. */
    static void check(float[] x, int from, int to) {
        for (int i = from; i < to; i++) {
            if (!Float.isFinite(x[i])) {
                throw new IllegalArgumentException(
                        "element " + i + " is " + x[i] + ", and a quantizer cannot begin there");
            }
        }
    }

    static float positive(double v) {
        return Math.max((float) v, LEAST);
    }

    static double meanMagnitude(float[] x, int from, int to) {
        return meanAbove(x, from, to, -1);
    }

    /** The mean magnitude of the elements with a magnitude above a limit, 0 for none. */
    static double meanAbove(float[] x, int from, int to, double limit) {
        double sum = 0;
        int n = 0;
        for (int i = from; i < to; i++) {
            if (Math.abs(x[i]) > limit) {
                sum += Math.abs(x[i]);
                n++;
            }
        }
        return n == 0 ? 0 : sum / n;
    }

    static float maxMagnitude(float[] x, int from, int to) {
        float max = 0;
        for (int i = from; i < to; i++) {
            max = Math.max(max, Math.abs(x[i]));
        }
        return max;
    }

    /** The scale of codes lo..hi with zero point 0 that leaves the least squared error. */
    static float leastErrorScale(float[] x, int from, int to, int lo, int hi) {
        float max = 0;
        for (int i = from; i < to; i++) {
            max = Math.max(max, lo < 0 ? Math.abs(x[i]) : x[i]);
        }
        double best = positive(max / (double) hi);
        double least = Double.POSITIVE_INFINITY;
        for (int k = STEPS; k > 0; k--) {
            double s = positive(max * (double) k / STEPS / hi);
            double error = 0;
            for (int i = from; i < to; i++) {
                double d = s * Math.clamp(Math.rint(x[i] / s), lo, hi) - x[i];
                error += d * d;
            }
            if (error < least) {
                least = error;
                best = s;
            }
        }
        return (float) best;
    }

    /** k-means of elements: k centres, ascending, begun at quantiles (Lloyd 1957). */
    static float[] centres(float[] x, int from, int to, int k) {
        float[] sorted = Arrays.copyOfRange(x, from, to);
        Arrays.sort(sorted);
        int n = sorted.length;
        double[] sums = new double[n + 1];
        for (int i = 0; i < n; i++) {
            sums[i + 1] = sums[i] + sorted[i];
        }
        double[] centres = new double[k];
        for (int c = 0; c < k; c++) {
            centres[c] = n == 0 ? c : sorted[(int) ((2L * c + 1) * n / (2L * k))];
        }
        for (int turn = 0; turn < TURNS && n > 0; turn++) {
            int start = 0;
            for (int c = 0; c < k; c++) {
                int end = n;
                if (c + 1 < k) {
                    double middle = (centres[c] + centres[c + 1]) / 2;
                    end = start;
                    while (end < n && sorted[end] <= middle) {
                        end++;
                    }
                }
                if (end > start) {
                    centres[c] = (sums[end] - sums[start]) / (end - start);
                }
                start = end;
            }
            Arrays.sort(centres);
        }
        float[] singles = new float[k];
        for (int c = 0; c < k; c++) {
            singles[c] = (float) centres[c];
        }
        return singles;
    }
}
