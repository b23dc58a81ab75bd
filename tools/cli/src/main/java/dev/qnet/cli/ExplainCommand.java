package dev.qnet.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.qnet.cli.speed.LayerSpeeds;
import dev.qnet.cli.speed.MachineSpeed;
import dev.qnet.cli.speed.Prediction;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.pass.AccumulatorBounds;
import dev.qnet.formats.Importer;
import dev.qnet.runtime.LoadOptions;
import dev.qnet.runtime.kernel.Backend;
import dev.qnet.target.jvm.JvmTarget;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code qnet explain}: what each layer costs and how it is quantized. */
@Command(
        name = "explain",
        description =
                "Tells, layer by layer, what a model becomes: shapes, storage, scales, accumulators, work, memory, and "
                        + "where floats remain. Numbers are for one item.",
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  qnet explain calibrated.qnet",
            "  qnet explain calibrated.qnet --json",
            "  qnet explain calibrated.qnet --speed      with the time that each layer takes, and should take"
        })
final class ExplainCommand implements Callable<Integer> {
    private static final int LONGEST_NAME = 48;
    private static final double SECONDS = 1;

    /** From how many times the prediction on a measurement is said to be worth little. */
    private static final double FAR = 10;

    @ParentCommand
    @SuppressWarnings("NullAway.Init")
    private QnetCommand parent;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private ModelArgument model;

    @Option(names = "--json", description = "Print as JSON.")
    private boolean json;

    @Option(
            names = "--speed",
            description =
                    "Run the model for a few seconds, and tell what each layer takes beside what it should take on "
                            + "this machine.")
    private boolean speed;

    /** A layer: one node that is not a constant. */
    private record Layer(
            String name,
            String operation,
            String shape,
            String storage,
            String scale,
            String weights,
            long weightBytes,
            String accumulator,
            int accumulatorBits,
            long maxAccumulator,
            long macs,
            long activationBytes,
            boolean isFloat,
            double predicted) {}

    /**
     * What was measured.
     *
     * @param machine what this machine can do
     * @param layers what each layer takes
     */
    private record Speeds(MachineSpeed machine, LayerSpeeds layers) {
        @Nullable Double of(Layer l) {
            return layers.layers().get(new ValueId(l.name()));
        }
    }

    @Override
    public Integer call() throws IOException {
        Console console = parent.console();
        BoundModel bound = model.load(console);
        boolean asItIs =
                bound.graph().policy() == null && !Importer.reads(model.file()) && !Models.isInteger(bound.graph());
        Graph graph = asItIs ? bound.graph() : Build.integers(console, bound);
        Speeds speeds = speed ? speeds(graph) : null;
        List<Layer> layers = layers(graph, speeds == null ? null : new Prediction(speeds.machine()));
        if (json) {
            console.out()
                    .println(new ObjectMapper()
                            .writerWithDefaultPrettyPrinter()
                            .writeValueAsString(json(graph, layers, speeds)));
        } else {
            print(console, graph, layers, speeds);
        }
        return ExitCode.OK;
    }

    private static Speeds speeds(Graph graph) {
        Backend backend = Backend.selected();
        MachineSpeed machine = MachineSpeed.measure(backend != Backend.SCALAR);
        // What is asked for is the speed that lasts, so that nothing has to be warmed in the background first.
        Backend used = backend == Backend.SCALAR ? Backend.SCALAR : Backend.VECTOR;
        LayerSpeeds layers = LayerSpeeds.measure(
                JvmTarget.compile(graph), LoadOptions.defaults(), used, Map.of(), 1, Double.NaN, SECONDS);
        return new Speeds(machine, layers);
    }

