package dev.qnet.conformance;

import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.pass.InsertFakeQuant;
import dev.qnet.compiler.pass.Pass;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.quant.Calibrator;
import dev.qnet.compiler.source.Diagnostics;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Ranges for a network with one input. */
final class Calibrating {
    private Calibrating() {}

    /** @param data the items of the input, one after another */
    static Calibration on(Graph graph, float[] data, int items) {
        List<Pass> passes = Passes.all();
        int last = passes.stream().map(Pass::name).toList().indexOf(InsertFakeQuant.NAME);
        Diagnostics diagnostics = new Diagnostics();
        Graph open = Pipeline.run(
                graph, passes.subList(0, last + 1), new PassContext(diagnostics, Calibration.NONE), (p, g) -> {});
        Calibrator calibrator = new Calibrator(open);
        Graph.Param in = graph.params().getFirst();
        int[] shape = in.type().shape().toArray();
        shape[0] = items;
        calibrator.accept(Map.of(in.id().name(), Value.of(Shape.of(shape), data)));
        Calibration found = calibrator.finish(diagnostics);
        diagnostics.throwIfErrors();
        return found;
    }

    /** Ranges of which some have become staircases, in codes that every value of the network has. */
    static Calibration withSteps(Graph graph, Calibration ranges, SplittableRandom random) {
        Spec.Policy policy = graph.policy();
        if (policy == null || policy.activations().dynamic()) {
            return ranges;
        }
        List<Spec> specs = new ArrayList<>(List.of(policy.activations()));
        graph.params().forEach(p -> addKnown(specs, p.activations()));
        graph.nodes().forEach(n -> addKnown(specs, n.intent().activations()));
        int lo = Math.max(-9, specs.stream().mapToInt(Spec::lo).max().orElse(0));
        int hi = Math.min(9, specs.stream().mapToInt(Spec::hi).min().orElse(0));
        Map<ValueId, Spec.RangeMethod> values = new HashMap<>(ranges.values());
        ranges.values().forEach((v, range) -> {
            if (range instanceof Spec.RangeMethod.Fixed(float from, float to) && to > from && random.nextInt(3) > 0) {
                List<Integer> levels = new ArrayList<>();
                List<Float> thresholds = new ArrayList<>();
                for (int code = lo; code <= hi; code += random.nextInt(1, 3)) {
                    levels.add(code);
                }
                for (int i = 1; i < levels.size(); i++) {
                    thresholds.add((float) (from + (to - from) * random.nextDouble()));
                }
                Collections.sort(thresholds);
                if (!thresholds.isEmpty()) {
                    Spec.Steps steps = new Spec.Steps(thresholds, levels);
                    values.put(v, new Spec.RangeMethod.Given(List.of((to - from) / 8), List.of(0), steps));
                }
            }
        });
        return new Calibration(values);
    }

    private static void addKnown(List<Spec> specs, @Nullable Spec asked) {
        if (asked != null) {
            specs.add(asked);
        }
    }
}
