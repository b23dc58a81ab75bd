package dev.qnet.compiler.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphPrinter;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostics;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import net.jqwik.api.Assume;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.constraints.IntRange;

/** Passes on integer graphs keep every bit that the oracle computes; bounds of accumulators hold and are tight. */
class IntPassesTest {
    private static final int TRIES = 1000;
    private static final Spec SPEC =
            new Spec(Storage.I8, true, true, new Spec.Granularity.PerTensor(), new Spec.RangeMethod.MinMax(), false);
    private static final Spec.Policy POLICY = new Spec.Policy(SPEC, SPEC, Rounding.TOSA);

    @Property(tries = TRIES, shrinking = ShrinkingMode.OFF)
    void fusingChangesNoBit(@ForAll long seed) {
        Graph before = bounded(seed);
        Graph after = run(before, new Fuse());
        Map<String, Value> inputs = GraphBuilder.inputs(before, 3, new Random(seed));
        assertThat(Interpreter.run(after, inputs))
                .as(() -> GraphPrinter.print(before) + GraphPrinter.print(after))
                .isEqualTo(Interpreter.run(before, inputs));
        assertThat(after.nodes()).hasSizeLessThanOrEqualTo(before.nodes().size());
        // What shares constants changes no bit either.
        assertThat(Interpreter.run(run(after, new ShareConstants(), new PlanMemory()), inputs))
                .isEqualTo(Interpreter.run(after, inputs));
    }

    @Property(tries = TRIES, shrinking = ShrinkingMode.OFF)
    void noAccumulatorExceedsItsBound(@ForAll long seed) {
        Graph g = bounded(seed);
        Map<ValueId, AccumulatorBounds.Bound> bounds = AccumulatorBounds.of(g);
        Interpreter.run(g, GraphBuilder.inputs(g, 3, new Random(seed)), (id, value) -> {
            AccumulatorBounds.Bound b = bounds.get(id);
            if (b != null) {
                for (long a : ((Value.Ints) value).data()) {
                    assertThat(Math.abs(a)).isLessThanOrEqualTo(b.maxAbs());
                }
            }
        });
    }

    /** Where x may be 0, the codes that make one sign largest reach the bound exactly. */
    @Property(tries = 300)
    void someInputReachesTheBound(@ForAll Random random, @ForAll @IntRange(min = 1, max = 9) int depth) {
        int zero = random.nextInt(256);
        GraphBuilder g = new GraphBuilder();
        ValueId x = g.param(new Type(Quant.of(Storage.U8, 1, zero), Shape.of(1, depth)));
        int[] codes = random.ints(depth, -128, 128).toArray();
        ValueId w = g.constant(
                new Tensor.OfInt(Shape.of(1, depth), codes),
                Quant.of(Storage.I8, 1, 0).withScheme(new Scheme.PerTensor(1, 0)));
        ValueId y = g.add(new IntOp.Dense(Element.INT32, null), Element.INT32, x, w);
        g.result(y);
        long reached = 0;
        for (int sign : new int[] {1, -1}) {
            int[] worst = new int[depth];
            for (int k = 0; k < depth; k++) {
                long high = (long) sign * codes[k] * (255 - zero);
                long low = (long) sign * codes[k] * -zero;
                worst[k] = high > 0 ? 255 : low > 0 ? 0 : zero;
            }
            Map<String, Value> results = Interpreter.run(g.graph(), Map.of("x0", Value.of(Shape.of(1, depth), worst)));
            Value.Ints result = (Value.Ints) Objects.requireNonNull(results.get("y0"));
            reached = Math.max(reached, Math.abs(result.data()[0]));
        }
        AccumulatorBounds.Bound bound =
                Objects.requireNonNull(AccumulatorBounds.of(g.graph()).get(y));
        assertThat(bound.maxAbs()).isEqualTo(reached);
        assertThat(bound.macs()).isEqualTo(depth);
        assertThat(1L << (bound.bits() - 1)).isGreaterThan(bound.maxAbs());
        assertThat(bound.bits() == 1 || 1L << (bound.bits() - 2) <= bound.maxAbs())
                .isTrue();
    }

    /** A random graph whose accumulators are proved to fit; the few that cannot be scaled are left out. */
    private static Graph bounded(long seed) {
        Graph random = IntGraphs.random(seed);
        // Only a graph with a policy is the compiler's own, whose accumulators it may widen.
        Graph g = new Graph(random.name(), random.params(), random.nodes(), random.results(), POLICY, null);
        try {
            return run(g, new BoundAccumulators());
        } catch (CompileException e) {
            Assume.that(false);
            throw e;
        }
    }

    private static Graph run(Graph g, Pass... passes) {
        Graph at = g;
        for (Pass p : passes) {
            at = Pipeline.step(at, p, new PassContext(new Diagnostics(), Calibration.NONE));
        }
        return at;
    }
}
