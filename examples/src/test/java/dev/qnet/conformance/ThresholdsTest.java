package dev.qnet.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.cli.verify.TvmValues;
import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.front.write.SourceWriter;
import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphPrinter;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.LoadOptions;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.kernel.Backend;
import dev.qnet.target.jvm.CompiledArtifact;
import dev.qnet.target.jvm.JvmTarget;
import dev.qnet.target.tvm.CTarget;
import dev.qnet.target.tvm.Cpu;
import dev.qnet.target.tvm.HostModel;
import dev.qnet.target.tvm.TvmModule;
import dev.qnet.target.tvm.TvmSession;
import dev.qnet.target.tvm.TvmTarget;
import dev.qnet.target.tvm.TvmUnavailableException;
import dev.qnet.training.data.Dataset;
import dev.qnet.training.fit.Progress;
import dev.qnet.training.fit.Settings;
import dev.qnet.training.fit.Trained;
import dev.qnet.training.fit.Trainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Sources with {@code thresholds}, as training by QIL and QN writes them for activations, on every target. All scales are powers of
 * two, so that real numbers are exact in double, and most thresholds lie on what an accumulator can be: ties.
 */
class ThresholdsTest {
    private static final int COUNT = Math.max(8, Integer.getInteger("qnet.random.graphs", 300) / 5);
    private static final List<Form> FORMS = List.of(Form.values());
    /** LLVM takes its time. */
    private static final int NATIVE_COUNT = Math.max(FORMS.size(), COUNT / 6);

    private static final int ITEMS = 16;
    private static final int INPUTS = 4;
    private static final int UNITS = 3;
    private static final float INPUT_SCALE = 0.25f;

    /** What the first layer is; x has 2x2x4 codes of the input's scale. */
    private enum Form {
        DENSE(3, "x |> reshape([N, 16]) |> dense(3, weight: w, bias: b)"),
        CONV(3, "x |> conv2d(3, kernel: 2, weight: k, bias: b)"),
        RECTIFIED(3, "x |> conv2d(3, kernel: 2, weight: k, bias: b) |> relu"),
        MEAN(4, "x |> global_avg_pool"),
        PRODUCT(16, "mul(x, x)"),
        TABLE(16, "tanh(x)"),
        /** Of one scale: exact in 16 bits. */
        SUM(16, "add(x, x)"),
        /** Of scales a power of two apart. */
        DIFFERENCE(16, "sub(x |> relu @activations(u8, scale(0.125)), x)"),
        /** Has no accumulator, and no scale in which all sums are whole. */
        MIXED(16, "add(x, x |> relu @activations(u8, scale(0.1)))");

        private final int results;
        private final String body;

        Form(int results, String body) {
            this.results = results;
            this.body = body;
        }
    }

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path temp;

    /** A staircase and the first layer's integers, drawn. */
    private static final class Drawn {
        final SplittableRandom random;
        final Form form;
        final String storage;
        final List<Float> thresholds = new ArrayList<>();
        final List<Integer> levels = new ArrayList<>();
        final float scale;
        final float weightScale;
        final int[] weights = new int[UNITS * 16];
        final float[] bias = new float[UNITS];

        Drawn(long seed) {
            random = new SplittableRandom(seed);
            form = FORMS.get((int) (seed % FORMS.size()));
            storage = List.of("i4", "u4", "i3", "u2", "i8", "u8").get(random.nextInt(6));
            boolean signed = storage.startsWith("i");
            int bits = storage.charAt(1) - '0';
            int lo = signed ? -(1 << (bits - 1)) : 0;
            int hi = signed ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
            scale = (float) Math.scalb(1.0, random.nextInt(5) - 3);
            weightScale = (float) Math.scalb(1.0, -random.nextInt(4));
            TreeSet<Integer> codes = new TreeSet<>();
            int count = 2 + random.nextInt(Math.min(9, hi - lo));
            while (codes.size() < count) {
                // All of a staircase's codes may be above 0, below it, or neighbours.
                codes.add(lo + random.nextInt(hi - lo + 1));
            }
            levels.addAll(codes);
            for (int i = 0; i < weights.length; i++) {
                weights[i] = random.nextInt(-7, 8);
            }
            for (int i = 0; i < UNITS; i++) {
                bias[i] = unit() * random.nextInt(-40, 41);
            }
            for (int i = 1; i < levels.size(); i++) {
                float steps = random.nextInt(-150, 151);
                // One in four lies between what can be, a hair above or below it.
                steps += random.nextInt(4) == 0 ? 0.5f : 0;
                float t = steps * unit();
                thresholds.add(
                        switch (random.nextInt(12)) {
                            case 0 -> Math.nextUp(t);
                            case 1 -> Math.nextDown(t);
                            case 2 -> t * 1e12f;
                            case 3 -> t * 1e-12f;
                            default -> t;
                        });
            }
            thresholds.sort(null);
        }

