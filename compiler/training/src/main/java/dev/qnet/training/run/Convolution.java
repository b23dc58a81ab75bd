package dev.qnet.training.run;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Window;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A convolution forward and backward. Grouped ones and those over windows are products with the matrix of patches of one image
 * at a time; depthwise ones multiply channels elementwise, tap by tap. Gradients of weights are summed over the images of each half of the
 * batch, and the halves are added: so two threads and one give the same bits.
 */
final class Convolution {
    /** How many partial sums the weights' gradient has. */
    private static final int HALVES = 2;

    private final Window window;
    private final int groups;
    private final int images;
    private final int height;
    private final int width;
    private final int channels;
    private final int outHeight;
    private final int outWidth;
    private final int filters;
    /** Inputs and filters of a group, elements of a patch of a group, pixels of a result. */
    private final int in;

    private final int out;
    private final int patch;
    private final int pixels;
    private final int taps;
    private final boolean depthwise;
    private final boolean direct;
    private final Crew crew;
    private final @Nullable SimdPatches rows;
    private final float[][] patches;
    private final float[][] padded;
    private final float[][] sides;
    private final float[] turned;
    private final float[][] partial;

    /** Of an input x and filters w [O,KH,KW,C/groups]. */
    Convolution(Window window, int groups, Shape x, int filters, Crew crew) {
        this.window = window;
        this.groups = groups;
        this.crew = crew;
        this.filters = filters;
        images = x.dim(0);
        height = x.dim(1);
        width = x.dim(2);
        channels = x.dim(3);
        outHeight = window.outHeight(height);
        outWidth = window.outWidth(width);
        in = channels / groups;
        out = filters / groups;
        taps = window.kernelH() * window.kernelW();
        patch = taps * in;
        pixels = outHeight * outWidth;
        depthwise = groups > 1 && in == 1 && out == 1;
        boolean plain = window.equals(Window.of(1, 1));
        direct = plain && groups == 1;
        rows = depthwise || direct ? null : new SimdPatches(window, height, width, channels, in);
        patches = new float[crew.threads()][rows == null ? 0 : rows.patchElements()];
        padded = new float[crew.threads()][rows == null ? 0 : rows.paddedElements()];
        sides = new float[crew.threads()][groups > 1 && !depthwise ? pixels * out : 0];
        turned = new float[filters * patch];
        partial = new float[HALVES][filters * patch];
    }

    void forward(float[] x, float[] w, float @Nullable [] bias, float[] y) {
        if (depthwise) {
            SimdGemm.transpose(w, filters, taps, turned);
        } else {
            for (int g = 0; g < groups; g++) {
                turnGroup(w, g);
            }
        }
        crew.share(images, (who, from, to) -> {
            for (int image = from; image < to; image++) {
                int y0 = image * pixels * filters;
                if (bias == null) {
                    Arrays.fill(y, y0, y0 + pixels * filters, 0);
                } else {
                    for (int p = 0; p < pixels; p++) {
                        System.arraycopy(bias, 0, y, y0 + p * filters, filters);
                    }
                }
                if (depthwise) {
                    depthwiseForward(x, image, y, y0);
                } else if (groups == 1) {
                    float[] cols = gather(x, image, 0, who);
                    int at = direct ? image * pixels * patch : 0;
                    SimdGemm.multiply(cols, at, patch, 1, turned, 0, y, y0, 0, pixels, patch, filters, true);
                } else {
                    for (int g = 0; g < groups; g++) {
                        float[] cols = gather(x, image, g, who);
                        SimdGemm.multiply(
                                cols,
                                0,
                                patch,
                                1,
                                turned,
                                g * patch * out,
                                sides[who],
                                0,
                                0,
                                pixels,
                                patch,
                                out,
                                false);
                        for (int p = 0; p < pixels; p++) {
                            for (int o = 0; o < out; o++) {
                                y[y0 + p * filters + g * out + o] += sides[who][p * out + o];
                            }
                        }
                    }
                }
            }
        });
    }

