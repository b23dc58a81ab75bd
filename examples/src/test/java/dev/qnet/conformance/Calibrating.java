package dev.qnet.conformance;

import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.pass.InsertFakeQuant;
import dev.qnet.compiler.pass.Pass;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.quant.Calibrator;
import dev.qnet.compiler.source.Diagnostics;
import java.util.List;
import java.util.Map;

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
}
