package dev.qnet.cli;

import dev.qnet.cli.image.Images;
import dev.qnet.cli.image.Scaling;
import dev.qnet.compiler.data.Idx;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.Quantization;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.TensorInfo;
import dev.qnet.runtime.io.Npy;
import dev.qnet.runtime.io.NpyArray;
import dev.qnet.runtime.io.NpyType;
import dev.qnet.runtime.io.Npz;
import dev.qnet.training.data.DatasetReader;
import dev.qnet.training.data.InputRange;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Reads what the user gives a model: arrays, pictures, raw bytes. */
final class Inputs {
    /** How names of pictures end. */
    static final List<String> PICTURES = List.of("png", "jpg", "jpeg", "bmp", "gif");

    private final List<TensorInfo> expected;
    private final @Nullable Scaling scaling;
    private final @Nullable ElementType bin;

    /** @param scaling how pixels become numbers, or null for what suits each input */
    Inputs(List<TensorInfo> expected, @Nullable Scaling scaling) {
        this(expected, scaling, null);
    }

    /** @param bin what .bin files hold, or null for the input's own type, or f32 where only that fits */
    Inputs(List<TensorInfo> expected, @Nullable Scaling scaling, @Nullable ElementType bin) {
        this.expected = expected;
        this.scaling = scaling;
        this.bin = bin;
    }

    /** How pixels become numbers for the only input of a model, by what its source says of it; null where it says nothing. */
    static @Nullable Scaling suiting(Graph graph) {
        InputRange range =
                graph.params().size() == 1 ? InputRange.of(graph.params().getFirst()) : null;
        return range == null ? null : Scaling.suiting(range.lo(), range.hi());
    }

    /** Whether a file is of a kind that can be read. */
    static boolean readable(Path file) {
        String name = String.valueOf(file.getFileName());
        return PICTURES.contains(extension(file))
                || List.of("npy", "npz", "bin").contains(extension(file))
                || isIdx(name);
    }

    private static boolean isIdx(String name) {
        return name.endsWith("-ubyte") || name.endsWith("-ubyte.gz");
    }

