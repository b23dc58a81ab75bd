package dev.qnet.compiler.front.bind;

import static org.assertj.core.api.Assertions.assertThat;

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
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.compiler.testing.RandomGraphs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

/** Random networks, written as sources and bound again, are the same but for the names of constants. */
class RandomGraphsComeBackTest {
    private static final int LOWERED = 100;

    @Property(tries = 150, shrinking = ShrinkingMode.OFF)
    void comesBack(@ForAll @LongRange(min = 0, max = 1_000_000) long seed) throws IOException {
        ComingBack.check(RandomGraphs.of(seed));
    }

    /** After every pass, on the way to integers. */
    @Test
    void loweredNetworksComeBack() throws IOException {
        int integers = 0;
        for (long seed = 0; seed < LOWERED; seed++) {
            Graph graph = seed % 5 == 4 ? RandomGraphs.dynamic(seed) : RandomGraphs.of(seed);
            try {
                Calibration calibration = calibrate(graph, seed);
                PassContext context = new PassContext(new Diagnostics(), calibration);
                Pipeline.run(graph, Passes.all(), context, (pass, lowered) -> {
                    try {
                        ComingBack.check(lowered);
                    } catch (CompileException e) {
                        throw new AssertionError("after " + pass.name() + ": " + e.getMessage(), e);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
                integers++;
            } catch (CompileException e) {
                // A drawn network may scale an accumulator beyond its bits, which is rightly refused.
                assertThat(e.diagnostics())
                        .as("seed %d", seed)
                        .filteredOn(d -> d.severity() == Diagnostic.Severity.ERROR)
                        .allMatch(d -> d.code().equals("accumulator-overflow"));
            }
        }
        assertThat(integers).isGreaterThan(LOWERED * 9 / 10);
    }

    private static Calibration calibrate(Graph graph, long seed) {
        List<Pass> passes = Passes.all();
        int last = passes.stream().map(Pass::name).toList().indexOf(InsertFakeQuant.NAME);
        Diagnostics diagnostics = new Diagnostics();
        Graph open = Pipeline.run(
                graph, passes.subList(0, last + 1), new PassContext(diagnostics, Calibration.NONE), (p, g) -> {});
        Calibrator calibrator = new Calibrator(open);
        Random random = new Random(seed);
        Map<String, Value> inputs = new HashMap<>();
        for (Graph.Param p : graph.params()) {
            Shape shape = p.type().shape().item();
            float[] data = new float[shape.elements()];
            for (int i = 0; i < data.length; i++) {
                data[i] = (float) random.nextGaussian();
            }
            inputs.put(p.id().name(), Value.of(shape, data));
        }
        calibrator.accept(inputs);
        return calibrator.finish(diagnostics);
    }
}
