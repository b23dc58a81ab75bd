package dev.qnet.cli;

import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.pass.InsertFakeQuant;
import dev.qnet.compiler.pass.LowerToIntegers;
import dev.qnet.compiler.pass.Pass;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.runtime.Model;
import dev.qnet.target.jvm.JvmTarget;
import java.util.List;

/** From a bound model to what a command needs of it. */
final class Build {
    private Build() {}

    /** Runs passes; what they have to say is shown, whether they succeed or not. */
    static Graph run(Console console, BoundModel bound, List<Pass> passes) {
        Diagnostics diagnostics = new Diagnostics();
        Graph g = Pipeline.run(bound.graph(), passes, new PassContext(diagnostics, bound.calibration()), (p, x) -> {});
        console.show(diagnostics.all());
        return g;
    }

    /** The graph after all passes. */
    static Graph integers(Console console, BoundModel bound) {
        return run(console, bound, Passes.all());
    }

    /** The passes whose result is calibrated. */
    static List<Pass> untilCalibration() {
        List<Pass> all = Passes.all();
        int last = all.stream().map(Pass::name).toList().indexOf(InsertFakeQuant.NAME);
        return all.subList(0, last + 1);
    }

    /** The passes up to where all parameters are known and arithmetic is still real: what other systems are given. */
    static List<Pass> untilLowering() {
        List<Pass> all = Passes.all();
        return all.subList(0, all.stream().map(Pass::name).toList().indexOf(LowerToIntegers.NAME));
    }

    /**
     * The contract by which a model's inputs are quantized: its policy's; else, for an imported model, that of its first
     * operation; else the default.
     */
    static Rounding rounding(Graph graph) {
        return JvmTarget.contract(graph).orElse(Rounding.TOSA);
    }

    /** The compiled model, in memory. */
    static Model model(Console console, BoundModel bound) {
        return JvmTarget.compile(integers(console, bound)).load();
    }
}
