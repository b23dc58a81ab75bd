package dev.qnet.compiler.front.bind;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.front.Formatter;
import dev.qnet.compiler.front.Includes;
import dev.qnet.compiler.front.write.SourceWriter;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphPrinter;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.SourceFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Writes graphs as sources, binds them again, and compares: all is the same but for the names of constants. */
final class ComingBack {
    private ComingBack() {}

    /** Asserts that a graph comes back; gives the text of its source. */
    static String check(Graph graph) throws IOException {
        SourceWriter.Written written = SourceWriter.write(graph, Calibration.NONE, "graph.safetensors");
        Path folder = Files.createTempDirectory("qnet-back");
        Path parameters = folder.resolve("graph.safetensors");
        try {
            written.saveParameters(parameters);
            Path source = folder.resolve("graph.qnet");
            SourceFile file = new SourceFile(source.toString(), written.text());
            Graph back = Binder.bind(Includes.load(file, source), null).graph();
            assertThat(GraphPrinter.print(named(back))).as(written.text()).isEqualTo(GraphPrinter.print(named(graph)));
            assertThat(named(back)).isEqualTo(named(graph));
            assertThat(Formatter.format(file)).isEqualTo(written.text());
            return written.text();
        } finally {
            Files.deleteIfExists(parameters);
            Files.delete(folder);
        }
    }

    /**
     * The graph without its plan, with constants called after each use, and put just before it, as the binder does; so are
     * constants of codes that are made real for one use.
     */
    static Graph named(Graph g) {
        return new Renaming(g).graph();
    }

    private static final class Renaming {
        private final Graph graph;
        private final Map<ValueId, Node> definitions;
        private final Map<ValueId, List<Node>> users;
        private final List<Node> nodes = new ArrayList<>();

        Renaming(Graph graph) {
            this.graph = graph;
            this.definitions = graph.definitions();
            this.users = graph.users();
        }

        Graph graph() {
            for (Node n : graph.nodes()) {
                if (!isConstant(n.id())) {
                    nodes.add(renamed(n));
                }
            }
            List<Graph.Result> results = new ArrayList<>();
            for (Graph.Result r : graph.results()) {
                results.add(new Graph.Result(r.name(), used(r.value(), "result." + r.name())));
            }
            List<Graph.State> states = new ArrayList<>();
            for (Graph.State s : graph.states()) {
                ValueId next = used(s.next(), "next." + s.id().name());
                states.add(new Graph.State(s.id(), s.type(), next, s.span()));
            }
            return new Graph(graph.name(), graph.params(), nodes, results, graph.policy(), null, states);
        }

        private Node renamed(Node n) {
            List<ValueId> operands = new ArrayList<>();
            for (int i = 0; i < n.operands().size(); i++) {
                operands.add(used(n.operand(i), n.id().name() + ".constant" + i));
            }
            return n.withOperands(operands);
        }

        private ValueId used(ValueId id, String name) {
            Node from = definitions.get(id);
            if (from == null || !isConstant(id)) {
                return id;
            }
            ValueId renamed = new ValueId(name);
            nodes.add(renamed(from.withId(renamed)));
            return renamed;
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
