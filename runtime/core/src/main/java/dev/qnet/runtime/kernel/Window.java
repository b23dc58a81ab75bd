package dev.qnet.runtime.kernel;

/**
 * A sliding window over the height and width of an NHWC tensor, with its padding resolved to numbers.
 *
 * @param kernelH rows of the window
 * @param kernelW columns
 * @param strideH step between windows, rows
 * @param strideW columns
 * @param dilationH distance between the window's taps, rows
 * @param dilationW columns
 * @param top rows of padding before the first
 * @param left columns
 * @param bottom rows of padding after the last
 * @param right columns
 */
public record Window(
        int kernelH,
        int kernelW,
        int strideH,
        int strideW,
        int dilationH,
        int dilationW,
        int top,
        int left,
        int bottom,
        int right) {
    /** One element, stride 1. */
    static final Window POINT = new Window(1, 1, 1, 1, 1, 1, 0, 0, 0, 0);

    /** Rows of output for {@code height} rows of input. */
    public int outHeight(int height) {
        return (height + top + bottom - (kernelH - 1) * dilationH - 1) / strideH + 1;
    }

    /** Columns of output for {@code width} columns of input. */
    public int outWidth(int width) {
        return (width + left + right - (kernelW - 1) * dilationW - 1) / strideW + 1;
    }
}
