package dev.qnet.training.run;

import dev.qnet.compiler.ir.Shape;

/** Softmax and cross-entropy. */
final class Losses {
    private Losses() {}

    static Runnable softmax(int axis, Shape shape, float[] x, float[] y) {
        int n = shape.dim(axis);
        int inner = inner(shape, axis);
        return () -> {
            for (int line = 0; line < y.length / n; line++) {
                int at = line / inner * n * inner + line % inner;
                double max = Double.NEGATIVE_INFINITY;
                for (int i = 0; i < n; i++) {
                    max = Math.max(max, x[at + i * inner]);
                }
                double sum = 0;
                for (int i = 0; i < n; i++) {
                    double e = Math.exp(x[at + i * inner] - max);
                    y[at + i * inner] = (float) e;
                    sum += e;
                }
                for (int i = 0; i < n; i++) {
                    y[at + i * inner] = (float) (y[at + i * inner] / sum);
                }
            }
        };
    }

    private static int inner(Shape shape, int axis) {
        int inner = 1;
        for (int a = axis + 1; a < shape.rank(); a++) {
            inner *= shape.dim(a);
        }
        return inner;
    }

    static Runnable softmaxGrad(int axis, Shape shape, float[] y, float[] g, float[] dx) {
        int n = shape.dim(axis);
        int inner = inner(shape, axis);
        return () -> {
            for (int line = 0; line < y.length / n; line++) {
                int at = line / inner * n * inner + line % inner;
                double sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += (double) g[at + i * inner] * y[at + i * inner];
                }
                for (int i = 0; i < n; i++) {
                    dx[at + i * inner] = (float) (y[at + i * inner] * (g[at + i * inner] - sum));
                }
            }
        };
    }

    private static double logSum(float[] x, int from, int n) {
        double max = Double.NEGATIVE_INFINITY;
        for (int k = 0; k < n; k++) {
            max = Math.max(max, x[from + k]);
        }
        double sum = 0;
        for (int k = 0; k < n; k++) {
            sum += Math.exp(x[from + k] - max);
        }
        return max + Math.log(sum);
    }

    static Runnable crossEntropy(Shape shape, float[] x, float[] t, float[] loss) {
        int items = shape.dim(0);
        int n = shape.dim(1);
        return () -> {
            double sum = 0;
            for (int i = 0; i < items; i++) {
                double log = logSum(x, i * n, n);
                for (int k = i * n; k < i * n + n; k++) {
                    sum += t[k] * (log - x[k]);
                }
            }
            loss[0] = (float) (sum / items);
        };
    }

    static Runnable crossEntropyGrad(Shape shape, float[] x, float[] t, float[] g, float[] dx) {
        int items = shape.dim(0);
        int n = shape.dim(1);
        return () -> {
            double factor = g[0] / (double) items;
            for (int i = 0; i < items; i++) {
                double log = logSum(x, i * n, n);
                double all = 0;
                for (int k = i * n; k < i * n + n; k++) {
                    all += t[k];
                }
                for (int k = i * n; k < i * n + n; k++) {
                    dx[k] = (float) (factor * (Math.exp(x[k] - log) * all - t[k]));
                }
            }
        };
    }
}