    /** dx from g and w. */
    void byInput(float[] g, float[] w, float[] dx) {
        if (depthwise) {
            SimdGemm.transpose(w, filters, taps, turned);
        }
        crew.share(images, (who, from, to) -> {
            for (int image = from; image < to; image++) {
                int x0 = image * height * width * channels;
                int g0 = image * pixels * filters;
                if (direct) {
                    SimdGemm.multiply(g, g0, filters, 1, w, 0, dx, x0, 0, pixels, filters, patch, false);
                    continue;
                }
                Arrays.fill(dx, x0, x0 + height * width * channels, 0);
                if (depthwise) {
                    depthwiseByInput(g, g0, dx, image);
                    continue;
                }
                for (int group = 0; group < groups; group++) {
                    float[] cols = patches[who];
                    SimdGemm.multiply(
                            g,
                            g0 + group * out,
                            filters,
                            1,
                            w,
                            group * out * patch,
                            cols,
                            0,
                            0,
                            pixels,
                            out,
                            patch,
                            false);
                    Objects.requireNonNull(rows).scatter(cols, group * in, padded[who], dx, x0);
                }
            }
        });
    }

    /** dw from x and g. */
    void byWeights(float[] x, float[] g, float[] dw) {
        int first = images / HALVES;
        crew.share(HALVES, (who, from, to) -> {
            for (int half = from; half < to; half++) {
                float[] sum = partial[half];
                Arrays.fill(sum, 0);
                int end = half == 0 ? first : images;
                for (int image = half == 0 ? 0 : first; image < end; image++) {
                    int g0 = image * pixels * filters;
                    if (depthwise) {
                        depthwiseByWeights(x, image, g, g0, sum);
                        continue;
                    }
                    for (int group = 0; group < groups; group++) {
                        float[] cols = gather(x, image, group, who);
                        SimdGemm.multiply(
                                g,
                                g0 + group * out,
                                1,
                                filters,
                                cols,
                                direct ? image * pixels * patch : 0,
                                sum,
                                group * out * patch,
                                0,
                                out,
                                pixels,
                                patch,
                                true);
                    }
                }
            }
        });
        for (int i = 0; i < dw.length; i++) {
            partial[0][i] += partial[1][i];
        }
        if (depthwise) {
            SimdGemm.transpose(partial[0], taps, filters, dw);
        } else {
            System.arraycopy(partial[0], 0, dw, 0, dw.length);
        }
    }

    /** The filters of a group as [patch][out]. */
    private void turnGroup(float[] w, int g) {
        int base = g * out * patch;
        for (int o = 0; o < out; o++) {
            for (int i = 0; i < patch; i++) {
                turned[base + i * out + o] = w[base + o * patch + i];
            }
        }
    }

    /** The patches of an image and a group, [pixels][patch]: x itself where they are its pixels. */
    private float[] gather(float[] x, int image, int group, int who) {
        if (rows == null) {
            return x;
        }
        rows.gather(x, image * height * width * channels, group * in, padded[who], patches[who]);
        return patches[who];
    }

    /** What a tap does for one pixel of a depthwise result. */
    @FunctionalInterface
    private interface Tap {
        void at(int x, int result, int tap);
    }

    private void taps(int image, int y0, Tap visitor) {
        for (int oy = 0; oy < outHeight; oy++) {
            for (int ky = 0; ky < window.kernelH(); ky++) {
                int yy = oy * window.strideH() - window.top() + ky * window.dilationH();
                if (yy < 0 || yy >= height) {
                    continue;
                }
                for (int ox = 0; ox < outWidth; ox++) {
                    for (int kx = 0; kx < window.kernelW(); kx++) {
                        int xx = ox * window.strideW() - window.left() + kx * window.dilationW();
                        if (xx >= 0 && xx < width) {
                            visitor.at(
                                    ((image * height + yy) * width + xx) * channels,
                                    y0 + (oy * outWidth + ox) * filters,
                                    (ky * window.kernelW() + kx) * filters);
                        }
                    }
                }
            }
        }
    }

    private void depthwiseForward(float[] x, int image, float[] y, int y0) {
        taps(image, y0, (at, to, tap) -> {
            for (int c = 0; c < channels; c++) {
                y[to + c] = Math.fma(x[at + c], turned[tap + c], y[to + c]);
            }
        });
    }

    private void depthwiseByInput(float[] g, int g0, float[] dx, int image) {
        taps(image, g0, (at, from, tap) -> {
            for (int c = 0; c < channels; c++) {
                dx[at + c] = Math.fma(g[from + c], turned[tap + c], dx[at + c]);
            }
        });
    }

    private void depthwiseByWeights(float[] x, int image, float[] g, int g0, float[] sum) {
        taps(image, g0, (at, from, tap) -> {
            for (int c = 0; c < channels; c++) {
                sum[tap + c] = Math.fma(x[at + c], g[from + c], sum[tap + c]);
            }
        });
    }
}
