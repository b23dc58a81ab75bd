package dev.qnet.runtime.kernel;

/**
 * Gathers the inputs under a convolution's window (im2col, an output pixel at a time).
 *
 * @param <T> the array that it gathers into
 */
final class Patch<T> {
    /** How a run of neighbours gets into the array. */
    interface Loader<T> {
        /** Writes zeros, for padding. */
        void zeros(T to, int at, int n);

        /** Writes {@code q − zero} of n neighbours. */
        void load(Banks b, Operand x, int from, T to, int at, int n);
    }

    private final Operand x;
    private final Window w;
    private final int height;
    private final int width;
    private final int channels;
    private final int groupChannels;
    private final Loader<T> loader;

    Patch(ConvSpec s, Loader<T> loader) {
        x = s.x();
        w = s.window();
        height = s.height();
        width = s.width();
        channels = s.channels();
        groupChannels = s.groupChannels();
        this.loader = loader;
    }

    /**
     * Writes the inputs under the window of output (oy, ox), group g, in the order of the weights [KH,KW,C/groups].
     */
    void gather(Banks b, int xOff, int oy, int ox, int g, T to, int at) {
        int run = w.kernelW() * groupChannels;
        int x0 = ox * w.strideW() - w.left();
        for (int ky = 0; ky < w.kernelH(); ky++, at += run) {
            int iy = oy * w.strideH() - w.top() + ky * w.dilationH();
            if (iy < 0 || iy >= height) {
                loader.zeros(to, at, run);
            } else {
                row(b, xOff + iy * width * channels + g * groupChannels, x0, to, at);
            }
        }
    }

    private void row(Banks b, int rowOff, int x0, T to, int at) {
        if (w.dilationW() == 1 && groupChannels == channels) {
            // The taps of a row are neighbours in memory.
            int before = Math.min(Math.max(-x0, 0), w.kernelW());
            int after = Math.max(before, Math.min(w.kernelW(), width - x0));
            loader.zeros(to, at, before * channels);
            loader.load(
                    b, x, rowOff + (x0 + before) * channels, to, at + before * channels, (after - before) * channels);
            loader.zeros(to, at + after * channels, (w.kernelW() - after) * channels);
            return;
        }
        for (int kx = 0; kx < w.kernelW(); kx++, at += groupChannels) {
            int ix = x0 + kx * w.dilationW();
            if (ix < 0 || ix >= width) {
                loader.zeros(to, at, groupChannels);
            } else {
                loader.load(b, x, rowOff + ix * channels, to, at, groupChannels);
            }
        }
    }
}
