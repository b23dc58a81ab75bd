package dev.qnet.training.data;

import dev.qnet.compiler.data.Idx;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.runtime.io.NpyArray;
import dev.qnet.runtime.io.NpyType;
import dev.qnet.runtime.io.Npz;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Reads labelled data: .npz archives with an array of items ({@code x}, {@code images} or {@code data}) and one of labels ({@code y} or
 * {@code labels}); a pair of MNIST's IDX files, gz or not; CIFAR-10's binary files; folders of pictures.
 */
public final class DatasetReader {
    /** How the array of items may be called in an archive. */
    public static final List<String> ITEMS = List.of("x", "images", "data");

    private static final List<String> LABELS = List.of("y", "labels");
    /** Endings of files that hold data often, and are not read. */
    private static final List<String> OTHER = List.of(
            ".npy",
            ".csv",
            ".tsv",
            ".txt",
            ".json",
            ".parquet",
            ".h5",
            ".pkl",
            ".pt",
            ".zip",
            ".tar",
            ".tar.gz",
            ".mat");

    /** A record of CIFAR-10: a label and three planes of 32 by 32 pixels. */
    private static final int CIFAR_SIDE = 32;

    private static final int CIFAR_RECORD = 1 + 3 * CIFAR_SIDE * CIFAR_SIDE;

    private DatasetReader() {}

    /**
     * Reads a dataset.
     *
     * @param items an .npz archive, an IDX file of items or a CIFAR-10 file
     * @param labels the IDX file of labels, or null for the others
     * @throws DataException if it is none of them, or does not hold what it should
     * @throws NoSuchFileException if there is no such file
     */
    public static Dataset read(Path items, @Nullable Path labels) throws IOException {
        String name = String.valueOf(items.getFileName()).toLowerCase(Locale.ROOT);
        for (Path file : labels == null ? List.of(items) : List.of(items, labels)) {
            if (!Files.exists(file)) {
                throw new NoSuchFileException(file.toString());
            }
        }
        boolean npz = name.endsWith(".npz");
        // Of IDX files the name says nothing.
        boolean cifar = name.endsWith(".bin") && labels == null;
        if (labels != null && npz) {
            throw new DataException(
                    items + " holds its labels itself: --labels " + labels + " is for IDX files", "leave --labels out");
        }
        if (npz) {
            return npz(items);
        }
        if (cifar) {
            return cifar(items);
        }
        String other = OTHER.stream().filter(name::endsWith).findFirst().orElse(null);
        if (other != null) {
            throw new DataException(
                    items + ": training does not read " + other + " files",
                    "write an .npz archive with arrays x and y: numpy.savez(\"data.npz\", x=items, y=labels)");
        }
        if (labels == null) {
            throw new DataException(
                    items + " holds items without labels", "give the IDX file of the labels with --labels");
        }
        NpyArray x = Idx.read(items);
        return of(items.toString(), x, Idx.read(labels));
    }

    /** What makes elements of a picture's file: those of an item, in its layout, levels 0 to 255. */
    @FunctionalInterface
    public interface Pictures {
        /** Reads one. */
        float[] read(Path file) throws IOException;
    }

    /**
     * Reads a folder with a folder for each class, in which lie that class's pictures.
     *
     * @param folder the one that holds the others; what lies in it beside them is left out
     * @param names of the classes, in their order
     * @param all whether each class has to have pictures, as it must to be learned
     * @param suffixes how names of pictures end, in small letters; other files are left out
     * @param item the shape of one item
     * @param pictures what reads one
     * @throws DataException if a class has no pictures, or no folder, or a folder is no class's
     */
    public static Dataset folder(
            Path folder, List<String> names, boolean all, Collection<String> suffixes, Shape item, Pictures pictures)
            throws IOException {
        List<Path> classes = folders(folder);
        List<Path> files = new ArrayList<>();
        List<Integer> labels = new ArrayList<>();
        for (Path c : classes) {
            int label = names.indexOf(name(c));
            if (label < 0) {
                throw new DataException(
                        c + ": the model has no class of this name; its classes are " + names,
                        "rename or remove the folder, or add its name to the model's labels");
            }
            int before = files.size();
            for (Path file : sorted(c)) {
                String lower = name(file).toLowerCase(Locale.ROOT);
                if (suffixes.stream().anyMatch(lower::endsWith)) {
                    files.add(file);
                    labels.add(label);
                }
            }
            if (all && files.size() == before) {
                throw new DataException(
                        c + " holds no pictures (" + String.join(", ", suffixes) + "), so its class cannot be learned",
                        "put some there, or remove the folder and the class");
            }
        }
        if (files.isEmpty()) {
            throw new DataException(folder + " holds no pictures (" + String.join(", ", suffixes) + ")");
        }
        List<String> found = classes.stream().map(DatasetReader::name).toList();
        for (String name : names) {
            if (all && !found.contains(name)) {
                throw new DataException(
                        folder + " has no folder '" + name + "', and the model tells this class apart; its folders are "
                                + found,
                        "make one with its pictures, or take '" + name + "' from the model's labels");
            }
        }
        float[] items = new float[Math.multiplyExact(files.size(), item.elements())];
        for (int i = 0; i < files.size(); i++) {
            System.arraycopy(pictures.read(files.get(i)), 0, items, i * item.elements(), item.elements());
        }
        return new Dataset(
                        folder.toString(),
                        items,
                        labels.stream().mapToInt(Integer::intValue).toArray(),
                        item)
                .asLevels()
                .of(files.stream().map(Path::toString).toList());
    }

