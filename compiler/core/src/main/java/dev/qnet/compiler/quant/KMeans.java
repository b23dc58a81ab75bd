package dev.qnet.compiler.quant;

import java.util.Arrays;

/** k-means of numbers (Lloyd 1957), for codebooks. */
public final class KMeans {
    private static final int TURNS = 30;

    private KMeans() {}

    /**
     * The centres of k clusters, ascending, begun at quantiles. Of fewer than k different elements some centres are alike.
     *
     * @param x finite elements, of which {@code from..to} are looked at
     */
    public static float[] centres(float[] x, int from, int to, int k) {
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
