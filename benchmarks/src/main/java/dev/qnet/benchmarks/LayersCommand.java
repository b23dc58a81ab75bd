package dev.qnet.benchmarks;

import static dev.qnet.benchmarks.measure.Results.number;

import ai.onnxruntime.OrtException;
import dev.qnet.benchmarks.layer.Layer;
import dev.qnet.benchmarks.layer.Shapes;
import dev.qnet.benchmarks.measure.Contest;
import dev.qnet.benchmarks.measure.Contest.Outcome;
import dev.qnet.benchmarks.measure.Contestant;
import dev.qnet.benchmarks.measure.FmaPeak;
import dev.qnet.benchmarks.measure.Machine;
import dev.qnet.benchmarks.measure.Results;
import dev.qnet.benchmarks.peer.Blocks;
import dev.qnet.benchmarks.peer.Dnnl;
import dev.qnet.benchmarks.peer.DotProducts;
import dev.qnet.benchmarks.peer.Engine;
import dev.qnet.benchmarks.peer.NBits;
import dev.qnet.benchmarks.peer.Natives;
import dev.qnet.benchmarks.peer.OnnxRuntimeModel;
import dev.qnet.benchmarks.peer.QnetModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Single layers. */
@Command(
        name = "layers",
        description =
                "Single layers against ONNX Runtime, oneDNN and other Java kernels, one thread: all compute the same "
                        + "codes, which is checked.",
        mixinStandardHelpOptions = true)
final class LayersCommand implements Callable<Integer> {
    private static final String QNET = "Qnet";

    /** Sums of so many terms and more are where multiply-adds, not what surrounds them, should decide. */
    private static final int LONG = 256;

    @Parameters(arity = "0..*", paramLabel = "SHAPES", description = "${COMPLETION-CANDIDATES}. All unless given.")
    private List<Shapes> shapes = List.of(Shapes.values());

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private MeasureOptions options;

    @Option(
            names = "--deny-amx",
            description = "Do not let this process have AMX (Linux, x86-64): the peers take their kernels for VNNI.")
    private boolean denyAmx;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private EngineOptions engines;

    @Option(names = "--alone", description = "Qnet and the peak only.")
    private boolean alone;

    @Override
    public Integer call() throws IOException, OrtException {
        Natives.setenv("OMP_NUM_THREADS", "1");
        if (denyAmx) {
            Natives.denyAmx();
        }
        Engine engine = engines.engine();
        List<Results> tables = new ArrayList<>();
        for (Shapes s : shapes) {
            tables.add(table(s, engine));
        }
        options.show(new PrintWriter(System.out, true, StandardCharsets.UTF_8), tables);
        return 0;
    }

    private Results table(Shapes shapes, Engine engine) throws IOException, OrtException {
        List<String> peers = new ArrayList<>();
        if (!alone) {
            peers.addAll(List.of("ONNX Runtime", "oneDNN"));
            if (javaPeers(shapes, engine)) {
                peers.addAll(List.of("dot products", "blocks"));
            }
            if (shapes == Shapes.gemv) {
                peers.add("MatMulNBits");
            }
        }
        List<String> columns = new ArrayList<>(List.of(shapes.name(), engine.label() + " MAC/ns", "of f32 peak"));
        peers.forEach(p -> columns.add(p + " MAC/ns"));
        peers.forEach(p -> columns.add("Qnet / " + p));
        Results results = new Results(
                shapes.name() + ", one thread, " + Machine.description() + (denyAmx ? ", AMX denied" : ""), columns);
        Map<String, List<Double>> ratios = new LinkedHashMap<>();
        List<Double> longSums = new ArrayList<>();
        double peak = 0;
        for (Layer layer : shapes.layers()) {
            if (!options.wanted(layer.label())) {
                continue;
            }
            System.err.println(layer.label());
            Map<String, Outcome> outcomes = measure(layer, engine, javaPeers(shapes, engine));
            Outcome qnet = of(outcomes, QNET);
            Outcome fma = of(outcomes, "f32 FMA peak");
            peak = Math.max(peak, FmaPeak.MACS / fma.median());
            double fraction = qnet.speedup(fma) * layer.macs() / FmaPeak.MACS;
            Map<String, Object> data = new LinkedHashMap<>();
            data.put("layer", layer.label());
            data.put("macs", layer.macs());
            data.put("fmaPeakMacPerNs", FmaPeak.MACS / fma.median());
            data.put("fractionOfPeak", fraction);
            outcomes.forEach((name, o) -> data.put(name + " MAC/ns", layer.macs() / o.median()));
            List<String> cells = new ArrayList<>();
            cells.add(layer.label());
            cells.add(number(layer.macs() / qnet.median(), 1));
            cells.add(number(100 * fraction, 0) + " %");
            ratios.computeIfAbsent("of f32 peak", k -> new ArrayList<>()).add(fraction);
            if (layer.terms() >= LONG) {
                longSums.add(fraction);
            }
            for (String p : peers) {
                Outcome o = outcomes.get(p);
                cells.add(o == null ? "-" : number(layer.macs() / o.median(), 1));
            }
            for (String p : peers) {
                Outcome o = outcomes.get(p);
                double ratio = o == null ? Double.NaN : qnet.speedup(o);
                cells.add(number(ratio, 2));
                if (o != null) {
                    data.put("Qnet / " + p, ratio);
                    ratios.computeIfAbsent(p, k -> new ArrayList<>()).add(ratio);
                }
            }
            results.row(cells, data);
        }
        if (!longSums.isEmpty()
                && longSums.size()
                        < ratios.getOrDefault("of f32 peak", List.of()).size()) {
            ratios.put("of f32 peak where sums have " + LONG + " terms and more", longSums);
        }
        results.note("f32 FMA peak: " + number(peak, 0) + " MAC/ns. Geometric means: " + Contest.geometricMeans(ratios)
                + ".");
        return results;
    }

