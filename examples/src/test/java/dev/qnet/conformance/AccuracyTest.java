package dev.qnet.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.qnet.compiler.data.Idx;
import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.Tensor;
import dev.qnet.target.jvm.JvmTarget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * The classifying examples on real pictures: int8 loses at most half a point of top-1 against float. Calibrated on the first
 * 300 pictures as {@code qnet calibrate} does, tested on the others.
 */
class AccuracyTest {
    private static final int CALIBRATED = 300;
    private static final Path EXAMPLES = Path.of(System.getProperty("qnet.root", ".."), "examples");
    private static final Path DATA = Path.of(System.getProperty("qnet.data", "../../shared/data"));

    @Test
    void resnet8LosesAtMostHalfAPoint() throws IOException {
        Path folder = DATA.resolve("datasets/cifar10_jpeg");
        assumeTrue(
                Files.isDirectory(folder) && Files.isRegularFile(DATA.resolve("weights/resnet8.safetensors")),
                () -> "no CIFAR-10 pictures or weights below " + DATA);
        byte[] images = Files.readAllBytes(folder.resolve("images.bin"));
        byte[] labels = Files.readAllBytes(folder.resolve("labels.bin"));
        compare("resnet8/resnet8.qnet", images, labels, 32, 32, 3);
    }

    @Test
    void mnistLosesAtMostHalfAPoint() throws IOException {
        Path folder = DATA.resolve("datasets/mnist");
        assumeTrue(
                Files.isDirectory(folder) && Files.isRegularFile(DATA.resolve("weights/mnist_cnn.safetensors")),
                () -> "no MNIST digits or weights below " + DATA);
        byte[] images = Idx.read(folder.resolve("images-idx3-ubyte.gz")).bytes();
        byte[] labels = Idx.read(folder.resolve("labels-idx1-ubyte.gz")).bytes();
        compare("mnist_cnn/mnist_cnn.qnet", images, labels, 28, 28, 1);
    }

    private static void compare(String example, byte[] images, byte[] labels, int... shape) {
        BoundModel bound = Frontend.load(EXAMPLES.resolve(example));
        int pixels = shape[0] * shape[1] * shape[2];
        float[] first = new float[CALIBRATED * pixels];
        for (int i = 0; i < first.length; i++) {
            first[i] = images[i] & 0xff;
        }
        // What the project ships is what calibrating gives, and is what is measured.
        BoundModel shipped = Frontend.load(EXAMPLES.resolve(example).resolveSibling("calibrated.qnet"));
        assertThat(shipped.calibration()).isEqualTo(Calibrating.on(bound.graph(), first, CALIBRATED));
        Graph integers = Pipeline.run(
                shipped.graph(), Passes.all(), new PassContext(new Diagnostics(), shipped.calibration()), (p, g) -> {});
        assertThat(integers.nodes()).noneMatch(n -> n.op() instanceof FloatOp);

        double quantized = accuracy(JvmTarget.compile(integers).load(), images, labels, shape);
        double real = accuracy(JvmTarget.compile(bound.graph()).load(), images, labels, shape);
        System.out.printf(
                "%s: float %.2f %%, int8 %.2f %% of %d pictures%n",
                example, real, quantized, labels.length - CALIBRATED);
        assertThat(quantized).as("top-1 of the integers, in percent").isGreaterThanOrEqualTo(real - 0.5);
        assertThat(real).as("top-1 of the float network, in percent").isGreaterThan(70);
    }

    private static double accuracy(Model model, byte[] images, byte[] labels, int... shape) {
        int pixels = shape[0] * shape[1] * shape[2];
        int batch = 100;
        int right = 0;
        for (int from = CALIBRATED; from < labels.length; from += batch) {
            int n = Math.min(batch, labels.length - from);
            float[] x = new float[n * pixels];
            for (int i = 0; i < x.length; i++) {
                x[i] = images[from * pixels + i] & 0xff;
            }
            Map<String, Tensor> out = model.run(Map.of("image", Tensor.ofFloats(x, n, shape[0], shape[1], shape[2])));
            float[] scores = out.values().iterator().next().floats();
            int classes = scores.length / n;
            for (int i = 0; i < n; i++) {
                right += best(Arrays.copyOfRange(scores, i * classes, (i + 1) * classes)) == labels[from + i] ? 1 : 0;
            }
        }
        return 100.0 * right / (labels.length - CALIBRATED);
    }

    private static int best(float[] scores) {
        int best = 0;
        for (int c = 1; c < scores.length; c++) {
            best = scores[c] > scores[best] ? c : best;
        }
        return best;
    }
}