        /** What results of the first layer are multiples of. */
        float unit() {
            return switch (form) {
                case DENSE, CONV, RECTIFIED -> INPUT_SCALE * weightScale;
                case MEAN -> INPUT_SCALE / 4;
                case PRODUCT, TABLE -> INPUT_SCALE * INPUT_SCALE;
                case SUM -> 2 * INPUT_SCALE;
                case DIFFERENCE -> INPUT_SCALE / 2;
                case MIXED -> 0.01f;
            };
        }

        private static String list(float[] values) {
            return IntStream.range(0, values.length)
                    .mapToObj(i -> Float.toString(values[i]))
                    .collect(Collectors.joining(", ", "[", "]"));
        }

        String source() {
            String steps =
                    String.format(Locale.ROOT, "scale(%s) zero(0) thresholds(%s, %s)", scale, thresholds, levels);
            return """
                    qnet 1
                    scheme s { weights i4 activations %s }
                    const w: i4[3, 16] scale(%s) = %s
                    const k: i4[3, 2, 2, 4] scale(%s) = %s
                    const b: f32[3] = %s
                    model m(x: f32[N, 2, 2, 4]) -> (y: f32[N, %s], z: f32[N, 5]) quantized s {
                      input x i8 symmetric full scale(%s)
                      h = %s @name("steps")
                      g = h |> flatten
                      return y: g, z: g |> dense(5, bias: false) @activations(i8, range(-3, 5))
                    }
                    calibration m { steps: %s }
                    """.formatted(
                            storage,
                            weightScale,
                            Arrays.toString(weights),
                            weightScale,
                            Arrays.toString(weights),
                            list(bias),
                            form.results,
                            INPUT_SCALE,
                            form.body,
                            steps);
        }

        private static double[] each(long[] x, DoubleUnaryOperator f) {
            return Arrays.stream(x)
                    .mapToDouble(v -> f.applyAsDouble(v * (double) INPUT_SCALE))
                    .toArray();
        }

        /** The codes of y for one item, in real numbers: a·unit is exact, and so is each comparison. */
        long[] expected(long[] x) {
            double[] real = switch (form) {
                case DENSE, CONV, RECTIFIED ->
                    IntStream.range(0, UNITS)
                            .mapToDouble(u -> {
                                double sum = bias[u];
                                for (int i = 0; i < 16; i++) {
                                    sum += x[i] * (double) INPUT_SCALE * weights[u * 16 + i] * weightScale;
                                }
                                return form == Form.RECTIFIED ? Math.max(0, sum) : sum;
                            })
                            .toArray();
                case MEAN ->
                    IntStream.range(0, INPUTS)
                            .mapToDouble(c -> (x[c] + x[c + 4] + x[c + 8] + x[c + 12]) * (double) INPUT_SCALE / 4)
                            .toArray();
                case PRODUCT -> each(x, r -> r * r);
                case TABLE -> each(x, r -> (float) StrictMath.tanh(r));
                case SUM -> each(x, r -> 2 * r);
                case DIFFERENCE -> each(x, r -> Math.max(0, r) - r);
                case MIXED -> throw new IllegalStateException("is not exact");
            };
            return Arrays.stream(real)
                    .mapToLong(r -> levels.get(
                            (int) thresholds.stream().filter(t -> r >= t).count()))
                    .toArray();
        }
    }

