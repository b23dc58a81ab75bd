package dev.qnet.cli.image;

import dev.qnet.cli.UserException;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.TensorInfo;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/** Reads pictures as NHWC tensors and writes tensors as pictures. */
public final class Images {
    private static final long MAX_FILE = 256L << 20;
    private static final long MAX_PIXELS = 64L << 20;

    private Images() {}

    /**
     * A picture as a batch of one for an input [N, height, width, channels] of 1 (grey) or 3 (red, green, blue) channels.
     * Grey is 0.299 red + 0.587 green + 0.114 blue, rounded (ITU-R BT.601). A picture of another size is resized by
     * averaging the area under each pixel.
     *
     * @throws UserException if the file is no picture, is damaged, or is too large, or if the input takes no pictures
     */
    public static Tensor read(Path file, TensorInfo input, Scaling scaling) throws IOException {
        if (input.shape().size() != 4 || (input.shape().get(3) != 1 && input.shape().get(3) != 3)) {
            throw new UserException(file + ": input '" + input.name() + "' takes no pictures, it expects " + input.expectation());
        }
        int height = input.shape().get(1);
        int width = input.shape().get(2);
        int channels = input.shape().get(3);
        scaling.check(channels);
        BufferedImage image = decode(file);
        float[] pixels = pixels(image, channels);
        float[] fitted = resize(pixels, image.getHeight(), image.getWidth(), channels, height, width);
        for (int i = 0; i < fitted.length; i++) {
            fitted[i] = scaling.apply(fitted[i], i % channels);
        }
        return Tensor.ofFloats(fitted, 1, height, width, channels);
    }

    private static BufferedImage decode(Path file) throws IOException {
        if (Files.size(file) > MAX_FILE) {
            throw new UserException(file + ": a picture has at most " + (MAX_FILE >> 20) + " MB, found "
                    + (Files.size(file) >> 20));
        }
        byte[] bytes = Files.readAllBytes(file);
        try (ImageInputStream in = ImageIO.createImageInputStream(new ByteArrayInputStream(bytes))) {
            Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
            if (!readers.hasNext()) {
                throw new UserException(file + ": this is no picture that can be read", "give a PNG, JPEG, BMP or GIF file");
            }
            ImageReader reader = readers.next();
            try {
                reader.setInput(in, true, true);
                long pixels = (long) reader.getWidth(0) * reader.getHeight(0);
                if (pixels > MAX_PIXELS) {
                    throw new UserException(file + ": a picture has at most " + (MAX_PIXELS >> 20) + " million pixels, found "
                            + reader.getWidth(0) + " x " + reader.getHeight(0));
                }
                return reader.read(0);
            } finally {
                reader.dispose();
            }
        } catch (IOException | IllegalArgumentException | IndexOutOfBoundsException | NegativeArraySizeException e) {
            // What the JDK's decoders throw for damaged files, besides IOException.
            throw damaged(file, e);
        } catch (RuntimeException e) {
            if (e instanceof UserException u) {
                throw u;
            }
            throw damaged(file, e);
        }
    }

    private static UserException damaged(Path file, Exception e) {
        return new UserException(file + ": the picture is damaged: " + e.getMessage());
    }

    private static float[] pixels(BufferedImage image, int channels) {
        int h = image.getHeight();
        int w = image.getWidth();
        float[] x = new float[h * w * channels];
        int[] row = new int[w];
        boolean grey = image.getRaster().getNumBands() == 1 && image.getSampleModel().getSampleSize(0) == 8
                && image.getType() == BufferedImage.TYPE_BYTE_GRAY;
        for (int y = 0; y < h; y++) {
            if (grey) {
                // getRGB would apply the grey colour space's gamma.
                image.getRaster().getSamples(0, y, w, 1, 0, row);
                for (int c = 0; c < w; c++) {
                    Arrays.fill(x, (y * w + c) * channels, (y * w + c + 1) * channels, row[c]);
                }
                continue;
            }
            image.getRGB(0, y, w, 1, row, 0, w);
            for (int c = 0; c < w; c++) {
                int r = row[c] >> 16 & 255;
                int g = row[c] >> 8 & 255;
                int b = row[c] & 255;
                int at = (y * w + c) * channels;
                if (channels == 1) {
                    x[at] = Math.floorDiv(299 * r + 587 * g + 114 * b + 500, 1000);
                } else {
                    x[at] = r;
                    x[at + 1] = g;
                    x[at + 2] = b;
                }
            }
        }
        return x;
    }

    /** Area averaging, one axis after the other: exact means when shrinking by whole factors, nearest when enlarging. */
    static float[] resize(float[] x, int h, int w, int channels, int toH, int toW) {
        float[] rows = h == toH ? x : average(x, 1, h, w * channels, toH);
        return w == toW ? rows : average(rows, toH, w, channels, toW);
    }

    /** Averages the middle axis of [outer][from][inner] to {@code to} elements, each over its share of the source. */
    private static float[] average(float[] x, int outer, int from, int inner, int to) {
        float[] y = new float[outer * to * inner];
        double share = (double) from / to;
        for (int i = 0; i < to; i++) {
            double a = i * share;
            double b = (i + 1) * share;
            int first = (int) a;
            int last = Math.min(from - 1, (int) Math.ceil(b) - 1);
            for (int o = 0; o < outer; o++) {
                for (int c = 0; c < inner; c++) {
                    double sum = 0;
                    for (int k = first; k <= last; k++) {
                        double weight = Math.min(b, k + 1) - Math.max(a, k);
                        sum += weight * x[(o * from + k) * inner + c];
                    }
                    y[(o * to + i) * inner + c] = (float) (sum / (b - a));
                }
            }
        }
        return y;
    }

    /**
     * Writes the first item of a tensor [N, height, width, 1 or 3] as PNG: 0 is black, {@code white} is white, and what
     * lies outside is clipped.
     *
     * @throws UserException if the tensor is no picture
     */
    public static void writePng(Path file, Tensor tensor, float white) throws IOException {
        int[] shape = tensor.shape();
        if (shape.length != 4 || (shape[3] != 1 && shape[3] != 3) || shape[0] < 1) {
            throw new UserException(
                    file + ": an output " + Arrays.toString(shape) + " is no picture [N, height, width, 1 or 3]",
                    "write it as .npy");
        }
        int h = shape[1];
        int w = shape[2];
        int channels = shape[3];
        BufferedImage image = new BufferedImage(w, h, channels == 1 ? BufferedImage.TYPE_BYTE_GRAY : BufferedImage.TYPE_INT_RGB);
        float[] x = tensor.floats();
        for (int y = 0; y < h; y++) {
            for (int c = 0; c < w; c++) {
                int at = (y * w + c) * channels;
                if (channels == 1) {
                    image.getRaster().setSample(c, y, 0, level(x[at], white));
                } else {
                    image.setRGB(c, y, level(x[at], white) << 16 | level(x[at + 1], white) << 8 | level(x[at + 2], white));
                }
            }
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ImageIO.write(image, "png", bytes);
        dev.qnet.cli.AtomicFiles.write(file, out -> bytes.writeTo(out));
    }

    private static int level(float v, float white) {
        return Math.clamp(Math.round(v * 255 / white), 0, 255);
    }
}
