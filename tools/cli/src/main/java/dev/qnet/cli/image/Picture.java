package dev.qnet.cli.image;

import java.awt.image.BufferedImage;
import java.util.Arrays;

/**
 * A picture of 8-bit levels, 0 black and 255 white. The levels lie row by row, the channels of a pixel side by side.
 *
 * @param height rows, at least 1
 * @param width pixels a row, at least 1
 * @param channels 1 (grey) or 3 (red, green, blue)
 * @param levels unsigned bytes, {@code height·width·channels} of them
 */
@SuppressWarnings("ArrayRecordComponent") // pixels are data to pass on; nobody compares pictures by their record
public record Picture(int height, int width, int channels, byte[] levels) {
    public Picture {
        if (height < 1
                || width < 1
                || (channels != 1 && channels != 3)
                || levels.length != (long) height * width * channels) {
            throw new IllegalArgumentException(
                    "no picture of " + height + "x" + width + "x" + channels + ": " + levels.length + " levels");
        }
    }

    private int level(int y, int x, int channel) {
        return Byte.toUnsignedInt(levels[(y * width + x) * channels + channel]);
    }

    /**
     * The picture in grey or in colour. Grey is {@code (299·red + 587·green + 114·blue + 500) / 1000} rounded down, the
     * luma of ITU-R BT.601; colour from grey repeats the level.
     */
    public Picture withChannels(int wanted) {
        if (wanted == channels) {
            return this;
        }
        byte[] out = new byte[height * width * wanted];
        int at = 0;
        for (int i = 0; i < levels.length; i += channels) {
            if (wanted == 1) {
                int r = Byte.toUnsignedInt(levels[i]);
                int g = Byte.toUnsignedInt(levels[i + 1]);
                int b = Byte.toUnsignedInt(levels[i + 2]);
                out[at++] = (byte) ((299 * r + 587 * g + 114 * b + 500) / 1000);
            } else {
                for (int c = 0; c < wanted; c++) {
                    out[at++] = levels[i];
                }
            }
        }
        return new Picture(height, width, wanted, out);
    }

    /**
     * The picture at another size; each axis by itself. An axis that shrinks is averaged over the area under each new
     * pixel; one that grows is interpolated linearly between the centres of the pixels (half-pixel centres, the border
     * repeated). Levels are rounded to the nearest, halves up. Memory beyond the result is a few rows.
     */
    public Picture resized(int toHeight, int toWidth) {
        if (toHeight == height && toWidth == width) {
            return this;
        }
        int row = toWidth * channels;
        byte[] out = new byte[Math.multiplyExact(toHeight, row)];
        double[] sum = new double[row];
        // Growing, neighbouring rows of the result share source rows: the last two are kept.
        double[][] kept = new double[2][row];
        int[] keptRow = {-1, -1};
        for (int i = 0; i < toHeight; i++) {
            Taps taps = Taps.of(i, height, toHeight);
            Arrays.fill(sum, 0);
            for (int y = taps.first(); y <= taps.last(); y++) {
                if (keptRow[y % 2] != y) {
                    resizeRow(y, toWidth, kept[y % 2]);
                    keptRow[y % 2] = y;
                }
                double weight = taps.weight(y);
                for (int k = 0; k < row; k++) {
                    sum[k] += weight * kept[y % 2][k];
                }
            }
            for (int k = 0; k < row; k++) {
                out[i * row + k] = (byte) (int) Math.floor(sum[k] + 0.5);
            }
        }
        return new Picture(toHeight, toWidth, channels, out);
    }

    private void resizeRow(int y, int toWidth, double[] into) {
        for (int j = 0; j < toWidth; j++) {
            Taps taps = Taps.of(j, width, toWidth);
            for (int c = 0; c < channels; c++) {
                double sum = 0;
                for (int x = taps.first(); x <= taps.last(); x++) {
                    sum += taps.weight(x) * level(y, x, c);
                }
                into[j * channels + c] = sum;
            }
        }
    }

    /**
     * Which pixels of an axis make a new one, and by how much.
     *
     * @param first the first of them
     * @param last the last of them
     * @param from where the new pixel's area begins, or, growing, its centre relative to the centre of pixel 0
     * @param share pixels under a new one if the axis shrinks, or 0
     */
    private record Taps(int first, int last, double from, double share) {
        static Taps of(int i, int size, int toSize) {
            double share = (double) size / toSize;
            if (toSize <= size) {
                double from = i * share;
                int last = (int) Math.ceil((i + 1) * share) - 1;
                return new Taps((int) from, Math.min(last, size - 1), from, share);
            }
            double centre = Math.clamp((i + 0.5) * share - 0.5, 0, size - 1.0);
            return new Taps((int) centre, Math.min((int) centre + 1, size - 1), centre, 0);
        }

        double weight(int k) {
            if (share > 0) {
                return (Math.min(from + share, k + 1.0) - Math.max(from, k)) / share;
            }
            return first == last ? 1 : 1 - Math.abs(from - k);
        }
    }

    /** The picture for ImageIO. */
    BufferedImage toImage() {
        int type = channels == 1 ? BufferedImage.TYPE_BYTE_GRAY : BufferedImage.TYPE_3BYTE_BGR;
        BufferedImage image = new BufferedImage(width, height, type);
        int[] samples = new int[width * channels];
        for (int y = 0; y < height; y++) {
            for (int k = 0; k < samples.length; k++) {
                samples[k] = level(y, k / channels, k % channels);
            }
            // Bands are red, green, blue, however they lie in memory.
            image.getRaster().setPixels(0, y, width, 1, samples);
        }
        return image;
    }
}
