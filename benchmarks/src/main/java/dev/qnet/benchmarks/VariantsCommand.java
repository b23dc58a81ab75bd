package dev.qnet.benchmarks;

import static dev.qnet.benchmarks.measure.Results.number;

import dev.qnet.benchmarks.layer.Layer;
import dev.qnet.benchmarks.layer.Shapes;
import dev.qnet.benchmarks.measure.Contest;
import dev.qnet.benchmarks.measure.Contest.Outcome;
import dev.qnet.benchmarks.measure.Contestant;
import dev.qnet.benchmarks.measure.Machine;
import dev.qnet.benchmarks.measure.Results;
import dev.qnet.benchmarks.peer.QnetModel;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.runtime.kernel.Backend;
import dev.qnet.target.jvm.CompiledArtifact;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** The same layers in other forms of ours: what exact fixed-point rounding costs, and what narrow weights do. */
@Command(
        name = "variants",
        description =
                "Products and convolutions under each rounding contract, and with weights of 4 and 2 bits, beside "
                        + "8 bits under ONNX's rounding, which is done in singles.",
        mixinStandardHelpOptions = true)
final class VariantsCommand implements Callable<Integer> {
    @Mixin
    @SuppressWarnings("NullAway.Init")
    private MeasureOptions options;

    /** A form of a layer: what the column is called, the contract, the bits of the weights. */
    private record Variant(String name, Rounding rounding, int bits) {}

    private static final List<Variant> VARIANTS = List.of(
            new Variant("onnx", Rounding.ONNX, 8),
            new Variant("tosa", Rounding.TOSA, 8),
            new Variant("tflite", Rounding.TFLITE, 8),
            new Variant("int4", Rounding.ONNX, 4),
            new Variant("int2", Rounding.ONNX, 2));

    @Override
    public Integer call() throws IOException {
        List<String> columns = new ArrayList<>(List.of("layer"));
        VARIANTS.forEach(v -> columns.add(v.name() + " MAC/ns"));
        List<Variant> others = VARIANTS.subList(1, VARIANTS.size());
        String base = VARIANTS.getFirst().name();
        others.forEach(v -> columns.add(v.name() + " / " + base));
        Results results = new Results("forms of layers, one thread, " + Machine.description(), columns);
        Map<String, List<Double>> ratios = new LinkedHashMap<>();
        List<Layer> layers = Stream.of(Shapes.gemm, Shapes.conv, Shapes.depthwise)
                .flatMap(s -> s.layers().stream())
                .filter(l -> options.wanted(l.label()))
                .toList();
        for (Layer layer : layers) {
            System.err.println(layer.label());
            List<Outcome> outcomes = measure(layer);
            List<String> cells = new ArrayList<>(List.of(layer.label()));
            Map<String, Object> data = new LinkedHashMap<>();
            data.put("layer", layer.label());
            for (int i = 0; i < outcomes.size(); i++) {
                double speed = layer.macs() / outcomes.get(i).median();
                cells.add(number(speed, 1));
                data.put(VARIANTS.get(i).name() + " MAC/ns", speed);
            }
            for (int i = 1; i < outcomes.size(); i++) {
                double ratio = outcomes.get(i).speedup(outcomes.getFirst());
                cells.add(number(ratio, 2));
                data.put(VARIANTS.get(i).name() + " / " + base, ratio);
                ratios.computeIfAbsent(VARIANTS.get(i).name(), k -> new ArrayList<>())
                        .add(ratio);
            }
            results.row(cells, data);
        }
        results.note("Above 1: faster than 8 bits under ONNX's rounding. Geometric means: "
                + Contest.geometricMeans(ratios) + ".");
        options.show(new PrintWriter(System.out, true, StandardCharsets.UTF_8), List.of(results));
        return 0;
    }

    private List<Outcome> measure(Layer layer) throws IOException {
        List<Contestant> all = new ArrayList<>();
        try {
            for (Variant v : VARIANTS) {
                CompiledArtifact artifact =
                        QnetModel.compile(layer.withBits(v.bits()).onnx(), v.rounding());
                all.add(QnetModel.layer(artifact.load(Backend.VECTOR), layer.input()));
            }
            return Contest.run(all, options.pace());
        } finally {
            all.forEach(Contestant::close);
        }
    }
}
