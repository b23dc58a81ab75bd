package dev.qnet.formats.onnx;

import com.google.protobuf.ByteString;
import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.Imported;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Builds small ONNX models in code. */
final class Models {
    private final List<Proto.Node> nodes = new ArrayList<>();
    private final List<Proto.TensorData> initializers = new ArrayList<>();
    private final List<Proto.ValueInfo> inputs = new ArrayList<>();
    private final List<Proto.ValueInfo> outputs = new ArrayList<>();
    private final List<Proto.Function> functions = new ArrayList<>();
    private final Map<String, Long> opsets = new LinkedHashMap<>(Map.of("", 13L));

    Models opset(String domain, long version) {
        opsets.put(domain, version);
        return this;
    }

    Models input(String name, DataType type, Object... dims) {
        inputs.add(info(name, type, dims));
        return this;
    }

    Models output(String name) {
        outputs.add(new Proto.ValueInfo(name, DataType.FLOAT.code(), null));
        return this;
    }

    Models function(Proto.Function f) {
        functions.add(f);
        return this;
    }

    /** A constant; the values' type decides the element type. */
    Models constant(String name, List<Integer> dims, float... values) {
        initializers.add(floats(name, dims, values));
        return this;
    }

    Models constant(String name, List<Integer> dims, long... values) {
        initializers.add(longs(name, dims, values));
        return this;
    }

    Models constant(Proto.TensorData t) {
        initializers.add(t);
        return this;
    }

    Models node(String op, List<String> in, List<String> out, Object... attributes) {
        nodes.add(nodeOf(op, "", in, out, attributes));
        return this;
    }

    Models node(Proto.Node n) {
        nodes.add(n);
        return this;
    }

    Proto.Graph graph() {
        return new Proto.Graph("test", nodes, initializers, inputs, outputs, List.of(), Map.of());
    }

    Proto.Model model() {
        return new Proto.Model(8, "tests", "1", opsets, graph(), functions);
    }

    Path save(Path folder) throws IOException {
        return Files.write(folder.resolve("model.onnx"), ProtoWriter.bytes(model()));
    }

    Imported read(Path folder) throws IOException {
        return OnnxImporter.read(save(folder), ImportOptions.NONE);
    }

    static Proto.ValueInfo info(String name, DataType type, Object... dims) {
        return new Proto.ValueInfo(
                name,
                type.code(),
                Stream.of(dims)
                        .map(d -> d instanceof String s ? new Proto.Dim(-1, s) : new Proto.Dim((Integer) d, ""))
                        .toList());
    }

    static Proto.Node nodeOf(String op, String domain, List<String> in, List<String> out, Object... attributes) {
        Map<String, Proto.Attribute> map = new LinkedHashMap<>();
        for (int i = 0; i < attributes.length; i += 2) {
            map.put((String) attributes[i], attribute(attributes[i + 1]));
        }
        return new Proto.Node(op.toLowerCase(java.util.Locale.ROOT) + "_of_" + out, op, domain, in, out, map);
    }

    private static Proto.Attribute attribute(Object value) {
        return switch (value) {
            case Proto.Attribute a -> a;
            case Integer i -> new Proto.Attribute.Int(i);
            case Long i -> new Proto.Attribute.Int(i);
            case Float f -> new Proto.Attribute.Real(f);
            case String s -> new Proto.Attribute.Text(ByteString.copyFromUtf8(s));
            case long[] v -> new Proto.Attribute.Ints(Arrays.stream(v).boxed().toList());
            case Proto.TensorData t -> new Proto.Attribute.Tensor(t);
            case Proto.Graph g -> new Proto.Attribute.Sub(g);
            default -> throw new IllegalArgumentException("no attribute: " + value);
        };
    }

    static Proto.TensorData floats(String name, List<Integer> dims, float... values) {
        return new Proto.TensorData(
                name, DataType.FLOAT.code(), wide(dims), null, values, new double[0], new long[0], 0, null);
    }

    static Proto.TensorData longs(String name, List<Integer> dims, long... values) {
        ByteBuffer raw = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        raw.asLongBuffer().put(values);
        return raw(name, DataType.INT64, dims, raw.array());
    }

    static Proto.TensorData raw(String name, DataType type, List<Integer> dims, byte... bytes) {
        return new Proto.TensorData(
                name,
                type.code(),
                wide(dims),
                ByteString.copyFrom(bytes),
                new float[0],
                new double[0],
                new long[0],
                0,
                null);
    }

    private static List<Long> wide(List<Integer> dims) {
        return dims.stream().map(Integer::longValue).toList();
    }
}