    private static List<Layer> layers(Graph graph, @Nullable Prediction prediction) {
        Map<ValueId, AccumulatorBounds.Bound> bounds = AccumulatorBounds.of(graph);
        Map<ValueId, Type> types = graph.types();
        Map<ValueId, Node> definitions = graph.definitions();
        List<Layer> layers = new ArrayList<>();
        for (Node n : graph.nodes()) {
            if (n.op() instanceof DataOp.Constant) {
                continue;
            }
            AccumulatorBounds.Bound bound = bounds.get(n.id());
            Type weight = null;
            long weightBytes = 0;
            for (ValueId o : n.operands()) {
                Node d = definitions.get(o);
                if (d != null && d.op() instanceof DataOp.Constant) {
                    weight = weight == null ? types.get(o) : weight;
                    weightBytes += constantBytes(d.type());
                }
            }
            layers.add(new Layer(
                    n.id().name(),
                    operation(n),
                    n.type().shape().toString(),
                    storage(n.type()),
                    scale(n.type()),
                    weight == null ? "" : storage(weight) + granularity(weight),
                    weightBytes,
                    bound == null ? "" : accumulator(n),
                    bound == null ? 0 : bound.bits(),
                    bound == null ? 0 : bound.maxAbs(),
                    bound == null ? 0 : bound.macs(),
                    (long) n.type().shape().elements() * n.type().element().bytes(),
                    n.op() instanceof FloatOp,
                    prediction == null
                            ? 0
                            : prediction.nanos(
                                    n,
                                    n.operands().stream()
                                            .map(o -> types.getOrDefault(o, n.type()))
                                            .toList(),
                                    bound == null ? 0 : bound.macs(),
                                    weightBytes)));
        }
        return layers;
    }

    private void print(Console console, Graph graph, List<Layer> layers, @Nullable Speeds speeds) {
        String contract = JvmTarget.contract(graph).map(Rounding::toString).orElse("none (a float model)");
        console.out().println(console.heading(graph.name()) + "  rounding " + contract);
        Map<ValueId, Type> types = graph.types();
        for (Graph.Param p : graph.params()) {
            console.out()
                    .println("input  " + p.id().name() + ": " + storage(p.type())
                            + p.type().shape() + scaleSuffix(p.type()));
        }
        for (Graph.Result r : graph.results()) {
            Type t = Objects.requireNonNull(types.get(r.value()));
            console.out().println("output " + r.name() + ": " + storage(t) + t.shape() + scaleSuffix(t));
        }
        console.out().println();
        List<String> columns = new ArrayList<>(List.of(
                "layer",
                "operation",
                "shape",
                "codes",
                "scale:zero",
                "weights",
                ">bytes",
                "accumulator",
                ">needs",
                ">MACs",
                ">activation"));
        if (speeds != null) {
            columns.addAll(List.of(">predicted", ">measured", ">MACs/ns"));
        }
        Table table = new Table(columns.toArray(String[]::new));
        long weights = 0;
        long macs = 0;
        long activations = 0;
        for (Layer l : layers) {
            List<Object> cells = new ArrayList<>(List.of(
                    Table.brief(l.name(), LONGEST_NAME),
                    l.operation(),
                    l.shape(),
                    l.storage(),
                    l.scale(),
                    l.weights(),
                    l.weightBytes() == 0 ? "" : l.weightBytes(),
                    l.accumulator(),
                    l.accumulatorBits() == 0 ? "" : l.accumulatorBits() + " bits",
                    l.macs() == 0 ? "" : Sizes.count(l.macs()),
                    Sizes.text(l.activationBytes())));
            if (speeds != null) {
                Double nanos = speeds.of(l);
                cells.add(nanos == null ? "" : Sizes.time(l.predicted()));
                cells.add(nanos == null ? "" : Sizes.time(nanos));
                cells.add(
                        nanos == null || l.macs() == 0
                                ? ""
                                : String.format(Locale.ROOT, "%.1f", (double) l.macs() / nanos));
            }
            table.row(cells.toArray());
            weights += l.weightBytes();
            macs += l.macs();
            activations += l.activationBytes();
        }
        console.out().print(table);
        console.out().println();
        console.out()
                .println("weights " + Sizes.text(weights) + ", " + Sizes.count(macs) + " MACs, activations "
                        + Sizes.text(activations)
                        + (graph.plan() == null
                                ? ""
                                : " in an arena of " + Sizes.text(graph.plan().bytes())));
        if (speeds != null) {
            double predicted = layers.stream()
                    .filter(l -> speeds.of(l) != null)
                    .mapToDouble(Layer::predicted)
                    .sum();
            MachineSpeed m = speeds.machine();
            console.out()
                    .println("one item takes " + Sizes.time(speeds.layers().total()) + " in its layers, predicted "
                            + Sizes.time(predicted) + "; this machine "
                            + String.format(
                                    Locale.ROOT,
                                    "multiplies and adds %.0f singles a ns, reads %.0f bytes a ns%s",
                                    m.macs(),
                                    m.bytes(),
                                    m.vectors() ? "" : ", in plain Java"));
            if (speeds.layers().total() > FAR * predicted) {
                console.out()
                        .println("far slower than predicted: HotSpot had not compiled the kernels yet, or the machine "
                                + "is busy; try again, or see what 'qnet bench' reaches");
            }
        }
        List<String> floats =
                layers.stream().filter(Layer::isFloat).map(Layer::name).toList();
        console.out()
                .println(
                        floats.isEmpty()
                                ? "no floats: every layer computes with integers"
                                : "floats remain in " + floats.size() + " layers: " + String.join(", ", floats));
    }

