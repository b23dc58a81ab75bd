package dev.qnet.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.qnet.compiler.front.write.SourceWriter;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.formats.Imported;
import dev.qnet.formats.Importer;
import dev.qnet.formats.Report;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code qnet import}: a model of another system as a source. */
@Command(
        name = "import",
        description =
                "Writes a .tflite or .onnx model as a .qnet file, with its constants as .safetensors beside it. The "
                        + "other commands take such models directly as well.",
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  qnet import model.tflite -o model.qnet",
            "  qnet import model.onnx --report                         only tell what is understood",
            "  qnet import model.onnx --input-shape x=1,3,224,224 -o model.qnet"
        })
final class ImportCommand implements Callable<Integer> {
    private static final int LONGEST_NAME = 48;

    @ParentCommand
    @SuppressWarnings("NullAway.Init")
    private QnetCommand parent;

    @Parameters(index = "0", paramLabel = "MODEL", description = "A .tflite or .onnx file.")
    @SuppressWarnings("NullAway.Init")
    private Path file;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private ImportArguments importing;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "The .qnet file to write.")
    private @Nullable Path output;

    @Option(names = "--report", description = "Tell what was understood, folded, fused and left in float.")
    private boolean report;

    @Option(names = "--json", description = "Print the report as JSON.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        Console console = parent.console();
        if (!Importer.reads(file)) {
            throw new UserException(file + " is no .tflite or .onnx file", "import takes the models of other systems");
        }
        if (output == null && !report && !json) {
            throw new UserException("say where to write the source", "-o FILE.qnet, or --report to write nothing");
        }
        if (output != null && !output.toString().endsWith(".qnet")) {
            throw new UserException("import writes a .qnet file, not " + output, "-o " + output + ".qnet");
        }
        if (output != null) {
            AtomicFiles.check(output);
            AtomicFiles.check(parameters(output));
        }
        Imported imported = importing.read(file);
        if (json) {
            console.out()
                    .println(new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(json(imported)));
        } else if (report) {
            print(console, imported);
        }
        if (output != null) {
            save(json ? console.err() : console.out(), imported.graph(), output);
        }
        return ExitCode.OK;
    }

    /** The parameters first: a source is never there without them. */
    private static void save(java.io.PrintWriter says, Graph graph, Path source) throws IOException {
        Path parameters = parameters(source);
        SourceWriter.Written written =
                SourceWriter.write(graph, Calibration.NONE, String.valueOf(parameters.getFileName()));
        boolean fresh = Files.notExists(parameters);
        if (!written.parameters().isEmpty()) {
            AtomicFiles.writeAt(parameters, to -> written.saveParameters(to));
        }
        try {
            AtomicFiles.write(source, out -> out.write(written.text().getBytes(StandardCharsets.UTF_8)));
        } catch (IOException e) {
            if (fresh) {
                Files.deleteIfExists(parameters);
            }
            throw e;
        }
        if (!written.parameters().isEmpty()) {
            says.println("wrote " + parameters + " (" + Sizes.text(Files.size(parameters)) + ")");
        }
        says.println("wrote " + source);
    }

    /** The file for the constants of a source. */
    private static Path parameters(Path source) {
        return source.resolveSibling(
                String.valueOf(source.getFileName()).replaceFirst("\\.qnet$", "") + ".safetensors");
    }

    private void print(Console console, Imported imported) {
        Report r = imported.report();
        Graph graph = imported.graph();
        console.out()
                .println(console.heading(graph.name()) + "  " + r.format()
                        + (r.producer().isEmpty() ? "" : ", written by " + r.producer()));
        graph.params().forEach(p -> console.out().println("input  " + p.id().name() + ": " + p.type()));
        graph.results()
                .forEach(o -> console.out()
                        .println("output " + o.name() + ": " + graph.types().get(o.value())));
        console.out().println();
        Table operators = new Table("operator", ">nodes");
        r.operators().forEach(operators::row);
        console.out().print(operators);
        if (!r.notes().isEmpty()) {
            Table notes = new Table("what", "node", "operator", "how");
            r.notes().forEach(n -> notes.row(kind(n), Table.brief(n.node(), LONGEST_NAME), n.operator(), n.text()));
            console.out().println();
            console.out().print(notes);
        }
        long floats = Models.floats(graph);
        console.out().println();
        console.out()
                .println(
                        floats == 0
                                ? "no floats: every operation computes with integers"
                                : floats + (floats == 1 ? " operation computes" : " operations compute") + " in float");
    }

    private static String kind(Report.Note note) {
        return note.kind().name().toLowerCase(Locale.ROOT);
    }

    private static Map<String, Object> json(Imported imported) {
        Report r = imported.report();
        Graph graph = imported.graph();
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("model", graph.name());
        all.put("format", r.format());
        all.put("producer", r.producer());
        all.put(
                "inputs",
                ports(graph.params().stream()
                        .map(p -> Map.entry(p.id().name(), p.type().toString()))
                        .toList()));
        all.put(
                "outputs",
                ports(graph.results().stream()
                        .map(o ->
                                Map.entry(o.name(), String.valueOf(graph.types().get(o.value()))))
                        .toList()));
        all.put("operators", r.operators());
        all.put(
                "notes",
                r.notes().stream()
                        .map(n -> {
                            Map<String, Object> one = new LinkedHashMap<>();
                            one.put("what", kind(n));
                            one.put("node", n.node());
                            one.put("operator", n.operator());
                            one.put("how", n.text());
                            return one;
                        })
                        .toList());
        all.put("floatOperations", Models.floats(graph));
        return all;
    }

    private static List<Map<String, String>> ports(List<Map.Entry<String, String>> ports) {
        return ports.stream()
                .map(p -> {
                    Map<String, String> one = new LinkedHashMap<>();
                    one.put("name", p.getKey());
                    one.put("type", p.getValue());
                    return one;
                })
                .toList();
    }
}
