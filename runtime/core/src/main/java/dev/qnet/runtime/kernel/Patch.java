package dev.qnet.runtime.kernel;

import java.util.Arrays;

/** Gathers the inputs under a convolution's window (im2col, an output pixel at a time). */
final class Patch {
    private final Operand x;
    private final Window w;
    private final int height;
    private final int width;
    private final int channels;
    private final int groupChannels;

    Patch(ConvSpec s) {
        x = s.x();
        w = s.window();
        height = s.height();
        width = s.width();
        channels = s.channels();
        groupChannels = s.groupChannels();
    }

    /**
     * Writes {@code q − zero} of the inputs under the window of output (oy, ox), group g, in the order of the weights
     * [KH,KW,C/groups]; 0 for padding.
     */
    void gather(Banks b, int xOff, int oy, int ox, int g, int[] to) {
        int run = w.kernelW() * groupChannels;
        int x0 = ox * w.strideW() - w.left();
        int at = 0;
        for (int ky = 0; ky < w.kernelH(); ky++, at += run) {
            int iy = oy * w.strideH() - w.top() + ky * w.dilationH();
            if (iy < 0 || iy >= height) {
                Arrays.fill(to, at, at + run, 0);
            } else {
                row(b, xOff + iy * width * channels + g * groupChannels, x0, to, at);
            }
        }
    }

    private void row(Banks b, int rowOff, int x0, int[] to, int at) {
        if (w.dilationW() == 1 && groupChannels == channels) {
            // The taps of a row are neighbours in memory.
            int before = Math.min(Math.max(-x0, 0), w.kernelW());
            int after = Math.max(before, Math.min(w.kernelW(), width - x0));
            Arrays.fill(to, at, at + before * channels, 0);
            Rows.load(b, x, rowOff + (x0 + before) * channels, to, at + before * channels, (after - before) * channels);
            Arrays.fill(to, at + after * channels, at + w.kernelW() * channels, 0);
            return;
        }
        for (int kx = 0; kx < w.kernelW(); kx++, at += groupChannels) {
            int ix = x0 + kx * w.dilationW();
            if (ix < 0 || ix >= width) {
                Arrays.fill(to, at, at + groupChannels, 0);
            } else {
                Rows.load(b, x, rowOff + ix * channels, to, at, groupChannels);
            }
        }
    }
}
