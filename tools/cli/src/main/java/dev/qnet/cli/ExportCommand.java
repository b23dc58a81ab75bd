package dev.qnet.cli;

import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import dev.qnet.formats.onnx.OnnxExporter;
import dev.qnet.formats.onnx.OnnxModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code qnet export}: the model in the format of another system. */
@Command(
        name = "export",
        description = "Writes a model in the format of another system.",
        mixinStandardHelpOptions = true,
        footerHeading = "%nFormats:%n",
        footer = {
            "  onnx-qdq   ONNX with QuantizeLinear and DequantizeLinear; a float model becomes a float model",
            "",
            "Example:",
            "  qnet export model.qnet --to onnx-qdq -o model.onnx"
        })
final class ExportCommand implements Callable<Integer> {
    private static final String ONNX_QDQ = "onnx-qdq";

    @ParentCommand
    @SuppressWarnings("NullAway.Init")
    private QnetCommand parent;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private ModelArgument model;

    @Option(names = "--to", paramLabel = "FORMAT", required = true, description = "The format: " + ONNX_QDQ + ".")
    @SuppressWarnings("NullAway.Init")
    private String format;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            required = true,
            description = "The file to write.")
    @SuppressWarnings("NullAway.Init")
    private Path output;

    @Override
    public Integer call() throws IOException {
        if (!format.equals(ONNX_QDQ)) {
            throw new UserException("there is no format '" + format + "' to export to", "--to " + ONNX_QDQ);
        }
        if (!output.toString().endsWith(".onnx")) {
            throw new UserException("an ONNX model is a file .onnx, not " + output, "-o " + output + ".onnx");
        }
        AtomicFiles.check(output);
        if (Files.exists(output) && Files.exists(model.file()) && Files.isSameFile(output, model.file())) {
            throw new UserException("the output would overwrite the model " + output, "-o with another name");
        }
        Console console = parent.console();
        BoundModel bound = model.load(console);
        if (Models.isInteger(bound.graph())) {
            throw new UserException(
                    model.file() + " computes with integers as it is, which ONNX has no operators for",
                    "export the .qnet file of a float network with a scheme");
        }
        Graph graph = Build.run(console, bound, Build.untilLowering());
        OnnxModel exported = OnnxExporter.export(graph, Version.text());
        warn(console, graph);
        AtomicFiles.write(output, exported::writeTo);
        console.out()
                .println("wrote " + output + " (" + Sizes.text(Files.size(output)) + "), ONNX opset "
                        + exported.opset());
        return ExitCode.OK;
    }

    private static void warn(Console console, Graph graph) {
        Spec.Policy policy = graph.policy();
        if (policy != null
                && !policy.activations().dynamic()
                && policy.rounding().fixedPoint()) {
            Diagnostic d = Diagnostic.warning(
                            "export-rounding",
                            Span.NONE,
                            "ONNX Runtime does not round as 'rounding " + policy.rounding()
                                    + "' does: a layer's codes may be one off")
                    .withFix("write 'rounding " + Rounding.ONNX
                            + "' in the scheme; docs/export.md says what is then equal");
            console.show(List.of(d));
        }
    }
}
