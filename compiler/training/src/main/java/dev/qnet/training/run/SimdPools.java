package dev.qnet.training.run;

import static jdk.incubator.vector.VectorOperators.MAX;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Window;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** Pools and their gradients, channels side by side. */
final class SimdPools {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    private static final int LANES = SPECIES.length();

    private final Window window;
    private final int images;
    private final int height;
    private final int width;
    private final int channels;
    private final int outHeight;
    private final int outWidth;
    /** Where the taps of a pixel begin in x. */
    private final int[] taps;

    private SimdPools(Window window, Shape x) {
        this.window = window;
        images = x.dim(0);
        height = x.dim(1);
        width = x.dim(2);
        channels = x.dim(3);
        outHeight = window.outHeight(height);
        outWidth = window.outWidth(width);
        taps = new int[window.kernelH() * window.kernelW()];
    }

    /** Finds the taps of a pixel, in order, and returns how many there are. */
    private int find(int image, int oy, int ox) {
        int n = 0;
        for (int ky = 0; ky < window.kernelH(); ky++) {
            int y = oy * window.strideH() - window.top() + ky * window.dilationH();
            for (int kx = 0; y >= 0 && y < height && kx < window.kernelW(); kx++) {
                int x = ox * window.strideW() - window.left() + kx * window.dilationW();
                if (x >= 0 && x < width) {
                    taps[n++] = ((image * height + y) * width + x) * channels;
                }
            }
        }
        return n;
    }

    /** What is done for the channels of one pixel, from {@code at} on in the result. */
    @FunctionalInterface
    private interface Pixel {
        void run(int count, int at);
    }

    private void pixels(Pixel body) {
        int at = 0;
        for (int image = 0; image < images; image++) {
            for (int oy = 0; oy < outHeight; oy++) {
                for (int ox = 0; ox < outWidth; ox++, at += channels) {
                    body.run(find(image, oy, ox), at);
                }
            }
        }
    }

    static Runnable largest(Window window, Shape shape, float[] x, float[] y) {
        SimdPools p = new SimdPools(window, shape);
        return () -> p.pixels((n, at) -> p.largest(x, n, y, at));
    }

    private void largest(float[] x, int n, float[] y, int at) {
        for (int c = 0; c < channels; c += LANES) {
            VectorMask<Float> mask = SPECIES.indexInRange(c, channels);
            FloatVector most = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
            for (int t = 0; t < n; t++) {
                most = most.lanewise(MAX, FloatVector.fromArray(SPECIES, x, taps[t] + c, mask));
            }
            most.intoArray(y, at + c, mask);
        }
    }

    /** The first of the largest has the gradient. */
    static Runnable largestGrad(Window window, Shape shape, float[] x, float[] g, float[] dx) {
        SimdPools p = new SimdPools(window, shape);
        return () -> {
            Arrays.fill(dx, 0);
            p.pixels((n, at) -> p.largestGrad(x, n, g, at, dx));
        };
    }

    private void largestGrad(float[] x, int n, float[] g, int at, float[] dx) {
        for (int c = 0; c < channels; c += LANES) {
            VectorMask<Float> mask = SPECIES.indexInRange(c, channels);
            FloatVector most = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
            for (int t = 0; t < n; t++) {
                most = most.lanewise(MAX, FloatVector.fromArray(SPECIES, x, taps[t] + c, mask));
            }
            FloatVector given = FloatVector.fromArray(SPECIES, g, at + c, mask);
            VectorMask<Float> open = mask;
            for (int t = 0; t < n; t++) {
                int to = taps[t] + c;
                VectorMask<Float> here =
                        FloatVector.fromArray(SPECIES, x, to, mask).eq(most).and(open);
                FloatVector.fromArray(SPECIES, dx, to, here).add(given).intoArray(dx, to, here);
                open = open.andNot(here);
            }
        }
    }

    static Runnable average(Window window, Shape shape, float[] x, float[] y) {
        SimdPools p = new SimdPools(window, shape);
        return () -> p.pixels((n, at) -> p.average(x, n, y, at));
    }

    private void average(float[] x, int n, float[] y, int at) {
        for (int c = 0; c < channels; c += LANES) {
            VectorMask<Float> mask = SPECIES.indexInRange(c, channels);
            FloatVector sum = FloatVector.zero(SPECIES);
            for (int t = 0; t < n; t++) {
                sum = sum.add(FloatVector.fromArray(SPECIES, x, taps[t] + c, mask));
            }
            sum.div(n).intoArray(y, at + c, mask);
        }
    }

    static Runnable averageGrad(Window window, Shape shape, float[] g, float[] dx) {
        SimdPools p = new SimdPools(window, shape);
        return () -> {
            Arrays.fill(dx, 0);
            p.pixels((n, at) -> p.averageGrad(n, g, at, dx));
        };
    }

    private void averageGrad(int n, float[] g, int at, float[] dx) {
        for (int c = 0; c < channels; c += LANES) {
            VectorMask<Float> mask = SPECIES.indexInRange(c, channels);
            FloatVector each = FloatVector.fromArray(SPECIES, g, at + c, mask).mul(1f / n);
            for (int t = 0; t < n; t++) {
                int to = taps[t] + c;
                FloatVector.fromArray(SPECIES, dx, to, mask).add(each).intoArray(dx, to, mask);
            }
        }
    }
}