    private static Map<String, Object> json(Graph graph, List<Layer> layers, @Nullable Speeds speeds) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("model", graph.name());
        all.put("rounding", JvmTarget.contract(graph).map(Rounding::toString).orElse(null));
        all.put("arenaBytes", graph.plan() == null ? null : graph.plan().bytes());
        all.put("weightBytes", layers.stream().mapToLong(Layer::weightBytes).sum());
        all.put("macs", layers.stream().mapToLong(Layer::macs).sum());
        if (speeds != null) {
            all.put("nanos", speeds.layers().total());
            all.put("machineMacsPerNano", speeds.machine().macs());
            all.put("machineBytesPerNano", speeds.machine().bytes());
        }
        List<Map<String, Object>> rows = new ArrayList<>();
        for (Layer l : layers) {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("name", l.name());
            row.put("operation", l.operation());
            row.put("shape", l.shape());
            row.put("storage", l.storage());
            row.put("scale", l.scale());
            row.put("weights", l.weights());
            row.put("weightBytes", l.weightBytes());
            row.put("accumulator", l.accumulator());
            row.put("accumulatorBits", l.accumulatorBits());
            row.put("maxAccumulator", l.maxAccumulator());
            row.put("macs", l.macs());
            row.put("activationBytes", l.activationBytes());
            row.put("float", l.isFloat());
            if (speeds != null) {
                // Null where the layer is computed together with another.
                Double nanos = speeds.of(l);
                row.put("predictedNanos", nanos == null ? null : l.predicted());
                row.put("measuredNanos", nanos);
            }
            rows.add(row);
        }
        all.put("layers", rows);
        return all;
    }

    /** Bytes of a constant with its codes packed. */
    static long constantBytes(Type t) {
        long n = t.shape().elements();
        return t.element() instanceof Quant q
                ? (n * q.storage().bits() + 7) / 8
                : n * t.element().bytes();
    }

    /** The operation's name, in words with underscores. */
    static String operation(Node n) {
        String name = n.op().getClass().getSimpleName();
        return name.replaceAll("([a-z])([A-Z])", "$1_$2").toLowerCase(Locale.ROOT);
    }

    private static String accumulator(Node n) {
        return switch (n.op()) {
            case IntOp.Conv2d c -> c.acc().toString();
            case IntOp.Dense d -> d.acc().toString();
            case IntOp.MatMul m -> m.acc().toString();
            case IntOp.Mul m -> m.acc().toString();
            case IntOp.Sum s -> s.acc().toString();
            case IntOp i -> "";
            case DataOp d -> "";
            case FloatOp f -> "";
            case QuantOp q -> "";
            case NumOp m -> "";
            case TrainOp t -> "";
        };
    }

    private static String storage(Type t) {
        return t.element() instanceof Quant q
                ? q.storage().toString()
                : t.element().toString();
    }

    private static String scale(Type t) {
        return t.element() instanceof Quant q && q.scheme() instanceof Scheme.PerTensor p
                ? String.format(Locale.ROOT, "%.5g:%d", p.scale(), p.zero())
                : "";
    }

    private static String scaleSuffix(Type t) {
        return scale(t).isEmpty() ? "" : " scale:zero " + scale(t);
    }

    private static String granularity(Type t) {
        return t.element() instanceof Quant q
                ? switch (q.scheme()) {
                    case Scheme.PerTensor p -> "";
                    case Scheme.PerAxis a -> " per channel";
                    case Scheme.PerGroup g -> " per " + g.size();
                }
                : "";
    }
}
