package dev.qnet.compiler.ir;

import java.util.Arrays;

/** A constant's elements, row-major, compared by content. The arrays are never written after construction. */
public sealed interface Tensor {
    Shape shape();

    /** The same elements under another shape of equal size. */
    Tensor reshaped(Shape shape);

    /** Singles; equal if all bits are. */
    @SuppressWarnings("ArrayRecordComponent") // equality and hash go by content below
    record OfFloat(Shape shape, float[] values) implements Tensor {
        public OfFloat {
            checkSize(shape, values.length);
        }

        @Override
        public Tensor reshaped(Shape other) {
            return new OfFloat(other, values);
        }

        @Override
        public boolean equals(Object o) {
            return o instanceof OfFloat t && shape.equals(t.shape) && Arrays.equals(values, t.values);
        }

        @Override
        public int hashCode() {
            return 31 * shape.hashCode() + Arrays.hashCode(values);
        }

        @Override
        public String toString() {
            return "f32" + shape;
        }
    }

    /** Integers: codes of a quantized tensor, or plain i16/i32. */
    @SuppressWarnings("ArrayRecordComponent") // equality and hash go by content below
    record OfInt(Shape shape, int[] values) implements Tensor {
        public OfInt {
            checkSize(shape, values.length);
        }

        @Override
        public Tensor reshaped(Shape other) {
            return new OfInt(other, values);
        }

        @Override
        public boolean equals(Object o) {
            return o instanceof OfInt t && shape.equals(t.shape) && Arrays.equals(values, t.values);
        }

        @Override
        public int hashCode() {
            return 31 * shape.hashCode() + Arrays.hashCode(values);
        }

        @Override
        public String toString() {
            return "int" + shape;
        }
    }

    private static void checkSize(Shape shape, int size) {
        if (shape.hasBatch() || shape.elements() != size) {
            throw new IllegalArgumentException("a tensor " + shape + " cannot hold " + size + " elements");
        }
    }
}
