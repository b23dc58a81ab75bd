package dev.qnet.runtime.io;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Reads and writes npy files, the one-tensor format of NumPy (numpy/lib/format.py). Both byte orders, C and Fortran
 * order and versions 1.0 to 3.0 are read; little-endian C order is written. Memory is allocated only after the header
 * was checked against the limits and against the bytes that are really there.
 */
public final class Npy {
    private static final int CHUNK = 1 << 16;

    private Npy() {}

    /** As {@link #read(Path, ReadLimits)}, with {@link ReadLimits#DEFAULT}. */
    public static NpyArray read(Path file) throws IOException {
        return read(file, ReadLimits.DEFAULT);
    }

    /**
     * Reads a file that holds one array and nothing else.
     *
     * @throws TensorFormatException if the file is not a valid npy file, or is over the limits
     * @throws IOException if the file cannot be read
     */
    public static NpyArray read(Path file, ReadLimits limits) throws IOException {
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file), CHUNK)) {
            if (!Files.isRegularFile(file)) {
                // A pipe has no size to check the header against: hold what it gives.
                byte[] all = in.readNBytes((int) Math.min(Integer.MAX_VALUE - 8, limits.maxBytes()));
                return parse(all, file.toString(), limits);
            }
            return read(in, Files.size(file), file.toString(), limits);
        }
    }

    /**
     * Reads an array from the bytes of an npy file.
     *
     * @param source the name that errors give
     * @throws TensorFormatException if the bytes are not a valid npy file, or are over the limits
     */
    public static NpyArray parse(byte[] bytes, String source, ReadLimits limits) {
        try {
            return read(new ByteArrayInputStream(bytes), bytes.length, source, limits);
        } catch (IOException e) {
            throw new UncheckedIOException("bytes in memory failed to read", e);
        }
    }

    /** Writes an array, replacing the file. */
    public static void write(Path file, NpyArray array) throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), CHUNK)) {
            write(out, array);
        }
    }

    /** The bytes of the npy file of an array. */
    public static byte[] toBytes(NpyArray array) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            write(out, array);
        } catch (IOException e) {
            throw new UncheckedIOException("bytes in memory failed to write", e);
        }
        return out.toByteArray();
    }

    /**
     * Reads an array from a stream that must end after it.
     *
     * @param size the bytes that the stream holds, as stated by who opened it
     */
    static NpyArray read(InputStream in, long size, String source, ReadLimits limits) throws IOException {
        NpyHeader header = NpyHeader.read(in, source, limits);
        long held = size - header.bytes();
        if (held != header.dataBytes()) {
            throw wrongLength(source, header, held);
        }
        Object data = elements(in, header, source);
        if (in.read() >= 0) {
            throw wrongLength(source, header, held + 1);
        }
        int[] shape = header.dims();
        if (header.fortran() && shape.length > 1) {
            data = toRowMajor(data, shape);
        }
        if (header.type() == NpyType.B1) {
            for (byte b : (byte[]) data) {
                if (b != 0 && b != 1) {
                    throw TensorFormatException.expected(source, "booleans of 0 or 1", "" + b);
                }
            }
        }
        return new NpyArray(header.type(), shape, data);
    }

    private static TensorFormatException wrongLength(String source, NpyHeader header, long found) {
        return TensorFormatException.expected(
                source,
                header.dataBytes() + " bytes of data for " + header.type().code() + header.shape(),
                found > header.dataBytes() ? "more" : found + " bytes");
    }

    private static Object elements(InputStream in, NpyHeader header, String source) throws IOException {
        int n = header.elements();
        int width = header.type().bytes();
        Object data = allocate(header.type(), n);
        byte[] bytes = new byte[chunkBytes(n, width)];
        ByteBuffer chunk = ByteBuffer.wrap(bytes).order(header.order());
        for (int done = 0; done < n; ) {
            int now = Math.min(n - done, bytes.length / width);
            int got = in.readNBytes(bytes, 0, now * width);
            if (got < now * width) {
                throw wrongLength(source, header, (long) done * width + got);
            }
            switch (data) {
                case byte[] a -> chunk.get(0, a, done, now);
                case short[] a -> chunk.asShortBuffer().get(0, a, done, now);
                case int[] a -> chunk.asIntBuffer().get(0, a, done, now);
                case long[] a -> chunk.asLongBuffer().get(0, a, done, now);
                case float[] a -> chunk.asFloatBuffer().get(0, a, done, now);
                case double[] a -> chunk.asDoubleBuffer().get(0, a, done, now);
                default -> throw new AssertionError(header.type());
            }
            done += now;
        }
        return data;
    }

    private static int chunkBytes(int n, int width) {
        return Math.clamp((long) n * width, width, CHUNK);
    }

    private static Object allocate(NpyType type, int n) {
        return switch (type) {
            case B1, I1, U1 -> new byte[n];
            case I2, U2 -> new short[n];
            case I4 -> new int[n];
            case I8 -> new long[n];
            case F4 -> new float[n];
            case F8 -> new double[n];
        };
    }

    /** Copies column-major data into row-major order. */
    private static Object toRowMajor(Object columns, int[] shape) {
        int n = Array.getLength(columns);
        Object rows = Array.newInstance(columns.getClass().getComponentType(), n);
        int rank = shape.length;
        int[] stride = new int[rank];
        int step = 1;
        for (int k = 0; k < rank; k++) {
            stride[k] = step;
            step *= shape[k];
        }
        int[] index = new int[rank];
        int from = 0;
        for (int to = 0; to < n; to++) {
            System.arraycopy(columns, from, rows, to, 1);
            for (int k = rank - 1; k >= 0; k--) {
                from += stride[k];
                if (++index[k] < shape[k]) {
                    break;
                }
                from -= stride[k] * shape[k];
                index[k] = 0;
            }
        }
        return rows;
    }

    /** Writes an array to a stream and leaves it open. */
    static void write(OutputStream out, NpyArray array) throws IOException {
        out.write(NpyHeader.of(array));
        int n = array.size();
        int width = array.type().bytes();
        byte[] bytes = new byte[chunkBytes(n, width)];
        ByteBuffer chunk = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int done = 0; done < n; ) {
            int now = Math.min(n - done, bytes.length / width);
            switch (array.data()) {
                case byte[] a -> chunk.put(0, a, done, now);
                case short[] a -> chunk.asShortBuffer().put(0, a, done, now);
                case int[] a -> chunk.asIntBuffer().put(0, a, done, now);
                case long[] a -> chunk.asLongBuffer().put(0, a, done, now);
                case float[] a -> chunk.asFloatBuffer().put(0, a, done, now);
                case double[] a -> chunk.asDoubleBuffer().put(0, a, done, now);
                default -> throw new AssertionError(array.type());
            }
            out.write(bytes, 0, now * width);
            done += now;
        }
    }
}
