package dev.qnet.cli;

import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.ParentCommand;

/** {@code qnet check}: everything but the output. */
@Command(
        name = "check",
        description = "Checks a model: syntax, shapes, parameters, quantization. Writes nothing.",
        mixinStandardHelpOptions = true,
        footerHeading = "%nExample:%n",
        footer = "  qnet check examples/edges/edges.qnet")
final class CheckCommand implements Callable<Integer> {
    @ParentCommand
    @SuppressWarnings("NullAway.Init")
    private QnetCommand parent;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private ModelArgument model;

    @Override
    public Integer call() {
        Console console = parent.console();
        BoundModel bound = model.load(console);
        Graph graph = bound.graph();
        if (graph.policy() == null) {
            console.out()
                    .println(model.file() + ": " + graph.name() + " is right (a float model: no scheme quantizes it)");
        } else {
            check(console, bound, graph);
        }
        return ExitCode.OK;
    }

    /** A model that waits for calibration is right as far as can be told. */
    private void check(Console console, BoundModel bound, Graph graph) {
        try {
            Build.integers(console, bound);
            console.out().println(model.file() + ": " + graph.name() + " is right and compiles to integers");
        } catch (CompileException e) {
            if (!e.diagnostics().stream()
                    .filter(d -> d.severity() == Diagnostic.Severity.ERROR)
                    .allMatch(d -> d.code().equals("not-calibrated"))) {
                throw e;
            }
            console.out()
                    .println(model.file() + ": " + graph.name()
                            + " is right as far as it goes; it waits for 'qnet calibrate'");
        }
    }
}
