package dev.qnet.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.qnet.cli.speed.LayerSpeeds;
import dev.qnet.cli.speed.Stopwatch;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.pass.AccumulatorBounds;
import dev.qnet.runtime.LoadOptions;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.TensorInfo;
import dev.qnet.runtime.kernel.Backend;
import dev.qnet.runtime.kernel.Workers;
import dev.qnet.target.jvm.CompiledArtifact;
import dev.qnet.target.jvm.JvmTarget;
import dev.qnet.target.tvm.TvmTarget;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code qnet bench}: how fast a model runs. */
@Command(
        name = "bench",
        description =
                "Runs a model for some seconds, on the JVM or as code of TVM's, and tells what an answer takes: median, 99th percentile, "
                        + "answers a second, and the time of each layer.",
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  qnet bench calibrated.qnet",
            "  qnet bench model.tflite --seconds 5 --threads 2 --batch 8",
            "  qnet bench model.onnx --kernels scalar --json",
            "  qnet bench model.onnx --target tvm-cpu"
        })
final class BenchCommand implements Callable<Integer> {
    private static final String JVM = "jvm";
    private static final int LONGEST_NAME = 48;
    private static final double MOST_SECONDS = 3600;
    private static final double LEAST_WARM_UP = 2;
    private static final double MOST_WARM_UP = 10;

    /** Which kernels run. */
    enum Kernels {
        scalar(Backend.SCALAR),
        vector(Backend.VECTOR),
        adaptive(Backend.ADAPTIVE);

        private final Backend backend;

        Kernels(Backend backend) {
            this.backend = backend;
        }
    }

    /** Called by picocli. */
    static final class KernelsConverter implements ITypeConverter<Kernels> {
        @Override
        public Kernels convert(String text) {
            for (Kernels k : Kernels.values()) {
                if (k.name().equalsIgnoreCase(text)) {
                    return k;
                }
            }
            throw new UserException(
                    "there are no kernels '" + text + "'",
                    "one of: "
                            + Arrays.stream(Kernels.values()).map(Kernels::name).collect(Collectors.joining(", ")));
        }
    }

    @ParentCommand
    @SuppressWarnings("NullAway.Init")
    private QnetCommand parent;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private ModelArgument model;

    @Option(
            names = {"-i", "--input"},
            paramLabel = "[NAME=]FILE",
            description = "An input, as for 'qnet run'; all are made up unless given.")
    private List<String> inputs = new ArrayList<>();

    @Option(
            names = {"-t", "--target", "--on"},
            paramLabel = "NAME",
            defaultValue = JVM,
            description = "jvm, or tvm-cpu: code of TVM's for this CPU, whose native libraries have to be there "
                    + "(docs/targets.md); without the times of layers. Default: ${DEFAULT-VALUE}.")
    @SuppressWarnings("NullAway.Init")
    private String target;

    @Option(
            names = "--seconds",
            paramLabel = "S",
            defaultValue = "2",
            description = "How long to measure. Default: ${DEFAULT-VALUE}.")
    private double seconds;

    @Option(
            names = "--warm-up",
            paramLabel = "S",
            description = "How long to run before anything counts. Default: until it no longer gets faster, 2 to 10 "
                    + "seconds.")
    private @Nullable Double warmUp;

