package dev.qnet.formats.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.qnet.compiler.front.Formatter;
import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.write.SourceWriter;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphPrinter;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.SourceFile;
import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.Importer;
import dev.qnet.formats.NeedsValues;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every model that can be imported is written as a .qnet file that binds to the same graph, but for the names inside. */
class ImportedModelsComeBackTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "tflite",
                "tflite_int16_ops",
                "tflite_model_only",
                "onnx_node",
                "onnx_ops_ort",
                "onnx_quant",
                "onnx_models",
                "onnx2c",
                "onnx_1.12",
                "qonnx"
            })
    void comesBack(String data) throws IOException {
        Path root = Path.of(System.getProperty("qnet.data", "absent"), data);
        assumeTrue(Files.isDirectory(root), "no models: -Dqnet.data names no folder with " + data);
        List<Path> models;
        try (Stream<Path> all = Files.walk(root)) {
            models = all.filter(Importer::reads).sorted().toList();
        }
        List<String> failures = new ArrayList<>();
        int read = 0;
        for (Path model : models) {
            Graph graph = imported(model);
            if (graph == null) {
                continue;
            }
            read++;
            String wrong = check(graph);
            if (!wrong.isEmpty()) {
                failures.add(root.relativize(model) + ": " + wrong);
            }
        }
        System.out.println(data + ": " + (read - failures.size()) + " of " + read + " models come back");
        assertThat(failures).isEmpty();
    }

    /** The graph of a model, what has to be known taken from its first test data; null if it is refused. */
    private static @Nullable Graph imported(Path model) throws IOException {
        Map<String, Tensor> fixed = new HashMap<>();
        while (true) {
            try {
                return Importer.read(model, new ImportOptions(fixed, Map.of())).graph();
            } catch (NeedsValues e) {
                List<String> names = Importer.inputs(model);
                int before = fixed.size();
                for (String n : e.inputs()) {
                    Path value = model.resolveSibling("test_data_set_0").resolve("input_" + names.indexOf(n) + ".pb");
                    if (Files.isRegularFile(value)) {
                        fixed.put(n, OnnxTensor.read(value).value());
                    }
                }
                if (fixed.size() == before) {
                    return null;
                }
            } catch (CompileException e) {
                return null;
            }
        }
    }

    private String check(Graph graph) throws IOException {
        Path source = folder.resolve("graph.qnet");
        Path parameters = folder.resolve("graph.safetensors");
        Files.deleteIfExists(parameters);
        SourceWriter.Written written = SourceWriter.write(graph, Calibration.NONE, "graph.safetensors");
        if (!written.parameters().isEmpty()) {
            written.saveParameters(parameters);
        }
        Files.writeString(source, written.text());
        try {
            Graph back = Frontend.load(source).graph();
            Graph expected = new Numbering(graph).graph();
            Graph found = new Numbering(back).graph();
            if (!expected.equals(found)) {
                return difference(GraphPrinter.print(expected), GraphPrinter.print(found));
            }
        } catch (CompileException e) {
            return e.diagnostics().getFirst() + "";
        }
        String text = Formatter.format(new SourceFile("graph.qnet", written.text()));
        return text.equals(written.text()) ? "" : "is not laid out";
    }

    private static String difference(String expected, String found) {
        List<String> a = expected.lines().toList();
        List<String> b = found.lines().toList();
        for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
            if (!a.get(i).equals(b.get(i))) {
                return cut(a.get(i)) + " became " + cut(b.get(i));
            }
        }
        return "has " + a.size() + " lines, became " + b.size();
    }

    private static String cut(String s) {
        return s.length() <= 300 ? s : s.substring(0, 300) + "...";
    }

    /** Calls values by numbers, and puts constants just before their uses. */
    private static final class Numbering {
        private final Graph graph;
        private final Map<ValueId, Node> definitions;
        private final Map<ValueId, List<Node>> users;
        private final List<Node> nodes = new ArrayList<>();
        private final Map<ValueId, ValueId> numbers = new HashMap<>();

        Numbering(Graph graph) {
            this.graph = graph;
            this.definitions = graph.definitions();
            this.users = graph.users();
        }

        Graph graph() {
            graph.states().forEach(s -> numbers.put(s.id(), new ValueId("state" + numbers.size())));
            for (Node n : graph.nodes()) {
                if (!isConstant(n.id())) {
                    numbers.put(n.id(), add(n));
                }
            }
            List<Graph.Result> results = new ArrayList<>();
            graph.results().forEach(r -> results.add(new Graph.Result(r.name(), use(r.value()))));
            List<Graph.State> states = new ArrayList<>();
            graph.states().forEach(s -> states.add(new Graph.State(use(s.id()), s.type(), use(s.next()), s.span())));
            return new Graph("graph", graph.params(), nodes, results, graph.policy(), null, states);
        }

        private ValueId add(Node n) {
            List<ValueId> operands = new ArrayList<>();
            n.operands().forEach(o -> operands.add(use(o)));
            ValueId id = new ValueId("value" + nodes.size());
            Type type = n.type();
            nodes.add(new Node(id, n.op(), operands, type, n.intent(), n.span()));
            return id;
        }

        private ValueId use(ValueId id) {
            Node n = definitions.get(id);
            return n != null && isConstant(id) ? add(n) : numbers.getOrDefault(id, id);
        }

        private boolean isConstant(ValueId id) {
            Node n = definitions.get(id);
            if (n == null) {
                return false;
            }
            boolean once = users.getOrDefault(id, List.of()).size() == 1 && !graph.isResult(id);
            return n.op() instanceof DataOp.Constant
                    || (n.op() instanceof QuantOp.Dequantize && once && isConstant(n.operand(0)));
        }
    }
}
