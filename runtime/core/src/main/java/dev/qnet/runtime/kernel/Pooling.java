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

    /** What is done under the windows of a row, first down its columns, then across. */
    interface Rows {
        /** Begins a row of windows with the first row of n numbers at x that lies under it. */
        void first(Banks b, int x, int n);

        /** Takes a further row into it. */
        void next(Banks b, int x, int n);

        /**
         * Writes output pixels of n channels each, which lie one behind the other.
         *
         * @param at the first tap of the first pixel, in the row
         * @param taps of each pixel
         * @param tapStep from tap to tap
         * @param pixels how many
         * @param step from pixel to pixel in the row
         * @param n channels
         * @param y where the first pixel goes
         * @param rows that were taken in
         */
        void write(Banks b, int at, int taps, int tapStep, int pixels, int step, int n, int y, int rows);
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

    /** Row by row, which takes less than window by window. */
    void run(Rows rows, Banks b, int x, int y) {
        int outH = w.outHeight(height);
        int outW = w.outWidth(width);
        int row = width * channels;
        for (int oy = 0; oy < outH; oy++) {
            int count = 0;
            for (int ky = 0; ky < w.kernelH(); ky++) {
                int iy = oy * w.strideH() - w.top() + ky * w.dilationH();
                if (iy >= 0 && iy < height) {
                    if (count++ == 0) {
                        rows.first(b, x + iy * row, row);
                    } else {
                        rows.next(b, x + iy * row, row);
                    }
                }
            }
            int to = y + oy * outW * channels;
            for (int ox = 0; ox < outW; ) {
                int x0 = ox * w.strideW() - w.left();
                int first = firstTap(x0);
                int taps = lastTap(x0) - first + 1;
                if (count == 0 || taps <= 0) {
                    throw padding();
                }
                // Pixels whose whole window lies on the row, or just one.
                int pixels = 1;
                if (taps == w.kernelW()) {
                    int reach = x0 + (w.kernelW() - 1) * w.dilationW();
                    pixels = Math.min(outW - ox, (width - 1 - reach) / w.strideW() + 1);
                }
                int at = (x0 + first * w.dilationW()) * channels;
                rows.write(
                        b,
                        at,
                        taps,
                        w.dilationW() * channels,
                        pixels,
                        w.strideW() * channels,
                        channels,
                        to + ox * channels,
                        count);
                ox += pixels;
            }
        }
    }

    /** The first tap that lies on the row, of a window that begins at x0. */
    private int firstTap(int x0) {
        return x0 >= 0 ? 0 : (-x0 + w.dilationW() - 1) / w.dilationW();
    }

    private int lastTap(int x0) {
        return Math.min(w.kernelW() - 1, Math.floorDiv(width - 1 - x0, w.dilationW()));
    }

    private static IllegalArgumentException padding() {
        return new IllegalArgumentException("a window of a pool lies wholly in the padding");
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
            throw padding();
        }
        taps.write(b, to, channels, count);
    }
}
