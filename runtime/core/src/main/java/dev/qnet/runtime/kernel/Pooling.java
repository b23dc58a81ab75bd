package dev.qnet.runtime.kernel;

/** The windows of a pool over x [H,W,C]; padding is left out. */
final class Pooling {
    /** What is done under a window. */
    interface Taps {
        /** Begins the window of an output pixel with its first row of n channels at x. */
        void first(Banks b, int x, int n);

        /** Takes a further row of channels into it. */
        void next(Banks b, int x, int n);

        /** Writes the output pixel, channels at y, of a window with {@code taps} elements that are not padding. */
        void write(Banks b, int y, int n, int taps);
    }

    private final int height;
    private final int width;
    private final int channels;
    private final Window w;

    Pooling(int height, int width, int channels, Window w) {
        if (w.outHeight(height) < 1 || w.outWidth(width) < 1) {
            throw new IllegalArgumentException("the window does not fit " + height + "x" + width);
        }
        this.height = height;
        this.width = width;
        this.channels = channels;
        this.w = w;
    }

    int channels() {
        return channels;
    }

    void run(Taps taps, Banks b, int x, int y) {
        int outH = w.outHeight(height);
        int outW = w.outWidth(width);
        int to = y;
        for (int oy = 0; oy < outH; oy++) {
            for (int ox = 0; ox < outW; ox++, to += channels) {
                window(taps, b, x, oy * w.strideH() - w.top(), ox * w.strideW() - w.left(), to);
            }
        }
    }

    private void window(Taps taps, Banks b, int x, int y0, int x0, int to) {
        int count = 0;
        for (int ky = 0; ky < w.kernelH(); ky++) {
            int iy = y0 + ky * w.dilationH();
            if (iy < 0 || iy >= height) {
                continue;
            }
            for (int kx = 0; kx < w.kernelW(); kx++) {
                int ix = x0 + kx * w.dilationW();
                if (ix < 0 || ix >= width) {
                    continue;
                }
                int at = x + (iy * width + ix) * channels;
                if (count++ == 0) {
                    taps.first(b, at, channels);
                } else {
                    taps.next(b, at, channels);
                }
            }
        }
        if (count == 0) {
            throw new IllegalArgumentException("a window of a pool lies wholly in the padding");
        }
        taps.write(b, to, channels, count);
    }
}
