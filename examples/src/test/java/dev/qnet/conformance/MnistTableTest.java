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
import java.util.Objects;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Quantizers beside each other on real digits: {@code mvn verify -Pmnist-table}. The first 4,000 of 5,000 MNIST pictures train, the
 * others test, as integer code on the JVM. For each seed one float network is trained; every quantizer begins with it.
 *
 * <p>What is done lies in {@code target/mnist-table}, and is not done again by the next run, until that is removed. The whole table is
 * written into docs/training.md, a part of it ({@code -Dqnet.table.seeds}, {@code .bits} and {@code .quantizers} choose) beside the
 * results. {@code -Dqnet.table.threads} is 2.
 */
@Tag("table")
class MnistTableTest {
    private static final Path DATA = Path.of(System.getProperty("qnet.data", "../../shared/data"));
    private static final Path FOLDER = Path.of("target/mnist-table");
    private static final Path DOCS = Path.of("../docs/training.md");
    private static final String BEGIN = "<!-- mnist-table -->\n";
    private static final String END = "<!-- end of mnist-table -->\n";

    private static final int TRAINED = 4000;
    private static final int CALIBRATED = 256;
    private static final int FLOAT_EPOCHS = 10;
    private static final int EPOCHS = 6;
    private static final int PIXELS = 28 * 28;
    private static final String SEEDS = "1,2,3";
    private static final String BITS = "8,4,3,2";

    private static final String MODEL = """
            qnet 1
            scheme none { weights i8 activations u8 }
            model mnist(image: f32[N, 28, 28, 1]) -> (scores: f32[N, 10]) quantized none {
              input image u8 range(0, 1)
              h = image |> conv2d(8, kernel: 3, padding: same, bias: false) |> batch_norm |> relu |> max_pool(2)
              h = h |> conv2d(16, kernel: 3, padding: same, bias: false) |> batch_norm |> relu |> max_pool(2)
              h = h |> conv2d(32, kernel: 3, padding: same, bias: false) |> batch_norm |> relu |> max_pool(2)
              return scores: h |> flatten |> dense(10) @activations(u8, ste)
            }
            """;

    /** Quantizers of weights and of activations; %d stands for bits, %k for as many codes as they have. */
    private static final Map<String, String> QUANTIZERS = new LinkedHashMap<>();

    private static final String ROUNDED = "only rounded";

    static {
        QUANTIZERS.put(ROUNDED, "weights i%d per_channel range(mse) activations u%d range(mse)");
        QUANTIZERS.put("ste", "weights i%d per_channel range(mse) ste activations u%d range(mse) ste");
        QUANTIZERS.put("pact", "weights i%d per_channel range(mse) ste activations u%d pact");
        QUANTIZERS.put("lsq", "weights i%d per_channel lsq activations u%d lsq");
        QUANTIZERS.put("lsq_plus", "weights i%d per_channel lsq activations u%d lsq_plus");
        QUANTIZERS.put("qil", "weights i%d per_channel qil activations u%d lsq");
        QUANTIZERS.put("qn", "weights i%d per_channel qn activations u%d lsq");
        QUANTIZERS.put("codebook", "weights codebook(%k) activations u%d lsq");
    }

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path temp;

    @SuppressWarnings("NullAway.Init")
    private Dataset train;

    @SuppressWarnings("NullAway.Init")
    private Dataset test;

    private final Map<String, Result> done = new LinkedHashMap<>();

    /** One cell, of one seed: percent of the test pictures, and bytes of weights. */
    private record Run(String quantizer, int bits, long seed) {
        /** A float network has no bits. */
        boolean isFloat() {
            return bits == 0;
        }

        @Override
        public String toString() {
            return isFloat() ? "float, seed " + seed : quantizer + ", " + bits + " bits, seed " + seed;
        }
    }

    /** What a run gave. */
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
        Files.createDirectories(FOLDER);
        Path results = FOLDER.resolve("results.txt");
        if (Files.exists(results)) {
            for (String line : Files.readAllLines(results)) {
                // "scheme of a run: top-1 bytes"
                int name = line.indexOf(": ");
                int space = line.lastIndexOf(' ');
                done.put(
                        line.substring(0, name),
                        new Result(
                                Double.parseDouble(line.substring(name + 2, space)),
                                Long.parseLong(line.substring(space + 1))));
            }
        }
        List<Run> runs = runs();
        long start = System.nanoTime();
        int made = 0;
        int left =
                (int) runs.stream().filter(r -> !done.containsKey(r.toString())).count();
        for (Run run : runs) {
            if (done.containsKey(run.toString())) {
                continue;
            }
            Result r = measure(run);
            done.put(run.toString(), r);
            String line = run + ": " + r.right() + " " + r.bytes() + "\n";
            Files.writeString(results, line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            made++;
            double minutes = (System.nanoTime() - start) / 6e10;
            System.out.printf(
                    Locale.ROOT,
                    "%s: %.2f %% (%d of %d, %.1f min left)%n",
                    run,
                    r.right(),
                    made,
                    left,
                    minutes / made * (left - made));
        }
        String table = table();
        System.out.print(table);
        Files.writeString(FOLDER.resolve("table.md"), table);
        if (runs.size() == (1 + QUANTIZERS.size() * BITS.split(",").length) * SEEDS.split(",").length) {
            String docs = Files.readString(DOCS);
            int from = docs.indexOf(BEGIN) + BEGIN.length();
            Files.writeString(DOCS, docs.substring(0, from) + table + docs.substring(docs.indexOf(END)));
        }
        assertThat(done.values().iterator().next().right()).isGreaterThan(95);
    }

