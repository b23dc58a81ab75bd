package dev.qnet.training.data;

import dev.qnet.compiler.ir.Shape;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/** Items of one shape with a class each. The arrays are not copied, and not written. */
public final class Dataset {
    private final String source;
    private final float[] items;
    private final int[] labels;
    private final Shape shape;
    /** The first item that belongs to it, and how many do. */
    private final int first;

    private final int size;
    private final boolean levels;
    /** Where items come from, so that what is said of them can be found. */
    private final Origin origin;

    /**
     * Of items.
     *
     * @param numbers by place in the arrays, what an item's number is in the file; or null, if that is its place
     * @param files by that number, the file that holds it alone; or empty
     * @param factor what its elements were multiplied with
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Origin(int @Nullable [] numbers, List<String> files, float factor) {
        static final Origin PLAIN = new Origin(null, List.of(), 1);
    }

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
        this(source, items, labels, shape, Origin.PLAIN);
    }

    private Dataset(String source, float[] items, int[] labels, Shape shape, Origin origin) {
        this.origin = origin;
        this.source = source;
        this.items = items;
        this.labels = labels;
        this.shape = shape;
        this.first = 0;
        this.size = labels.length;
        this.levels = false;
        if (labels.length == 0) {
            throw new DataException(source + " holds no items");
        }
        if ((long) shape.elements() * labels.length != items.length) {
            throw new DataException(source + " holds " + labels.length + " labels, but "
                    + (items.length / Math.max(1, shape.elements())) + " items " + shape);
        }
        for (int i = 0; i < labels.length; i++) {
            if (labels[i] < 0) {
                throw new DataException(
                        source + ": the label of " + place(i) + " is " + labels[i] + "; labels are classes from 0");
            }
        }
    }

    /** A part of another one, of its elements. */
    private Dataset(Dataset whole, int first, int size, boolean levels, Origin origin) {
        this.origin = origin;
        this.source = whole.source;
        this.items = whole.items;
        this.labels = whole.labels;
        this.shape = whole.shape;
        this.first = first;
        this.size = size;
        this.levels = levels;
    }

    /**
     * An item and its class.
     *
     * @param elements row-major
     * @param label from 0
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    public record Item(float[] elements, int label) {}

    /**
     * A dataset of whatever an iterator gives; its elements are copied.
     *
     * @param source what messages call it
     * @param shape of one item
     * @throws DataException if an item has another number of elements, there are none, or a label is below 0
     */
    public static Dataset of(String source, Shape shape, Iterator<Item> items) {
        int n = shape.elements();
        float[] all = new float[16 * n];
        int[] labels = new int[16];
        int count = 0;
        while (items.hasNext()) {
            Item item = items.next();
            if (item.elements().length != n) {
                throw new DataException(source + ": item " + count + " has " + item.elements().length
                        + " elements, and an item " + shape + " has " + n);
            }
            if (count == labels.length) {
                all = Arrays.copyOf(all, Math.multiplyExact(2 * count, n));
                labels = Arrays.copyOf(labels, 2 * count);
            }
            System.arraycopy(item.elements(), 0, all, count * n, n);
            labels[count++] = item.label();
        }
        return new Dataset(source, Arrays.copyOf(all, count * n), Arrays.copyOf(labels, count), shape);
    }

    /** What messages call it. */
    public String source() {
        return source;
    }

    public int size() {
        return size;
    }

    /** Whether elements are levels of 8 bits, 0 to 255, as pixels are. */
    public boolean levels() {
        return levels;
    }

    /** The same items, said to be levels. */
    Dataset asLevels() {
        return new Dataset(this, first, size, true, origin);
    }

    /** The same items, each of which is said to come from a file of its own. */
    Dataset of(List<String> files) {
        return new Dataset(this, first, size, levels, new Origin(null, List.copyOf(files), 1));
    }

    /** An item, as the user finds it in what was read: whatever was shuffled or taken away since. */
    private String place(int i) {
        int number = origin.numbers == null ? first + i : origin.numbers[first + i];
        return number < origin.files.size() ? origin.files.get(number) : "item " + number;
    }

    /** The shape of one item. */
    public Shape shape() {
        return shape;
    }

    /** The class of an item. */
    public int label(int i) {
        return labels[first + i];
    }

