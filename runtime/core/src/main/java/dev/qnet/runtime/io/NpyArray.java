package dev.qnet.runtime.io;

import java.lang.reflect.Array;
import java.util.Arrays;

/**
 * A dense tensor in row-major (C) order, as npy files hold it. The data array is shared with the caller, not copied:
 * who writes to it afterwards writes to the tensor. Equality is by type, shape and content (floats by their bits).
 */
public final class NpyArray {
    private final NpyType type;
    private final int[] shape;
    private final Object data;

    /** Checks that the array holds as many elements as the shape says. */
    NpyArray(NpyType type, int[] shape, Object data) {
        long size = 1;
        for (int d : shape) {
            if (d < 0) {
                throw new IllegalArgumentException("a dimension is not negative: " + Arrays.toString(shape));
            }
            size = Math.multiplyExact(size, d);
        }
        if (size != Array.getLength(data)) {
            throw new IllegalArgumentException("shape " + Arrays.toString(shape) + " holds " + size
                    + " elements, the data has " + Array.getLength(data));
        }
        this.type = type;
        this.shape = shape.clone();
        this.data = data;
    }

    public static NpyArray ofFloats(float[] data, int... shape) {
        return new NpyArray(NpyType.F4, shape, data);
    }

    public static NpyArray ofDoubles(double[] data, int... shape) {
        return new NpyArray(NpyType.F8, shape, data);
    }

    public static NpyArray ofInt8(byte[] data, int... shape) {
        return new NpyArray(NpyType.I1, shape, data);
    }

    public static NpyArray ofUint8(byte[] data, int... shape) {
        return new NpyArray(NpyType.U1, shape, data);
    }

    public static NpyArray ofInt16(short[] data, int... shape) {
        return new NpyArray(NpyType.I2, shape, data);
    }

    public static NpyArray ofUint16(short[] data, int... shape) {
        return new NpyArray(NpyType.U2, shape, data);
    }

    public static NpyArray ofInt32(int[] data, int... shape) {
        return new NpyArray(NpyType.I4, shape, data);
    }

    public static NpyArray ofInt64(long[] data, int... shape) {
        return new NpyArray(NpyType.I8, shape, data);
    }

    /**
     * A boolean array.
     *
     * @param data an element a byte, 0 or 1
     * @throws IllegalArgumentException if an element is neither
     */
    public static NpyArray ofBooleans(byte[] data, int... shape) {
        for (byte b : data) {
            if (b != 0 && b != 1) {
                throw new IllegalArgumentException("a boolean is 0 or 1, not " + b);
            }
        }
        return new NpyArray(NpyType.B1, shape, data);
    }

    public NpyType type() {
        return type;
    }

    /** The dimensions, outermost first; empty for a scalar. A copy. */
    public int[] shape() {
        return shape.clone();
    }

    public int rank() {
        return shape.length;
    }

    /** The number of elements. */
    public int size() {
        return Array.getLength(data);
    }

    /** The data itself of an {@code i1}, {@code u1} or {@code b1} array. */
    public byte[] bytes() {
        if (data instanceof byte[] a) {
            return a;
        }
        throw wrong("i1, u1 or b1");
    }

    /** The data itself of an {@code i2} or {@code u2} array. */
    public short[] shorts() {
        if (data instanceof short[] a) {
            return a;
        }
        throw wrong("i2 or u2");
    }

    /** The data itself of an {@code i4} array. */
    public int[] ints() {
        if (data instanceof int[] a) {
            return a;
        }
        throw wrong("i4");
    }

    /** The data itself of an {@code i8} array. */
    public long[] longs() {
        if (data instanceof long[] a) {
            return a;
        }
        throw wrong("i8");
    }

    /** The data itself of an {@code f4} array. */
    public float[] floats() {
        if (data instanceof float[] a) {
            return a;
        }
        throw wrong("f4");
    }

    /** The data itself of an {@code f8} array. */
    public double[] doubles() {
        if (data instanceof double[] a) {
            return a;
        }
        throw wrong("f8");
    }

    /**
     * The elements as floats, whatever the type: {@code f8}, {@code i4} and {@code i8} are rounded to the nearest
     * float. The data itself where it is {@code f4} already.
     */
    public float[] toFloats() {
        if (data instanceof float[] a) {
            return a;
        }
        float[] out = new float[size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = switch (type) {
                case F4 -> floats()[i];
                case F8 -> (float) doubles()[i];
                case I8 -> (float) longs()[i];
                case B1, I1, U1, I2, U2, I4 -> (float) intAt(i);
            };
        }
        return out;
    }

    /**
     * The elements of an integer or boolean array as ints. The data itself where it is {@code i4} already.
     *
     * @throws IllegalStateException if the array is of a float type
     * @throws ArithmeticException if an {@code i8} element does not fit
     */
    public int[] toInts() {
        if (data instanceof int[] a) {
            return a;
        }
        int[] out = new int[size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = intAt(i);
        }
        return out;
    }

    /** The data array, of the Java type that {@link NpyType} states. */
    Object data() {
        return data;
    }

    private int intAt(int i) {
        return switch (type) {
            case B1, I1 -> bytes()[i];
            case U1 -> Byte.toUnsignedInt(bytes()[i]);
            case I2 -> shorts()[i];
            case U2 -> Short.toUnsignedInt(shorts()[i]);
            case I4 -> ints()[i];
            case I8 -> Math.toIntExact(longs()[i]);
            case F4, F8 -> throw wrong("an integer type");
        };
    }

    private IllegalStateException wrong(String wanted) {
        return new IllegalStateException("expected an array of " + wanted + ", this one is " + this);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof NpyArray a
                && a.type == type
                && Arrays.equals(a.shape, shape)
                && Arrays.deepEquals(new Object[] {a.data}, new Object[] {data});
    }

    @Override
    public int hashCode() {
        return (31 * type.hashCode() + Arrays.hashCode(shape)) * 31 + Arrays.deepHashCode(new Object[] {data});
    }

    /** Type and shape, not the elements: {@code f4[1, 28, 28, 1]}. */
    @Override
    public String toString() {
        return type.code() + Arrays.toString(shape);
    }
}
