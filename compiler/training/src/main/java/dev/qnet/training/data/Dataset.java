package dev.qnet.training.data;

import dev.qnet.compiler.ir.Shape;
import java.util.List;
import java.util.SplittableRandom;

/** Items of one shape with a class each. The arrays are not copied, and not written. */
public final class Dataset {
    private final String source;
    private final float[] items;
    private final int[] labels;
    private final Shape shape;

    /**
     * A dataset.
     *
     * @param source what messages call it
     * @param items row-major, one after another
     * @param labels one an item, from 0
     * @param shape of one item
     * @throws DataException if numbers do not fit, or a label is below 0
     */
    public Dataset(String source, float[] items, int[] labels, Shape shape) {
        this.source = source;
        this.items = items;
        this.labels = labels;
        this.shape = shape;
        if (labels.length == 0) {
            throw new DataException(source + " holds no items");
        }
        if ((long) shape.elements() * labels.length != items.length) {
            throw new DataException(source + " holds " + labels.length + " labels, but "
                    + (items.length / Math.max(1, shape.elements())) + " items " + shape);
        }
        for (int i = 0; i < labels.length; i++) {
            if (labels[i] < 0) {
                throw new DataException(source + ": label " + i + " is " + labels[i] + "; labels are classes from 0");
            }
        }
    }

    /** What messages call it. */
    public String source() {
        return source;
    }

    public int size() {
        return labels.length;
    }

    /** The shape of one item. */
    public Shape shape() {
        return shape;
    }

    /** The class of an item. */
    public int label(int i) {
        return labels[i];
    }

    /** Copies an item's elements. */
    public void copy(int i, float[] to, int at) {
        System.arraycopy(items, i * shape.elements(), to, at, shape.elements());
    }

    /**
     * Checks that a model can be trained on it.
     *
     * @param input the model's input, with N
     * @param classes how many classes it tells apart
     * @throws DataException saying what does not fit, and how to make it
     */
    public void check(Shape input, int classes) {
        Shape item = input.hasBatch() ? new Shape(input.dims().subList(1, input.rank())) : input;
        boolean fits = item.equals(shape) || squeezed(item).equals(squeezed(shape));
        if (!fits) {
            throw new DataException(source + ": items are " + shape + ", but the model takes " + item
                    + (item.elements() == shape.elements() ? "; reshape them, or write the model's input so" : ""));
        }
        for (int i = 0; i < labels.length; i++) {
            if (labels[i] >= classes) {
                throw new DataException(source + ": label " + i + " is " + labels[i] + ", but the model tells "
                        + classes + " classes apart, 0 to " + (classes - 1));
            }
        }
        for (int i = 0; i < items.length; i++) {
            if (!Float.isFinite(items[i])) {
                throw new DataException(source + ": item " + i / shape.elements() + " holds " + items[i]);
            }
        }
    }

    private static List<Integer> squeezed(Shape s) {
        return s.dims().stream().filter(d -> d != 1).toList();
    }

    /** The items from one to before another. */
    public Dataset range(int from, int to) {
        if (from < 0 || to > size() || from >= to) {
            throw new DataException(source + " has " + size() + " items, so there is no part " + from + " to " + to);
        }
        int n = shape.elements();
        return new Dataset(
                source,
                java.util.Arrays.copyOfRange(items, from * n, to * n),
                java.util.Arrays.copyOfRange(labels, from, to),
                shape);
    }

    /** The same items in a random order. */
    public Dataset shuffled(SplittableRandom random) {
        int[] order = order(random);
        int n = shape.elements();
        float[] mixed = new float[items.length];
        int[] classes = new int[labels.length];
        for (int i = 0; i < order.length; i++) {
            copy(order[i], mixed, i * n);
            classes[i] = labels[order[i]];
        }
        return new Dataset(source, mixed, classes, shape);
    }

    /** The same items with each element times a factor. */
    public Dataset scaled(float factor) {
        float[] scaled = items.clone();
        for (int i = 0; i < scaled.length; i++) {
            scaled[i] *= factor;
        }
        return new Dataset(source, scaled, labels, shape);
    }

    /** A random order of all items (Fisher and Yates). */
    public int[] order(SplittableRandom random) {
        int[] order = new int[size()];
        for (int i = 0; i < order.length; i++) {
            int j = random.nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }
}