    /** Copies an item's elements. */
    public void copy(int i, float[] to, int at) {
        System.arraycopy(items, (first + i) * shape.elements(), to, at, shape.elements());
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
        for (int i = 0; i < size; i++) {
            if (label(i) >= classes) {
                throw new DataException(
                        source + ": the label of " + place(i) + " is " + label(i) + ", but the model tells " + classes
                                + " classes apart, 0 to " + (classes - 1),
                        label(i) == classes
                                ? "labels count from 0: take 1 away from each, if they count from 1"
                                : null);
            }
        }
        int n = shape.elements();
        for (int i = 0; i < size * n; i++) {
            float v = items[first * n + i];
            if (!Float.isFinite(v)) {
                throw new DataException(source + ": " + place(i / n) + " holds " + v);
            }
        }
    }

    /**
     * Checks that elements are such as a model says of its input.
     *
     * @return what to warn of: a few elements slightly outside; or null
     * @throws DataException if more than one in a thousand is farther outside than the range is wide, or many are outside
     */
    public @Nullable String check(InputRange range) {
        InputRange.Outside outside = range.outside();
        int n = shape.elements();
        for (int i = 0; i < size * n; i++) {
            outside.accept(items[first * n + i], i / n);
        }
        if (!outside.any()) {
            return null;
        }
        String what = source + ": " + outside.text() + "; " + place(outside.worstItem()) + " holds "
                + InputRange.number(outside.worst());
        if (!outside.wrong()) {
            return what;
        }
        double factor = outside.factor() * origin.factor;
        throw new DataException(
                what,
                (factor > 0 && Double.isFinite(factor)
                                ? String.format(Locale.ROOT, "--factor %.4g multiplies them, or ", factor)
                                : "")
                        + "write the range that they have behind 'input " + range.input() + "'");
    }

    private static List<Integer> squeezed(Shape s) {
        return s.dims().stream().filter(d -> d != 1).toList();
    }

    /** The items from one to before another. */
    public Dataset range(int from, int to) {
        if (from < 0 || to > size() || from >= to) {
            throw new DataException(source + " has " + size() + " items, so there is no part " + from + " to " + to);
        }
        return new Dataset(this, first + from, to - from, levels, origin);
    }

    /** The same items in a random order. */
    public Dataset shuffled(SplittableRandom random) {
        int[] order = order(random);
        int n = shape.elements();
        float[] mixed = new float[size * n];
        int[] classes = new int[size];
        for (int i = 0; i < order.length; i++) {
            copy(order[i], mixed, i * n);
            classes[i] = label(order[i]);
        }
        int[] numbers = new int[size];
        Arrays.setAll(numbers, i -> origin.numbers == null ? first + order[i] : origin.numbers[first + order[i]]);
        Origin moved = new Origin(numbers, origin.files, origin.factor);
        return new Dataset(source, mixed, classes, shape, moved);
    }

    /** The same items with each element times a factor. */
    public Dataset scaled(float factor) {
        float[] scaled = items.clone();
        for (int i = 0; i < scaled.length; i++) {
            scaled[i] *= factor;
        }
        return with(scaled, factor);
    }

    /** The same items with each element less a mean, and then divided: rounded as where pictures are read to run a model. */
    public Dataset normalized(float mean, float deviation) {
        float[] normalized = items.clone();
        for (int i = 0; i < normalized.length; i++) {
            normalized[i] = (normalized[i] - mean) / deviation;
        }
        return with(normalized, 1 / deviation);
    }

    private Dataset with(float[] scaled, float factor) {
        Origin of = new Origin(origin.numbers, origin.files, origin.factor * factor);
        Dataset all = new Dataset(source, scaled, labels, shape, of);
        return new Dataset(all, first, size, false, of);
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

    /** A number that changes with any element, any label and their order. */
    public long checksum() {
        CRC32 crc = new CRC32();
        ByteBuffer bytes = ByteBuffer.allocate(4096);
        for (int i = 0; i < size; i++) {
            add(crc, bytes, label(i));
        }
        int n = shape.elements();
        for (int i = first * n; i < (first + size) * n; i++) {
            add(crc, bytes, Float.floatToRawIntBits(items[i]));
        }
        crc.update(bytes.flip());
        return crc.getValue();
    }

    private static void add(CRC32 crc, ByteBuffer bytes, int v) {
        if (bytes.remaining() < Integer.BYTES) {
            crc.update(bytes.flip());
            bytes.clear();
        }
        bytes.putInt(v);
    }
}
