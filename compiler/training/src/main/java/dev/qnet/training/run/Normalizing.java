package dev.qnet.training.run;

import java.util.Arrays;
import java.util.List;

/** Batch normalization: statistics of a batch, and gradients through them. */
final class Normalizing {
    /** Rows that are summed in singles before they go to a sum in double. */
    private static final int RUN = 64;

    private Normalizing() {}

    static Runnable moments(float[] x, int channels, float[] m) {
        double[] sums = new double[channels];
        float[] run = new float[channels];
        return () -> {
            int n = x.length / channels;
            Arrays.fill(sums, 0);
            for (int start = 0; start < n; start += RUN) {
                Arrays.fill(run, 0);
                for (int i = start; i < Math.min(n, start + RUN); i++) {
                    for (int c = 0; c < channels; c++) {
                        run[c] += x[i * channels + c];
                    }
                }
                drain(run, sums);
            }
            for (int c = 0; c < channels; c++) {
                m[c] = (float) (sums[c] / n);
            }
            Arrays.fill(sums, 0);
            for (int start = 0; start < n; start += RUN) {
                Arrays.fill(run, 0);
                for (int i = start; i < Math.min(n, start + RUN); i++) {
                    for (int c = 0; c < channels; c++) {
                        float d = x[i * channels + c] - m[c];
                        run[c] += d * d;
                    }
                }
                drain(run, sums);
            }
            for (int c = 0; c < channels; c++) {
                m[channels + c] = (float) (sums[c] / n);
            }
        };
    }

    private static void drain(float[] run, double[] sums) {
        for (int c = 0; c < run.length; c++) {
            sums[c] += run[c];
        }
    }

    /** y = x·factor + shift, channel by channel, for rows from..to. */
    private static void scale(float[] x, float[] factor, float[] shift, float[] y, int from, int to) {
        int channels = factor.length;
        for (int i = from * channels; i < to * channels; i += channels) {
            for (int c = 0; c < channels; c++) {
                y[i + c] = x[i + c] * factor[c] + shift[c];
            }
        }
    }

    static Runnable normalize(float epsilon, List<float[]> in, float[] y, Crew crew) {
        float[] m = in.get(3);
        int channels = m.length / 2;
        return scaling(in, y, crew, c -> m[c], c -> m[channels + c] + (double) epsilon);
    }

    static Runnable fixed(float epsilon, List<float[]> in, float[] y, Crew crew) {
        return scaling(in, y, crew, c -> in.get(3)[c], c -> in.get(4)[c] + (double) epsilon);
    }

    private static Runnable scaling(
            List<float[]> in,
            float[] y,
            Crew crew,
            java.util.function.IntToDoubleFunction mean,
            java.util.function.IntToDoubleFunction spread) {
        float[] gamma = in.get(1);
        float[] beta = in.get(2);
        int channels = gamma.length;
        float[] factor = new float[channels];
        float[] shift = new float[channels];
        return () -> {
            for (int c = 0; c < channels; c++) {
                double f = gamma[c] / Math.sqrt(spread.applyAsDouble(c));
                factor[c] = (float) f;
                shift[c] = (float) (beta[c] - mean.applyAsDouble(c) * f);
            }
            crew.share(y.length / channels, (who, from, to) -> scale(in.getFirst(), factor, shift, y, from, to));
        };
    }

    static Runnable scaleGrad(float epsilon, List<float[]> in, float[] s) {
        float[] x = in.get(0);
        float[] m = in.get(1);
        float[] g = in.get(2);
        int channels = m.length / 2;
        double[] byGamma = new double[channels];
        double[] byBeta = new double[channels];
        float[] products = new float[channels];
        float[] run = new float[channels];
        return () -> {
            int n = x.length / channels;
            Arrays.fill(byGamma, 0);
            Arrays.fill(byBeta, 0);
            for (int start = 0; start < n; start += RUN) {
                Arrays.fill(products, 0);
                Arrays.fill(run, 0);
                for (int i = start; i < Math.min(n, start + RUN); i++) {
                    for (int c = 0; c < channels; c++) {
                        float gi = g[i * channels + c];
                        products[c] += gi * (x[i * channels + c] - m[c]);
                        run[c] += gi;
                    }
                }
                drain(products, byGamma);
                drain(run, byBeta);
            }
            for (int c = 0; c < channels; c++) {
                s[c] = (float) (byGamma[c] / Math.sqrt(m[channels + c] + (double) epsilon));
                s[channels + c] = (float) byBeta[c];
            }
        };
    }

    static Runnable inputGrad(float epsilon, List<float[]> in, float[] dx, Crew crew) {
        float[] x = in.get(0);
        float[] gamma = in.get(1);
        float[] m = in.get(2);
        float[] s = in.get(3);
        float[] g = in.get(4);
        int channels = gamma.length;
        float[] factor = new float[channels];
        float[] byX = new float[channels];
        float[] shift = new float[channels];
        return () -> {
            int n = x.length / channels;
            for (int c = 0; c < channels; c++) {
                double r = 1 / Math.sqrt(m[channels + c] + (double) epsilon);
                double f = gamma[c] * r;
                factor[c] = (float) f;
                byX[c] = (float) (-f * r * s[c] / n);
                shift[c] = (float) (-f * s[channels + c] / n);
            }
            crew.share(n, (who, from, to) -> {
                for (int i = from * channels; i < to * channels; i += channels) {
                    for (int c = 0; c < channels; c++) {
                        dx[i + c] = g[i + c] * factor[c] + ((x[i + c] - m[c]) * byX[c] + shift[c]);
                    }
                }
            });
        };
    }
}
