package dev.qnet.compiler.ir;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The extents of a tensor. The first may be {@link #BATCH}: "any number of items", written {@code N}. Every operation
 * treats the items of a batch alike and independently, so a target may run them one by one.
 *
 * @param dims the extents, outermost first; each at least 0, or {@code BATCH} in front
 */
public record Shape(List<Integer> dims) {
    /** The extent N. */
    public static final int BATCH = -1;
    /** No tensor has more dimensions. */
    public static final int MAX_RANK = 8;
    /** No tensor has more elements (per item): what one Java array can hold with room to spare. */
    public static final long MAX_ELEMENTS = 1L << 28;

    public static final Shape SCALAR = new Shape(List.of());

    public Shape {
        dims = List.copyOf(dims);
        if (dims.size() > MAX_RANK) {
            throw new IllegalArgumentException(
                    "a tensor has at most " + MAX_RANK + " dimensions, found " + dims.size());
        }
        long n = 1;
        for (int i = 0; i < dims.size(); i++) {
            int d = dims.get(i);
            if (d < 0 && !(d == BATCH && i == 0)) {
                throw new IllegalArgumentException("dimension " + i + " is " + d);
            }
            n = d == BATCH ? n : n * d;
            if (n > MAX_ELEMENTS) {
                throw new IllegalArgumentException(
                        "a tensor has at most " + MAX_ELEMENTS + " elements, found " + text(dims));
            }
        }
    }

    public static Shape of(int... dims) {
        return new Shape(IntStream.of(dims).boxed().toList());
    }

    public int rank() {
        return dims.size();
    }

    /** The extent of an axis; negative axes count from the back. */
    public int dim(int axis) {
        return dims.get(axis < 0 ? axis + rank() : axis);
    }

    public boolean hasBatch() {
        return !dims.isEmpty() && dims.getFirst() == BATCH;
    }

    /** The number of elements of one item: N counts as 1. */
    public int elements() {
        int n = 1;
        for (int d : dims) {
            n *= d == BATCH ? 1 : d;
        }
        return n;
    }

    /** The shape of one item: N becomes 1. */
    public Shape item() {
        return hasBatch() ? with(0, 1) : this;
    }

    public Shape with(int axis, int extent) {
        int at = axis < 0 ? axis + rank() : axis;
        return new Shape(IntStream.range(0, rank())
                .mapToObj(i -> i == at ? extent : dims.get(i))
                .toList());
    }

    /** The extents with N as 1. */
    public int[] toArray() {
        return dims.stream().mapToInt(d -> d == BATCH ? 1 : d).toArray();
    }

    private static String text(List<Integer> dims) {
        return dims.stream().map(d -> d == BATCH ? "N" : d.toString()).collect(Collectors.joining("x", "[", "]"));
    }

    /** {@code [Nx32x32x3]}. */
    @Override
    public String toString() {
        return text(dims);
    }
}
