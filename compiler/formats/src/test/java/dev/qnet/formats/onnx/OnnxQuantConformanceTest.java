package dev.qnet.formats.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.formats.ImportOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Quantized models and operators of ONNX Runtime and QONNX, through the oracle, against what those systems computed. */
class OnnxQuantConformanceTest {
    private static final double RELATIVE = 1e-3;
    private static final double ABSOLUTE = 1e-7;

    private static Path data(String folder) {
        Path path = Path.of(System.getProperty("qnet.data", "absent"), folder);
        assumeTrue(Files.isDirectory(path), "no goldens: -Dqnet.data names no folder with " + folder);
        return path;
    }

    /** Operators of ONNX Runtime: integers to the last bit. */
    @TestFactory
    Stream<DynamicTest> operators() throws IOException {
        return OnnxCases.below(data("onnx_ops_ort")).stream()
                .map(c -> dynamicTest(
                        c.getFileName().toString(),
                        () -> assertThat(OnnxCases.outcome(c)).isEmpty()));
    }

    @TestFactory
    Stream<DynamicTest> modelsOfOnnxRuntime() throws IOException {
        return models("onnx_quant");
    }

    @TestFactory
    Stream<DynamicTest> modelsOfQonnx() throws IOException {
        return models("qonnx");
    }

    private Stream<DynamicTest> models(String folder) throws IOException {
        List<Path> all = OnnxCases.below(data(folder));
        return all.stream().map(m -> dynamicTest(m.getFileName().toString(), () -> goldens(m)));
    }

    private static void goldens(Path folder) throws IOException {
        Path model = folder.resolve("model.onnx");
        JsonNode goldens =
                new ObjectMapper().readTree(folder.resolve("goldens.json").toFile());
        Graph g = OnnxImporter.read(model, ImportOptions.NONE).graph();
        if (goldens.path("ops").has("QuantizeLinear")
                || folder.resolve("..").normalize().endsWith("qonnx")) {
            assertThat(CodeModels.count(g, IntOp.class))
                    .as("integer operations")
                    .isPositive();
        }
        Interpreter ready = Interpreter.prepare(g);
        int samples = 0;
        for (JsonNode sample : goldens.get("samples")) {
            Graph.Param p = g.params().getFirst();
            float[] x = floats(folder.resolve(sample.get("inputs").get(0).asText()));
            Value y = Objects.requireNonNull(
                    ready.run(Map.of(p.id().name(), Value.of(p.type().shape().item(), x)))
                            .get(g.results().getFirst().name()));
            float[] expected =
                    floats(folder.resolve(sample.get("outputs").get(0).asText()));
            float[] found = CodeModels.reals(y);
            assertThat(found).hasSameSizeAs(expected);
            for (int i = 0; i < found.length; i++) {
                assertThat(Math.abs((double) found[i] - expected[i]))
                        .as("%s, element %d: %s, not %s", sample.get("name"), i, found[i], expected[i])
                        .isLessThanOrEqualTo(ABSOLUTE + RELATIVE * Math.abs(expected[i]));
            }
            samples++;
        }
        assertThat(samples).isPositive();
    }

    private static float[] floats(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        float[] v = new float[bytes.length / 4];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(v);
        return v;
    }
}
