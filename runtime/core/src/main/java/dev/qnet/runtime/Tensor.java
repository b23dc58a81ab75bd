package dev.qnet.runtime;

import dev.qnet.runtime.io.NpyArray;
import dev.qnet.runtime.kernel.Banks;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A dense row-major tensor over memory of the caller: an array or a buffer, shared and not copied. Who writes to the
 * memory writes to the tensor, so that one tensor can carry one input after another.
 */
public final class Tensor {
    private final ElementType type;
    private final int[] shape;
    private final int size;
    private final Buffer data;

    /** The session's memory that it lies in; null for memory of the caller. */
    private final @Nullable Banks place;

    private Tensor(ElementType type, Buffer data, int[] shape) {
        this(type, data, shape, null);
    }

    private Tensor(ElementType type, Buffer data, int[] shape, @Nullable Banks place) {
        long n = 1;
        for (int d : shape) {
            if (d < 0) {
                throw new ModelException("a dimension is not negative: " + Arrays.toString(shape));
            }
            n = d == 0 ? 0 : Math.multiplyExact(n, d);
        }
        if (n != data.capacity()) {
            throw new ModelException("a tensor " + type + " " + Arrays.toString(shape) + " has " + n
                    + " elements, the data has " + data.capacity());
        }
        this.type = type;
        this.shape = shape.clone();
        this.size = (int) n;
        this.data = data;
        this.place = place;
    }

    public static Tensor ofFloats(float[] data, int... shape) {
        return new Tensor(ElementType.F32, FloatBuffer.wrap(data), shape);
    }

    /**
     * Truth values.
     *
     * @param data an element a byte, 0 or 1; checked when a model reads it
     */
    public static Tensor ofBooleans(byte[] data, int... shape) {
        return new Tensor(ElementType.BOOL, ByteBuffer.wrap(data), shape);
    }

    public static Tensor ofInt8(byte[] data, int... shape) {
        return new Tensor(ElementType.I8, ByteBuffer.wrap(data), shape);
    }

    public static Tensor ofUint8(byte[] data, int... shape) {
        return new Tensor(ElementType.U8, ByteBuffer.wrap(data), shape);
    }

    public static Tensor ofInt16(short[] data, int... shape) {
        return new Tensor(ElementType.I16, ShortBuffer.wrap(data), shape);
    }

    public static Tensor ofUint16(short[] data, int... shape) {
        return new Tensor(ElementType.U16, ShortBuffer.wrap(data), shape);
    }

    public static Tensor ofInt32(int[] data, int... shape) {
        return new Tensor(ElementType.I32, IntBuffer.wrap(data), shape);
    }

    public static Tensor ofInt64(long[] data, int... shape) {
        return new Tensor(ElementType.I64, LongBuffer.wrap(data), shape);
    }

    /**
     * The elements that remain in a buffer, direct or not, in the buffer's byte order. A native-order direct buffer is
     * copied fastest.
     */
    public static Tensor ofBuffer(ElementType type, ByteBuffer buffer, int... shape) {
        ByteBuffer b = buffer.slice().order(buffer.order());
        Buffer data = switch (type) {
            case F32 -> b.asFloatBuffer();
            case BOOL, I8, U8 -> b;
            case I16, U16 -> b.asShortBuffer();
            case I32 -> b.asIntBuffer();
            case I64 -> b.asLongBuffer();
        };
        if (b.capacity() % type.bytes() != 0) {
            throw new ModelException("a buffer of " + b.capacity() + " bytes does not end with an element of " + type);
        }
        return new Tensor(type, data, shape);
    }

    /** Of a buffer of the Java type that belongs to the element type. */
    static Tensor of(ElementType type, Buffer data, int[] shape) {
        return new Tensor(type, data, shape);
    }

    /** A part of a session's memory. */
    static Tensor within(Banks banks, ElementType type, int offset, int... shape) {
        int n = 1;
        for (int d : shape) {
            n = Math.multiplyExact(n, d);
        }
        Buffer data = switch (type) {
            case F32 -> FloatBuffer.wrap(banks.floats, offset, n).slice();
            case BOOL, I8, U8 -> ByteBuffer.wrap(banks.bytes, offset, n).slice();
            case I16, U16 -> ShortBuffer.wrap(banks.shorts, offset, n).slice();
            case I32 -> IntBuffer.wrap(banks.ints, offset, n).slice();
            case I64 -> LongBuffer.wrap(banks.longs, offset, n).slice();
        };
        return new Tensor(type, data, shape, banks);
    }

    /** Whether it is a part of these banks, so that nothing need be copied there or from there. */
    boolean isWithin(Banks banks) {
        return place == banks;
    }

