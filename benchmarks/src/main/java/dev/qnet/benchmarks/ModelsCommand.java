package dev.qnet.benchmarks;

import static dev.qnet.benchmarks.measure.Results.number;

import ai.onnxruntime.OrtException;
import dev.qnet.benchmarks.measure.Contest;
import dev.qnet.benchmarks.measure.Contest.Outcome;
import dev.qnet.benchmarks.measure.Contestant;
import dev.qnet.benchmarks.measure.Machine;
import dev.qnet.benchmarks.measure.Results;
import dev.qnet.benchmarks.model.Difference;
import dev.qnet.benchmarks.model.ModelFile;
import dev.qnet.benchmarks.peer.Engine;
import dev.qnet.benchmarks.peer.OnnxRuntimeModel;
import dev.qnet.benchmarks.peer.QnetModel;
import dev.qnet.benchmarks.peer.TfliteModel;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.Tensor;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Whole models. */
@Command(
        name = "models",
        description =
                "Whole models against the system that they come from: .onnx against ONNX Runtime, .tflite against "
                        + "TensorFlow Lite; one thread, one item.",
        mixinStandardHelpOptions = true)
final class ModelsCommand implements Callable<Integer> {
    /** Real numbers of the two systems may differ by so much of the largest; codes are reported as they are. */
    private static final double TOLERANCE = 1e-2;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private MeasureOptions options;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private DataOption data;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private EngineOptions engines;

    @Override
    public Integer call() throws IOException, OrtException {
        Engine engine = engines.engine();
        Results results = new Results(
                "models, one thread, one item, " + Machine.description(),
                List.of(
                        "model",
                        "MMAC",
                        engine.label() + " us",
                        "peer us",
                        "Qnet / peer",
                        "peer",
                        "largest difference"));
        List<Double> ratios = new ArrayList<>();
        Path folder = Files.createTempDirectory("models");
        List<ModelFile> madeUp = ModelFile.madeUp(folder);
        try {
            List<ModelFile> all = new ArrayList<>(data.models());
            all.addAll(madeUp);
            for (ModelFile m : all) {
                if (options.wanted(m.name())) {
                    System.err.println(m.name());
                    measure(m, engine, results, ratios);
                }
            }
        } finally {
            for (ModelFile m : madeUp) {
                Files.delete(m.file());
            }
            Files.delete(folder);
        }
        results.note("Above 1, Qnet is faster. Geometric mean: " + number(Contest.geometricMean(ratios), 2) + ".");
        options.show(new PrintWriter(System.out, true, StandardCharsets.UTF_8), List.of(results));
        return 0;
    }

    private void measure(ModelFile m, Engine engine, Results results, List<Double> ratios)
            throws IOException, OrtException {
        Graph graph = QnetModel.lower(m.file());
        if (graph.nodes().stream().noneMatch(n -> n.op() instanceof IntOp)) {
            return; // a model of floats, which is not what this is about
        }
        double mmac = QnetModel.macs(graph) / 1e6;
        try (Model model = engine.load(graph)) {
            List<byte[]> inputs = m.inputs(model.inputs());
            byte[] file = Files.readAllBytes(m.file());
            try (QnetModel qnet = new QnetModel(model, inputs, 1);
                    Contestant peer = m.isTflite()
                            ? new TfliteModel(file, inputs, 1)
                            : new OnnxRuntimeModel(file, inputs, 1, 1)) {
                qnet.run();
                peer.run();
                Tensor first = qnet.outputs().getFirst();
                byte[] expected = switch (peer) {
                    case TfliteModel t -> t.output(0);
                    case OnnxRuntimeModel o -> o.output(0);
                    default -> throw new IllegalStateException(peer.name());
                };
                double difference = Difference.of(first, expected);
                if (difference > TOLERANCE && !m.isTflite() && first.type().bytes() > 2) {
                    throw new IllegalStateException(
                            m.name() + ": Qnet and " + peer.name() + " differ by " + difference);
                }
                List<Outcome> outcomes = Contest.run(List.of(qnet, peer), options.pace());
                Outcome ours = outcomes.getFirst();
                Outcome theirs = outcomes.getLast();
                double ratio = ours.speedup(theirs);
                ratios.add(ratio);
                Map<String, Object> row = new LinkedHashMap<>();
                row.put("model", m.name());
                row.put("macs", 1e6 * mmac);
                row.put("qnetNanos", ours.median());
                row.put("peer", peer.name());
                row.put("peerNanos", theirs.median());
                row.put("ratio", ratio);
                row.put("difference", difference);
                results.row(
                        List.of(
                                m.name(),
                                number(mmac, 3),
                                number(ours.median() / 1e3, 1),
                                number(theirs.median() / 1e3, 1),
                                number(ratio, 2),
                                peer.name(),
                                Difference.text(first, difference)),
                        row);
            }
        }
    }
}
