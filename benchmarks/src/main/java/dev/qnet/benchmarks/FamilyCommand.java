package dev.qnet.benchmarks;

import static dev.qnet.benchmarks.measure.Results.number;

import dev.qnet.benchmarks.measure.Contest;
import dev.qnet.benchmarks.measure.Machine;
import dev.qnet.benchmarks.measure.Plot;
import dev.qnet.benchmarks.measure.Results;
import dev.qnet.benchmarks.model.Network;
import dev.qnet.benchmarks.peer.QnetModel;
import dev.qnet.runtime.LoadOptions;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.kernel.Backend;
import dev.qnet.target.jvm.CompiledArtifact;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A family of made-up networks. */
@Command(
        name = "family",
        description =
                "Made-up networks of 10 to 1,000 layers and 1 to 64 million multiply-accumulates: how long compiling "
                        + "takes, how large the classes are, when the first answer comes, and how many answers a second in the end.",
        mixinStandardHelpOptions = true)
final class FamilyCommand implements Callable<Integer> {
    private static final int[] LAYERS = {10, 30, 100, 300, 1000};
    private static final int[] MILLIONS = {1, 8, 64};

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private MeasureOptions options;

    @Option(names = "--plot", paramLabel = "FILE.svg", description = "Draw compile time over the number of layers.")
    private @Nullable Path plot;

    @Override
    public Integer call() throws IOException {
        Results results = new Results(
                "a family of networks, one thread, " + Machine.description(),
                List.of(
                        "network",
                        "layers",
                        "MMAC",
                        "compile ms",
                        "classes KB",
                        "weights KB",
                        "load ms",
                        "first ms",
                        "steady ms",
                        "MAC/ns"));
        Map<String, List<double[]>> compile = new TreeMap<>();
        Map<String, List<double[]>> steady = new TreeMap<>();
        // The compiler itself is compiled by HotSpot first: what is asked is how time grows, not what the first costs.
        for (int i = 0; i < 3; i++) {
            QnetModel.compile(Network.of(100, 8_000_000).onnx());
        }
        for (int millions : MILLIONS) {
            for (int layers : LAYERS) {
                Network n = Network.of(layers, 1_000_000L * millions);
                String name = layers + "x" + millions + "M";
                if (options.wanted(name)) {
                    System.err.println(name);
                    measure(name, n, results, compile, steady, millions + " MMAC");
                }
            }
        }
        if (plot != null) {
            Plot p = new Plot("Networks of 10 to 1,000 layers", "layers", "milliseconds");
            compile.forEach((k, v) -> p.series("compile, " + k, v));
            steady.forEach((k, v) -> p.series("run, " + k, v));
            p.write(plot);
        }
        options.show(new PrintWriter(System.out, true, StandardCharsets.UTF_8), List.of(results));
        return 0;
    }

    private void measure(
            String name,
            Network n,
            Results results,
            Map<String, List<double[]>> compile,
            Map<String, List<double[]>> steady,
            String series)
            throws IOException {
        byte[] onnx = n.onnx();
        byte[] x = new byte[n.size() * n.size() * n.channels()];
        new Random(1).nextBytes(x);
        double[] compileNanos = new double[3];
        CompiledArtifact artifact = null;
        for (int i = 0; i < compileNanos.length; i++) {
            long begin = System.nanoTime();
            artifact = QnetModel.compile(onnx);
            compileNanos[i] = System.nanoTime() - begin;
        }
        if (artifact == null) {
            throw new IllegalStateException("nothing was compiled");
        }
        long begin = System.nanoTime();
        try (Model model = artifact.load(LoadOptions.defaults());
                QnetModel qnet = new QnetModel(model, List.of(x), 1)) {
            long loaded = System.nanoTime();
            qnet.run();
            long first = System.nanoTime();
            double runNanos = steady(artifact, x);
            double ms = Contest.quantile(compileNanos, 0.5) / 1e6;
            long classes = artifact.classes().values().stream()
                    .mapToLong(c -> c.length)
                    .sum();
            compile.computeIfAbsent(series, k -> new ArrayList<>()).add(new double[] {n.layers(), ms});
            steady.computeIfAbsent(series, k -> new ArrayList<>()).add(new double[] {n.layers(), runNanos / 1e6});
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("layers", n.layers());
            row.put("macs", n.macs());
            row.put("compileNanos", 1e6 * ms);
            row.put("classBytes", classes);
            row.put("weightBytes", artifact.weights().length);
            row.put("loadNanos", loaded - begin);
            row.put("firstNanos", first - loaded);
            row.put("runNanos", runNanos);
            results.row(
                    List.of(
                            name,
                            Integer.toString(n.layers()),
                            number(n.macs() / 1e6, 1),
                            number(ms, 1),
                            number(classes / 1024.0, 0),
                            number(artifact.weights().length / 1024.0, 0),
                            number((loaded - begin) / 1e6, 1),
                            number((first - loaded) / 1e6, 1),
                            number(runNanos / 1e6, 3),
                            number(n.macs() / runNanos, 1)),
                    row);
        }
    }

    /** Of vector code, to which a user's model comes when it has been running for some time. */
    private double steady(CompiledArtifact artifact, byte[] x) {
        try (Model model = artifact.load(Backend.VECTOR);
                QnetModel qnet = new QnetModel(model, List.of(x), 1)) {
            return Contest.run(List.of(qnet), options.pace()).getFirst().median();
        }
    }
}
