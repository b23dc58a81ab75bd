package dev.qnet.compiler.front.bind;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.data.Safetensors;
import dev.qnet.compiler.front.Includes;
import dev.qnet.compiler.front.write.SourceWriter;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphPrinter;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.SourceFile;
import dev.qnet.compiler.testing.RandomGraphs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.constraints.LongRange;

/** Random networks, written as sources and bound again, are the same but for the names of constants. */
class RandomGraphsComeBackTest {
    @Property(tries = 150, shrinking = ShrinkingMode.OFF)
    void comesBack(@ForAll @LongRange(min = 0, max = 1_000_000) long seed) throws IOException {
        Graph graph = RandomGraphs.of(seed);
        SourceWriter.Written written = SourceWriter.write(graph, Calibration.NONE, "random.safetensors");
        Path folder = Files.createTempDirectory("qnet-random");
        Path parameters = folder.resolve("random.safetensors");
        try {
            Safetensors.write(parameters, written.parameters());
            Path source = folder.resolve("random.qnet");
            Graph back = Binder.bind(Includes.load(new SourceFile(source.toString(), written.text()), source), null)
                    .graph();
            assertThat(GraphPrinter.print(named(back))).as(written.text()).isEqualTo(GraphPrinter.print(named(graph)));
        } finally {
            Files.deleteIfExists(parameters);
            Files.delete(folder);
        }
    }

    /** The graph with constants called after their first use, and put just before it, as the binder does. */
    private static Graph named(Graph g) {
        Map<ValueId, Node> definitions = g.definitions();
        List<Node> nodes = new ArrayList<>();
        for (Node n : g.nodes()) {
            if (n.op() instanceof DataOp.Constant) {
                continue;
            }
            List<ValueId> operands = new ArrayList<>();
            for (int i = 0; i < n.operands().size(); i++) {
                Node from = definitions.get(n.operand(i));
                if (from != null && from.op() instanceof DataOp.Constant) {
                    ValueId id = new ValueId(n.id().name() + ".constant" + i);
                    nodes.add(from.withId(id));
                    operands.add(id);
                } else {
                    operands.add(n.operand(i));
                }
            }
            nodes.add(n.withOperands(operands));
        }
        return g.withNodes(nodes);
    }
}