    /** Whether kernels in Java are beside Qnet's: where those are in Java, too. */
    private static boolean javaPeers(Shapes shapes, Engine engine) {
        return engine instanceof Engine.Jvm && (shapes == Shapes.gemm || shapes == Shapes.gemv);
    }

    private static Outcome of(Map<String, Outcome> outcomes, String name) {
        Outcome o = outcomes.get(name);
        if (o == null) {
            throw new IllegalStateException(name + " was not measured");
        }
        return o;
    }

    private Map<String, Outcome> measure(Layer layer, Engine engine, boolean javaPeers)
            throws IOException, OrtException {
        byte[] onnx = layer.onnx();
        List<Contestant> all = new ArrayList<>();
        try {
            QnetModel qnet = QnetModel.layer(engine.load(QnetModel.lower(onnx)), layer.input());
            all.add(qnet);
            all.add(new FmaPeak());
            if (!alone) {
                peers(layer, onnx, all, qnet, javaPeers);
            }
            Map<String, Outcome> outcomes = new LinkedHashMap<>();
            for (Outcome o : Contest.run(all, options.pace())) {
                outcomes.put(o.name(), o);
            }
            return outcomes;
        } finally {
            all.forEach(Contestant::close);
        }
    }

    /** Adds the peers; their results are compared before anything is timed. */
    private static void peers(Layer layer, byte[] onnx, List<Contestant> all, QnetModel qnet, boolean javaPeers)
            throws OrtException {
        OnnxRuntimeModel ort = new OnnxRuntimeModel(onnx, List.of(layer.input()), 1, 1);
        all.add(ort);
        qnet.run();
        ort.run();
        byte[] expected = ort.output(0);
        compare(layer, QNET, qnet.outputs().getFirst().bytes(), expected, 0);
        Dnnl dnnl = new Dnnl(layer);
        all.add(dnnl);
        dnnl.run();
        compare(layer, "oneDNN", dnnl.output(), expected, 1);
        if (layer instanceof Layer.Gemm g) {
            if (javaPeers && DotProducts.possible()) {
                DotProducts dots = new DotProducts(g);
                all.add(dots);
                dots.run();
                compare(layer, "dot products", dots.output(), expected, 0);
                Blocks blocks = new Blocks(g);
                all.add(blocks);
                blocks.run();
                compare(layer, "blocks", blocks.output(), expected, 0);
            }
            if (g.bits() == 4) {
                OnnxRuntimeModel nbits = new OnnxRuntimeModel(NBits.onnx(g), List.of(NBits.input(g)), 1, 1);
                all.add(new Renamed(nbits, "MatMulNBits"));
            }
        }
    }

    private record Renamed(Contestant inner, String name) implements Contestant {
        @Override
        public void run() {
            inner.run();
        }

        @Override
        public void close() {
            inner.close();
        }
    }

    /** A measurement of something else is worth nothing. */
    private static void compare(Layer layer, String who, byte[] found, byte[] expected, int tolerance) {
        if (Arrays.equals(found, expected)) {
            return;
        }
        @Nullable String first = found.length == expected.length ? null : found.length + " codes";
        for (int i = 0; i < Math.min(found.length, expected.length) && first == null; i++) {
            int d = (found[i] & 0xff) - (expected[i] & 0xff);
            if (Math.abs(d) > tolerance) {
                first = "code " + i + " is " + (found[i] & 0xff) + ", ONNX Runtime has " + (expected[i] & 0xff);
            }
        }
        if (first != null) {
            throw new IllegalStateException(who + " computes something else for " + layer.label() + ": " + first);
        }
    }
}
