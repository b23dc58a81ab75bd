package dev.qnet.runtime.kernel;

import java.util.Arrays;
import java.util.Set;

/**
 * Gathers the inputs under a convolution's windows into blocks of singles (im2col, a few output pixels at a time).
 *
 * <p>A block has {@link SimdPanels#ROWS} rows, an output pixel each, {@link SimdPanels#LDA} apart. Short rows leave
 * room for further blocks beside the first, on one sheet of {@link #SHEET} singles; of long ones, a segment is
 * gathered at a time.
 */
final class SimdPatch {
    static final int SHEET = SimdPanels.ROWS * SimdPanels.LDA;

    /**
     * Vectors of a run of neighbours up to which windows are copied. Longer ones are made of codes: those lie in the
     * first-level cache where singles do not, and edges take little of the time.
     */
    private static final int MOST_COPIED = 2;

    /** Singles of an image that are there at a time, at least: half of what the second-level cache holds. */
    private static final int IMAGE_SIZE = 1 << 16;

    /** Scratch of singles. */
    private static final int IMAGE = 3;

    /** Scratch of ints: the group, the first row and the row after the last of the image that is there. */
    private static final int THERE = 1;

    private static final int ROWS = SimdPanels.ROWS;

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

    /** Whether windows are copied from an image of singles; else they are made of codes. */
    private final boolean copied;

    /** Singles from row to row of that image: a row of the group's channels, as much of it as windows meet. */
    private final int pitch;

    /** Rows that windows of one output row meet. */
    private final int windowRows;

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
        copied = !flat && (w.dilationW() == 1 ? w.kernelW() : 1) * groupChannels <= MOST_COPIED * Simd.LANES;
        // Vectors may overrun the end of a row, but not the next row's first pixel.
        int pixels = Math.max(w.left() + width, (outWidth - 1) * w.strideW() + (w.kernelW() - 1) * w.dilationW() + 1);
        pitch = Math.max(pixels * groupChannels, (w.left() * groupChannels + vectors(width * groupChannels)));
        windowRows = (w.kernelH() - 1) * w.dilationH() + 1;
    }

    private static int vectors(int n) {
        return (n + Simd.LANES - 1) / Simd.LANES * Simd.LANES;
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
     * Adds what it takes besides loads.
     *
     * @param whole whether all terms are gathered at a time
     */
    void steps(Set<Step> steps, boolean whole) {
        if (copied) {
            SimdSteps.copies(steps, w.dilationW() == 1 && w.kernelW() * groupChannels <= Simd.LANES, whole);
        }
    }

    /**
     * Brings rows of the image that windows of some output pixels meet to singles, if they are not there.
     *
     * @param xOff the image
     * @param g the group
     * @param first the first output pixel
     * @param last the last
     */
    void bring(Banks b, int xOff, int g, int first, int last) {
        if (!copied) {
            return;
        }
        int[] there = b.ints(THERE, 3);
        int y0 = first / outWidth * w.strideH() - w.top();
        int y1 = last / outWidth * w.strideH() - w.top() + windowRows;
        if (there[0] == g && y0 >= there[1] && y1 <= there[2]) {
            return;
        }
        int end = Math.max(y1, Math.min(end(), y0 + IMAGE_SIZE / pitch));
        there[0] = g;
        there[1] = y0;
        there[2] = end;
        int left = w.left() * groupChannels;
        float[] image = b.floats(IMAGE, (end - y0) * pitch + left + Simd.LANES);
        int i0 = Math.clamp(-y0, 0, end - y0);
        int i1 = Math.clamp(height - y0, i0, end - y0);
        Arrays.fill(image, 0, i0 * pitch, 0f);
        int n = width * groupChannels;
        if (groupChannels == channels) {
            SimdRows.load(b, x, xOff + (y0 + i0) * n, n, i1 - i0, n, image, i0 * pitch + left, pitch);
        } else {
            for (int i = i0; i < i1; i++) {
                int from = xOff + (y0 + i) * width * channels + g * groupChannels;
                int at = i * pitch + left;
                for (int j = 0; j < width; j++) {
                    SimdRows.load(
                            b, x, from + j * channels, channels, 1, groupChannels, image, at + j * groupChannels, 0);
                }
            }
        }
        if (n < pitch) {
            Arrays.fill(image, i0 * pitch, i0 * pitch + left, 0f);
            for (int i = i0; i < i1; i++) {
                int at = i * pitch + left + n;
                Arrays.fill(image, at, at + pitch - n, 0f);
            }
        }
        Arrays.fill(image, i1 * pitch, (end - y0) * pitch, 0f);
    }

    /** After the last row that a window meets. */
    private int end() {
        return (w.outHeight(height) - 1) * w.strideH() - w.top() + windowRows;
    }

    /** Says that no row of the image is there. */
    void forget(Banks b) {
        if (copied) {
            b.ints(THERE, 3)[0] = -1;
        }
    }

    /** Copies terms of a block, from index at + k0 on, and repeats pixels up to a multiple of four. */
    private void copy(Banks b, int first, int rows, int k0, int k1, float[] a, int at) {
        float[] image = b.floats(IMAGE, 0);
        int y0 = b.ints(THERE, 3)[1];
        boolean whole = w.dilationW() == 1;
        int neighbours = whole ? w.kernelW() : 1;
        int run = neighbours * groupChannels;
        int down = w.dilationH() * pitch;
        int right = neighbours * w.dilationW() * groupChannels;
        int runs = w.kernelW() / neighbours;
        for (int r = 0; r < rows; r += 4) {
            int r1 = Math.min(r + 1, rows - 1);
            int r2 = Math.min(r + 2, rows - 1);
            int r3 = Math.min(r + 3, rows - 1);
            int s0 = source(first + r, y0);
            int s1 = source(first + r1, y0) - s0;
            int s2 = source(first + r2, y0) - s0;
            int s3 = source(first + r3, y0) - s0;
            int t = at + r * LDA;
            int t1 = (r1 - r) * LDA;
            int t2 = (r2 - r) * LDA;
            int t3 = (r3 - r) * LDA;
            if (whole && run <= Simd.LANES && k0 == 0) {
                SimdRows.copyShort(image, s0, s1, s2, s3, down, a, t, t1, t2, t3, run, w.kernelH());
                continue;
            }
            int j = 0;
            for (int ky = 0; ky < w.kernelH(); ky++) {
                for (int i = 0; i < runs; i++, j += run) {
                    int j0 = Math.max(j, k0);
                    int j1 = Math.min(j + run, k1);
                    if (j0 < j1) {
                        int s = s0 + ky * down + i * right + j0 - j;
                        SimdRows.copy(image, s, s1, s2, s3, a, t + j0, t1, t2, t3, j1 - j0);
                    }
                }
            }
        }
    }

    /** Where the window of an output pixel begins in the image whose first row is y0. */
    private int source(int pixel, int y0) {
        int oy = pixel / outWidth;
        int ox = pixel - oy * outWidth;
        return (oy * w.strideH() - w.top() - y0) * pitch + ox * w.strideW() * groupChannels;
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
        if (copied) {
            copy(b, first, rows, k0, k1, a, at);
            if (k1 > k) {
                for (int r = 0; r < SimdPanels.read(rows); r++) {
                    a[at + r * LDA + k] = 0;
                }
            }
            int there = Math.min(ROWS, (rows + 3) / 4 * 4);
            zeros(a, at(block) + there * LDA, SimdPanels.read(rows) - there, k1 - k0);
            return;
        }
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
