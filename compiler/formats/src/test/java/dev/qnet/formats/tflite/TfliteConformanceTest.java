package dev.qnet.formats.tflite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Verifier;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.Importer;
import dev.qnet.formats.NeedsValues;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Models with the outputs that TensorFlow's reference kernels gave for them, run by the oracle: integers are the same, singles
 * within 1e-3, or as near as TensorFlow's kernels are to each other.
 */
class TfliteConformanceTest {
    private static final Path DATA = Path.of(System.getProperty("qnet.data", "absent"));
    private static final double RELATIVE = 1e-3;
    private static final double ABSOLUTE = 1e-5;
    /** The oracle takes a second or so for an image; the rest of a model's samples say little more. */
    private static final int SAMPLES = Integer.getInteger("qnet.tflite.samples", 4);

    private final ObjectMapper json = new ObjectMapper();

    @TestFactory
    Stream<DynamicTest> models() throws IOException {
        return cases("tflite").map(folder -> dynamicTest(folder.getFileName().toString(), () -> model(folder)));
    }

    @TestFactory
    Stream<DynamicTest> operators() throws IOException {
        return cases("tflite_int16_ops")
                .map(folder -> dynamicTest(folder.getFileName().toString(), () -> one(folder)));
    }

    @TestFactory
    Stream<DynamicTest> modelsWithoutOutputs() throws IOException {
        return cases("tflite_model_only")
                .map(folder -> dynamicTest(
                        folder.getFileName().toString(),
                        () -> Verifier.verify(Importer.read(folder.resolve("model.tflite"), ImportOptions.NONE)
                                .graph())));
    }

    @TestFactory
    Stream<DynamicTest> refused() throws IOException {
        return cases("tflite_negative")
                .map(folder -> dynamicTest(
                        folder.getFileName().toString(),
                        () -> assertThatThrownBy(
                                        () -> Importer.read(folder.resolve("model.tflite"), ImportOptions.NONE))
                                .isInstanceOf(CompileException.class)
                                // Which operators there are, or what is wrong with the file.
                                .message()
                                .containsAnyOf("(operator ", "is not a well-formed TFLite model")));
    }

    private static Stream<Path> cases(String folder) throws IOException {
        Path root = DATA.resolve(folder);
        Assumptions.assumeTrue(Files.isDirectory(root), "no models: -Dqnet.data names no folder with " + folder);
        try (Stream<Path> all = Files.list(root)) {
            List<Path> cases = all.filter(Files::isDirectory)
                    .sorted(Comparator.comparing(Path::toString))
                    .toList();
            assertThat(cases).isNotEmpty();
            return cases.stream();
        }
    }

    private void model(Path folder) throws IOException {
        JsonNode goldens = json.readTree(folder.resolve("goldens.json").toFile());
        Graph graph = Importer.read(folder.resolve("model.tflite"), ImportOptions.NONE)
                .graph();
        Verifier.verify(graph);
        List<JsonNode> samples = new ArrayList<>();
        goldens.get("samples").forEach(samples::add);
        // Spread over all, the first and the last among them.
        int n = Math.min(SAMPLES, samples.size());
        List<JsonNode> chosen = IntStream.range(0, n)
                .mapToObj(i -> samples.get(n == 1 ? 0 : i * (samples.size() - 1) / (n - 1)))
                .toList();
        for (JsonNode sample : chosen) {
            Map<String, Value> inputs = new LinkedHashMap<>();
            for (int i = 0; i < graph.params().size(); i++) {
                JsonNode t = goldens.get("inputs").get(i);
                inputs.put(
                        graph.params().get(i).id().name(),
                        value(
                                folder.resolve(sample.get("inputs").get(i).asText()),
                                t.get("dtype").asText(),
                                shape(t)));
            }
            Map<String, Value> outputs = Interpreter.prepare(graph).run(inputs);
            for (int i = 0; i < graph.results().size(); i++) {
                JsonNode t = goldens.get("outputs").get(i);
                Value found = Objects.requireNonNull(
                        outputs.get(graph.results().get(i).name()));
                String dtype = t.get("dtype").asText();
                Value expected =
                        value(folder.resolve(sample.get("outputs").get(i).asText()), dtype, shape(t));
                same(sample.get("name").asText(), found, expected, spread(sample));
            }
        }
    }

