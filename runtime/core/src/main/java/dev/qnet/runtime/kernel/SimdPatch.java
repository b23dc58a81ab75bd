package dev.qnet.runtime.kernel;

import java.util.Arrays;
import java.util.Set;

/**
 * Gathers the inputs under a convolution's windows into blocks of singles (im2col, a few output pixels at a time).
 *
 * <p>A block has {@link SimdPanels#ROWS} rows, an output pixel each, {@link SimdPanels#LDA} apart. Short rows leave
 * room for further blocks beside the first, on one sheet of {@link #SHEET} singles; of long ones, a segment is
 * gathered at a time.
 *
 * <p>Windows are taken from rows of the image that are padded, so that none has an edge, four pixels at a time, wherever
 * they lie. Where runs of neighbours are short, the rows are singles and windows are copied; else they stay bytes, which
 * take less of the caches, and become singles in each window.
 */
final class SimdPatch {
    static final int SHEET = SimdPanels.ROWS * SimdPanels.LDA;

    /** Vectors of a run of neighbours up to which the image is made singles; longer runs would not fit caches so. */
    private static final int MOST_SINGLES = 2;

    /** Bytes of an image that are there at a time, at least: they stay in caches. */
    private static final int IMAGE_SIZE = 1 << 16;

    /** Scratch of singles. */
    private static final int IMAGE = 3;

    /**
     * Scratch of ints: the group, {@link #ALL_GROUPS}, {@link #DIRECT} or {@link #NOTHING}; the first row of the image that is
     * there, which may be above it, and the row after the last; where its first element is.
     */
    private static final int THERE = 1;

    private static final int NOTHING = -3;

    /** The image is read where it is. */
    private static final int DIRECT = -2;

    private static final int ALL_GROUPS = -1;

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

    /** Neighbours that lie beside each other. */
    private final int neighbours;

    /** Length of a run of those. */
    private final int run;

    /** Whether the image is made singles, a group at a time; else it stays bytes. */
    private final boolean singles;

    /** Whether windows do not go beyond the image. */
    private final boolean inside;

    /** Elements from pixel to pixel of the padded image. */
    private final int pixel;

    /** Elements from row to row of it. */
    private final int pitch;

    /** Rows that windows of one output row meet. */
    private final int windowRows;

    /** The row after the last that a window meets, which may be below the image. */
    private final int lastRow;

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
        neighbours = w.dilationW() == 1 && (groups == 1 || w.kernelW() * groupChannels <= MOST_SINGLES * Simd.LANES)
                ? w.kernelW()
                : 1;
        run = neighbours * groupChannels;
        singles = run <= MOST_SINGLES * Simd.LANES || x.kind().bytes() != 1 || !Simd.HAS_BYTES;
        windowRows = (w.kernelH() - 1) * w.dilationH() + 1;
        lastRow = (w.outHeight(height) - 1) * w.strideH() - w.top() + windowRows;
        int columns = (outWidth - 1) * w.strideW() + (w.kernelW() - 1) * w.dilationW() + 1;
        inside = w.top() == 0 && w.left() == 0 && columns <= width && lastRow <= height;
        pixel = singles ? groupChannels : channels;
        int most = Math.max(w.left() + width, columns) * pixel;
        // Vectors of singles may overrun the end of a row, but not the next row's first pixel.
        pitch = singles ? Math.max(most, w.left() * pixel + vectors(width * pixel)) : most;
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
     * Adds what it takes to gather blocks.
     *
     * @param whole whether all terms are gathered at a time
     */
    void steps(Set<Step> steps, boolean whole) {
        if (flat || singles) {
            steps.add(SimdSteps.load(x.kind()));
        }
        if (!flat) {
            boolean some = run <= Simd.LANES && neighbours == w.kernelW();
            SimdSteps.runs(steps, singles ? null : x.kind(), some, whole);
        }
    }

    /** Says that no row of the image is there. */
    void forget(Banks b) {
        b.ints(THERE, 4)[0] = NOTHING;
    }

    /**
     * Brings rows of the image that windows of some output pixels meet, if they are not there: padded, so that windows
     * lie inside.
     *
     * @param xOff the image
     * @param g the group
     * @param first the first output pixel
     * @param last the last
     */
    void bring(Banks b, int xOff, int g, int first, int last) {
        if (flat) {
            return;
        }
        int[] there = b.ints(THERE, 4);
        int y0 = first / outWidth * w.strideH() - w.top();
        int y1 = last / outWidth * w.strideH() - w.top() + windowRows;
        int group = singles ? g : ALL_GROUPS;
        if (there[0] == DIRECT || (there[0] == group && y0 >= there[1] && y1 <= there[2])) {
            return;
        }
        int size = singles ? IMAGE_SIZE / Float.BYTES : IMAGE_SIZE;
        there[0] = group;
        there[1] = y0;
        there[2] = Math.max(y1, Math.min(lastRow, y0 + size / pitch));
        there[3] = 0;
        if (singles) {
            singles(b, xOff, g, y0, there[2]);
        } else if (inside && xOff + height * pitch + Simd.LANES <= b.bytes.length) {
            there[0] = DIRECT;
            there[1] = 0;
            there[2] = height;
            there[3] = xOff;
        } else {
            bytes(b, xOff, y0, there[2]);
        }
    }

