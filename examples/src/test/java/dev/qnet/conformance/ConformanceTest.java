package dev.qnet.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.compiler.ir.GraphPrinter;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.quant.Codes;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.runtime.LoadOptions;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.kernel.Backend;
import dev.qnet.target.jvm.CompiledArtifact;
import dev.qnet.target.jvm.JvmTarget;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Random networks through the whole house: calibrated on random data, lowered, compiled; the integer graph prints and
 * parses back, and compiled code gives the oracle's bytes on every backend,
 * with any number of threads. {@code -Pexhaustive} draws 10,000.
 */
class ConformanceTest {
    private static final int COUNT = Integer.getInteger("qnet.random.graphs", 300);
    private static final int ITEMS = 3;

    @Test
    void compiledCodeGivesTheOraclesBytes() {
        int operations = 0;
        int refused = 0;
        for (long seed = 0; seed < COUNT; seed++) {
            Graph drawn = RandomNetwork.of(seed);
            try {
                operations += check(drawn, seed);
            } catch (CompileException e) {
                // A drawn network may scale an accumulator beyond 32 bits, which is rightly refused; nothing else is.
                assertThat(e.diagnostics())
                        .as("seed %d", seed)
                        .filteredOn(d -> d.severity() == Diagnostic.Severity.ERROR)
                        .allMatch(d -> d.code().equals("accumulator-overflow"));
                refused++;
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("seed " + seed + ": " + e + "\n" + GraphPrinter.print(drawn), e);
            }
        }
        assertThat(refused).isLessThanOrEqualTo(COUNT / 100);
        // A generator that gave up would pass everything.
        assertThat(operations).isGreaterThan(3 * COUNT);
    }

    private static int check(Graph drawn, long seed) {
        assertThat(GraphParser.parse(GraphPrinter.print(drawn))).isEqualTo(drawn);
        Calibration ranges = Calibrating.on(drawn, RandomNetwork.input(drawn, seed + 1, 4), 4);
        Calibration calibration =
                seed % 3 == 1 ? Calibrating.withSteps(drawn, ranges, new SplittableRandom(seed)) : ranges;
        Diagnostics diagnostics = new Diagnostics();
        Graph integers = Pipeline.run(drawn, Passes.all(), new PassContext(diagnostics, calibration), (p, g) -> {});
        assertThat(GraphParser.parse(GraphPrinter.print(integers))).isEqualTo(integers);

        compare(integers, RandomNetwork.input(drawn, seed + 2, ITEMS), ITEMS, 1 + (int) seed % 4);
        return drawn.nodes().size();
    }

    /** Compares compiled code with the oracle on every backend, on items of the only input, x. */
    static void compare(Graph integers, float[] x, int items, int threads) {
        int[] shape = integers.params().getFirst().type().shape().toArray();
        shape[0] = items;
        Map<String, Value> oracle = Interpreter.run(integers, Map.of("x", oracleInput(integers, x, shape)));
        CompiledArtifact artifact = JvmTarget.compile(integers);
        for (Backend backend : Backend.values()) {
            try (Model model = artifact.load(LoadOptions.defaults().withThreads(threads), backend)) {
                Map<String, Tensor> found = model.runRaw(Map.of("x", Tensor.ofFloats(x, shape)));
                assertThat(found.keySet()).isEqualTo(oracle.keySet());
                String where = " on " + backend + " with " + threads + " threads";
                oracle.forEach((name, v) -> same(name + where, v, Objects.requireNonNull(found.get(name))));
            }
        }
    }

    private static Value oracleInput(Graph integers, float[] x, int[] shape) {
        if (!(integers.params().getFirst().type().element() instanceof Quant q)) {
            return Value.of(Shape.of(shape), x);
        }
        long[] codes = new long[x.length];
        for (int i = 0; i < codes.length; i++) {
            codes[i] = Codes.quantize(
                    x[i], q, Objects.requireNonNull(integers.policy()).rounding());
        }
        return Value.of(Shape.of(shape), codes);
    }

    private static void same(String what, Value expected, Tensor found) {
        switch (expected) {
            case Value.Floats f -> assertThat(found.floats()).as(what).isEqualTo(f.data());
            case Value.Ints i -> {
                long[] codes = new long[found.size()];
                for (int k = 0; k < codes.length; k++) {
                    codes[k] = switch (found.type()) {
                        case F32 -> throw new AssertionError(what + " is f32");
                        case BOOL, I8 -> found.bytes()[k];
                        case U8 -> found.bytes()[k] & 0xff;
                        case I16 -> found.shorts()[k];
                        case U16 -> found.shorts()[k] & 0xffff;
                        case I32 -> found.ints()[k];
                        case I64 -> found.longs()[k];
                    };
                }
                assertThat(codes).as(what).isEqualTo(i.data());
            }
        }
    }
}
