package dev.qnet.training.data;

import dev.qnet.compiler.ir.Shape;
import java.util.SplittableRandom;

/**
 * How an item that is a picture, [height, width] or [height, width, channels], is changed at random before it is trained on. What
 * comes in from outside repeats the border.
 *
 * @param flip whether half of the pictures are mirrored, left for right
 * @param shift by how many whole pixels a picture is shifted at most, each way: as padding and cropping do
 * @param degrees by what angle it is turned at most, about its middle, each way
 */
public record Augmentation(boolean flip, int shift, double degrees) {
    /** Leaves items as they are. */
    public static final Augmentation NONE = new Augmentation(false, 0, 0);

    public Augmentation {
        if (shift < 0 || !(degrees >= 0 && degrees <= 180)) {
            throw new IllegalArgumentException("a shift is 0 pixels or more, and an angle 0 to 180 degrees");
        }
    }

    /** Whether items stay as they are. */
    public boolean none() {
        return !flip && shift == 0 && degrees == 0;
    }

    /**
     * Checks that items are pictures.
     *
     * @throws DataException if they are none, and would have to be changed
     */
    public void check(String source, Shape item) {
        if (!none() && item.rank() != 2 && item.rank() != 3) {
            throw new DataException(source + ": items are " + item
                    + ", and only pictures, [height, width, channels], can be flipped, shifted or turned");
        }
    }

    /**
     * Changes a picture.
     *
     * @param from its elements, row-major
     * @param to gets those of the changed one
     * @param at where in {@code to} they begin
     * @param random decides how
     */
    void apply(float[] from, float[] to, int at, Shape shape, SplittableRandom random) {
        boolean mirrored = random.nextBoolean() && flip;
        int down = random.nextInt(-shift, shift + 1);
        int right = random.nextInt(-shift, shift + 1);
        double angle = degrees == 0 ? 0 : Math.toRadians(random.nextDouble(-degrees, degrees));
        if (none()) {
            System.arraycopy(from, 0, to, at, shape.elements());
            return;
        }
        int height = shape.dim(0);
        int width = shape.dim(1);
        int channels = shape.rank() == 3 ? shape.dim(2) : 1;
        double cos = StrictMath.cos(angle);
        double sin = StrictMath.sin(angle);
        double midY = (height - 1) / 2.0;
        double midX = (width - 1) / 2.0;
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                double dy = y - down - midY;
                double dx = x - right - midX;
                double sy = Math.clamp(cos * dy - sin * dx + midY, 0, height - 1.0);
                double sx = Math.clamp(sin * dy + cos * dx + midX, 0, width - 1.0);
                if (mirrored) {
                    sx = width - 1 - sx;
                }
                sample(from, to, at + (y * width + x) * channels, sy, sx, shape, channels);
            }
        }
    }

    /** One pixel, between four. */
    private static void sample(float[] from, float[] to, int at, double y, double x, Shape shape, int channels) {
        int width = shape.dim(1);
        int y0 = (int) y;
        int x0 = (int) x;
        int y1 = Math.min(y0 + 1, shape.dim(0) - 1);
        int x1 = Math.min(x0 + 1, width - 1);
        float v = (float) (y - y0);
        float u = (float) (x - x0);
        for (int c = 0; c < channels; c++) {
            float upper = mix(from[(y0 * width + x0) * channels + c], from[(y0 * width + x1) * channels + c], u);
            float lower = mix(from[(y1 * width + x0) * channels + c], from[(y1 * width + x1) * channels + c], u);
            to[at + c] = mix(upper, lower, v);
        }
    }

    private static float mix(float a, float b, float t) {
        return t == 0 ? a : a + (b - a) * t;
    }
}