    /** Rows y0 to y1 of a group as singles. */
    private void singles(Banks b, int xOff, int g, int y0, int y1) {
        int left = w.left() * pixel;
        int n = width * pixel;
        float[] image = b.floats(IMAGE, (y1 - y0) * pitch + left + Simd.LANES);
        int i0 = Math.clamp(-y0, 0, y1 - y0);
        int i1 = Math.clamp(height - y0, i0, y1 - y0);
        Arrays.fill(image, 0, i0 * pitch + left, 0f);
        if (pixel == channels) {
            SimdRows.load(b, x, xOff + (y0 + i0) * n, n, i1 - i0, n, image, i0 * pitch + left, pitch);
        } else {
            for (int i = i0; i < i1; i++) {
                int from = xOff + (y0 + i) * width * channels + g * pixel;
                int at = i * pitch + left;
                for (int j = 0; j < width; j++) {
                    SimdRows.load(b, x, from + j * channels, channels, 1, pixel, image, at + j * pixel, 0);
                }
            }
        }
        if (n < pitch) {
            for (int i = i0; i < i1; i++) {
                int at = i * pitch + left + n;
                Arrays.fill(image, at, at + pitch - n, 0f);
            }
        }
        Arrays.fill(image, i1 * pitch, (y1 - y0) * pitch, 0f);
    }

    /** Rows y0 to y1 as they are. */
    private void bytes(Banks b, int xOff, int y0, int y1) {
        int left = w.left() * pixel;
        int n = width * pixel;
        byte zero = (byte) x.zero();
        byte[] image = b.byteImage((y1 - y0) * pitch + left + Simd.LANES);
        int i0 = Math.clamp(-y0, 0, y1 - y0);
        int i1 = Math.clamp(height - y0, i0, y1 - y0);
        Arrays.fill(image, 0, i0 * pitch + left, zero);
        for (int i = i0; i < i1; i++) {
            int at = i * pitch + left;
            System.arraycopy(b.bytes, xOff + (y0 + i) * n, image, at, n);
            Arrays.fill(image, at + n, at + pitch, zero);
        }
        Arrays.fill(image, i1 * pitch, (y1 - y0) * pitch, zero);
    }

    /**
     * Gathers terms k0 to k1 of a block from the padded image, term 0 to index {@code at}. Pixels are repeated up to a
     * multiple of four.
     */
    private void windows(Banks b, int g, int first, int rows, int k0, int k1, float[] a, int at) {
        int[] there = b.ints(THERE, 4);
        float[] floats = b.floats(IMAGE, 0);
        byte[] bytes = there[0] == DIRECT ? b.bytes : b.byteImage(0);
        int origin = there[3] + (singles ? 0 : g * groupChannels) - (there[1] + w.top()) * pitch;
        int down = w.dilationH() * pitch;
        int right = neighbours * w.dilationW() * pixel;
        int runs = w.kernelW() / neighbours;
        boolean some = singles && runs == 1 && run <= Simd.LANES && k0 == 0;
        boolean signed = x.kind() == Kind.S8;
        int z = x.zero();
        for (int r = 0; r < rows; r += 4) {
            int s0 = origin + source(first + r);
            int s1 = origin + source(first + Math.min(r + 1, rows - 1)) - s0;
            int s2 = origin + source(first + Math.min(r + 2, rows - 1)) - s0;
            int s3 = origin + source(first + Math.min(r + 3, rows - 1)) - s0;
            int t = at + r * LDA;
            int t1 = LDA;
            int t2 = (Math.min(r + 2, ROWS - 1) - r) * LDA;
            int t3 = (Math.min(r + 3, ROWS - 1) - r) * LDA;
            if (some) {
                SimdRows.copyShort(floats, s0, s1, s2, s3, down, a, t, t1, t2, t3, run, w.kernelH());
                continue;
            }
            int j = 0;
            for (int ky = 0; ky < w.kernelH(); ky++) {
                for (int i = 0; i < runs; i++, j += run) {
                    int j0 = Math.max(j, k0);
                    int n = Math.min(j + run, k1) - j0;
                    int s = s0 + ky * down + i * right + j0 - j;
                    if (n <= 0) {
                        continue;
                    }
                    if (singles) {
                        SimdRows.copy(floats, s, s1, s2, s3, a, t + j0, t1, t2, t3, n);
                    } else if (signed) {
                        SimdRows.signedBytes(bytes, s, s1, s2, s3, z, a, t + j0, t1, t2, t3, n);
                    } else {
                        SimdRows.unsignedBytes(bytes, s, s1, s2, s3, z, a, t + j0, t1, t2, t3, n);
                    }
                }
            }
        }
    }

    /** Where the window of an output pixel begins in the padded image. */
    private int source(int p) {
        int oy = p / outWidth;
        return oy * w.strideH() * pitch + (p - oy * outWidth) * w.strideW() * pixel;
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
        int there = rows;
        if (flat) {
            int from = xOff + g * groupChannels + first * channels + k0;
            SimdRows.load(b, x, from, channels, rows, Math.min(k, k1) - k0, a, at + k0, LDA);
        } else {
            windows(b, g, first, rows, k0, Math.min(k, k1), a, at);
            there = Math.min(ROWS, (rows + 3) / 4 * 4);
        }
        if (k1 > k) {
            for (int r = 0; r < there; r++) {
                a[at + r * LDA + k] = 0;
            }
        }
        // Rows that no pixel has, as far as they are read.
        zeros(a, at(block) + there * LDA, SimdPanels.read(rows) - there, k1 - k0);
    }

    private static void zeros(float[] a, int at, int rows, int n) {
        for (int r = 0; r < rows; r++) {
            Arrays.fill(a, at + r * LDA, at + r * LDA + n, 0f);
        }
    }
}
