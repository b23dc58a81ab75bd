package dev.qnet.training.run;

import dev.qnet.compiler.ir.Window;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * The patches under the windows of an image as rows of a matrix, by way of a copy of the image with its padding: so each row of a
 * patch is one run of elements, and no window looks where the image ends.
 */
final class SimdPatches {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    private static final int LANES = SPECIES.length();

    private final Window window;
    private final int height;
    private final int width;
    private final int channels;
    private final int outHeight;
    private final int outWidth;
    private final int paddedWidth;
    private final int paddedHeight;
    /** Elements that follow each other: of a row of a window, or of one tap where its taps do not. */
    private final int run;

    private final int runs;
    private final VectorMask<Float> last;

    /**
     * Of images [height][width][channels], from which each group takes its own channels.
     *
     * @param in channels of a group
     */
    SimdPatches(Window window, int height, int width, int channels, int in) {
        this.window = window;
        this.height = height;
        this.width = width;
        this.channels = channels;
        outHeight = window.outHeight(height);
        outWidth = window.outWidth(width);
        int reachY = (outHeight - 1) * window.strideH() + (window.kernelH() - 1) * window.dilationH() + 1;
        int reachX = (outWidth - 1) * window.strideW() + (window.kernelW() - 1) * window.dilationW() + 1;
        paddedHeight = Math.max(reachY, window.top() + height);
        paddedWidth = Math.max(reachX, window.left() + width);
        boolean whole = in == channels && window.dilationW() == 1;
        run = whole ? window.kernelW() * in : in;
        runs = whole ? 1 : window.kernelW();
        last = SPECIES.indexInRange(run / LANES * LANES, run);
    }

    /** Elements of an image with its padding, and of what is read behind it. */
    int paddedElements() {
        return paddedHeight * paddedWidth * channels + LANES;
    }

    /** Elements of the patches of a group, and of what is written behind them. */
    int patchElements() {
        return outHeight * outWidth * window.kernelH() * runs * run + LANES;
    }

    /** Copies the image at x0 between its padding, which is 0 already. */
    private void pad(float[] x, int x0, float[] padded) {
        for (int y = 0; y < height; y++) {
            System.arraycopy(x, x0 + y * width * channels, padded, interior(y), width * channels);
        }
    }

    private int interior(int y) {
        return ((window.top() + y) * paddedWidth + window.left()) * channels;
    }

    /**
     * The patches of the channels from {@code first} on of the image at x0.
     *
     * @param padded memory for {@link #paddedElements}, used for nothing else
     * @param cols [outHeight·outWidth][kernelH·kernelW·in], memory for {@link #patchElements}
     */
    void gather(float[] x, int x0, int first, float[] padded, float[] cols) {
        pad(x, x0, padded);
        int to = 0;
        for (int oy = 0; oy < outHeight; oy++) {
            for (int ox = 0; ox < outWidth; ox++) {
                for (int ky = 0; ky < window.kernelH(); ky++) {
                    int at = place(oy, ox, ky) + first;
                    for (int r = 0; r < runs; r++, at += window.dilationW() * channels, to += run) {
                        // What the last vector writes beyond the run, the next run overwrites.
                        for (int i = 0; i < run; i += LANES) {
                            FloatVector.fromArray(SPECIES, padded, at + i).intoArray(cols, to + i);
                        }
                    }
                }
            }
        }
    }

    /**
     * Adds patches to the places that they were taken from, in their order.
     *
     * @param padded memory for {@link #paddedElements}, all 0, and so it is left
     */
    void scatter(float[] cols, int first, float[] padded, float[] dx, int x0) {
        int from = 0;
        for (int oy = 0; oy < outHeight; oy++) {
            for (int ox = 0; ox < outWidth; ox++) {
                for (int ky = 0; ky < window.kernelH(); ky++) {
                    int at = place(oy, ox, ky) + first;
                    for (int r = 0; r < runs; r++, at += window.dilationW() * channels, from += run) {
                        int i = 0;
                        for (; i + LANES <= run; i += LANES) {
                            FloatVector.fromArray(SPECIES, padded, at + i)
                                    .add(FloatVector.fromArray(SPECIES, cols, from + i))
                                    .intoArray(padded, at + i);
                        }
                        if (i < run) {
                            FloatVector.fromArray(SPECIES, padded, at + i, last)
                                    .add(FloatVector.fromArray(SPECIES, cols, from + i, last))
                                    .intoArray(padded, at + i, last);
                        }
                    }
                }
            }
        }
        for (int y = 0; y < height; y++) {
            for (int i = 0, p = interior(y), q = x0 + y * width * channels; i < width * channels; i++) {
                dx[q + i] += padded[p + i];
            }
        }
        // As it was found.
        Arrays.fill(padded, 0);
    }

    private int place(int oy, int ox, int ky) {
        int y = oy * window.strideH() + ky * window.dilationH();
        return (y * paddedWidth + ox * window.strideW()) * channels;
    }
}
