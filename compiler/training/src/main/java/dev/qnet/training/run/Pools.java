package dev.qnet.training.run;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Window;
import java.util.Arrays;

/** Pools and their gradients. */
final class Pools {
    private Pools() {}

    /** The taps under one output pixel, in order. */
    @FunctionalInterface
    private interface Tap {
        void at(int pixel);
    }

    /** Visits all output pixels and their taps. */
    private record Walk(Window window, int images, int height, int width, int channels, int outHeight, int outWidth) {
        static Walk of(Window w, Shape x) {
            return new Walk(w, x.dim(0), x.dim(1), x.dim(2), x.dim(3), w.outHeight(x.dim(1)), w.outWidth(x.dim(2)));
        }

        int pixels() {
            return images * outHeight * outWidth;
        }

        void taps(int p, Tap visitor) {
            int image = p / (outHeight * outWidth);
            int oy = p / outWidth % outHeight;
            int ox = p % outWidth;
            for (int ky = 0; ky < window.kernelH(); ky++) {
                int y = oy * window.strideH() - window.top() + ky * window.dilationH();
                for (int kx = 0; y >= 0 && y < height && kx < window.kernelW(); kx++) {
                    int x = ox * window.strideW() - window.left() + kx * window.dilationW();
                    if (x >= 0 && x < width) {
                        visitor.at(((image * height + y) * width + x) * channels);
                    }
                }
            }
        }
    }

    static Runnable largest(Window window, Shape shape, float[] x, float[] y) {
        Walk walk = Walk.of(window, shape);
        int channels = walk.channels();
        return () -> {
            Arrays.fill(y, Float.NEGATIVE_INFINITY);
            for (int p = 0; p < walk.pixels(); p++) {
                int to = p * channels;
                walk.taps(p, at -> {
                    for (int c = 0; c < channels; c++) {
                        y[to + c] = Math.max(y[to + c], x[at + c]);
                    }
                });
            }
        };
    }

    static Runnable largestGrad(Window window, Shape shape, float[] x, float[] g, float[] dx) {
        Walk walk = Walk.of(window, shape);
        int channels = walk.channels();
        int[] best = new int[channels];
        return () -> {
            Arrays.fill(dx, 0);
            for (int p = 0; p < walk.pixels(); p++) {
                Arrays.fill(best, -1);
                walk.taps(p, at -> {
                    for (int c = 0; c < channels; c++) {
                        if (best[c] < 0 || x[at + c] > x[best[c]]) {
                            best[c] = at + c;
                        }
                    }
                });
                for (int c = 0; c < channels; c++) {
                    dx[best[c]] += g[p * channels + c];
                }
            }
        };
    }

    static Runnable average(Window window, Shape shape, float[] x, float[] y) {
        Walk walk = Walk.of(window, shape);
        int channels = walk.channels();
        int[] count = new int[1];
        return () -> {
            Arrays.fill(y, 0);
            for (int p = 0; p < walk.pixels(); p++) {
                int to = p * channels;
                count[0] = 0;
                walk.taps(p, at -> {
                    count[0]++;
                    for (int c = 0; c < channels; c++) {
                        y[to + c] += x[at + c];
                    }
                });
                for (int c = 0; c < channels; c++) {
                    y[to + c] /= count[0];
                }
            }
        };
    }

    static Runnable averageGrad(Window window, Shape shape, float[] g, float[] dx) {
        Walk walk = Walk.of(window, shape);
        int channels = walk.channels();
        int[] count = new int[1];
        return () -> {
            Arrays.fill(dx, 0);
            for (int p = 0; p < walk.pixels(); p++) {
                int from = p * channels;
                count[0] = 0;
                walk.taps(p, at -> count[0]++);
                float share = 1f / count[0];
                walk.taps(p, at -> {
                    for (int c = 0; c < channels; c++) {
                        dx[at + c] += g[from + c] * share;
                    }
                });
            }
        };
    }
}
