package dev.qnet.runtime.kernel;

/**
 * Nearest-neighbour resize: result (y, x) is operand ({@code y·H/height}, {@code x·W/width}), divisions truncating.
 */
public final class ResizeNearest implements UnaryKernel {
    private final Kind kind;
    private final int height;
    private final int width;
    private final int channels;
    private final int outHeight;
    private final int outWidth;

    private ResizeNearest(Kind kind, int height, int width, int channels, int outHeight, int outWidth) {
        this.kind = kind;
        this.height = height;
        this.width = width;
        this.channels = channels;
        this.outHeight = outHeight;
        this.outWidth = outWidth;
    }

    /**
     * Plans x [H,W,C] → [height,width,C].
     *
     * @param kind of the elements, any
     * @param height H
     * @param width W
     * @param channels C
     * @param outHeight rows of the result
     * @param outWidth its columns
     */
    public static ResizeNearest of(Kind kind, int height, int width, int channels, int outHeight, int outWidth) {
        return new ResizeNearest(kind, height, width, channels, outHeight, outWidth);
    }

    @Override
    public void run(Banks banks, int x, int y) {
        Object bank = banks.of(kind);
        for (int oy = 0; oy < outHeight; oy++) {
            int row = x + (int) ((long) oy * height / outHeight) * width * channels;
            for (int ox = 0; ox < outWidth; ox++) {
                int from = row + (int) ((long) ox * width / outWidth) * channels;
                System.arraycopy(bank, from, bank, y + (oy * outWidth + ox) * channels, channels);
            }
        }
    }
}