    private void one(Path folder) throws IOException {
        JsonNode info = json.readTree(folder.resolve("case.json").toFile());
        Path file = folder.resolve("model.tflite");
        List<Value> given = new ArrayList<>();
        for (JsonNode t : info.get("inputs")) {
            given.add(
                    value(folder.resolve(t.get("file").asText()), t.get("dtype").asText(), shape(t)));
        }
        List<String> names = TfliteFile.read("model", ByteBuffer.wrap(Files.readAllBytes(file)))
                .inputNames();
        Graph graph;
        try {
            graph = Importer.read(file, ImportOptions.NONE).graph();
        } catch (NeedsValues e) {
            Map<String, Tensor> fixed = new HashMap<>();
            for (String name : e.inputs()) {
                fixed.put(name, tensor((Value.Ints) given.get(names.indexOf(name))));
            }
            graph = Importer.read(file, new ImportOptions(fixed, Map.of())).graph();
        }
        Verifier.verify(graph);
        Map<String, Value> inputs = new LinkedHashMap<>();
        for (Graph.Param p : graph.params()) {
            inputs.put(p.id().name(), given.get(names.indexOf(p.id().name())));
        }
        Map<String, Value> outputs = Interpreter.prepare(graph).run(inputs);
        for (int i = 0; i < graph.results().size(); i++) {
            JsonNode t = info.get("outputs").get(i);
            same(
                    "output " + i,
                    Objects.requireNonNull(outputs.get(graph.results().get(i).name())),
                    value(folder.resolve(t.get("file").asText()), t.get("dtype").asText(), shape(t)),
                    0);
        }
    }

    /** How far TensorFlow's own kernels are from each other for a sample. */
    private static double spread(JsonNode sample) {
        double most = 0;
        for (JsonNode other : sample.path("other_kernels")) {
            most = Math.max(most, other.path("max_abs_diff").asDouble());
        }
        return most;
    }

    private static Tensor tensor(Value.Ints v) {
        int[] values = new int[v.data().length];
        for (int i = 0; i < values.length; i++) {
            values[i] = (int) v.data()[i];
        }
        return new Tensor.OfInt(v.shape(), values);
    }

    private static void same(String what, Value found, Value expected, double spread) {
        if (expected instanceof Value.Floats e) {
            float[] f = ((Value.Floats) found).data();
            for (int i = 0; i < f.length; i++) {
                double far = Math.abs((double) f[i] - e.data()[i]);
                assertThat(far)
                        .as("%s: element %d is %s, not %s", what, i, f[i], e.data()[i])
                        .isLessThanOrEqualTo(Math.max(ABSOLUTE, 2 * spread) + RELATIVE * Math.abs(e.data()[i]));
            }
            return;
        }
        long[] e = ((Value.Ints) expected).data();
        long[] f = ((Value.Ints) found).data();
        long different = IntStream.range(0, e.length).filter(i -> e[i] != f[i]).count();
        assertThat(different)
                .as("%s: integers that differ, of %d", what, e.length)
                .isZero();
    }

    private static Shape shape(JsonNode t) {
        List<Integer> dims = new ArrayList<>();
        t.get("shape").forEach(d -> dims.add(d.asInt()));
        return new Shape(dims);
    }

    private static Value value(Path file, String dtype, Shape shape) throws IOException {
        ByteBuffer b = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        int n = shape.elements();
        if (dtype.equals("float32")) {
            float[] values = new float[n];
            b.asFloatBuffer().get(values);
            return new Value.Floats(shape, values);
        }
        long[] values = new long[n];
        for (int i = 0; i < n; i++) {
            values[i] = switch (dtype) {
                case "int8" -> b.get();
                case "uint8" -> Byte.toUnsignedInt(b.get());
                case "int16" -> b.getShort();
                case "int32" -> b.getInt();
                case "int64" -> b.getLong();
                default -> throw new IllegalArgumentException(dtype);
            };
        }
        return new Value.Ints(shape, values);
    }
}
