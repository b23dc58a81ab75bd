package dev.qnet.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.cli.verify.TvmValues;
import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
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
import dev.qnet.target.tvm.Cpu;
import dev.qnet.target.tvm.CudaTarget;
import dev.qnet.target.tvm.TilesInLoops;
import dev.qnet.target.tvm.TvmModule;
import dev.qnet.target.tvm.TvmSession;
import dev.qnet.target.tvm.TvmTarget;
import dev.qnet.target.tvm.TvmUnavailableException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/**
 * Random networks as in {@link ConformanceTest}, compiled by TVM: it gives the oracle's bytes. One in ten of them, since LLVM
 * takes its time; none without TVM's native libraries ({@code mvn -Ptvm-natives}).
 */
class TvmConformanceTest {
    private static final int COUNT = Integer.getInteger("qnet.random.graphs", 300) / 10;
    private static final int ITEMS = 3;

    @Test
    void compiledCodeGivesTheOraclesBytes() {
        giveTheOraclesBytes(COUNT, graph -> TvmTarget.compile(graph, Cpu.NATIVE));
    }

    /** AMX, with its unit in loops: few, as these are slow to compile. */
    @Test
    void kernelsForTilesGiveTheOraclesBytes() {
        Assumptions.assumeTrue(TilesInLoops.runHere(), "skipped: this machine's CPU has no AVX512-VNNI");
        AtomicInteger taken = new AtomicInteger();
        int count = Math.max(COUNT / 3, 10);
        giveTheOraclesBytes(count, graph -> {
            taken.addAndGet(TilesInLoops.isTaken(graph) ? 1 : 0);
            return TilesInLoops.compile(graph);
        });
        assertThat(taken.get()).isPositive();
    }

    @Test
    void kernelsForGpusGiveTheOraclesBytes() {
        giveTheOraclesBytes(COUNT, graph -> {
            try {
                return CudaTarget.emulate(graph);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private static void giveTheOraclesBytes(int count, Function<Graph, TvmModule> compile) {
        try {
            TvmTarget.load();
        } catch (TvmUnavailableException e) {
            Assumptions.abort("skipped without TVM's native libraries: " + e.what());
        }
        int refused = 0;
        for (long seed = 0; seed < count; seed++) {
            Graph drawn = RandomNetwork.of(seed);
            try {
                check(drawn, compile, seed);
            } catch (CompileException e) {
                // Exponentials of real numbers are not lowered yet; accumulators may overflow, as in ConformanceTest.
                assertThat(e.diagnostics())
                        .as("seed %d", seed)
                        .filteredOn(d -> d.severity() == Diagnostic.Severity.ERROR)
                        .allMatch(d -> d.code().equals("target") || d.code().equals("accumulator-overflow"));
                refused++;
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("seed " + seed + ": " + e + "\n" + GraphPrinter.print(drawn), e);
            }
        }
        assertThat(refused).isLessThanOrEqualTo(Math.max(count / 10, 2));
    }

    private static void check(Graph drawn, Function<Graph, TvmModule> compile, long seed) {
        Calibration ranges = Calibrating.on(drawn, RandomNetwork.input(drawn, seed + 1, 4), 4);
        Calibration calibration =
                seed % 2 == 1 ? Calibrating.withSteps(drawn, ranges, new SplittableRandom(seed)) : ranges;
        Graph integers =
                Pipeline.run(drawn, Passes.all(), new PassContext(new Diagnostics(), calibration), (p, g) -> {});
        float[] x = RandomNetwork.input(drawn, seed + 2, ITEMS);
        int[] shape = drawn.params().getFirst().type().shape().toArray();
        shape[0] = ITEMS;
        Value input = input(integers, x, Shape.of(shape));
        Map<String, Value> oracle = Interpreter.run(integers, Map.of("x", input));
        try (TvmModule module = compile.apply(integers);
                TvmSession session = module.session()) {
            List<Value> found = TvmValues.run(integers, session, List.of(input));
            for (int i = 0; i < found.size(); i++) {
                String name = integers.results().get(i).name();
                assertThat(found.get(i)).as(name).isEqualTo(oracle.get(name));
            }
        }
    }

    private static Value input(Graph integers, float[] x, Shape shape) {
        if (!(integers.params().getFirst().type().element() instanceof Quant q)) {
            return Value.of(shape, x);
        }
        long[] codes = new long[x.length];
        for (int i = 0; i < codes.length; i++) {
            codes[i] = Codes.quantize(
                    x[i], q, Objects.requireNonNull(integers.policy()).rounding());
        }
        return Value.of(shape, codes);
    }
}
