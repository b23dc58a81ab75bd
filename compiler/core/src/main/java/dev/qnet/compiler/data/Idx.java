package dev.qnet.compiler.data;

import dev.qnet.runtime.io.NpyArray;
import dev.qnet.runtime.io.ReadLimits;
import dev.qnet.runtime.io.TensorFormatException;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * Reads idx files, the big-endian one-tensor format of the MNIST data set (yann.lecun.com/exdb/mnist, "The IDX file
 * format"), plain or packed with gzip: two zero bytes, a type, the rank, the extents as 32-bit integers, the elements.
 */
public final class Idx {
    private static final int MAX_RANK = 8;

    private Idx() {}

    /** As {@link #read(Path, ReadLimits)}, with {@link ReadLimits#DEFAULT}. */
    public static NpyArray read(Path file) throws IOException {
        return read(file, ReadLimits.DEFAULT);
    }

    /**
     * Reads a file that holds one array and nothing else. Whether it is packed, its content says.
     *
     * @throws TensorFormatException if it is not a valid idx file, or is over the limits
     * @throws IOException if the file cannot be read
     */
    public static NpyArray read(Path file, ReadLimits limits) throws IOException {
        String source = file.toString();
        try (InputStream raw = new BufferedInputStream(Files.newInputStream(file))) {
            raw.mark(2);
            boolean packed = raw.read() == 0x1F && raw.read() == 0x8B;
            raw.reset();
            return read(packed ? new BufferedInputStream(new GZIPInputStream(raw)) : raw, source, limits);
        } catch (ZipException e) {
            throw new TensorFormatException(source, "the packed data is damaged: " + e.getMessage(), e);
        } catch (EOFException e) {
            throw new TensorFormatException(source, "the packed data ends early", e);
        }
    }

    private static NpyArray read(InputStream in, String source, ReadLimits limits) throws IOException {
        byte[] magic = in.readNBytes(4);
        if (magic.length < 4 || magic[0] != 0 || magic[1] != 0 || magic[3] < 0 || magic[3] > MAX_RANK) {
            throw TensorFormatException.expected(
                    source, "an idx file (0 0 type rank)", magic.length < 4 ? "fewer than 4 bytes" : "other bytes");
        }
        int width = switch (magic[2]) {
            case 0x08, 0x09 -> 1;
            case 0x0B -> 2;
            case 0x0C, 0x0D -> 4;
            case 0x0E -> 8;
            default ->
                throw TensorFormatException.expected(
                        source,
                        "an idx type of 0x08, 0x09, 0x0B, 0x0C, 0x0D or 0x0E",
                        String.format("0x%02X", magic[2]));
        };
        int rank = magic[3];
        byte[] extents = in.readNBytes(4 * rank);
        if (extents.length < 4 * rank) {
            throw new TensorFormatException(source, "the idx header ends early");
        }
        int[] shape = new int[rank];
        long elements = 1;
        for (int i = 0; i < rank; i++) {
            shape[i] = ByteBuffer.wrap(extents).getInt(4 * i);
            if (shape[i] < 0) {
                throw TensorFormatException.expected(
                        source, "extents up to " + Integer.MAX_VALUE, Integer.toUnsignedString(shape[i]));
            }
            elements *= shape[i];
            limits.check(source, elements, width);
        }
        int bytes = (int) Math.min(elements * width, Integer.MAX_VALUE - 8);
        if (bytes < elements * width) {
            throw TensorFormatException.expected(
                    source, "at most " + bytes + " bytes of data", elements * width + " bytes");
        }
        // Grows with what is really there, so that a short file cannot claim much memory.
        byte[] data = in.readNBytes(bytes);
        if (data.length < bytes || in.read() >= 0) {
            throw TensorFormatException.expected(
                    source,
                    bytes + " bytes of data for the shape " + Arrays.toString(shape),
                    data.length < bytes ? data.length + " bytes" : "more");
        }
        return array(magic[2], (int) elements, data, shape);
    }

    private static NpyArray array(byte type, int n, byte[] bytes, int[] shape) {
        ByteBuffer data = ByteBuffer.wrap(bytes);
        return switch (type) {
            case 0x08 -> NpyArray.ofUint8(bytes, shape);
            case 0x09 -> NpyArray.ofInt8(bytes, shape);
            case 0x0B -> {
                short[] a = new short[n];
                data.asShortBuffer().get(a);
                yield NpyArray.ofInt16(a, shape);
            }
            case 0x0C -> {
                int[] a = new int[n];
                data.asIntBuffer().get(a);
                yield NpyArray.ofInt32(a, shape);
            }
            case 0x0D -> {
                float[] a = new float[n];
                data.asFloatBuffer().get(a);
                yield NpyArray.ofFloats(a, shape);
            }
            case 0x0E -> {
                double[] a = new double[n];
                data.asDoubleBuffer().get(a);
                yield NpyArray.ofDoubles(a, shape);
            }
            default -> throw new AssertionError(type);
        };
    }
}
