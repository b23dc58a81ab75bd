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
import dev.qnet.benchmarks.peer.OnnxRuntimeModel;
import dev.qnet.benchmarks.peer.QnetModel;
import dev.qnet.benchmarks.peer.TfliteModel;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.kernel.Backend;
import dev.qnet.target.jvm.CompiledArtifact;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

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

    @Option(
            names = "--kernels",
            defaultValue = "vector",
            description = "Which of Qnet's kernels: vector, adaptive, scalar. Default: ${DEFAULT-VALUE}.")
    @SuppressWarnings("NullAway.Init")
    private String kernels;

    @Override
    public Integer call() throws IOException, OrtException {
        Results results = new Results(
                "models, one thread, one item, " + Machine.description(),
                List.of("model", "MMAC", "Qnet us", "peer us", "Qnet / peer", "peer", "largest difference"));
        List<Double> ratios = new ArrayList<>();
        for (ModelFile m : data.models()) {
            if (options.wanted(m.name())) {
                System.err.println(m.name());
                measure(m, results, ratios);
            }
        }
        results.note("Above 1, Qnet is faster. Geometric mean: " + number(Contest.geometricMean(ratios), 2) + ".");
        options.show(new PrintWriter(System.out, true, StandardCharsets.UTF_8), List.of(results));
        return 0;
    }

    private void measure(ModelFile m, Results results, List<Double> ratios) throws IOException, OrtException {
        CompiledArtifact artifact = QnetModel.compile(m.file());
        if (artifact.descriptor().rounding().equals("none")) {
            return; // a model of floats, which is not what this is about
        }
        double mmac = QnetModel.macs(m.file()) / 1e6;
        Backend backend = Backend.valueOf(kernels.toUpperCase(Locale.ROOT));
        try (Model model = artifact.load(backend)) {
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