    /** One seed after the other, so that what is cut off has as many of each as can be. */
    private static List<Run> runs() {
        List<Run> runs = new ArrayList<>();
        for (String seed : chosen("seeds", SEEDS)) {
            runs.add(new Run("float", 0, Long.parseLong(seed)));
            for (String bits : chosen("bits", BITS)) {
                for (String quantizer : chosen("quantizers", String.join(",", QUANTIZERS.keySet()))) {
                    runs.add(new Run(quantizer, Integer.parseInt(bits), Long.parseLong(seed)));
                }
            }
        }
        return runs;
    }

    private String table() {
        StringBuilder s = new StringBuilder("| weights and activations |");
        List<String> bits = chosen("bits", BITS);
        bits.forEach(b -> s.append(' ').append(b).append(" bits |"));
        s.append("\n|---|").append("---|".repeat(bits.size()));
        for (String q : QUANTIZERS.keySet()) {
            StringBuilder row = new StringBuilder();
            bits.forEach(
                    b -> row.append(' ').append(cell(q, Integer.parseInt(b))).append(" |"));
            s.append("\n| ")
                    .append(q.equals(ROUNDED) ? q : "`" + q + "`")
                    .append(" |")
                    .append(row);
        }
        s.append("\n| bytes of weights |");
        bits.forEach(b -> s.append(' ').append(bytes(Integer.parseInt(b))).append(" |"));
        return s.append("\n\nFloat: ").append(cell("float", 0)).append(".\n").toString();
    }

    private List<Result> of(String quantizer, int bits) {
        return chosen("seeds", SEEDS).stream()
                .map(seed -> done.get(new Run(quantizer, bits, Long.parseLong(seed)).toString()))
                .filter(Objects::nonNull)
                .toList();
    }

    /** The mean, the least and the most. */
    private String cell(String quantizer, int bits) {
        var rights = of(quantizer, bits).stream().mapToDouble(Result::right).summaryStatistics();
        return rights.getCount() == 0
                ? "–"
                : String.format(Locale.ROOT, "%.2f (%.1f–%.1f)", rights.getAverage(), rights.getMin(), rights.getMax());
    }

    private String bytes(int bits) {
        return QUANTIZERS.keySet().stream()
                .flatMap(q -> of(q, bits).stream())
                .map(r -> String.format(Locale.ROOT, "%,d", r.bytes()))
                .distinct()
                .collect(Collectors.joining(", "));
    }

    private Path floats(long seed) {
        return FOLDER.resolve("float-" + seed).resolve("mnist.qnet");
    }

    private static Settings settings(int floatEpochs, int epochs, long seed) {
        return Settings.builder()
                .epochs(floatEpochs, epochs)
                .seed(seed)
                .threads(Integer.getInteger("qnet.table.threads", 2))
                .build();
    }

    private Result measure(Run run) throws IOException {
        Path source = floats(run.seed());
        if (run.isFloat() || !Files.exists(source)) {
            Path file = Files.writeString(temp.resolve("mnist.qnet"), MODEL);
            Graph graph =
                    Frontend.load(file, new Frontend.Options(null, run.seed())).graph();
            Trained trained =
                    new Trainer(graph, settings(FLOAT_EPOCHS, 0, run.seed())).train(train, test, Progress.silent());
            Files.createDirectories(source.getParent());
            trained.save(source);
            if (run.isFloat()) {
                return new Result(100 * trained.accuracy(), weightBytes(trained.graph()));
            }
        }
        String words = Objects.requireNonNull(QUANTIZERS.get(run.quantizer()), run.quantizer())
                .replace("%d", String.valueOf(run.bits()))
                .replace("%k", String.valueOf(1 << run.bits()));
        Path scheme = Files.writeString(temp.resolve("scheme.qnet"), "qnet 1\nscheme s { " + words + " }\n");
        Graph graph = Frontend.load(source, new Frontend.Options(null, null, scheme.toString()))
                .graph();
        Graph quantized;
        Calibration calibration;
        if (run.quantizer().equals(ROUNDED)) {
            float[] first = new float[CALIBRATED * PIXELS];
            for (int i = 0; i < CALIBRATED; i++) {
                train.copy(i, first, i * PIXELS);
            }
            quantized = graph;
            calibration = Calibrating.on(graph, first, CALIBRATED);
        } else {
            Trained trained = new Trainer(graph, settings(0, EPOCHS, run.seed())).train(train, test, Progress.silent());
            Path saved = temp.resolve("trained.qnet");
            trained.save(saved);
            BoundModel bound = Frontend.load(saved);
            quantized = bound.graph();
            calibration = bound.calibration();
        }
        Graph lowered =
                Pipeline.run(quantized, Passes.all(), new PassContext(new Diagnostics(), calibration), (p, g) -> {});
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
