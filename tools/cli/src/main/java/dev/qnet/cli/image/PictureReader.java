package dev.qnet.cli.image;

import dev.qnet.cli.UserException;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * Decodes PNG, JPEG, BMP and GIF (its first frame) with the JDK's decoders. Sizes are checked before pixels are decoded.
 * Those decoders let some damage pass: a PNG's checksums and a JPEG's premature end are looked at here. Transparency and
 * a camera's orientation tag are ignored.
 */
final class PictureReader {
    private static final long MAX_FILE_BYTES = 256L << 20;
    private static final long MAX_PIXELS = 100_000_000;
    /** What decoding takes at most while it runs, for the image and its levels. */
    private static final long BYTES_PER_PIXEL = 12;

    private static final byte[] PNG_SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

    private final Path file;

    private PictureReader(Path file) {
        this.file = file;
    }

    /**
     * Reads a picture, grey where the file is grey.
     *
     * @throws UserException if the file is no picture, is damaged, or is too large
     * @throws IOException if the file cannot be read
     */
    static Picture read(Path file) throws IOException {
        long size = Files.size(file);
        if (size > MAX_FILE_BYTES) {
            throw new UserException(
                    file + ": a picture's file has at most " + (MAX_FILE_BYTES >> 20) + " MiB, found " + (size >> 20));
        }
        byte[] bytes = Files.readAllBytes(file);
        PictureReader reader = new PictureReader(file);
        reader.checkPng(bytes);
        return levels(reader.decode(bytes));
    }

    private BufferedImage decode(byte[] bytes) {
        // In memory: ImageIO's default is a temporary file.
        try (MemoryCacheImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
            Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
            if (!readers.hasNext()) {
                throw new UserException(
                        file + ": this is no picture that can be read", "give a PNG, JPEG, BMP or GIF file");
            }
            ImageReader reader = readers.next();
            try {
                reader.setInput(in, true, true);
                checkSize(reader.getWidth(0), reader.getHeight(0));
                AtomicBoolean ended = new AtomicBoolean();
                reader.addIIOReadWarningListener((source, warning) -> {
                    if (warning.toLowerCase(Locale.ROOT).contains("premature end")) {
                        ended.set(true);
                    }
                });
                BufferedImage image = reader.read(0);
                if (ended.get()) {
                    throw damaged("it ends early");
                }
                return image;
            } finally {
                reader.dispose();
            }
        } catch (UserException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            // For damaged files the JDK's decoders throw IOException, but also what indexing a wrong array throws.
            throw damaged(e.getMessage() == null ? e.toString() : e.getMessage());
        }
    }

    private void checkSize(int width, int height) {
        long pixels = (long) width * height;
        if (pixels > MAX_PIXELS) {
            throw new UserException(file + ": a picture has at most " + MAX_PIXELS / 1_000_000
                    + " million pixels, found " + width + " x " + height);
        }
        long heap = Runtime.getRuntime().maxMemory();
        if (pixels * BYTES_PER_PIXEL > heap) {
            throw new UserException(
                    file + ": decoding " + width + " x " + height + " pixels takes more than the JVM's " + (heap >> 20)
                            + " MiB",
                    "give it more: QNET_JAVA_OPTS=-Xmx" + (((pixels * BYTES_PER_PIXEL) >> 30) + 1) + "g");
        }
    }

    /** The chunks of a PNG have checksums, which the JDK's decoder does not look at. */
    private void checkPng(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        if (bytes.length < PNG_SIGNATURE.length || in.mismatch(ByteBuffer.wrap(PNG_SIGNATURE)) < PNG_SIGNATURE.length) {
            return;
        }
        int at = PNG_SIGNATURE.length;
        while (true) {
            long length = at + 12 <= bytes.length ? Integer.toUnsignedLong(in.getInt(at)) : 0;
            if (at + 12 + length > bytes.length) {
                throw damaged("it ends early");
            }
            CRC32 crc = new CRC32();
            crc.update(bytes, at + 4, (int) length + 4);
            int end = at + 8 + (int) length;
            if ((int) crc.getValue() != in.getInt(end)) {
                throw damaged("a checksum differs");
            }
            if (in.getInt(at + 4) == 0x49454E44) { // IEND
                return;
            }
            at = end + 4;
        }
    }

    private UserException damaged(String how) {
        return new UserException(file + ": the picture cannot be decoded: " + how);
    }

    private static Picture levels(BufferedImage image) {
        boolean grey = image.getColorModel().getColorSpace().getType() == ColorSpace.TYPE_GRAY
                && !(image.getColorModel() instanceof IndexColorModel);
        int height = image.getHeight();
        int width = image.getWidth();
        byte[] out = new byte[Math.multiplyExact(height * width, grey ? 1 : 3)];
        int[] row = new int[width];
        int at = 0;
        for (int y = 0; y < height; y++) {
            if (grey) {
                // Taken as it is: getRGB would apply the gamma of Java's grey colour space.
                image.getRaster().getSamples(0, y, width, 1, 0, row);
                int bits = image.getSampleModel().getSampleSize(0);
                for (int v : row) {
                    out[at++] = (byte) (bits >= 8 ? v >>> (bits - 8) : v * 255 / ((1 << bits) - 1));
                }
            } else {
                image.getRGB(0, y, width, 1, row, 0, width);
                for (int rgb : row) {
                    out[at++] = (byte) (rgb >> 16);
                    out[at++] = (byte) (rgb >> 8);
                    out[at++] = (byte) rgb;
                }
            }
        }
        return new Picture(height, width, grey ? 1 : 3, out);
    }
}
