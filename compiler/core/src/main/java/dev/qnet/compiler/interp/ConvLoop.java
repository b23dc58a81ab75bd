package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Window;

/**
 * The geometry of a convolution or pool over images [B,H,W,C], shared by float and integer kernels: which input pixel lies
 * under which tap. Output pixels are numbered row-major, image after image.
 */
record ConvLoop(Window window, int images, int height, int width, int channels, int outHeight, int outWidth) {
    static ConvLoop of(Window w, Shape x) {
        return new ConvLoop(w, x.dim(0), x.dim(1), x.dim(2), x.dim(3), w.outHeight(x.dim(1)), w.outWidth(x.dim(2)));
    }

    /** Called for each tap that is not padding, in row-major order. */
    @FunctionalInterface
    interface Tap {
        /**
         * Visits a tap.
         *
         * @param pixel the input pixel's first element
         * @param tap the tap's number, row-major
         */
        void at(int pixel, int tap);
    }

    /** How many output pixels there are. */
    int pixels() {
        return images * outHeight * outWidth;
    }

    /** Visits the taps over an output pixel. */
    void taps(int outPixel, Tap visitor) {
        int image = outPixel / (outHeight * outWidth);
        int oy = outPixel / outWidth % outHeight;
        int ox = outPixel % outWidth;
        for (int ky = 0; ky < window.kernelH(); ky++) {
            int y = oy * window.strideH() - window.top() + ky * window.dilationH();
            if (y < 0 || y >= height) {
                continue;
            }
            for (int kx = 0; kx < window.kernelW(); kx++) {
                int x = ox * window.strideW() - window.left() + kx * window.dilationW();
                if (x >= 0 && x < width) {
                    visitor.at(((image * height + y) * width + x) * channels, ky * window.kernelW() + kx);
                }
            }
        }
    }

    Shape outShape(int outChannels) {
        return Shape.of(images, outHeight, outWidth, outChannels);
    }
}
