package dev.qnet.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.Tensor;
import dev.qnet.target.jvm.JvmTarget;
import dev.qnet.training.data.Dataset;
import dev.qnet.training.data.DatasetReader;
import dev.qnet.training.fit.Progress;
import dev.qnet.training.fit.Settings;
import dev.qnet.training.fit.Trained;
import dev.qnet.training.fit.Trainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Quantizers beside each other on real digits: {@code mvn verify -Pmnist-table}. The first 4,000 of 5,000 MNIST pictures train, the
 * others test, as integer code on the JVM. What is written, {@code target/mnist-table.md}, is in docs/training.md.
 *
 * <p>{@code -Dqnet.table.seeds}, {@code .bits} and {@code .methods} choose less of it.
 */
@Tag("table")
class MnistTableTest {
    private static final Path DATA = Path.of(System.getProperty("qnet.data", "../../shared/data"));
    private static final int TRAINED = 4000;
    private static final int CALIBRATED = 256;
    private static final int FLOAT_EPOCHS = 4;
    private static final int EPOCHS = 6;
    private static final int PIXELS = 28 * 28;

    /** Quantizers of weights and of activations; %d stands for bits, %k for as many codes as they have. */
    private static final Map<String, String> METHODS = new LinkedHashMap<>();

    static {
        METHODS.put("rounded", "weights i%d per_channel range(mse) activations u%d range(mse)");
        METHODS.put("ste", "weights i%d per_channel ste activations u%d ste");
        METHODS.put("pact", "weights i%d per_channel ste activations u%d pact");
        METHODS.put("lsq", "weights i%d per_channel lsq activations u%d lsq");
        METHODS.put("lsq_plus", "weights i%d per_channel lsq activations u%d lsq_plus");
        METHODS.put("qil", "weights i%d per_channel qil activations u%d lsq");
        METHODS.put("qn", "weights i%d per_channel qn(temperature: 5..50) activations u%d lsq");
        METHODS.put("codebook", "weights codebook(%k) activations u%d lsq");
    }

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path temp;

    @SuppressWarnings("NullAway.Init")
    private Dataset train;

    @SuppressWarnings("NullAway.Init")
    private Dataset test;

    /** What one training gave. */
    private record Result(double right, long bytes) {}

    private static List<String> chosen(String property, String all) {
        return List.of(System.getProperty("qnet.table." + property, all).split(","));
    }

    @Test
    void compareQuantizers() throws IOException {
        Path folder = DATA.resolve("datasets/mnist");
        assumeTrue(Files.isDirectory(folder), () -> "no MNIST digits below " + DATA);
        Dataset all = DatasetReader.read(folder.resolve("images-idx3-ubyte.gz"), folder.resolve("labels-idx1-ubyte.gz"))
                .scaled(1 / 255f);
        train = all.range(0, TRAINED);
        test = all.range(TRAINED, all.size());
        List<String> seeds = chosen("seeds", "1,2,3");
        Path table = Path.of("target/mnist-table.md");
        Files.createDirectories(Path.of("target"));
        Files.writeString(
                table,
                "| bits | quantizer | right of " + test.size() + " | of seeds | weights |\n|---|---|---|---|---|\n");
        List<Result> real = new ArrayList<>();
        for (String seed : seeds) {
            real.add(measure("", Long.parseLong(seed)));
        }
        row(table, "float", "", real);
        for (String bits : chosen("bits", "8,4,3,2")) {
            for (String method : chosen("methods", String.join(",", METHODS.keySet()))) {
                // As many thresholds or entries as 8 bits have codes cost more than they are worth.
                if (bits.equals("8") && (method.equals("qn") || method.equals("codebook"))) {
                    continue;
                }
                List<Result> results = new ArrayList<>();
                for (String seed : seeds) {
                    String scheme = String.valueOf(METHODS.get(method))
                            .replace("%d", bits)
                            .replace("%k", String.valueOf(1 << Integer.parseInt(bits)));
                    results.add(measure(scheme, Long.parseLong(seed)));
                }
                row(table, bits, method, results);
            }
        }
        assertThat(real.getFirst().right()).isGreaterThan(95);
    }

