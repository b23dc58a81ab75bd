package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.Window;

/** TFLite's paddings as numbers. */
final class Windows {
    private static final int SAME = 0;
    private static final int VALID = 1;

    private Windows() {}

    /** A window over an input of a height and a width. */
    static Window of(
            int padding,
            int height,
            int width,
            int kernelH,
            int kernelW,
            int strideH,
            int strideW,
            int dilationH,
            int dilationW) {
        if (strideH < 1 || strideW < 1 || dilationH < 1 || dilationW < 1 || kernelH < 1 || kernelW < 1) {
            throw new Unsupported("has a stride, dilation or window below 1");
        }
        int rows = total(padding, height, kernelH, strideH, dilationH);
        int columns = total(padding, width, kernelW, strideW, dilationW);
        return new Window(
                kernelH,
                kernelW,
                strideH,
                strideW,
                dilationH,
                dilationW,
                rows / 2,
                columns / 2,
                rows - rows / 2,
                columns - columns / 2);
    }

    /** Rows or columns of padding before and after, together. */
    static int total(int padding, int extent, int kernel, int stride, int dilation) {
        return switch (padding) {
            case VALID -> 0;
            case SAME -> {
                long out = ((long) extent + stride - 1) / stride;
                long needed = (out - 1) * stride + (long) (kernel - 1) * dilation + 1;
                yield Math.toIntExact(Math.max(0, needed - extent));
            }
            default -> throw new Unsupported("has padding number " + padding);
        };
    }
}
