package dev.qnet.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.qnet.compiler.data.Idx;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.Importer;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.TensorInfo;
import dev.qnet.target.jvm.JvmTarget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Imported models on whole datasets: the same class for every picture as the system that each model comes from.
 * {@code -Dqnet.dataset.items=N} looks at the first N pictures; {@code -Pexhaustive} at all.
 */
class PredictionsTest {
    private static final Path DATA = Path.of(System.getProperty("qnet.data", "../../shared/data"));
    private static final int ITEMS = Integer.getInteger("qnet.dataset.items", 1000);
    private static final int BATCH = 50;

    /** Of a thousand pictures, how many a float model may class otherwise: sums are rounded elsewhere. */
    private static final int FLOAT_PER_MILLE = 1;

    @Test
    void residualNetworksOnCifar() throws IOException {
        Path folder = DATA.resolve("datasets/cifar10_jpeg");
        assumeTrue(Files.isDirectory(folder), () -> "no CIFAR-10 pictures below " + DATA);
        byte[] images = Files.readAllBytes(folder.resolve("images.bin"));
        byte[] labels = Files.readAllBytes(folder.resolve("labels.bin"));
        for (Path reference : references(folder)) {
            String name = reference.getFileName().toString().replaceAll("^pred_|\\.bin$", "");
            compare(DATA.resolve("tflite").resolve(name).resolve("model.tflite"), images, 1, labels, reference);
        }
    }

    @Test
    void recurrentNetworkOnMnist() throws IOException {
        Path folder = DATA.resolve("datasets/mnist");
        assumeTrue(Files.isDirectory(folder), () -> "no MNIST digits below " + DATA);
        byte[] images = Idx.read(folder.resolve("images-idx3-ubyte.gz")).bytes();
        byte[] labels = Idx.read(folder.resolve("labels-idx1-ubyte.gz")).bytes();
        for (Path reference : references(folder)) {
            String name = reference.getFileName().toString().replaceAll("^pred_|\\.bin$", "");
            compare(DATA.resolve("tflite").resolve(name).resolve("model.tflite"), images, 255, labels, reference);
        }
    }

    /** QDQ and QOperator models, whose goldens.json says how pixels become inputs. */
    @Test
    void quantizedOnnxModelsOnMnist() throws IOException {
        Path folder = DATA.resolve("datasets/mnist");
        Path models = DATA.resolve("onnx_quant");
        assumeTrue(Files.isDirectory(folder) && Files.isDirectory(models), () -> "no MNIST digits below " + DATA);
        byte[] images = Idx.read(folder.resolve("images-idx3-ubyte.gz")).bytes();
        byte[] labels = Idx.read(folder.resolve("labels-idx1-ubyte.gz")).bytes();
        List<Path> all;
        try (Stream<Path> list = Files.list(models)) {
            all = list.filter(m -> Files.isRegularFile(m.resolve("pred_first5000.bin")))
                    .sorted()
                    .toList();
        }
        assertThat(all).isNotEmpty();
        for (Path m : all) {
            String preprocessing = new ObjectMapper()
                    .readTree(m.resolve("goldens.json").toFile())
                    .path("preprocessing")
                    .asText();
            int divisor = preprocessing.contains("/255") ? 255 : 1;
            compare(m.resolve("model.onnx"), images, divisor, labels, m.resolve("pred_first5000.bin"));
        }
    }

    private static List<Path> references(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> all = files.filter(f -> f.getFileName().toString().startsWith("pred_"))
                    .sorted()
                    .toList();
            assertThat(all).isNotEmpty();
            return all;
        }
    }

    private static void compare(Path file, byte[] images, int divisor, byte[] labels, Path reference)
            throws IOException {
        byte[] expected = Files.readAllBytes(reference);
        Graph graph = Importer.read(file, ImportOptions.NONE).graph();
        boolean integers = graph.nodes().stream().anyMatch(n -> n.op() instanceof IntOp);
        // Floats are summed in double, one by one: exact, and slow.
        int wanted = integers ? ITEMS : ITEMS / 10;
        int items = Math.min(Math.min(wanted, expected.length), labels.length);
        Model model = JvmTarget.compile(Pipeline.run(
                        graph, Passes.all(), new PassContext(new Diagnostics(), Calibration.NONE), (p, g) -> {}))
                .load();
        byte[] found = predictions(model, images, divisor, items);
        int right = 0;
        int referenceRight = 0;
        int differ = 0;
        for (int i = 0; i < items; i++) {
            right += found[i] == labels[i] ? 1 : 0;
            referenceRight += expected[i] == labels[i] ? 1 : 0;
            differ += found[i] == expected[i] ? 0 : 1;
        }
        System.out.printf(
                "%s: top-1 %.2f %% (reference %.2f %%) of %d, %d classed otherwise%n",
                file.subpath(file.getNameCount() - 2, file.getNameCount()),
                100.0 * right / items,
                100.0 * referenceRight / items,
                items,
                differ);
        assertThat(differ)
                .as("pictures that %s classes otherwise", file)
                .isLessThanOrEqualTo(integers ? 0 : (items * FLOAT_PER_MILLE + 999) / 1000);
    }

    private static byte[] predictions(Model model, byte[] images, int divisor, int items) {
        TensorInfo input = model.inputs().getFirst();
        int pixels = input.itemElements();
        int batch = input.batched() ? BATCH : 1;
        byte[] classes = new byte[items];
        for (int from = 0; from < items; from += batch) {
            int n = Math.min(batch, items - from);
            float[] x = new float[n * pixels];
            for (int i = 0; i < x.length; i++) {
                x[i] = (float) (images[from * pixels + i] & 0xff) / divisor;
            }
            Map<String, Tensor> out = model.run(Map.of(input.name(), Tensor.ofFloats(x, input.shapeFor(n))));
            float[] scores = out.values().iterator().next().floats();
            int width = scores.length / n;
            for (int i = 0; i < n; i++) {
                classes[from + i] = (byte) best(Arrays.copyOfRange(scores, i * width, (i + 1) * width));
            }
        }
        return classes;
    }

    private static int best(float[] scores) {
        int best = 0;
        for (int c = 1; c < scores.length; c++) {
            best = scores[c] > scores[best] ? c : best;
        }
        return best;
    }
}
