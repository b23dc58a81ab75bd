package dev.qnet.benchmarks;

import static dev.qnet.benchmarks.measure.Results.number;

import dev.qnet.benchmarks.measure.Contest;
import dev.qnet.benchmarks.measure.Contest.Pace;
import dev.qnet.benchmarks.measure.FmaPeak;
import dev.qnet.benchmarks.measure.Machine;
import dev.qnet.benchmarks.measure.Results;
import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.training.data.Dataset;
import dev.qnet.training.fit.Epoch;
import dev.qnet.training.fit.Phase;
import dev.qnet.training.fit.Progress;
import dev.qnet.training.fit.Settings;
import dev.qnet.training.fit.Trainer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Steps of training. */
@Command(
        name = "train",
        description =
                "Steps of training (forward, backward, update) at batch 64: items a second in f32, with quantized "
                        + "weights and activations (lsq, 4 bits), and with batch norm folded; one thread and two.",
        mixinStandardHelpOptions = true)
final class TrainCommand implements Callable<Integer> {
    private static final int BATCH = 64;
    private static final int ITEMS = 8 * BATCH;

    /** A step forward and two back: by the layer's input, and by its weights. */
    private static final int PASSES = 3;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private MeasureOptions options;

    /**
     * What is trained.
     *
     * @param macs of an item's answer
     */
    private record Network(String name, int[] shape, long macs, String source) {}

    private static final String SCHEME = """
            qnet 1
            scheme learned {
              weights     i4 symmetric per_channel lsq
              activations u4 per_tensor lsq
            }
            """;

    private static final List<Network> NETWORKS = List.of(
            new Network(
                    "digits CNN",
                    new int[] {28, 28, 1},
                    28 * 28 * 9 * 8 + 14 * 14 * 9 * 8 * 16 + 7 * 7 * 9 * 16 * 32 + 9 * 32 * 10,
                    SCHEME + """
                    block layer(x, filters: int) {
                      return x |> conv2d(filters, kernel: 3, padding: same, bias: false) |> batch_norm |> relu |> max_pool(2)
                    }
                    model digits(image: f32[N, 28, 28, 1]) -> (scores: f32[N, 10]) quantized learned {
                      input image u8 range(0, 1)
                      return scores: image |> layer(8) |> layer(16) |> layer(32) |> flatten |> dense(10) @activations(u8, ste)
                    }
                    """),
            new Network("ResNet8", new int[] {32, 32, 3}, 12_501_632, SCHEME + """
                    block conv(x, filters: int, kernel: int = 3, stride: int = 1) {
                      return x |> conv2d(filters, kernel: kernel, stride: stride, padding: same, bias: false) |> batch_norm
                    }
                    block residual(x, filters: int, stride: int = 1) {
                      h = x |> conv(filters, stride: stride) |> relu |> conv(filters) @activations(i4, lsq)
                      skip = if stride > 1 { conv(x, filters, kernel: 1, stride: stride) @activations(i4, lsq) } else { x }
                      return relu(add(h, skip))
                    }
                    model resnet8(image: f32[N, 32, 32, 3]) -> (scores: f32[N, 10]) quantized learned {
                      input image u8 range(0, 1)
                      h = image |> conv(16) |> relu
                      h = h |> residual(16) |> residual(32, stride: 2) |> residual(64, stride: 2)
                      return scores: h |> global_avg_pool |> dense(10) @activations(u8, ste)
                    }
                    """));

    @Override
    public Integer call() throws IOException {
        Results results = new Results(
                "training at batch " + BATCH + ", " + Machine.description(),
                List.of(
                        "network",
                        "threads",
                        "f32 items/s",
                        "of f32 peak",
                        "quantized items/s",
                        "of the f32 step's time",
                        "folded items/s",
                        "of the f32 step's time"));
        for (Network n : NETWORKS) {
            for (int threads : new int[] {1, 2}) {
                if (options.wanted(n.name())) {
                    System.err.println(n.name() + ", threads: " + threads);
                    measure(n, threads, results);
                }
            }
        }
        results.note(
                "Of f32 peak: three times the multiply-accumulates of an answer, as a share of what as many threads could do.");
        options.show(new PrintWriter(System.out, true, StandardCharsets.UTF_8), List.of(results));
        return 0;
    }