    private Graph integers(Path file) throws IOException {
        BoundModel bound = Frontend.load(file, new Frontend.Options(null, 5L));
        return Pipeline.run(
                bound.graph(), Passes.all(), new PassContext(new Diagnostics(), bound.calibration()), (p, g) -> {});
    }

    /** The same network from the text, and from the text that is written of it. */
    private Graph integers(Drawn drawn) throws IOException {
        Path file = Files.writeString(temp.resolve("m.qnet"), drawn.source());
        Graph integers = integers(file);
        BoundModel bound = Frontend.load(file, new Frontend.Options(null, 5L));
        Path again = temp.resolve("again.qnet");
        SourceWriter.save(bound.graph(), bound.calibration(), List.of(), again);
        assertThat(GraphPrinter.print(integers(again))).isEqualTo(GraphPrinter.print(integers));
        return integers;
    }

    private static long[] input(Drawn drawn) {
        long[] x = drawn.random.longs(ITEMS * 16L, -20, 21).toArray();
        for (int i = 0; i < 32; i++) {
            x[i] = i % 2 == 0 ? -128 : 127;
        }
        return x;
    }

    private static Value oracle(Graph integers, long[] x) {
        return Objects.requireNonNull(Interpreter.run(integers, Map.of("x", Value.of(Shape.of(ITEMS, 2, 2, 4), x)))
                .get("y"));
    }

    @Test
    void compiledCodeGivesTheOraclesBytesAndWhatRealNumbersReach() throws IOException {
        int stairs = 0;
        for (long seed = 0; seed < COUNT; seed++) {
            Drawn drawn = new Drawn(seed);
            Graph integers = integers(drawn);
            stairs += integers.nodes().stream().anyMatch(n -> n.op() instanceof IntOp.Thresholds) ? 1 : 0;
            long[] x = input(drawn);
            Map<String, Value> oracle = Interpreter.run(integers, Map.of("x", Value.of(Shape.of(ITEMS, 2, 2, 4), x)));
            if (drawn.form != Form.MIXED) {
                long[] y = ((Value.Ints) oracle(integers, x)).data();
                int each = y.length / ITEMS;
                for (int i = 0; i < ITEMS; i++) {
                    assertThat(Arrays.copyOfRange(y, i * each, (i + 1) * each))
                            .as("seed %d, item %d: %s", seed, i, drawn.source())
                            .isEqualTo(drawn.expected(Arrays.copyOfRange(x, i * 16, (i + 1) * 16)));
                }
            }
            onJvm(integers, oracle, Shape.of(ITEMS, 2, 2, 4), x, INPUT_SCALE, "seed " + seed + ": " + drawn.source());
        }
        // Those of tables have become entries, and some are never reached.
        assertThat(stairs).isGreaterThan(COUNT / 2);
    }

    /** @param x codes of a scale, zero point 0 */
    private static void onJvm(
            Graph integers, Map<String, Value> oracle, Shape shape, long[] x, float scale, String what) {
        CompiledArtifact artifact = JvmTarget.compile(integers);
        float[] real = new float[x.length];
        for (int i = 0; i < x.length; i++) {
            real[i] = x[i] * scale;
        }
        for (Backend backend : Backend.values()) {
            try (Model model = artifact.load(LoadOptions.defaults(), backend)) {
                Map<String, Tensor> found = model.runRaw(Map.of("x", Tensor.ofFloats(real, shape.toArray())));
                oracle.forEach((name, value) -> {
                    Tensor t = Objects.requireNonNull(found.get(name));
                    long[] codes = new long[t.size()];
                    for (int i = 0; i < codes.length; i++) {
                        codes[i] = t.type() == ElementType.U8 ? t.bytes()[i] & 0xff : t.bytes()[i];
                    }
                    assertThat(codes).as("%s on %s, %s", name, backend, what).isEqualTo(((Value.Ints) value).data());
                });
            }
        }
    }

    @Test
    void codeOfTvmGivesTheOraclesBytes() throws IOException {
        try {
            TvmTarget.load();
        } catch (TvmUnavailableException e) {
            Assumptions.abort("skipped without TVM's native libraries: " + e.what());
        }
        for (long seed = 0; seed < NATIVE_COUNT; seed++) {
            Drawn drawn = new Drawn(seed);
            Graph integers = integers(drawn);
            try (TvmModule module = TvmTarget.compile(integers, Cpu.NATIVE);
                    TvmSession session = module.session()) {
                check(seed, drawn, integers, session::run);
            }
        }
    }