    /**
     * The classes that a folder has pictures of, by the names of its folders: by number where all are numbers, else by name.
     *
     * @throws DataException if there are no folders in it
     */
    public static List<String> classes(Path folder) throws IOException {
        return inOrder(folders(folder).stream().map(DatasetReader::name).toList());
    }

    private static List<Path> folders(Path folder) throws IOException {
        List<Path> classes = sorted(folder).stream().filter(Files::isDirectory).toList();
        if (classes.isEmpty()) {
            throw new DataException(folder + " holds no folders: pictures lie in a folder for each class");
        }
        return classes;
    }

    private static List<Path> sorted(Path folder) throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.sorted(Comparator.comparing(DatasetReader::name)).toList();
        }
    }

    private static String name(Path p) {
        return String.valueOf(p.getFileName());
    }

    private static List<String> inOrder(List<String> names) {
        boolean numbers = names.stream().allMatch(n -> n.matches("[0-9]{1,9}"));
        return numbers
                ? names.stream().sorted(Comparator.comparing(Integer::valueOf)).toList()
                : names;
    }

    private static Dataset npz(Path file) throws IOException {
        try (Npz npz = Npz.open(file)) {
            return of(file.toString(), npz.read(name(npz, file, ITEMS)), npz.read(name(npz, file, LABELS)));
        }
    }

    private static String name(Npz npz, Path file, List<String> names) {
        return names.stream()
                .filter(npz.names()::contains)
                .findFirst()
                .orElseThrow(() -> new DataException(
                        file + " has no array '" + String.join("' or '", names) + "'; it has " + npz.names()));
    }

    private static Dataset of(String source, NpyArray items, NpyArray labels) {
        if (items.rank() < 2) {
            throw new DataException(
                    source + ": items are an array [items, ...], found " + Arrays.toString(items.shape()));
        }
        int n = items.shape()[0];
        if (labels.rank() == 2 && labels.shape()[0] == n && labels.shape()[1] > 1) {
            throw new DataException(
                    source + ": labels are one number an item, [" + n + "], found " + Arrays.toString(labels.shape())
                            + ", as one-hot vectors are",
                    "y = y.argmax(axis=1)");
        }
        if (labels.size() != n) {
            throw new DataException(
                    source + " holds " + n + " items, but " + labels.size() + " labels",
                    "give one label for each item");
        }
        int[] classes;
        try {
            classes = labels.toInts();
        } catch (ArithmeticException | IllegalStateException e) {
            boolean real = labels.type().isFloat();
            throw new DataException(
                    source + ": labels are whole numbers, found "
                            + (real ? "floats of " + 8 * labels.type().bytes() + " bits" : labels.type()),
                    real ? "y = y.astype(numpy.int32)" : null);
        }
        int[] dims = items.shape();
        Dataset all =
                new Dataset(source, items.toFloats(), classes, Shape.of(Arrays.copyOfRange(dims, 1, dims.length)));
        return items.type() == NpyType.U1 ? all.asLevels() : all;
    }

    private static Dataset cifar(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        if (bytes.length == 0 || bytes.length % CIFAR_RECORD != 0) {
            throw new DataException(file + " is " + bytes.length
                    + " bytes long, which is no whole number of CIFAR-10's " + CIFAR_RECORD + "-byte records");
        }
        int n = bytes.length / CIFAR_RECORD;
        int plane = CIFAR_SIDE * CIFAR_SIDE;
        float[] items = new float[n * 3 * plane];
        int[] labels = new int[n];
        for (int i = 0; i < n; i++) {
            int from = i * CIFAR_RECORD;
            labels[i] = bytes[from] & 0xff;
            for (int p = 0; p < 3 * plane; p++) {
                items[i * 3 * plane + p % plane * 3 + p / plane] = bytes[from + 1 + p] & 0xff;
            }
        }
        return new Dataset(file.toString(), items, labels, Shape.of(CIFAR_SIDE, CIFAR_SIDE, 3)).asLevels();
    }
}