    /** Epochs of each kind in turns, after some that do not count. */
    private void measure(Network n, int threads, Results results) throws IOException {
        Graph graph = graph(n);
        Dataset data = data(n);
        Pace pace = options.pace();
        int warm = pace == Pace.SMOKE ? 0 : 4;
        int rounds = pace == Pace.SMOKE ? 1 : pace == Pace.QUICK ? 5 : 15;
        Map<Phase, List<Double>> rates = new LinkedHashMap<>();
        List<Double> peaks = new ArrayList<>();
        for (int round = 0; round < warm + rounds; round++) {
            Settings settings = Settings.builder()
                    .batch(BATCH)
                    .epochs(1, 2)
                    .frozenShare(0.5)
                    .threads(threads)
                    .build();
            List<Epoch> epochs = new ArrayList<>();
            Progress keep = epochs::add;
            new Trainer(graph, settings).train(data, data, keep);
            double peak = peak();
            if (round >= warm) {
                epochs.forEach(e ->
                        rates.computeIfAbsent(e.phase(), k -> new ArrayList<>()).add(e.itemsPerSecond()));
                peaks.add(peak);
            }
        }
        double real = median(rates.get(Phase.FLOAT));
        double share = PASSES * n.macs() * real * 1e-9 / (median(peaks) * threads);
        List<String> cells = new ArrayList<>(
                List.of(n.name(), Integer.toString(threads), number(real, 0), number(100 * share, 0) + " %"));
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("network", n.name());
        row.put("threads", threads);
        row.put("floatItemsPerSecond", real);
        row.put("fractionOfPeak", share);
        for (Phase p : List.of(Phase.QUANTIZED, Phase.FROZEN)) {
            List<Double> both = rates.getOrDefault(p, List.of());
            List<Double> floats = rates.getOrDefault(Phase.FLOAT, List.of());
            double ratio = median(IntStream.range(0, both.size())
                    .mapToObj(i -> floats.get(i) / both.get(i))
                    .toList());
            cells.add(number(median(both), 0));
            cells.add(number(ratio, 2));
            row.put(p.toString().toLowerCase(Locale.ROOT) + "ItemsPerSecond", median(both));
            row.put(p.toString().toLowerCase(Locale.ROOT) + "OfFloatTime", ratio);
        }
        results.row(cells, row);
    }

    /** Multiply-adds of singles a nanosecond on one thread. */
    private static double peak() {
        FmaPeak fma = new FmaPeak();
        return FmaPeak.MACS
                / Contest.run(List.of(fma), new Pace(5, 1_000_000, 100_000_000))
                        .getFirst()
                        .median();
    }

    private static double median(@Nullable List<Double> values) {
        return values == null
                ? Double.NaN
                : Contest.quantile(values.stream().mapToDouble(v -> v).toArray(), 0.5);
    }

    private static Graph graph(Network n) throws IOException {
        Path file = Files.createTempFile("network", ".qnet");
        try {
            return Frontend.load(Files.writeString(file, n.source()), new Frontend.Options(null, 1L))
                    .graph();
        } finally {
            Files.delete(file);
        }
    }

    /** Noise, which takes as long as pictures. */
    private static Dataset data(Network n) {
        Random random = new Random(3);
        Shape shape = Shape.of(n.shape());
        return Dataset.of(
                "noise",
                shape,
                Stream.generate(() -> item(random, shape.elements()))
                        .limit(ITEMS)
                        .iterator());
    }

    private static Dataset.Item item(Random random, int elements) {
        float[] x = new float[elements];
        for (int i = 0; i < elements; i++) {
            x[i] = random.nextFloat();
        }
        return new Dataset.Item(x, random.nextInt(10));
    }
}
