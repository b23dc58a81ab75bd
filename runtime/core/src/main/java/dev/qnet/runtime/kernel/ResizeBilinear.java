package dev.qnet.runtime.kernel;

/**
 * Bilinear resize of codes in fixed point, as TFLite's reference kernel: positions and weights have 10 fraction bits, the
 * weighted sum has 20 and is rounded half away from zero.
 */
public final class ResizeBilinear implements UnaryKernel {
    private static final int ONE = 1 << 10;

    private final Kind kind;
    private final int width;
    private final int channels;

    /** For each row of the result: the row above, the row below, the weight of the row below. */
    private final int[][] rows;

    /** The same, of columns. */
    private final int[][] columns;

    private ResizeBilinear(Kind kind, int width, int channels, int[][] rows, int[][] columns) {
        this.kind = kind;
        this.width = width;
        this.channels = channels;
        this.rows = rows;
        this.columns = columns;
    }

    /**
     * Plans x [H,W,C] → [height,width,C].
     *
     * @param kind of the codes, at most 32 bits
     * @param height H
     * @param width W
     * @param channels C
     * @param outHeight rows of the result
     * @param outWidth its columns
     * @param alignCorners whether the corner pixels' centres coincide
     * @param halfPixelCenters whether a pixel's centre lies half a pixel from its edge
     */
    public static ResizeBilinear of(
            Kind kind,
            int height,
            int width,
            int channels,
            int outHeight,
            int outWidth,
            boolean alignCorners,
            boolean halfPixelCenters) {
        if (!kind.fitsInt()) {
            throw new IllegalArgumentException("a resize of " + kind + " codes");
        }
        return new ResizeBilinear(
                kind,
                width,
                channels,
                positions(height, outHeight, alignCorners, halfPixelCenters),
                positions(width, outWidth, alignCorners, halfPixelCenters));
    }

    private static int[][] positions(int in, int out, boolean alignCorners, boolean halfPixelCenters) {
        int scale = alignCorners && out > 1
                ? (ONE * (in - 1) + (out - 1) / 2) / (out - 1)
                : out == 0 ? 0 : (ONE * in + out / 2) / out;
        int[][] p = new int[3][out];
        for (int i = 0; i < out; i++) {
            int at = i * scale + (halfPixelCenters ? scale / 2 - ONE / 2 : 0);
            // The scale is rounded: after thousands of pixels a position can lie behind the last one.
            p[0][i] = Math.min(Math.max(at / ONE, 0), in - 1);
            p[1][i] = Math.min((at + ONE - 1) / ONE, in - 1);
            p[2][i] = at - ONE * p[0][i];
        }
        return p;
    }

    @Override
    public void run(Banks banks, int x, int y) {
        int to = y;
        for (int oy = 0; oy < rows[0].length; oy++) {
            int top = x + rows[0][oy] * width * channels;
            int bottom = x + rows[1][oy] * width * channels;
            for (int ox = 0; ox < columns[0].length; ox++, to += channels) {
                int left = columns[0][ox] * channels;
                int right = columns[1][ox] * channels;
                pixel(banks, top + left, top + right, bottom + left, bottom + right, rows[2][oy], columns[2][ox], to);
            }
        }
    }

    private void pixel(Banks b, int tl, int tr, int bl, int br, int wy, int wx, int to) {
        int[] codes = b.ints(0, channels);
        long wtl = (long) (ONE - wy) * (ONE - wx);
        long wtr = (long) (ONE - wy) * wx;
        long wbl = (long) wy * (ONE - wx);
        long wbr = (long) wy * wx;
        for (int c = 0; c < channels; c++) {
            long sum = Rows.one(b, kind, tl + c) * wtl
                    + Rows.one(b, kind, tr + c) * wtr
                    + Rows.one(b, kind, bl + c) * wbl
                    + Rows.one(b, kind, br + c) * wbr;
            codes[c] = (int) ((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
        }
        Rows.store(b, kind, to, codes, 0, channels);
    }
}
