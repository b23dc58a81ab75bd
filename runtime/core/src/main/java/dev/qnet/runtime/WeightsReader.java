package dev.qnet.runtime;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The weights resource of a model: little endian, every tensor at a multiple of {@link #ALIGNMENT} bytes. Codes
 * narrower than a byte are packed without gaps, the first code in the lowest bits of the first byte, as two's
 * complement; the one-bit codes −1 and +1 are the bits 0 and 1. Reads are checked, and fail with a {@link
 * ModelException}.
 */
public final class WeightsReader {
    /** Tensors begin at multiples of this many bytes: a cache line. */
    public static final int ALIGNMENT = 64;

    private final ByteBuffer data;

    /** Of the whole resource, which is shared, not copied. */
    public WeightsReader(byte[] data) {
        this.data = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * Codes of 8 bits and fewer, unpacked to one a byte.
     *
     * @param offset where they begin, in bytes
     * @param count how many
     * @param bits of a packed code, 1 to 8; 1 means −1 and +1
     * @param signed whether the highest bit is a sign
     */
    public byte[] codes(int offset, int count, int bits, boolean signed) {
        if (bits < 1 || bits > 8) {
            throw new ModelException("a packed code has 1 to 8 bits, found " + bits);
        }
        check(offset, count, bits);
        byte[] out = new byte[count];
        if (bits == 8) {
            data.get(offset, out);
            return out;
        }
        int mask = (1 << bits) - 1;
        int fill = 32 - bits;
        long bit = 8L * offset;
        for (int i = 0; i < count; i++, bit += bits) {
            int at = (int) (bit >> 3);
            int shift = (int) (bit & 7);
            int low = data.get(at) & 0xFF;
            int high = shift + bits > 8 ? data.get(at + 1) & 0xFF : 0;
            int code = ((low | high << 8) >> shift) & mask;
            out[i] = (byte) (bits == 1 ? 2 * code - 1 : signed ? code << fill >> fill : code);
        }
        return out;
    }

    /** As {@link #codes}, widened to ints; also codes of 16 and 32 bits. */
    public int[] wideCodes(int offset, int count, int bits, boolean signed) {
        if (bits == 32) {
            return ints(offset, count);
        }
        int[] out = new int[count];
        if (bits == 16) {
            short[] codes = shorts(offset, count);
            for (int i = 0; i < count; i++) {
                out[i] = signed ? codes[i] : Short.toUnsignedInt(codes[i]);
            }
            return out;
        }
        byte[] codes = codes(offset, count, bits, signed);
        for (int i = 0; i < count; i++) {
            out[i] = signed || bits == 1 ? codes[i] : Byte.toUnsignedInt(codes[i]);
        }
        return out;
    }

    /** 16-bit elements, from a byte offset. */
    public short[] shorts(int offset, int count) {
        check(offset, count, 16);
        short[] out = new short[count];
        data.slice(offset, 2 * count)
                .order(ByteOrder.LITTLE_ENDIAN)
                .asShortBuffer()
                .get(out);
        return out;
    }

    /** 32-bit elements, from a byte offset. */
    public int[] ints(int offset, int count) {
        check(offset, count, 32);
        int[] out = new int[count];
        data.slice(offset, 4 * count)
                .order(ByteOrder.LITTLE_ENDIAN)
                .asIntBuffer()
                .get(out);
        return out;
    }

    /** 64-bit elements, from a byte offset. */
    public long[] longs(int offset, int count) {
        check(offset, count, 64);
        long[] out = new long[count];
        data.slice(offset, 8 * count)
                .order(ByteOrder.LITTLE_ENDIAN)
                .asLongBuffer()
                .get(out);
        return out;
    }

    /** Singles, from a byte offset. */
    public float[] floats(int offset, int count) {
        check(offset, count, 32);
        float[] out = new float[count];
        data.slice(offset, 4 * count)
                .order(ByteOrder.LITTLE_ENDIAN)
                .asFloatBuffer()
                .get(out);
        return out;
    }

    private void check(int offset, int count, int bits) {
        long end = offset + ((long) count * bits + 7) / 8;
        if (offset < 0 || count < 0 || end > data.capacity()) {
            throw new ModelException("the weights end at byte " + data.capacity() + ", the model reads " + count
                    + " elements of " + bits + " bits from byte " + offset);
        }
    }
}
