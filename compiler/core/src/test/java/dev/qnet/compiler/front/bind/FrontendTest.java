package dev.qnet.compiler.front.bind;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Verifier;
import dev.qnet.compiler.source.CompileException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FrontendTest {
    @TempDir
    Path temp;

    private Path write(String name, String text) throws IOException {
        Path file = temp.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, text);
    }

    private static void rejects(Path file, Frontend.Options options, String message) {
        assertThatThrownBy(() -> Frontend.load(file, options))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining(message);
    }

    @Test
    void filesThatAreNoSourcesAreRejected() throws IOException {
        rejects(temp.resolve("absent.qnet"), Frontend.Options.DEFAULT, "there is no file");
        rejects(write("model.onnx", "qnet 1"), Frontend.Options.DEFAULT, "does not end in .qnet");
        rejects(temp, Frontend.Options.DEFAULT, "does not end in .qnet");
        Path latin = temp.resolve("latin.qnet");
        Files.write(latin, "qnet 1 // caf\u00e9".getBytes(StandardCharsets.ISO_8859_1));
        rejects(latin, Frontend.Options.DEFAULT, "not UTF-8");
        Path broken = temp.resolve("broken.safetensors");
        Files.write(broken, new byte[] {9, 0, 0, 0, 0, 0, 0, 0, '{'});
        rejects(
                write(
                        "m.qnet",
                        "qnet 1 model m(x: f32[N, 2]) -> f32[N, 2] { parameters \"broken.safetensors\" return x }"),
                Frontend.Options.DEFAULT,
                "safetensors header");
    }

    @Test
    void aModelIsChosenByName() throws IOException {
        Path file = write(
                "two.qnet",
                "qnet 1 model a(x: f32[N, 2]) -> f32[N, 2] { return relu(x) }"
                        + " model b(y: f32[N, 2]) -> f32[N, 2] { return tanh(y) }");
        assertThat(Frontend.models(file)).containsExactly("a", "b");
        assertThat(Frontend.load(file, Frontend.Options.model("b")).graph().name())
                .isEqualTo("b");
        rejects(file, Frontend.Options.DEFAULT, "2 models");
        rejects(file, Frontend.Options.model("c"), "no model 'c'");
    }

    /** What calibrating writes: a file of its own that includes the model, whose paths stay relative to the model. */
    @Test
    void aCalibrationMayStandInAnotherFile() throws IOException {
        TestWeights.write(temp);
        write("labels.txt", "cat\ndog\nfish\n");
        write(
                "lib/model.qnet",
                "qnet 1 scheme s { weights i8 } model m(x: f32[N, 4]) -> f32[N, 3] quantized s {"
                        + " parameters \"../weights.safetensors\" labels \"../labels.txt\" return x |> dense(3) }");
        Path file =
                write("calibrated.qnet", "qnet 1 include \"lib/model.qnet\" calibration m { dense_1: range(-3, 4.5) }");
        BoundModel m = Frontend.load(file);
        assertThat(m.calibration().values())
                .containsExactly(Map.entry(new ValueId("dense_1"), new Spec.RangeMethod.Fixed(-3, 4.5f)));
        assertThat(m.labels()).containsExactly("cat", "dog", "fish");
    }

    /** A model of the main file is meant even where included files have some. */
    @Test
    void theMainFilesModelComesFirst() throws IOException {
        write("other.qnet", "qnet 1 model other(x: f32[N, 2]) -> f32[N, 2] { return x }");
        Path file = write(
                "main.qnet", "qnet 1 include \"other.qnet\" model mine(x: f32[N, 2]) -> f32[N, 2] { return relu(x) }");
        assertThat(Frontend.load(file).graph().name()).isEqualTo("mine");
    }

    /** As TensorFlow has it: 5 columns at stride 2 need 3 windows of 3, so one column a side, and 6 need the one behind. */
    @Test
    void samePaddingPutsTheOddOneAtTheEnd() throws IOException {
        assertThat(samePadding(5, 3, 2, 1)).isEqualTo(List.of(1, 1));
        assertThat(samePadding(6, 3, 2, 1)).isEqualTo(List.of(0, 1));
        assertThat(samePadding(6, 2, 1, 1)).isEqualTo(List.of(0, 1));
        assertThat(samePadding(6, 3, 1, 2)).isEqualTo(List.of(2, 2));
        assertThat(samePadding(7, 1, 3, 1)).isEqualTo(List.of(0, 0));
    }

    private List<Integer> samePadding(int columns, int kernel, int stride, int dilation) throws IOException {
        Path file = write("same.qnet", """
                qnet 1
                const kernel = %d
                model m(x: f32[N, 1, %d, 1]) -> f32[N, 1] {
                  return x
                    |> conv2d(1, kernel: [1, kernel], stride: [1, %d], dilation: %d, padding: same, bias: false,
                        weight: fill([1, 1, kernel, 1], 1))
                    |> global_avg_pool
                }
                """.formatted(kernel, columns, stride, dilation));
        for (Node n : Frontend.load(file).graph().nodes()) {
            if (n.op() instanceof FloatOp.Conv2d c) {
                return List.of(c.window().left(), c.window().right());
            }
        }
        throw new AssertionError("no conv2d");
    }

    @Test
    void theExamplesBind() {
        Path root = Path.of(System.getProperty("qnet.root", "."));
        BoundModel edges = Frontend.load(root.resolve("examples/edges/edges.qnet"));
        Verifier.verify(edges.graph());
        assertThat(edges.warnings()).isEmpty();
        Path weights = Path.of(System.getProperty("qnet.data", "absent"), "weights");
        assumeTrue(Files.isDirectory(weights), "the shared weights are not here");
        BoundModel resnet = Frontend.load(root.resolve("examples/resnet8/resnet8.qnet"));
        Verifier.verify(resnet.graph());
        assertThat(operations(resnet, FloatOp.Conv2d.class)).isEqualTo(9);
        assertThat(parameters(resnet)).isEqualTo(77_706);
        assertThat(resnet.labels()).hasSize(10);
        BoundModel mnist = Frontend.load(root.resolve("examples/mnist_cnn/mnist_cnn.qnet"));
        Verifier.verify(mnist.graph());
        assertThat(operations(mnist, FloatOp.Conv2d.class)).isEqualTo(2);
    }

    private static long operations(BoundModel m, Class<?> kind) {
        return m.graph().nodes().stream().filter(n -> kind.isInstance(n.op())).count();
    }

    private static long parameters(BoundModel m) {
        Stream<Tensor> constants = m.graph().nodes().stream()
                .filter(n -> n.op() instanceof DataOp.Constant)
                .map(n -> ((DataOp.Constant) n.op()).value());
        return constants.mapToLong(t -> t.shape().elements()).sum();
    }
}