    @Test
    void codeInCGivesTheOraclesBytes() throws IOException {
        try {
            CTarget.load();
        } catch (TvmUnavailableException e) {
            Assumptions.abort("skipped without LLVM's compiler: " + e.what());
        }
        for (long seed = 0; seed < NATIVE_COUNT; seed++) {
            Drawn drawn = new Drawn(seed);
            Graph integers = integers(drawn);
            try (HostModel model = HostModel.of(CTarget.compile(integers))) {
                check(seed, drawn, integers, model::run);
            }
        }
    }

    private static void check(long seed, Drawn drawn, Graph integers, TvmValues.Runner runner) {
        Value x = Value.of(Shape.of(ITEMS, 2, 2, 4), input(drawn));
        check(integers, x, runner, "seed " + seed + ": " + drawn.source());
    }

    private static void check(Graph integers, Value x, TvmValues.Runner runner, String what) {
        Map<String, Value> oracle = Interpreter.run(integers, Map.of("x", x));
        List<Value> found = TvmValues.run(integers, runner, List.of(x));
        for (int i = 0; i < found.size(); i++) {
            String name = integers.results().get(i).name();
            assertThat(found.get(i)).as("%s, %s", name, what).isEqualTo(oracle.get(name));
        }
    }

    /** What training learns is written as a source; a network is trained on nothing that makes sense. */
    private Graph trained(String scheme) throws IOException {
        Path file = Files.writeString(temp.resolve("untrained.qnet"), """
                qnet 1
                scheme s { %s }
                model m(x: f32[N, 6, 6, 1]) -> (y: f32[N, 4]) quantized s {
                  input x i8 symmetric full scale(0.0625)
                  h = x |> conv2d(4, kernel: 3, bias: false) |> batch_norm
                  h = add(h, h |> conv2d(4, kernel: 1)) |> avg_pool(2)
                  return y: h |> flatten |> dense(6) |> dense(4)
                }
                """.formatted(scheme));
        SplittableRandom random = new SplittableRandom(9);
        float[] items = new float[128 * 36];
        for (int i = 0; i < items.length; i++) {
            items[i] = random.nextInt(-20, 21) * 0.0625f;
        }
        Dataset data = new Dataset("noise", items, random.ints(128, 0, 4).toArray(), Shape.of(6, 6, 1));
        Graph graph = Frontend.load(file, new Frontend.Options(null, 2L)).graph();
        Trained trained = new Trainer(
                        graph, Settings.builder().batch(16).epochs(1, 2).build())
                .train(data, data, Progress.silent());
        Path saved = temp.resolve("trained.qnet");
        trained.save(saved);
        assertThat(saved).content().contains("thresholds(");
        return integers(saved);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "weights i4 lsq activations u4 qil",
                "weights i3 qil activations i4 qn(levels: [-8, -3, -1, 0, 1, 2, 7])",
                "weights i4 qn activations i3 qil",
                "weights i8 activations u8 qn(levels: [3, 5, 9, 200])"
            })
    void whatTrainingWritesGivesTheOraclesBytes(String scheme) throws IOException {
        Graph integers = trained(scheme);
        long[] x = new SplittableRandom(3).longs(ITEMS * 36L, -128, 128).toArray();
        Shape shape = Shape.of(ITEMS, 6, 6, 1);
        Value value = Value.of(shape, x);
        onJvm(integers, Interpreter.run(integers, Map.of("x", value)), shape, x, 0.0625f, scheme);
        try {
            CTarget.load();
            TvmTarget.load();
        } catch (TvmUnavailableException e) {
            Assumptions.abort("the JVM alone, without TVM's native libraries: " + e.what());
        }
        try (HostModel model = HostModel.of(CTarget.compile(integers))) {
            check(integers, value, model::run, scheme);
        }
        try (TvmModule module = TvmTarget.compile(integers, Cpu.NATIVE);
                TvmSession session = module.session()) {
            check(integers, value, session::run, scheme);
        }
    }
}