    private static void row(Path table, String bits, String method, List<Result> results) throws IOException {
        double mean = results.stream().mapToDouble(Result::right).average().orElse(0);
        double low = results.stream().mapToDouble(Result::right).min().orElse(0);
        double high = results.stream().mapToDouble(Result::right).max().orElse(0);
        String line = String.format(
                Locale.ROOT,
                "| %s | %s | %.2f %% | %.2f to %.2f %% | %,d B |%n",
                bits,
                method,
                mean,
                low,
                high,
                results.getFirst().bytes());
        System.out.print(line);
        Files.writeString(table, line, StandardOpenOption.APPEND);
    }

    private Result measure(String scheme, long seed) throws IOException {
        Path file = Files.writeString(temp.resolve("mnist.qnet"), """
                qnet 1
                %s
                model mnist(image: f32[N, 28, 28, 1]) -> (scores: f32[N, 10]) %s {
                  input image u8 range(0, 1)
                  h = image |> conv2d(8, kernel: 3, padding: same, bias: false) |> batch_norm |> relu |> max_pool(2)
                  h = h |> conv2d(16, kernel: 3, padding: same, bias: false) |> batch_norm |> relu |> max_pool(2)
                  h = h |> conv2d(32, kernel: 3, padding: same, bias: false) |> batch_norm |> relu |> max_pool(2)
                  return scores: h |> flatten |> dense(10) @activations(u8, ste)
                }
                """.formatted(
                        scheme.isEmpty() ? "" : "scheme s { " + scheme + " }", scheme.isEmpty() ? "" : "quantized s"));
        if (scheme.isEmpty()) {
            // The range of the input belongs to a scheme.
            Files.writeString(file, Files.readString(file).replaceFirst("(?m)^ *input image.*\n", ""));
        }
        boolean learns = !scheme.isEmpty() && !scheme.contains("range(mse)");
        Settings settings = Settings.builder()
                .epochs(learns ? FLOAT_EPOCHS : FLOAT_EPOCHS + EPOCHS, learns ? EPOCHS : 0)
                .seed(seed)
                .threads(2)
                .build();
        Graph graph = Frontend.load(file, new Frontend.Options(null, seed)).graph();
        Trained trained = new Trainer(graph, settings).train(train, test, Progress.silent());
        Path saved = temp.resolve("trained.qnet");
        trained.save(saved);
        BoundModel bound = Frontend.load(saved);
        Calibration calibration = bound.calibration();
        if (!scheme.isEmpty() && !learns) {
            float[] first = new float[CALIBRATED * PIXELS];
            for (int i = 0; i < CALIBRATED; i++) {
                train.copy(i, first, i * PIXELS);
            }
            calibration = Calibrating.on(bound.graph(), first, CALIBRATED);
        }
        Graph lowered = Pipeline.run(
                bound.graph(), Passes.all(), new PassContext(new Diagnostics(), calibration), (p, g) -> {});
        return new Result(right(JvmTarget.compile(lowered).load()), weightBytes(lowered));
    }

    /** Of convolutions and products, packed, without biases. */
    private static long weightBytes(Graph g) {
        long bytes = 0;
        for (Node n : g.nodes()) {
            if (n.op() instanceof DataOp.Constant && n.type().shape().rank() > 1) {
                int bits = n.type().element() instanceof Quant q ? q.storage().bits() : 32;
                bytes += ((long) n.type().shape().elements() * bits + 7) / 8;
            }
        }
        return bytes;
    }

    private double right(Model model) {
        float[] x = new float[test.size() * PIXELS];
        for (int i = 0; i < test.size(); i++) {
            test.copy(i, x, i * PIXELS);
        }
        float[] scores = model.run(Map.of("image", Tensor.ofFloats(x, test.size(), 28, 28, 1)))
                .values()
                .iterator()
                .next()
                .floats();
        int right = 0;
        for (int i = 0; i < test.size(); i++) {
            int best = 0;
            for (int c = 1; c < 10; c++) {
                best = scores[i * 10 + c] > scores[i * 10 + best] ? c : best;
            }
            right += best == test.label(i) ? 1 : 0;
        }
        return 100.0 * right / test.size();
    }
}