    /** Elements of a tensor as singles. */
    static float[] floats(Tensor t, int from, int count) {
        if (t.type() == ElementType.F32) {
            return Arrays.copyOfRange(t.floats(), from, from + count);
        }
        List<Double> numbers = Engine.numbers(t, from, count);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = numbers.get(i).floatValue();
        }
        return values;
    }

    /**
     * The tensors that a command line names.
     *
     * @param given {@code name=FILE}, or {@code FILE} where the model has one input; several files for one input make a batch;
     *     an npz names its own
     */
    Map<String, Tensor> read(List<String> given) throws IOException {
        Map<String, List<Tensor>> parts = new LinkedHashMap<>();
        for (String g : given) {
            int eq = g.indexOf('=');
            boolean named = eq > 0 && !Files.exists(Path.of(g));
            Path file = Path.of(named ? g.substring(eq + 1) : g);
            if (file.toString().isEmpty()) {
                throw new UserException("--input " + g + " names no file", "--input FILE or --input NAME=FILE");
            }
            if (extension(file).equals("npz") && !named) {
                try (Npz npz = Npz.open(file)) {
                    for (String name : npz.names()) {
                        TensorInfo info = info(name, file);
                        parts.computeIfAbsent(name, k -> new ArrayList<>())
                                .add(array(npz.read(name), info, file + ":" + name));
                    }
                }
                continue;
            }
            TensorInfo info = named ? info(g.substring(0, eq), file) : only(file);
            parts.computeIfAbsent(info.name(), k -> new ArrayList<>()).add(tensor(file, info));
        }
        for (TensorInfo info : expected) {
            if (!parts.containsKey(info.name())) {
                throw new UserException(
                        "input '" + info.name() + "' is not given",
                        "add --input " + info.name() + "=FILE; it expects " + info.expectation());
            }
        }
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        parts.forEach((name, list) -> tensors.put(name, join(name, list)));
        for (TensorInfo info : expected) {
            if (info.batched()
                    && Objects.requireNonNull(tensors.get(info.name())).dim(0) == 0) {
                throw new UserException(
                        "input '" + info.name() + "' has no items: there is nothing to run on",
                        "give at least one; it expects " + info.expectation());
            }
        }
        return tensors;
    }

    /**
     * Warns of numbers that become codes at the ends of an input's range though they lie outside: more than a few of them, or one far away.
     *
     * @throws UserException if one is NaN, which no code stands for
     */
    static void check(Console console, Map<String, Tensor> given, List<TensorInfo> inputs) {
        for (TensorInfo info : inputs) {
            Tensor t = given.get(info.name());
            Quantization q = info.quantization();
            if (t == null || t.type() != ElementType.F32 || q == null || !q.isPerTensor()) {
                continue;
            }
            InputRange range = InputRange.of(info.name(), q.lo(), q.hi(), q.scale(), q.zeroPoint());
            InputRange.Outside outside = range.outside();
            int item = Math.max(1, info.itemElements());
            float[] values = t.floats();
            for (int i = 0; i < values.length; i++) {
                if (Float.isNaN(values[i])) {
                    throw new UserException(
                            "input '" + info.name() + "': item " + i / item + " holds NaN, and no code of "
                                    + q.storage() + " stands for that",
                            "replace it, by 0 for example");
                }
                outside.accept(values[i], i / item);
            }
            if (outside.several()) {
                console.warn(
                        "input '" + info.name() + "': " + outside.share() + " of its values lie outside " + range
                                + ", for which it has codes, and become the nearest code; item " + outside.worstItem()
                                + " holds " + InputRange.number(outside.worst()),
                        "scale the input as when the model was trained or calibrated (--scale, of pictures)");
            }
        }
    }

    /** One file as a batch for an input: what {@code qnet calibrate} reads too. */
    Tensor tensor(Path file, TensorInfo info) throws IOException {
        if (Files.isDirectory(file)) {
            throw new FileSystemException(file.toString(), null, "this is a folder, not a file");
        }
        if (!Files.isRegularFile(file)) {
            throw new NoSuchFileException(file.toString());
        }
        String extension = extension(file);
        if (PICTURES.contains(extension)) {
            return Images.read(file, info, scaling != null ? scaling : Scaling.suiting(info));
        }
        String name = String.valueOf(file.getFileName());
        return switch (extension) {
            case "npy" -> array(Npy.read(file), info, file.toString());
            case "npz" -> {
                try (Npz npz = Npz.open(file)) {
                    String entry = entry(npz, info, file);
                    yield array(npz.read(entry), info, file + ":" + entry);
                }
            }
            case "bin" -> raw(Files.readAllBytes(file), info, file);
            default -> {
                if (isIdx(name)) {
                    yield array(Idx.read(file), info, file.toString());
                }
                throw new UserException(
                        file + ": unknown kind of input file '." + extension + "'",
                        "give .npy, .npz, a picture (.png, .jpg, .bmp), MNIST's -ubyte files, or raw elements as .bin");
            }
        };
    }

    /** The only array of an archive, or the one that has the input's name, or one that training would take for items. */
    private static String entry(Npz npz, TensorInfo info, Path file) {
        if (npz.names().size() == 1) {
            return npz.names().iterator().next();
        }
        return Stream.concat(Stream.of(info.name()), DatasetReader.ITEMS.stream())
                .filter(npz.names()::contains)
                .findFirst()
                .orElseThrow(() -> new UserException(
                        file + " has no array '" + info.name() + "'; it has " + String.join(", ", npz.names()),
                        "name the array as the input: numpy.savez(FILE, " + info.name() + "=…)"));
    }

    /** An array under the input's shape: leading or trailing extents of 1 and a missing N are forgiven. */
    private static Tensor array(NpyArray a, TensorInfo info, String source) {
        int item = info.itemElements();
        boolean empty = item == 0 && a.size() == 0;
        int items = item > 0 ? a.size() / item : info.batched() && a.shape().length > 0 ? a.shape()[0] : 1;
        int[] shape = info.shapeFor(items);
        if ((item == 0 ? !empty : a.size() % item != 0)
                || (!info.batched() && items != 1)
                || !sameExtents(a.shape(), shape)) {
            throw new UserException(source + ": input '" + info.name() + "' expects " + info.expectation() + ", found "
                    + element(a.type()) + " " + Arrays.toString(a.shape()));
        }
        Tensor t = Tensor.of(a);
        if (info.accepts(t.type()) && t.type() == info.type()) {
            return Tensor.of(reshaped(a, shape));
        }
        return Tensor.ofFloats(a.toFloats(), shape);
    }

    /** An array's element type as types are written everywhere else. */
    private static String element(NpyType type) {
        return type == NpyType.B1 ? "bool" : type.code().charAt(0) + Integer.toString(8 * type.bytes());
    }

    private static NpyArray reshaped(NpyArray a, int[] shape) {
        return switch (a.type().bytes()) {
            case 1 ->
                switch (a.type().code()) {
                    case "b1" -> NpyArray.ofBooleans(a.bytes(), shape);
                    case "u1" -> NpyArray.ofUint8(a.bytes(), shape);
                    default -> NpyArray.ofInt8(a.bytes(), shape);
                };
            case 2 ->
                a.type().code().endsWith("u2")
                        ? NpyArray.ofUint16(a.shorts(), shape)
                        : NpyArray.ofInt16(a.shorts(), shape);
            case 4 -> a.type().isFloat() ? NpyArray.ofFloats(a.floats(), shape) : NpyArray.ofInt32(a.ints(), shape);
            default -> NpyArray.ofInt64(a.longs(), shape);
        };
    }

    private static boolean sameExtents(int[] found, int[] wanted) {
        return Arrays.equals(withoutOnes(found), withoutOnes(wanted));
    }

    private static int[] withoutOnes(int[] shape) {
        return Arrays.stream(shape).filter(d -> d != 1).toArray();
    }

    /** Raw little-endian elements: of the input's own type if the size fits it, else singles. */
    private Tensor raw(byte[] bytes, TensorInfo info, Path file) {
        if (bytes.length == 0) {
            throw new UserException(
                    file + ": the file is empty; input '" + info.name() + "' expects " + info.expectation());
        }
        int item = info.itemElements();
        ElementType type = bin != null ? bin : info.type();
        long unit = (long) item * type.bytes();
        boolean own = unit > 0 && bytes.length % unit == 0 && (info.batched() || bytes.length == unit);
        boolean single = bin == null
                && item > 0
                && bytes.length % (4L * item) == 0
                && (info.batched() || bytes.length == 4L * item);
        if (!own && !single) {
            throw new UserException(file + ": " + bytes.length + " bytes are no whole number of items of input '"
                    + info.name() + "', which expects " + info.expectation());
        }
        ElementType as = own ? type : ElementType.F32;
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        return Tensor.ofBuffer(as, buffer, info.shapeFor(bytes.length / (item * as.bytes())));
    }

    private static Tensor join(String name, List<Tensor> list) {
        if (list.size() == 1) {
            return list.getFirst();
        }
        int items = 0;
        int size = 0;
        for (Tensor t : list) {
            if (t.type() != ElementType.F32 && t.type() != list.getFirst().type()) {
                throw new UserException("the files for input '" + name + "' hold different types: "
                        + list.stream().map(x -> x.type().toString()).distinct().collect(Collectors.joining(", ")));
            }
            items += t.dim(0);
            size = Math.addExact(size, t.size());
        }
        int[] shape = list.getFirst().shape();
        shape[0] = items;
        Tensor all = Tensor.allocate(list.getFirst().type(), shape);
        int at = 0;
        for (Tensor t : list) {
            switch (t.type()) {
                case F32 -> System.arraycopy(t.floats(), 0, all.floats(), at, t.size());
                case BOOL, I8, U8 -> System.arraycopy(t.bytes(), 0, all.bytes(), at, t.size());
                case I16, U16 -> System.arraycopy(t.shorts(), 0, all.shorts(), at, t.size());
                case I32 -> System.arraycopy(t.ints(), 0, all.ints(), at, t.size());
                case I64 -> System.arraycopy(t.longs(), 0, all.longs(), at, t.size());
            }
            at += t.size();
        }
        return all;
    }

    private TensorInfo info(String name, Path file) {
        return expected.stream()
                .filter(i -> i.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new UserException(
                        file + ": the model has no input '" + name + "'", "its inputs: " + describe()));
    }

    private TensorInfo only(Path file) {
        if (expected.size() != 1) {
            throw new UserException(
                    "the model has " + expected.size() + " inputs: say which " + file + " is for",
                    "--input NAME=" + file + ", where NAME is one of: " + describe());
        }
        return expected.getFirst();
    }

    private String describe() {
        return expected.stream().map(TensorInfo::name).collect(Collectors.joining(", "));
    }

    static String extension(Path file) {
        String name = String.valueOf(file.getFileName());
        int dot = name.lastIndexOf('.');
        return dot < 0 ? "" : name.substring(dot + 1).toLowerCase(Locale.ROOT);
    }
}
