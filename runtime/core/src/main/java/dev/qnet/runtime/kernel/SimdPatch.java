package dev.qnet.runtime.kernel;

import java.util.Arrays;

/**
 * Gathers the inputs under a convolution's windows into blocks of singles (im2col, a few output pixels at a time).
 *
 * <p>A block has {@link SimdPanels#ROWS} rows, an output pixel each, {@link SimdPanels#LDA} apart. Short rows leave
 * room for further blocks beside the first, on one sheet of {@link #SHEET} singles; of long ones, a segment is
 * gathered at a time.
 */
final class SimdPatch {
    static final int SHEET = SimdPanels.ROWS * SimdPanels.LDA;

    private static final int LDA = SimdPanels.LDA;
    private static final int MOST = SimdPanels.MAX_SEGMENT;

    private final Operand x;
    private final Window w;

    /** Whether a pixel is a row of a matrix. */
    private final boolean flat;

    private final int height;
    private final int width;
    private final int outWidth;
    private final int channels;
    private final int groupChannels;

    /** Length of a row of a block. */
    private final int k;

    /** The same as far as the next block beside it, which is a multiple of a vector. */
    private final int wide;

    /** Blocks beside each other. */
    private final int beside;

    SimdPatch(ConvSpec s) {
        this(s.x(), s.height(), s.width(), s.channels(), s.groups(), s.window());
    }

    /** Takes rows of a matrix of m rows for pixels. */
    SimdPatch(Operand x, int m, int k) {
        this(x, 1, m, k, 1, Window.POINT);
    }

    private SimdPatch(Operand x, int h, int wd, int channels, int groups, Window w) {
        this.x = x;
        this.w = w;
        this.channels = channels;
        flat = w.equals(Window.POINT);
        height = h;
        width = wd;
        outWidth = w.outWidth(width);
        groupChannels = channels / groups;
        k = w.kernelH() * w.kernelW() * groupChannels;
        wide = Math.min(MOST, (k + 15) / 16 * 16);
        beside = MOST / wide;
    }

    /** Singles for so many blocks. */
    int size(int blocks) {
        return (blocks + beside - 1) / beside * SHEET;
    }

    /** Where the first row of a block is. */
    int at(int block) {
        return block / beside * SHEET + block % beside * wide;
    }

    /**
     * Gathers terms of a block.
     *
     * @param xOff the image
     * @param g the group
     * @param first the first output pixel
     * @param rows pixels
     * @param k0 the first term
     * @param k1 after the last, a segment later at most
     * @param a the blocks
     * @param block which; those before it are there already
     */
    void gather(Banks b, int xOff, int g, int first, int rows, int k0, int k1, float[] a, int block) {
        int at = at(block) - k0;
        if (flat) {
            int from = xOff + g * groupChannels + first * channels + k0;
            SimdRows.load(b, x, from, channels, rows, Math.min(k, k1) - k0, a, at + k0, LDA);
        }
        for (int r = flat ? rows : 0; r < rows; ) {
            int oy = (first + r) / outWidth;
            int ox = (first + r) % outWidth;
            int n = Math.min(rows - r, outWidth - ox);
            row(b, xOff + g * groupChannels, oy, ox, n, k0, k1, a, at + r * LDA);
            r += n;
        }
        if (k1 > k) {
            for (int r = 0; r < rows; r++) {
                a[at + r * LDA + k] = 0;
            }
        }
        // Rows that no pixel has, as far as they are read.
        zeros(a, at(block) + rows * LDA, SimdPanels.read(rows) - rows, k1 - k0);
    }

    /** Gathers n pixels of a row; term j of the first goes to index at + j. */
    private void row(Banks b, int from, int oy, int ox, int n, int k0, int k1, float[] a, int at) {
        boolean whole = w.dilationW() == 1 && groupChannels == channels;
        int neighbours = whole ? w.kernelW() : 1;
        int run = neighbours * groupChannels;
        int j = 0;
        for (int ky = 0; ky < w.kernelH(); ky++) {
            int iy = oy * w.strideH() - w.top() + ky * w.dilationH();
            for (int kx = 0; kx < w.kernelW(); kx += neighbours, j += run) {
                int j0 = Math.max(j, k0);
                int j1 = Math.min(j + run, k1);
                if (j0 >= j1) {
                    continue;
                }
                if (iy < 0 || iy >= height) {
                    zeros(a, at + j0, n, j1 - j0);
                } else {
                    int x0 = ox * w.strideW() - w.left() + kx * w.dilationW();
                    runs(b, from + iy * width * channels, x0, neighbours, n, j0 - j, j1 - j, a, at + j);
                }
            }
        }
    }

    /** Gathers a part, from j0 to j1, of n pixels' runs of so many neighbours. */
    private void runs(Banks b, int from, int x0, int neighbours, int n, int j0, int j1, float[] a, int at) {
        int step = w.strideW();
        // The first pixel whose neighbours are all inside, and the first after those.
        int i0 = Math.min(n, x0 >= 0 ? 0 : (step - 1 - x0) / step);
        int last = width - neighbours - x0;
        int i1 = last < 0 ? i0 : Math.clamp(last / step + 1L, i0, n);
        for (int i = 0; i < i0; i++) {
            edge(b, from, x0 + i * step, j0, j1, a, at + i * LDA);
        }
        if (i1 > i0) {
            int first = from + (x0 + i0 * step) * channels + j0;
            SimdRows.load(b, x, first, step * channels, i1 - i0, j1 - j0, a, at + i0 * LDA + j0, LDA);
        }
        for (int i = i1; i < n; i++) {
            edge(b, from, x0 + i * step, j0, j1, a, at + i * LDA);
        }
    }

    /** Gathers terms of a pixel near the edge, from the first to the last, for loads overrun. */
    private void edge(Banks b, int from, int x0, int j0, int j1, float[] a, int at) {
        int c = groupChannels;
        int before = Math.clamp((long) -x0 * c, j0, j1);
        int after = Math.clamp((long) (width - x0) * c, before, j1);
        zeros(a, at + j0, 1, before - j0);
        if (after > before) {
            SimdRows.load(b, x, from + x0 * channels + before, 1, 1, after - before, a, at + before, LDA);
        }
        zeros(a, at + after, 1, j1 - after);
    }

    private static void zeros(float[] a, int at, int rows, int n) {
        for (int r = 0; r < rows; r++) {
            Arrays.fill(a, at + r * LDA, at + r * LDA + n, 0f);
        }
    }
}
