package dev.qnet.cli.image;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the pixels of a picture lie in a tensor that holds one picture or a batch of them.
 *
 * @param channels 1 (grey) or 3 (red, green, blue)
 * @param planes whether the channels lie one behind the other, not side by side
 */
record Layout(int height, int width, int channels, boolean planes) {
    /**
     * The layout of a shape: [N,H,W,C], [N,C,H,W], [N,H,W], [H,W,C] or [C,H,W] with C of 1 or 3, the first that fits; null
     * if it can hold no pictures.
     *
     * @param shape the extents, −1 for N
     */
    static @Nullable Layout of(List<Integer> shape) {
        if (shape.size() == 4) {
            return ofItem(shape.subList(1, 4));
        }
        if (shape.size() != 3) {
            return null;
        }
        boolean batch = shape.getFirst() == -1 || (shape.getFirst() == 1 && !colours(shape.getLast()));
        return batch ? new Layout(shape.get(1), shape.get(2), 1, false) : ofItem(shape);
    }

    private static @Nullable Layout ofItem(List<Integer> shape) {
        if (colours(shape.getLast())) {
            return new Layout(shape.get(0), shape.get(1), shape.get(2), false);
        }
        return colours(shape.getFirst()) ? new Layout(shape.get(1), shape.get(2), shape.get(0), true) : null;
    }

    private static boolean colours(int extent) {
        return extent == 1 || extent == 3;
    }

    /** Pixels with their channels side by side, as this layout has them. */
    float[] from(float[] pixels) {
        if (!planes || channels == 1) {
            return pixels;
        }
        float[] to = new float[pixels.length];
        for (int i = 0; i < to.length; i++) {
            to[place(i)] = pixels[i];
        }
        return to;
    }

    /** As {@link #from(float[])}. */
    byte[] from(byte[] pixels) {
        if (!planes || channels == 1) {
            return pixels;
        }
        byte[] to = new byte[pixels.length];
        for (int i = 0; i < to.length; i++) {
            to[place(i)] = pixels[i];
        }
        return to;
    }

    /** Where the element i of pixels with their channels side by side lies here. */
    int place(int i) {
        return planes ? i % channels * height * width + i / channels : i;
    }
}
