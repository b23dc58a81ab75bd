package dev.qnet.compiler.ir;

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
    public Window {
        if (kernelH < 1 || kernelW < 1 || strideH < 1 || strideW < 1 || dilationH < 1 || dilationW < 1) {
            throw new IllegalArgumentException("kernel, stride and dilation are at least 1");
        }
        if (top < 0 || left < 0 || bottom < 0 || right < 0) {
            throw new IllegalArgumentException("padding is at least 0");
        }
    }

    /** Stride and dilation 1, no padding. */
    public static Window of(int kernelH, int kernelW) {
        return new Window(kernelH, kernelW, 1, 1, 1, 1, 0, 0, 0, 0);
    }

    /** Rows of output for {@code height} rows of input; below 1 where the window does not fit. */
    public int outHeight(int height) {
        return out(height, kernelH, strideH, dilationH, top + bottom);
    }

    /** Columns of output for {@code width} columns of input. */
    public int outWidth(int width) {
        return out(width, kernelW, strideW, dilationW, left + right);
    }

    private static int out(int extent, int kernel, int stride, int dilation, int padding) {
        long span = (long) (kernel - 1) * dilation + 1;
        long room = (long) extent + padding - span;
        return room < 0 ? 0 : (int) (room / stride + 1);
    }
}
