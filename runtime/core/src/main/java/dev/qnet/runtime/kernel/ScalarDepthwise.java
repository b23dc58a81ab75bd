package dev.qnet.runtime.kernel;

import java.util.Arrays;

/**
 * Depthwise convolution in plain Java, a row of channels at a time. Input rows are converted once, padded, into a
 * ring.
 */
final class ScalarDepthwise implements UnaryKernel, Parts {
    private static final int RING = 0;
    private static final int ACC = 1;
    private static final int SUMS = 0;

    private final ConvSpec spec;
    private final Loops loops;

    /** Rows of the ring: those that a window spans. */
    private final int ring;

    /** Elements of a row of the ring: the input's and the padding. */
    private final int rowLength;

    /** [KH*KW][C]. */
    private final int[] weights;

    ScalarDepthwise(ConvSpec spec, Loops loops) {
        this.spec = spec;
        this.loops = loops;
        Window w = spec.window();
        int taps = spec.taps();
        int c = spec.channels();
        ring = (w.kernelH() - 1) * w.dilationH() + 1;
        rowLength = (spec.width() + w.left() + w.right()) * c;
        weights = new int[taps * c];
        for (int o = 0; o < c; o++) {
            for (int t = 0; t < taps; t++) {
                weights[t * c + o] = spec.weights()[o * taps + t];
            }
        }
    }

    @Override
    public void run(Banks b, int x, int y) {
        b.run(this, x, y, 0);
    }

    /** A part is a row of output pixels. */
    @Override
    public int parts() {
        return spec.outHeight();
    }

    @Override
    public long nanos() {
        return (long) parts() * spec.outWidth() * spec.channels() * spec.taps();
    }

    @Override
    public void run(Banks b, int x, int y, int z, int from, int to) {
        Window w = spec.window();
        int c = spec.channels();
        int[] rows = b.ints(RING, ring * rowLength);
        int next = from * w.strideH() - w.top(); // the first input row that is not in the ring yet
        for (int oy = from; oy < to; oy++) {
            int y0 = oy * w.strideH() - w.top();
            for (int iy = Math.max(next, y0); iy < y0 + ring; iy++) {
                fill(b, x, iy, rows, Math.floorMod(iy, ring) * rowLength);
            }
            next = y0 + ring;
            for (int ox = 0; ox < spec.outWidth(); ox++) {
                pixel(b, rows, y0, ox * w.strideW() * c, y + (oy * spec.outWidth() + ox) * c);
            }
        }
    }

    private void fill(Banks b, int x, int iy, int[] to, int at) {
        if (iy < 0 || iy >= spec.height()) {
            Arrays.fill(to, at, at + rowLength, 0);
            return;
        }
        int left = at + spec.window().left() * spec.channels();
        int n = spec.width() * spec.channels();
        Arrays.fill(to, at, left, 0);
        Rows.load(b, spec.x(), x + iy * n, to, left, n);
        Arrays.fill(to, left + n, at + rowLength, 0);
    }

    private void pixel(Banks b, int[] rows, int y0, int column, int to) {
        Window w = spec.window();
        int c = spec.channels();
        long[] sums = b.longs(SUMS, c);
        Arrays.fill(sums, 0, c, 0);
        for (int ky = 0; ky < w.kernelH(); ky++) {
            int row = Math.floorMod(y0 + ky * w.dilationH(), ring) * rowLength + column;
            for (int kx = 0; kx < w.kernelW(); kx++) {
                tap(sums, rows, row + kx * w.dilationW() * c, weights, (ky * w.kernelW() + kx) * c, c);
            }
        }
        int[] acc = b.ints(ACC, c);
        for (int i = 0; i < c; i++) {
            acc[i] = (int) sums[i] + spec.bias()[i];
        }
        spec.out().store(loops, b, to, acc, 0, c, 0);
    }

    /**
     * Sums are longs, not for their range, but because C2 vectorizes only what it knows not to overlap: longs and
     * ints it does. A product may wrap: the lowest 32 bits of the sum are right all the same.
     */
    private static void tap(long[] sums, int[] x, int xAt, int[] w, int wAt, int n) {
        for (int i = 0; i < n; i++) {
            int product = x[xAt + i] * w[wAt + i];
            sums[i] += product;
        }
    }
}
