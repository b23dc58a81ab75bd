package dev.qnet.target.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.runtime.LayerTimes;
import dev.qnet.runtime.LoadOptions;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.kernel.Backend;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A model whose layers are timed: the same bytes, and a time for each layer, in order. */
final class LayerTimesTest {
    @ParameterizedTest
    @CsvSource({"1, 1", "7, 2", "501, 1", "10000, 1"})
    void timesEveryLayerAndChangesNoByte(int layers, int threads) {
        Graph graph = LargeNetworkTest.chain(layers, new Random(layers));
        CompiledArtifact artifact = JvmTarget.compile(graph);
        LayerTimes times = new LayerTimes();
        Map<String, Value> inputs = Judge.inputs(graph, 3, new Random(1));
        try (Model model = times.load(artifact.files(), LoadOptions.defaults().withThreads(threads), Backend.SCALAR)) {
            assertThat(times.runs()).isZero();
            assertThat(Judge.run(model, graph, inputs)).isEqualTo(Interpreter.run(graph, inputs));
            assertThat(times.runs()).as("three items, as numbers and as codes").isEqualTo(6);
            assertThat(times.names()).hasSameSizeAs(artifact.layers());
            for (int k = 0; k < times.names().size(); k++) {
                ValueId written = artifact.layers().get(k);
                assertThat(times.names().get(k)).isEqualTo(Names.plain(written.name()));
                assertThat(times.nanos(k)).isPositive();
            }
            times.reset();
            assertThat(times.runs()).isZero();
            assertThat(IntStream.range(0, times.names().size()).mapToLong(times::nanos))
                    .containsOnly(0L);
        }
        assertThatThrownBy(() -> times.load(artifact.files(), LoadOptions.defaults(), Backend.SCALAR))
                .isInstanceOf(IllegalStateException.class);
    }

    @ParameterizedTest
    @CsvSource({"7", "501"})
    void layersAreThoseOfTheGraph(int layers) {
        Graph graph = LargeNetworkTest.chain(layers, new Random(layers));
        List<ValueId> values = graph.nodes().stream().map(n -> n.id()).toList();
        assertThat(values).containsAll(JvmTarget.compile(graph).layers());
    }
}
