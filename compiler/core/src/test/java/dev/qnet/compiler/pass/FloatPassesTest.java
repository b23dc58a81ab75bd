package dev.qnet.compiler.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphPrinter;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.Diagnostics;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;

/** Passes on float graphs keep what the oracle computes. */
class FloatPassesTest {
    private static final int TRIES = 1000;

    @Property(tries = TRIES, shrinking = ShrinkingMode.OFF)
    void canonicalFormHasTheSameValue(@ForAll long seed) {
        Graph before = FloatGraphs.random(seed);
        compare(before, run(before, new Canonicalize()), seed, 0);
    }

    @Property(tries = TRIES, shrinking = ShrinkingMode.OFF)
    void canonicalFormIsStable(@ForAll long seed) {
        Graph once = run(FloatGraphs.random(seed), new Canonicalize());
        Graph twice = run(once, new Canonicalize());
        assertThat(twice.nodes()).hasSizeLessThanOrEqualTo(once.nodes().size());
        assertThat(GraphPrinter.print(run(twice, new Canonicalize()))).isEqualTo(GraphPrinter.print(twice));
    }

    @Property(tries = TRIES, shrinking = ShrinkingMode.OFF)
    void foldingRoundsOnlyOtherwise(@ForAll long seed) {
        Graph before = FloatGraphs.random(seed);
        compare(before, run(before, new Canonicalize(), new FoldBatchNorm(), new DeadCode()), seed, 1e-3);
    }

    private static Graph run(Graph g, Pass... passes) {
        Graph at = g;
        for (Pass p : passes) {
            at = Pipeline.step(at, p, new PassContext(new Diagnostics(), Calibration.NONE));
        }
        return at;
    }

    private static void compare(Graph before, Graph after, long seed, double tolerance) {
        Map<String, Value> inputs = GraphBuilder.inputs(before, 2, new Random(seed));
        double[] largest = {1};
        Map<String, Value> expected = Interpreter.run(before, inputs, (id, v) -> {
            for (float f : ((Value.Floats) v).data()) {
                largest[0] = Math.max(largest[0], Float.isFinite(f) ? Math.abs(f) : 0);
            }
        });
        Map<String, Value> actual = Interpreter.run(after, inputs);
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        expected.forEach((name, value) -> {
            Value.Floats e = (Value.Floats) value;
            Value.Floats a = (Value.Floats) Objects.requireNonNull(actual.get(name));
            assertThat(a.shape()).isEqualTo(e.shape());
            for (int i = 0; i < e.data().length; i++) {
                // Zeros may differ in sign: a padded 0 adds +0.
                boolean same =
                        e.data()[i] == a.data()[i] || Math.abs(e.data()[i] - a.data()[i]) <= tolerance * largest[0];
                assertThat(same)
                        .as(() -> name + ": " + value + " became " + a + "\n" + GraphPrinter.print(before)
                                + GraphPrinter.print(after))
                        .isTrue();
            }
        });
    }
}
