package dev.qnet.cli.demo;

import dev.qnet.cli.image.Picture;
import dev.qnet.training.data.DrawnDigits;

/**
 * Some drawn digits, and the picture that shows them side by side, row below row.
 *
 * @param labels what they are
 * @param items their pixels, one after another
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record Drawn(int[] labels, byte[] items) {
    private static final int A_ROW = 8;
    private static final int SIZE = DrawnDigits.SIZE;

    /** Draws some. */
    public static Drawn of(int count, long seed) {
        DrawnDigits digits = new DrawnDigits(seed);
        int[] labels = digits.labels(count);
        byte[] items = new byte[count * SIZE * SIZE];
        for (int i = 0; i < count; i++) {
            System.arraycopy(digits.draw(labels[i]), 0, items, i * SIZE * SIZE, SIZE * SIZE);
        }
        return new Drawn(labels, items);
    }

    /** All of them: 8 in a row, 28 pixels each way for one, no gaps; what is left of the last row is black. */
    public Picture picture() {
        int columns = Math.min(A_ROW, labels.length);
        int rows = (labels.length + columns - 1) / columns;
        byte[] levels = new byte[rows * columns * SIZE * SIZE];
        for (int i = 0; i < labels.length; i++) {
            for (int y = 0; y < SIZE; y++) {
                int to = ((i / columns * SIZE + y) * columns + i % columns) * SIZE;
                System.arraycopy(items, (i * SIZE + y) * SIZE, levels, to, SIZE);
            }
        }
        return new Picture(rows * SIZE, columns * SIZE, 1, levels);
    }

    /** The digits of a picture as {@link #picture} draws it, row by row, one after another. */
    public static byte[] cut(Picture picture) {
        if (picture.channels() != 1 || picture.height() % SIZE != 0 || picture.width() % SIZE != 0) {
            throw new IllegalArgumentException("no picture of digits, " + SIZE + " by " + SIZE + " each");
        }
        byte[] items = new byte[picture.levels().length];
        int columns = picture.width() / SIZE;
        for (int i = 0; i < items.length / (SIZE * SIZE); i++) {
            for (int y = 0; y < SIZE; y++) {
                int from = ((i / columns * SIZE + y) * columns + i % columns) * SIZE;
                System.arraycopy(picture.levels(), from, items, (i * SIZE + y) * SIZE, SIZE);
            }
        }
        return items;
    }

    /** The digits as text, with a space between rows. */
    public String text() {
        StringBuilder s = new StringBuilder();
        for (int i = 0; i < labels.length; i++) {
            s.append(i > 0 && i % A_ROW == 0 ? " " : "").append(labels[i]);
        }
        return s.toString();
    }
}
