package dev.qnet.cli.verify;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.formats.Importer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A folder with a model and its outputs as raw elements, little-endian, row-major, without a header: goldens.json lists
 * samples, case.json describes an only one.
 */
final class GoldenFolder {
    /** Kernels of singles that differ by more differ by more than rounding. */
    private static final double MAX_SPREAD = 1e-5;

    private final Path folder;
    private final JsonNode json;

    /** An input or output: how its files are to be read. */
    private record Port(Shape shape, String dtype) {}

    private GoldenFolder(Path path, String list) throws IOException {
        Path parent = path.toAbsolutePath().getParent();
        folder = Files.isDirectory(path) || parent == null ? path : parent;
        Path file = folder.resolve(list);
        try {
            json = new ObjectMapper().readTree(file.toFile());
        } catch (JacksonException e) {
            throw new CaseException(file + " is damaged: " + e.getOriginalMessage(), e);
        }
    }

    /**
     * A folder with goldens.json.
     *
     * @param path the folder, or a file in it
     */
    static Loaded read(Path path) throws IOException {
        return new GoldenFolder(path, Cases.GOLDENS).goldens();
    }

    /**
     * A folder with case.json.
     *
     * @param path the folder, or a file in it
     */
    static Loaded readOperator(Path path) throws IOException {
        return new GoldenFolder(path, Cases.OPERATOR).operator();
    }

    private Loaded goldens() throws IOException {
        List<Port> inputs = ports("inputs");
        List<Port> outputs = ports("outputs");
        List<Subject.Sample> samples = new ArrayList<>();
        JsonNode list = field(json, "samples");
        if (!list.isArray() || list.isEmpty()) {
            throw new CaseException(folder + ": its list has no samples");
        }
        for (JsonNode s : list) {
            List<List<Value>> expected = new ArrayList<>();
            for (Value v : values(outputs, texts(field(s, "outputs")))) {
                expected.add(new ArrayList<>(List.of(v)));
            }
            if (s.hasNonNull("outputs_fcdouble")) {
                // Either way of rounding a fully connected layer is right.
                List<Value> others = values(outputs, texts(s.get("outputs_fcdouble")));
                for (int i = 0; i < others.size(); i++) {
                    expected.get(i).add(others.get(i));
                }
            }
            samples.add(new Subject.Sample(
                    s.path("name").asText(), List.of(values(inputs, texts(field(s, "inputs")))), expected));
        }
        return load(samples);
    }

    private Loaded operator() throws IOException {
        List<Port> inputs = ports("inputs");
        List<Port> outputs = ports("outputs");
        List<Value> given = values(inputs, files("inputs"));
        List<List<Value>> expected =
                values(outputs, files("outputs")).stream().map(List::of).toList();
        return load(List.of(new Subject.Sample("", List.of(given), expected)));
    }

    private Loaded load(List<Subject.Sample> samples) throws IOException {
        Path model = file(field(json, "model").asText());
        return new ModelWithData(model, Importer.inputs(model), samples).load(tolerance());
    }

    /** What the list says; else ONNX's, which gives way to the spread between right kernels where the list tells it. */
    private Tolerance tolerance() {
        JsonNode t = json.path("tolerance");
        double spread = Tolerance.ONNX.absolute();
        for (JsonNode sample : json.path("samples")) {
            for (JsonNode kernel : sample.path("other_kernels")) {
                spread = Math.max(spread, kernel.path("max_abs_diff").asDouble());
            }
        }
        return new Tolerance(
                t.path("rtol").asDouble(Tolerance.ONNX.relative()),
                t.path("atol").asDouble(Math.min(spread, MAX_SPREAD)));
    }

    private List<Port> ports(String list) {
        List<Port> ports = new ArrayList<>();
        for (JsonNode p : field(json, list)) {
            ports.add(new Port(shape(field(p, "shape")), field(p, "dtype").asText()));
        }
        return ports;
    }

    private Shape shape(JsonNode list) {
        List<Integer> dims = new ArrayList<>();
        for (JsonNode d : list) {
            if (!d.isIntegralNumber() || !d.canConvertToInt() || d.asInt() < 0) {
                throw new CaseException(folder + ": its list has the shape " + list);
            }
            dims.add(d.asInt());
        }
        try {
            return new Shape(dims);
        } catch (IllegalArgumentException e) {
            throw new CaseException(folder + ": its list has the shape " + list + ": " + e.getMessage(), e);
        }
    }

    /** A file that the list names; it lies in the folder. */
    private Path file(String name) {
        try {
            Path file = folder.resolve(name).normalize();
            if (file.startsWith(folder.normalize())) {
                return file;
            }
        } catch (InvalidPathException e) {
            throw new CaseException(folder + ": its list names a file that cannot be: " + e.getReason(), e);
        }
        throw new CaseException(folder + ": its list names the file " + name + ", which lies outside");
    }

    /** The files that the ports of an operator's case name. */
    private List<String> files(String list) {
        List<String> files = new ArrayList<>();
        field(json, list).forEach(p -> files.add(field(p, "file").asText()));
        return files;
    }

    private static List<String> texts(JsonNode list) {
        List<String> texts = new ArrayList<>();
        list.forEach(t -> texts.add(t.asText()));
        return texts;
    }

    private JsonNode field(JsonNode of, String name) {
        JsonNode value = of.get(name);
        if (value == null || value.isNull()) {
            throw new CaseException(folder + ": its list has no '" + name + "'");
        }
        return value;
    }

    private List<Value> values(List<Port> ports, List<String> files) throws IOException {
        if (ports.size() != files.size()) {
            throw new CaseException(folder + ": " + files.size() + " files for " + ports.size() + " tensors");
        }
        List<Value> values = new ArrayList<>();
        for (int i = 0; i < files.size(); i++) {
            values.add(value(file(files.get(i)), ports.get(i)));
        }
        return values;
    }

    private static Value value(Path file, Port port) throws IOException {
        Shape shape = port.shape();
        int width = width(port.dtype(), file);
        int n = shape.elements();
        long size = Files.size(file);
        if ((long) n * width != size) {
            throw new CaseException(
                    file + " has " + size + " bytes; " + port.dtype() + shape + " takes " + (long) n * width);
        }
        ByteBuffer b = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        if (port.dtype().startsWith("float")) {
            float[] x = new float[n];
            for (int i = 0; i < n; i++) {
                x[i] = width == 4
                        ? b.getFloat()
                        : width == 8 ? (float) b.getDouble() : Float.float16ToFloat(b.getShort());
            }
            return Value.of(shape, x);
        }
        boolean unsigned = port.dtype().startsWith("u") || port.dtype().equals("bool");
        long[] x = new long[n];
        for (int i = 0; i < n; i++) {
            x[i] = switch (width) {
                case 1 -> unsigned ? b.get() & 0xff : b.get();
                case 2 -> unsigned ? b.getShort() & 0xffff : b.getShort();
                case 4 -> unsigned ? b.getInt() & 0xffffffffL : b.getInt();
                default -> b.getLong();
            };
        }
        return Value.of(shape, x);
    }

    private static int width(String dtype, Path file) {
        return switch (dtype) {
            case "bool", "int8", "uint8" -> 1;
            case "int16", "uint16", "float16" -> 2;
            case "int32", "uint32", "float32" -> 4;
            case "int64", "uint64", "float64" -> 8;
            default -> throw new CaseException(file + ": elements of an unknown type '" + dtype + "'");
        };
    }
}
