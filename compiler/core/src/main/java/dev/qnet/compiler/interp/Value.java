package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import java.util.Arrays;

/**
 * A tensor while a graph runs: elements row-major under a shape without N. Compared by content (singles by their bits). The
 * arrays are shared, not copied, and must not be written once a value is made of them.
 */
public sealed interface Value {
    Shape shape();

    /** The same elements under another shape of equal size. */
    Value reshaped(Shape other);

    /** Singles. */
    @SuppressWarnings("ArrayRecordComponent") // equality and hash go by content below
    record Floats(Shape shape, float[] data) implements Value {
        public Floats {
            checkSize(shape, data.length);
        }

        @Override
        public Floats reshaped(Shape other) {
            return new Floats(other, data);
        }

        @Override
        public boolean equals(Object o) {
            return o instanceof Floats v && shape.equals(v.shape) && Arrays.equals(data, v.data);
        }

        @Override
        public int hashCode() {
            return 31 * shape.hashCode() + Arrays.hashCode(data);
        }

        @Override
        public String toString() {
            return "f32" + shape + text(Arrays.toString(Arrays.copyOf(data, Math.min(data.length, 8))), data.length);
        }
    }

    /** Codes of a quantized type, or plain integers of any width. */
    @SuppressWarnings("ArrayRecordComponent") // equality and hash go by content below
    record Ints(Shape shape, long[] data) implements Value {
        public Ints {
            checkSize(shape, data.length);
        }

        @Override
        public Ints reshaped(Shape other) {
            return new Ints(other, data);
        }

        @Override
        public boolean equals(Object o) {
            return o instanceof Ints v && shape.equals(v.shape) && Arrays.equals(data, v.data);
        }

        @Override
        public int hashCode() {
            return 31 * shape.hashCode() + Arrays.hashCode(data);
        }

        @Override
        public String toString() {
            return "int" + shape + text(Arrays.toString(Arrays.copyOf(data, Math.min(data.length, 8))), data.length);
        }
    }

    static Floats of(Shape shape, float... data) {
        return new Floats(shape, data);
    }

    static Ints of(Shape shape, long... data) {
        return new Ints(shape, data);
    }

    /** Integers widened. */
    static Ints of(Shape shape, int[] data) {
        return new Ints(shape, Arrays.stream(data).asLongStream().toArray());
    }

    /** A constant's elements. */
    static Value of(Tensor tensor) {
        return switch (tensor) {
            case Tensor.OfFloat f -> new Floats(f.shape(), f.values());
            case Tensor.OfInt i -> of(i.shape(), i.values());
            case Tensor.OfLong l -> of(l.shape(), l.values());
        };
    }

    private static void checkSize(Shape shape, int size) {
        if (shape.hasBatch() || shape.elements() != size) {
            throw new IllegalArgumentException("a value " + shape + " cannot hold " + size + " elements");
        }
    }

    private static String text(String head, int length) {
        return length <= 8 ? head : head.substring(0, head.length() - 1) + ", … " + length + "]";
    }
}
