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

    /** Integers: codes of a quantized tensor, or plain integers of any width. */
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

    /** Plain i64 that need more than 32 bits. */
    @SuppressWarnings("ArrayRecordComponent") // equality and hash go by content below
    record OfLong(Shape shape, long[] values) implements Tensor {
        public OfLong {
            checkSize(shape, values.length);
        }

        /** The values as {@link OfInt} where all fit 32 bits, else as this. */
        public static Tensor of(Shape shape, long[] values) {
            int[] narrow = new int[values.length];
            for (int i = 0; i < narrow.length; i++) {
                narrow[i] = (int) values[i];
                if (narrow[i] != values[i]) {
                    return new OfLong(shape, values);
                }
            }
            return new OfInt(shape, narrow);
        }

        @Override
        public Tensor reshaped(Shape other) {
            return new OfLong(other, values);
        }

        @Override
        public boolean equals(Object o) {
            return o instanceof OfLong t && shape.equals(t.shape) && Arrays.equals(values, t.values);
        }

        @Override
        public int hashCode() {
            return 31 * shape.hashCode() + Arrays.hashCode(values);
        }

        @Override
        public String toString() {
            return "i64" + shape;
        }
    }

    private static void checkSize(Shape shape, int size) {
        if (shape.hasBatch() || shape.elements() != size) {
            throw new IllegalArgumentException("a tensor " + shape + " cannot hold " + size + " elements");
        }
    }
}
