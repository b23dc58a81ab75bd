package dev.qnet.runtime.io;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * The header of an npy file: magic, version, length, and a Python dictionary literal with the keys {@code descr},
 * {@code fortran_order} and {@code shape}. Source: numpy/lib/format.py (NEP 1), versions 1.0, 2.0 and 3.0, which differ
 * in the width of the length (2 or 4 bytes) and in the encoding of the text (Latin-1 or UTF-8).
 *
 * @param type of an element
 * @param order of an element's bytes
 * @param fortran whether the first index runs fastest in the file
 * @param shape dimensions, outermost first
 * @param bytes of the header with its preamble, so that the data starts there
 */
record NpyHeader(NpyType type, ByteOrder order, boolean fortran, List<Integer> shape, int bytes) {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};

    /** NumPy aligns the data to this many bytes, so that it can be mapped. */
    private static final int ALIGNMENT = 64;

    /** The number of elements; the parser has refused shapes where it does not fit an int. */
    int elements() {
        int n = 1;
        for (int d : shape) {
            n *= d;
        }
        return n;
    }

    /** The dimensions as a new array. */
    int[] dims() {
        int[] dims = new int[shape.size()];
        for (int i = 0; i < dims.length; i++) {
            dims[i] = shape.get(i);
        }
        return dims;
    }

    /** Bytes of the elements in the file. */
    long dataBytes() {
        return (long) elements() * type.bytes();
    }

    /**
     * Reads the header and leaves the stream at the first element.
     *
     * @throws TensorFormatException if there is no valid header, or the array is over the limits
     */
    static NpyHeader read(InputStream in, String source, ReadLimits limits) throws IOException {
        byte[] preamble = in.readNBytes(8);
        if (preamble.length < 8 || !Arrays.equals(preamble, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
            throw TensorFormatException.expected(
                    source, "an npy file (\\x93NUMPY)", preamble.length == 0 ? "no bytes" : "other bytes");
        }
        int major = preamble[6];
        int minor = preamble[7];
        if (major < 1 || major > 3 || minor != 0) {
            throw TensorFormatException.expected(source, "npy version 1.0, 2.0 or 3.0", major + "." + minor);
        }
        int width = major == 1 ? 2 : 4;
        byte[] length = in.readNBytes(width);
        if (length.length < width) {
            throw truncated(source);
        }
        long n = 0;
        for (int i = width - 1; i >= 0; i--) {
            n = (n << 8) | Byte.toUnsignedInt(length[i]);
        }
        if (n > limits.maxHeaderBytes()) {
            throw TensorFormatException.expected(
                    source, "a header of at most " + limits.maxHeaderBytes() + " bytes", n + " bytes");
        }
        byte[] text = in.readNBytes((int) n);
        if (text.length < n) {
            throw truncated(source);
        }
        String literal = new String(text, major == 3 ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1);
        return new NpyHeaderParser(literal, source).parse(limits, 8 + width + (int) n);
    }

    private static TensorFormatException truncated(String source) {
        return new TensorFormatException(source, "the npy header ends before its stated length");
    }

    /** The header of an array as it is written: little-endian, C order, version 1.0 where its length allows it. */
    static byte[] of(NpyArray array) {
        StringBuilder shape = new StringBuilder("(");
        int[] dims = array.shape();
        for (int i = 0; i < dims.length; i++) {
            shape.append(i == 0 ? "" : " ").append(dims[i]).append(i + 1 < dims.length || i == 0 ? "," : "");
        }
        String literal = "{'descr': '" + array.type().descr() + "', 'fortran_order': False, 'shape': " + shape + "), }";
        int width = MAGIC.length + 2 + 2 + literal.length() + 1 <= 0xFFFF - ALIGNMENT ? 2 : 4;
        int prefix = MAGIC.length + 2 + width;
        int total = (prefix + literal.length() + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        byte[] out = new byte[total];
        Arrays.fill(out, (byte) ' ');
        System.arraycopy(MAGIC, 0, out, 0, MAGIC.length);
        out[6] = (byte) (width == 2 ? 1 : 2);
        out[7] = 0;
        for (int i = 0; i < width; i++) {
            out[8 + i] = (byte) ((total - prefix) >>> (8 * i));
        }
        byte[] text = literal.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(text, 0, out, prefix, text.length);
        out[total - 1] = '\n';
        return out;
    }
}
