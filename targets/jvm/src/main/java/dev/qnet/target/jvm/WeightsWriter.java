package dev.qnet.target.jvm;

import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import dev.qnet.runtime.WeightsReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Writes the weights resource as {@link WeightsReader} reads it. Each method returns the byte offset of what it wrote.
 */
final class WeightsWriter {
    private static final int LARGEST = Integer.MAX_VALUE - 1024;

    private byte[] data = new byte[4096];
    private int size;

    /** Codes packed to the storage's bits; storages of 16 and 32 bits as such. */
    int codes(int[] codes, Storage storage) {
        return switch (storage.bits()) {
            case 8 -> bytes(codes);
            case 16 -> shorts(codes);
            case 32 -> ints(codes);
            default -> packed(codes, storage);
        };
    }

    int shorts(int[] values) {
        ByteBuffer b = reserve(2L * values.length);
        for (int v : values) {
            b.putShort((short) v);
        }
        return commit(b);
    }

    int ints(int[] values) {
        ByteBuffer b = reserve(4L * values.length);
        b.asIntBuffer().put(values);
        return commit(b.position(b.limit()));
    }

    int longs(int[] values) {
        ByteBuffer b = reserve(8L * values.length);
        for (int v : values) {
            b.putLong(v);
        }
        return commit(b);
    }

    int longs(long[] values) {
        ByteBuffer b = reserve(8L * values.length);
        for (long v : values) {
            b.putLong(v);
        }
        return commit(b);
    }

    int floats(float[] values) {
        ByteBuffer b = reserve(4L * values.length);
        for (float v : values) {
            b.putInt(Float.floatToRawIntBits(v));
        }
        return commit(b);
    }

    byte[] toBytes() {
        return Arrays.copyOf(data, size);
    }

    private int bytes(int[] values) {
        ByteBuffer b = reserve(values.length);
        for (int v : values) {
            b.put((byte) v);
        }
        return commit(b);
    }

    private int packed(int[] codes, Storage storage) {
        int bits = storage.bits();
        int mask = (1 << bits) - 1;
        ByteBuffer b = reserve(((long) codes.length * bits + 7) / 8);
        int pending = 0;
        int held = 0;
        for (int c : codes) {
            int code = storage == Storage.BIPOLAR ? (c + 1) / 2 : c & mask;
            pending |= code << held;
            held += bits;
            if (held >= 8) {
                b.put((byte) pending);
                pending >>>= 8;
                held -= 8;
            }
        }
        if (held > 0) {
            b.put((byte) pending);
        }
        return commit(b);
    }

    private ByteBuffer reserve(long bytes) {
        long at = ((long) size + WeightsReader.ALIGNMENT - 1) / WeightsReader.ALIGNMENT * WeightsReader.ALIGNMENT;
        if (at + bytes > LARGEST) {
            throw new CompileException(Diagnostic.error(
                    "too-large",
                    Span.NONE,
                    "the weights take more than 2 GiB, the most that a model for the JVM can hold"));
        }
        int end = (int) (at + bytes);
        if (end > data.length) {
            data = Arrays.copyOf(data, (int) Math.min(LARGEST, Math.max(end, 2L * data.length)));
        }
        return ByteBuffer.wrap(data)
                .order(ByteOrder.LITTLE_ENDIAN)
                .limit(end)
                .position((int) at)
                .slice()
                .order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Ends the stretch that a buffer from {@link #reserve} filled. */
    private int commit(ByteBuffer written) {
        int at = written.arrayOffset();
        size = at + written.limit();
        return at;
    }
}
