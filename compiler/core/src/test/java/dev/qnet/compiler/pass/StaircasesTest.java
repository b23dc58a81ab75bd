package dev.qnet.compiler.pass;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostics;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StaircasesTest {
    /** The level of a·unit/n behind clamps, in exact arithmetic. */
    private static int level(Spec.Steps steps, long a, BigDecimal unit, long n, List<ScalarFn> clamps) {
        BigDecimal real = unit.multiply(BigDecimal.valueOf(a));
        BigDecimal count = BigDecimal.valueOf(n);
        for (ScalarFn f : clamps) {
            BigDecimal lo = f instanceof ScalarFn.Clip c ? new BigDecimal(c.lo()) : BigDecimal.ZERO;
            real = real.max(lo.multiply(count));
            real = f instanceof ScalarFn.Clip c ? real.min(new BigDecimal(c.hi()).multiply(count)) : real;
        }
        int reached = 0;
        for (float t : steps.thresholds()) {
            reached += real.compareTo(new BigDecimal(t).multiply(count)) >= 0 ? 1 : 0;
        }
        return steps.levels().get(reached);
    }

    @Property(tries = 300)
    void integersReachWhatRealsReach(@ForAll long seed) {
        Random r = new Random(seed);
        int count = 1 + r.nextInt(6);
        List<Float> thresholds = new ArrayList<>();
        List<Integer> levels = new ArrayList<>(List.of(r.nextInt(5) - 2));
        for (int i = 0; i < count; i++) {
            // Some lie on integers exactly.
            thresholds.add(r.nextBoolean() ? (float) r.nextGaussian() * 3 : (r.nextInt(40) - 20) * 0.25f);
            levels.add(levels.getLast() + 1 + r.nextInt(3));
        }
        thresholds.sort(null);
        Spec.Steps steps = new Spec.Steps(thresholds, levels);
        float scale = r.nextBoolean() ? 0.25f : 0.01f + r.nextFloat();
        BigDecimal unit = new BigDecimal(scale).multiply(new BigDecimal(r.nextBoolean() ? 1f : r.nextFloat() + 0.1f));
        long n = 1L + r.nextInt(5);
        List<ScalarFn> clamps = new ArrayList<>();
        if (r.nextBoolean()) {
            clamps.add(new ScalarFn.Relu());
        }
        if (r.nextBoolean()) {
            clamps.add(new ScalarFn.Clip(-1, 1.5f));
        }
        Staircases.Integers found = Staircases.integers(steps, List.of(unit), n, clamps);
        int[] limits = ((Tensor.OfInt) found.thresholds()).values();
        for (int a = -200; a <= 200; a++) {
            int reached = 0;
            for (int t : limits) {
                reached += a >= t ? 1 : 0;
            }
            assertThat(found.levels().get(reached)).as("%d", a).isEqualTo(level(steps, a, unit, n, clamps));
        }
    }

    @Test
    void thresholdsBeyond32BitsAreWide() {
        Spec.Steps steps = new Spec.Steps(List.of(1f, 1e6f), List.of(0, 1, 2));
        assertThat(Staircases.integers(steps, List.of(new BigDecimal("0.0001")), 1, List.of())
                        .element())
                .isEqualTo(Element.INT64);
        assertThat(Staircases.integers(steps, List.of(BigDecimal.ONE), 1, List.of())
                        .element())
                .isEqualTo(Element.INT32);
    }

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path temp;

    /** What the integers of a model say to one value in all places. */
    private long[] codes(String scheme, String body, String extents, long x) throws IOException {
        Path file = Files.writeString(temp.resolve("m.qnet"), """
                qnet 1
                scheme s { %s }
                model m(x: f32[N, 4, 4, 2]) -> (y: f32[N, %s]) quantized s {
                  input x i8 symmetric full scale(0.25)
                  return y: %s
                }
                """.formatted(scheme, extents, body));
        Graph graph = Pipeline.run(
                Frontend.load(file).graph(),
                Passes.all(),
                new PassContext(new Diagnostics(), Calibration.NONE),
                (p, g) -> {});
        long[] all = new long[32];
        Arrays.fill(all, x);
        Value y = Interpreter.prepare(graph)
                .run(Map.of("x", Value.of(Shape.of(1, 4, 4, 2), all)), (v, w) -> {})
                .get("y");
        return Arrays.stream(((Value.Ints) Objects.requireNonNull(y)).data())
                .distinct()
                .toArray();
    }

    @Test
    void codesThatStayAreNotCountedAgain() throws IOException {
        // Code 1 stands for 0.25, which is below the first threshold.
        String scheme = "weights i8 activations u8 scale(0.25) thresholds([0.3, 0.6], [0, 1, 2])";
        String conv = "x |> conv2d(1, kernel: 1, weight: fill([1, 1, 1, 2], 1.0), bias: false) |> relu";
        for (String pool : List.of("", " |> avg_pool(2)", " |> max_pool(2)")) {
            String extents = pool.isEmpty() ? "4, 4, 1" : "2, 2, 1";
            for (long x = 0; x < 3; x++) {
                assertThat(codes(scheme, conv + pool, extents, x))
                        .as("%d%s", x, pool)
                        .containsExactly(x);
            }
        }
    }

    @Test
    void signsOfWhatHasNoAccumulator() throws IOException {
        String sign = " @activations(i8, scale(1.0), thresholds([0.0], [-1, 1]))";
        for (String body : List.of("add(x, x)", "mul(x, relu(x) @activations(u8, scale(0.25)))", "tanh(x)")) {
            for (long x : new long[] {-128, -1, 0, 1, 127}) {
                long expected = x < 0 && !body.startsWith("mul") ? -1 : 1;
                assertThat(codes("weights i8 activations i8", body + sign, "4, 4, 2", x))
                        .as("%s of %d", body, x)
                        .containsExactly(expected);
            }
        }
    }

    /** The scale of 16-bit codes that span such thresholds is beyond what multipliers reach: the sum must not be spanned by them. */
    @Test
    void sumsMeetThresholdsOfAnySize() throws IOException {
        String equal = "add(x, x)";
        String other = "add(x, relu(x) @activations(u8, scale(0.1)))";
        for (String sum : List.of(equal, other)) {
            for (String thresholds : List.of("[1e-30, 2e-30]", "[1e-6, 1e-5]", "[0.1, 1e30]", "[-1e20, 0.1]")) {
                boolean two = !thresholds.endsWith("1e30]");
                String body = sum + " @activations(i8, scale(1.0), thresholds(" + thresholds + ", [-3, 0, 5]))";
                long low = thresholds.startsWith("[-") ? 0 : -3;
                for (long x : new long[] {-128, -1, 0, 1, 127}) {
                    assertThat(codes("weights i8 activations i8", body, "4, 4, 2", x))
                            .as("%s of %d", body, x)
                            .containsExactly(x <= 0 ? low : two ? 5 : 0);
                }
            }
        }
    }

    /** Calibration is read before it is known whose value it is of. */
    @Test
    void levelsThatAreNoCodesAreTold() throws IOException {
        Path file = Files.writeString(temp.resolve("m.qnet"), """
                qnet 1
                scheme s { weights i8 activations u4 }
                model m(x: f32[N, 2]) -> f32[N, 2] quantized s {
                  input x i8 range(-1, 1)
                  return tanh(x)
                }
                calibration m { tanh_1: scale(0.1) zero(0) thresholds([0.5, 0.75], [0, 15, 16]) }
                """);
        Diagnostics diagnostics = new Diagnostics();
        BoundModel bound = Frontend.load(file);
        assertThatThrownBy(() -> Pipeline.run(
                        bound.graph(), Passes.all(), new PassContext(diagnostics, bound.calibration()), (p, g) -> {}))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining(
                        "m.qnet:5:10: the value 'tanh_1': the levels of its thresholds run from 0 to 16, but u4 has "
                                + "codes from 0 to 15");
        assertThat(diagnostics.all()).singleElement().satisfies(d -> {
            assertThat(d.code()).isEqualTo("thresholds");
            assertThat(d.fix()).contains("qnet train");
        });
    }

    @Test
    void stairsRise() {
        assertThatThrownBy(() -> new Spec.Steps(List.of(1f, 0.5f), List.of(0, 1, 2)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("rise");
        assertThatThrownBy(() -> new Spec.Steps(List.of(1f), List.of(0)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("2 levels");
    }
}
