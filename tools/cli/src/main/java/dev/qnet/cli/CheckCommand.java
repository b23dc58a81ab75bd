package dev.qnet.cli;

import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.formats.Importer;
import dev.qnet.target.jvm.JvmTarget;
import java.io.IOException;
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
    public Integer call() throws IOException {
        Console console = parent.console();
        BoundModel bound;
        try {
            bound = model.load(console);
        } catch (CompileException e) {
            if (!only(e, Frontend.NO_PARAMETERS)) {
                throw e;
            }
            untrained(console);
            return ExitCode.OK;
        }
        Graph graph = bound.graph();
        if (Importer.reads(model.file()) || Models.isInteger(graph)) {
            imported(console, bound);
        } else if (graph.policy() == null) {
            console.out()
                    .println(model.file() + ": " + graph.name() + " is right (a float model: no scheme quantizes it)");
        } else {
            check(console, bound, graph);
        }
        return ExitCode.OK;
    }

    private void imported(Console console, BoundModel bound) {
        Graph graph = Build.integers(console, bound);
        JvmTarget.legality().check(graph);
        long floats = Models.floats(graph);
        console.out()
                .println(model.file() + ": " + graph.name() + " is right and compiles "
                        + (floats == 0
                                ? "to integers"
                                : Models.isInteger(graph)
                                        ? "to integers, but for " + floats
                                                + (floats == 1 ? " float operation" : " float operations")
                                        : "(a float model)"));
    }

    /** A model that waits for calibration is right as far as can be told. */
    private void check(Console console, BoundModel bound, Graph graph) {
        try {
            Build.integers(console, bound);
            console.out().println(model.file() + ": " + graph.name() + " is right and compiles to integers");
        } catch (CompileException e) {
            if (!only(e, "not-calibrated")) {
                throw e;
            }
            console.out()
                    .println(model.file() + ": " + graph.name()
                            + " is right as far as it goes; it waits for 'qnet calibrate'");
        }
    }

    /** A model that has no parameters yet is right as far as can be told with any. */
    private void untrained(Console console) {
        Graph graph = model.loadUntrained(console).graph();
        console.out()
                .println(model.file() + ": " + graph.name()
                        + " is right as far as it goes; it has no parameters, and waits for 'qnet train'");
    }

    /** Whether nothing else is wrong. */
    private static boolean only(CompileException e, String code) {
        return e.diagnostics().stream()
                .filter(d -> d.severity() == Diagnostic.Severity.ERROR)
                .allMatch(d -> d.code().equals(code));
    }
}
