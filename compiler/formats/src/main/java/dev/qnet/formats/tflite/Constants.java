package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.formats.tflite.TfliteFile.TensorDef;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** The elements of constant tensors, from their bytes. */
final class Constants {
    private final List<ByteBuffer> buffers;

    Constants(List<ByteBuffer> buffers) {
        this.buffers = buffers;
    }

    /** Whether a tensor has elements of its own. */
    boolean has(TensorDef t) {
        return (t.buffer() < buffers.size() && buffers.get(t.buffer()).hasRemaining()) || empty(t);
    }

    /** Whether a tensor holds nothing because an extent is 0, and some buffer is named for it. */
    private static boolean empty(TensorDef t) {
        return t.buffer() != 0 && t.shape().contains(0);
    }

    /** The shape as the file has it. */
    static Shape shape(TensorDef t) {
        for (int d : t.shape()) {
            if (d < 0) {
                throw new Unsupported("tensor " + t.index() + " has an extent of " + d);
            }
        }
        return new Shape(t.shape());
    }

    /** Integers of any type, or truth values. */
    long[] integers(TensorDef t) {
        TensorType type = type(t);
        if (type.plain() == null && type != TensorType.INT4) {
            throw new Unsupported("tensor " + t.index() + " should hold integers, but holds " + t.typeName());
        }
        ByteBuffer b = bytes(t, type);
        long[] values = new long[shape(t).elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = switch (type) {
                case INT4 -> b.get(i / 2) << (i % 2 == 0 ? 28 : 24) >> 28;
                case INT8 -> b.get(i);
                case UINT8 -> Byte.toUnsignedInt(b.get(i));
                case BOOL -> b.get(i) == 0 ? 0 : 1;
                case INT16 -> b.getShort(2 * i);
                case UINT16 -> Short.toUnsignedInt(b.getShort(2 * i));
                case INT32 -> b.getInt(4 * i);
                default -> b.getLong(8 * i);
            };
        }
        return values;
    }

    /** Codes of 32 bits or fewer. */
    int[] codes(TensorDef t) {
        long[] values = integers(t);
        int[] codes = new int[values.length];
        for (int i = 0; i < codes.length; i++) {
            codes[i] = Math.toIntExact(values[i]);
        }
        return codes;
    }

    /** Singles; halves and doubles become singles. */
    float[] floats(TensorDef t) {
        TensorType type = type(t);
        if (type != TensorType.FLOAT32
                && type != TensorType.FLOAT16
                && type != TensorType.FLOAT64
                && type != TensorType.BFLOAT16) {
            throw new Unsupported("tensor " + t.index() + " should hold real numbers, but holds " + t.typeName());
        }
        ByteBuffer b = bytes(t, type);
        float[] values = new float[shape(t).elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = switch (type) {
                case FLOAT16 -> Float.float16ToFloat(b.getShort(2 * i));
                case BFLOAT16 -> Float.intBitsToFloat(b.getShort(2 * i) << 16);
                case FLOAT64 -> (float) b.getDouble(8 * i);
                default -> b.getFloat(4 * i);
            };
        }
        return values;
    }

    private static TensorType type(TensorDef t) {
        TensorType type = t.type();
        if (type == null || type.bits() == 0) {
            throw new Unsupported("tensor " + t.index() + " holds " + t.typeName());
        }
        return type;
    }

    private ByteBuffer bytes(TensorDef t, TensorType type) {
        if (t.sparse()) {
            throw new Unsupported("tensor " + t.index() + " is sparse; convert the model without sparsity");
        }
        if (t.external()) {
            throw new Unsupported("tensor " + t.index() + " lies in another file");
        }
        long expected = ((long) shape(t).elements() * type.bits() + 7) / 8;
        ByteBuffer b = t.buffer() < buffers.size() ? buffers.get(t.buffer()) : ByteBuffer.allocate(0);
        if (b.remaining() != expected) {
            throw new Unsupported("tensor " + t.index() + " " + type + shape(t) + " takes " + expected
                    + " bytes, but its buffer has " + b.remaining());
        }
        return b.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }
}