    /** Zeros, in a new array. */
    public static Tensor allocate(ElementType type, int... shape) {
        int n = 1;
        for (int d : shape) {
            n = Math.multiplyExact(n, d);
        }
        return new Tensor(
                type,
                switch (type) {
                    case F32 -> FloatBuffer.allocate(n);
                    case BOOL, I8, U8 -> ByteBuffer.allocate(n);
                    case I16, U16 -> ShortBuffer.allocate(n);
                    case I32 -> IntBuffer.allocate(n);
                    case I64 -> LongBuffer.allocate(n);
                },
                shape);
    }

    /** What an npy file held; {@code f8} is rounded to f32. */
    public static Tensor of(NpyArray array) {
        int[] shape = array.shape();
        return switch (array.type()) {
            case F4, F8 -> ofFloats(array.toFloats(), shape);
            case I1 -> ofInt8(array.bytes(), shape);
            case B1 -> ofBooleans(array.bytes(), shape);
            case U1 -> ofUint8(array.bytes(), shape);
            case I2 -> ofInt16(array.shorts(), shape);
            case U2 -> ofUint16(array.shorts(), shape);
            case I4 -> ofInt32(array.ints(), shape);
            case I8 -> ofInt64(array.longs(), shape);
        };
    }

    /** The elements as an npy file holds them; an array of the tensor is shared. */
    public NpyArray toNpy() {
        return switch (type) {
            case F32 -> NpyArray.ofFloats(floats(), shape);
            case BOOL -> NpyArray.ofBooleans(bytes(), shape);
            case I8 -> NpyArray.ofInt8(bytes(), shape);
            case U8 -> NpyArray.ofUint8(bytes(), shape);
            case I16 -> NpyArray.ofInt16(shorts(), shape);
            case U16 -> NpyArray.ofUint16(shorts(), shape);
            case I32 -> NpyArray.ofInt32(ints(), shape);
            case I64 -> NpyArray.ofInt64(longs(), shape);
        };
    }

    public ElementType type() {
        return type;
    }

    /** The extents, outermost first. A copy. */
    public int[] shape() {
        return shape.clone();
    }

    public int rank() {
        return shape.length;
    }

    /** The extent of an axis. */
    public int dim(int axis) {
        return shape[axis];
    }

    /** The number of elements. */
    public int size() {
        return size;
    }

    /** The array of an f32 tensor; a copy if the tensor lies in a buffer that is no whole array. */
    public float[] floats() {
        FloatBuffer b = as(FloatBuffer.class, "f32");
        if (b.hasArray() && b.arrayOffset() == 0 && b.array().length == size) {
            return b.array();
        }
        float[] copy = new float[size];
        b.get(0, copy);
        return copy;
    }

    /** The array of a bool, i8 or u8 tensor; a copy if the tensor lies in a buffer that is no whole array. */
    public byte[] bytes() {
        ByteBuffer b = as(ByteBuffer.class, "bool, i8 or u8");
        if (b.hasArray() && b.arrayOffset() == 0 && b.array().length == size) {
            return b.array();
        }
        byte[] copy = new byte[size];
        b.get(0, copy);
        return copy;
    }

    /** The array of an i16 or u16 tensor; a copy if the tensor lies in a buffer that is no whole array. */
    public short[] shorts() {
        ShortBuffer b = as(ShortBuffer.class, "i16 or u16");
        if (b.hasArray() && b.arrayOffset() == 0 && b.array().length == size) {
            return b.array();
        }
        short[] copy = new short[size];
        b.get(0, copy);
        return copy;
    }

    /** The array of an i32 tensor; a copy if the tensor lies in a buffer that is no whole array. */
    public int[] ints() {
        IntBuffer b = as(IntBuffer.class, "i32");
        if (b.hasArray() && b.arrayOffset() == 0 && b.array().length == size) {
            return b.array();
        }
        int[] copy = new int[size];
        b.get(0, copy);
        return copy;
    }

    /** The array of an i64 tensor; a copy if the tensor lies in a buffer that is no whole array. */
    public long[] longs() {
        LongBuffer b = as(LongBuffer.class, "i64");
        if (b.hasArray() && b.arrayOffset() == 0 && b.array().length == size) {
            return b.array();
        }
        long[] copy = new long[size];
        b.get(0, copy);
        return copy;
    }

    /**
     * The memory, from position 0 to its capacity: a {@link FloatBuffer}, {@link ByteBuffer}, {@link ShortBuffer},
     * {@link IntBuffer} or {@link LongBuffer}, as the element type demands. What is written to it is written to the
     * tensor.
     */
    public Buffer buffer() {
        return data.duplicate();
    }

    Buffer data() {
        return data;
    }

    private <B extends Buffer> B as(Class<B> kind, String wanted) {
        if (!kind.isInstance(data)) {
            throw new ModelException("expected a tensor of " + wanted + ", this one is " + this);
        }
        return kind.cast(data);
    }

    /** Type and shape, not the elements: {@code f32 [1, 28, 28, 1]}. */
    @Override
    public String toString() {
        return type + " " + Arrays.toString(shape);
    }
}