    @Option(
            names = "--batch",
            paramLabel = "N",
            description = "Items in a run. Default: 1, or as many as --input gives.")
    private @Nullable Integer batch;

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "1",
            description =
                    "Threads that a run uses; on tvm-cpu they share the items of a batch. Default: ${DEFAULT-VALUE}.")
    private int threads;

    @Option(
            names = "--kernels",
            paramLabel = "KIND",
            converter = KernelsConverter.class,
            description =
                    "scalar (plain Java), vector, or adaptive: plain Java at first, vectors when they are faster. "
                            + "Default: what the JVM has, as a user gets it.")
    private @Nullable Kernels kernels;

    @Option(names = "--no-layers", description = "Leave the layers out.")
    private boolean noLayers;

    @Option(names = "--json", description = "Print as JSON.")
    private boolean json;

    /** A row of the table. */
    private record Row(String name, String operation, String shape, long macs, double nanos) {}

    /**
     * What was measured.
     *
     * @param name the model's
     * @param rounding its contract
     * @param kernels which ones
     * @param items of a run
     * @param sorted nanoseconds of each run
     * @param macs of an item
     * @param rows layers, where wanted
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Report(
            String name, String rounding, String kernels, int items, long[] sorted, long macs, List<Row> rows) {
        double median() {
            return Stopwatch.quantile(sorted, 0.5);
        }

        double throughput() {
            double sum = 0;
            for (long n : sorted) {
                sum += n;
            }
            return 1e9 * items * sorted.length / sum;
        }
    }

    @Override
    public Integer call() throws IOException {
        check();
        Console console = parent.console();
        BoundModel bound = model.load(console);
        Graph graph = Build.integers(console, bound);
        Report report = target.equals(JVM) ? onJvm(graph) : onCpu(graph);
        if (json) {
            console.out()
                    .println(new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(json(report)));
        } else {
            print(console, report);
        }
        return ExitCode.OK;
    }

    private Report onCpu(Graph graph) throws IOException {
        try (Model loaded = Tvm.load(graph, LoadOptions.defaults().withThreads(threads))) {
            Map<String, Tensor> given = given(loaded);
            int items = items(loaded, given);
            return new Report(
                    loaded.name(),
                    loaded.roundingContract(),
                    TvmTarget.CPU,
                    items,
                    measure(loaded, given, items),
                    macs(AccumulatorBounds.of(graph)),
                    List.of());
        }
    }

    private Map<String, Tensor> given(Model loaded) throws IOException {
        return inputs.isEmpty() ? Map.of() : new Inputs(loaded.inputs(), null).read(inputs);
    }

    private long[] measure(Model loaded, Map<String, Tensor> given, int items) {
        try (Stopwatch watch = new Stopwatch(loaded, given, items)) {
            if (warmUp == null) {
                watch.settle(LEAST_WARM_UP, MOST_WARM_UP);
            } else {
                watch.warmUp(warmUp);
            }
            return watch.measure(seconds);
        }
    }

    private static long macs(Map<ValueId, AccumulatorBounds.Bound> bounds) {
        return bounds.values().stream().mapToLong(AccumulatorBounds.Bound::macs).sum();
    }

    private Report onJvm(Graph graph) throws IOException {
        CompiledArtifact artifact = JvmTarget.compile(graph);
        Backend backend = backend();
        LoadOptions options = LoadOptions.defaults().withThreads(threads);
        try (Model loaded = artifact.load(options, backend)) {
            Map<String, Tensor> given = given(loaded);
            int items = items(loaded, given);
            long[] sorted = measure(loaded, given, items);
            Map<ValueId, AccumulatorBounds.Bound> bounds = AccumulatorBounds.of(graph);
            List<Row> rows = List.of();
            if (!noLayers) {
                // Layers are measured apart, in a form of the model that looks at the clock between them.
                LayerSpeeds layers = LayerSpeeds.measure(
                        artifact,
                        options,
                        backend,
                        given,
                        items,
                        warmUp == null ? Double.NaN : Math.min(warmUp, 1),
                        Math.min(seconds, 1));
                rows = rows(graph, bounds, layers);
            }
            return new Report(
                    loaded.name(),
                    loaded.roundingContract(),
                    backend.name().toLowerCase(Locale.ROOT),
                    items,
                    sorted,
                    macs(bounds),
                    rows);
        }
    }

    private void check() {
        if (!(seconds > 0) || seconds > MOST_SECONDS) {
            throw new UserException("--seconds is above 0 and at most 3600, found " + seconds);
        }
        if (warmUp != null && (!(warmUp >= 0) || warmUp > MOST_SECONDS)) {
            throw new UserException("--warm-up is 0 to 3600, found " + warmUp);
        }
        if (batch != null && batch < 1) {
            throw new UserException("--batch is at least 1, found " + batch);
        }
        if (threads < 1 || threads > Workers.MOST) {
            throw new UserException("--threads is 1 to " + Workers.MOST + ", found " + threads);
        }
        if (!target.equals(JVM) && !target.equals(TvmTarget.CPU)) {
            throw new UserException("there is no target '" + target + "' to measure", "one of: jvm, " + TvmTarget.CPU);
        }
        if (kernels != null && !target.equals(JVM)) {
            throw new UserException("--kernels is for the jvm, not " + target, "leave out one of them");
        }
        if (!Models.reads(model.file())) {
            throw new UserException(
                    model.file() + " is no .qnet, .tflite or .onnx file",
                    "give a model; of a jar, the model that it was compiled from");
        }
    }

    private Backend backend() {
        if (kernels == null) {
            return Backend.selected();
        }
        if (kernels != Kernels.scalar && !Backend.vectorPresent()) {
            throw new UserException(
                    "--kernels " + kernels + " needs the module jdk.incubator.vector",
                    "start java with --add-modules jdk.incubator.vector");
        }
        return kernels.backend;
    }

    /** The N that inputs were given with, or that is asked for. */
    private int items(Model loaded, Map<String, Tensor> given) {
        boolean batched = loaded.inputs().stream().anyMatch(TensorInfo::batched);
        for (TensorInfo t : loaded.inputs()) {
            Tensor x = given.get(t.name());
            if (x != null && t.batched()) {
                if (batch != null && batch != x.dim(0)) {
                    throw new UserException(
                            "--batch is " + batch + ", but input '" + t.name() + "' has " + x.dim(0) + " items");
                }
                return x.dim(0);
            }
        }
        if (batch != null && batch > 1 && !batched) {
            throw new UserException(
                    "no input of '" + loaded.name() + "' has an N, so that there are no batches", "leave --batch out");
        }
        return batch == null ? 1 : batch;
    }

    private static List<Row> rows(Graph graph, Map<ValueId, AccumulatorBounds.Bound> bounds, LayerSpeeds layers) {
        List<Row> rows = new ArrayList<>();
        for (Node n : graph.nodes()) {
            Double nanos = layers.layers().get(n.id());
            if (nanos != null) {
                AccumulatorBounds.Bound b = bounds.get(n.id());
                rows.add(new Row(
                        n.id().name(),
                        ExplainCommand.operation(n),
                        n.type().shape().toString(),
                        b == null ? 0 : b.macs(),
                        nanos));
            }
        }
        return rows;
    }

    private void print(Console console, Report r) {
        long[] t = r.sorted();
        console.out()
                .println(console.heading(r.name()) + "  rounding " + r.rounding() + ", "
                        + (target.equals(JVM) ? r.kernels() + " kernels, " : "on " + target + ", ")
                        + (threads == 1 ? "1 thread" : threads + " threads") + ", batch " + r.items());
        console.out()
                .println("median " + Sizes.time(r.median()) + ", 99 % within "
                        + Sizes.time((double) Stopwatch.quantile(t, 0.99)) + ", best " + Sizes.time((double) t[0])
                        + " (" + t.length + (t.length == 1 ? " run)" : " runs)"));
        console.out()
                .println(String.format(Locale.ROOT, "%.0f items/s", r.throughput())
                        + (r.macs() == 0
                                ? ""
                                : ", " + Sizes.count(r.macs()) + " MACs an item, "
                                        + String.format(
                                                Locale.ROOT,
                                                "%.1f MACs/ns",
                                                (double) r.items() * r.macs() / r.median())));
        if (!r.rows().isEmpty()) {
            double total = r.rows().stream().mapToDouble(Row::nanos).sum();
            Table table = new Table("layer", "operation", "shape", ">time", ">share", ">MACs", ">MACs/ns");
            for (Row row : r.rows()) {
                table.row(
                        Table.brief(row.name(), LONGEST_NAME),
                        row.operation(),
                        row.shape(),
                        Sizes.time(row.nanos()),
                        String.format(Locale.ROOT, "%.1f %%", 100 * row.nanos() / total),
                        row.macs() == 0 ? "" : Sizes.count(row.macs()),
                        row.macs() == 0 ? "" : String.format(Locale.ROOT, "%.1f", row.macs() / row.nanos()));
            }
            console.out().println();
            console.out().print(table);
        }
    }

    private Map<String, Object> json(Report r) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("model", r.name());
        all.put("rounding", r.rounding());
        all.put("target", target);
        all.put("kernels", r.kernels());
        all.put("threads", threads);
        all.put("batch", r.items());
        all.put("runs", r.sorted().length);
        all.put("medianNanos", Math.round(r.median()));
        all.put("p99Nanos", Stopwatch.quantile(r.sorted(), 0.99));
        all.put("bestNanos", r.sorted()[0]);
        all.put("itemsPerSecond", r.throughput());
        all.put("macs", r.macs());
        List<Map<String, Object>> rows = new ArrayList<>();
        for (Row row : r.rows()) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("name", row.name());
            one.put("operation", row.operation());
            one.put("shape", row.shape());
            one.put("macs", row.macs());
            one.put("nanos", Math.round(row.nanos()));
            rows.add(one);
        }
        all.put("layers", rows);
        return all;
    }
}
