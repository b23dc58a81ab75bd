package dev.qnet.target.tvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.runtime.CpuFlags;
import dev.qnet.target.tvm.lower.Elements;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compiled graphs against the oracle, in this process and as shared libraries. */
class TvmModuleTest {
    private static final int ITEMS = 3;

    private static final String NETWORK = """
            graph @small {
              param %x : u8<scale=0.5, zero=3>[Nx5x4x2]
              %w = constant [1, -2, 3, -4, 5, -6, 7, -7, 6, -5, 4, -3, 2, -1, 0, 1, 2, 3, 4, 5, 6, 7, -7, -6] : i4<scale=0.25, zero=0>[3x2x2x2]
              %b = constant [10, -20, 30] : i32[3]
              %conv = int.conv2d %x, %w, %b {window=window([2, 2], [1, 1], [1, 1], [1, 0, 0, 1]), groups=1, acc=i32, rescale=tflite([q31(1073741824, -4), q31(1173741824, -5), q31(1273741824, 0)], 7, 0, 255)} : u8<scale=1.0, zero=7>[Nx5x4x3]
              %pool = int.avg_pool %conv {window=window([2, 2], [2, 2], [1, 1], [0, 0, 1, 0]), rounding=tosa} : u8<scale=1.0, zero=7>[Nx3x2x3]
              %flat = reshape %pool {shape=[N, 18]} : u8<scale=1.0, zero=7>[Nx18]
              return y = %pool, z = %flat
            }
            """;

    @Test
    void givesTheOraclesBytes() {
        TvmHere.library();
        Graph graph = GraphParser.parse(NETWORK);
        try (TvmModule module = TvmTarget.compile(graph, Cpu.NATIVE)) {
            Sample.codes(graph, ITEMS, 7).check(module);
        }
    }

    @Test
    void giveThemFromASharedLibraryToo(@TempDir Path folder) throws IOException {
        TvmHere.library();
        Graph graph = GraphParser.parse(NETWORK);
        Path library = folder.resolve("small.so");
        Signature signature;
        try (TvmModule module = TvmTarget.compile(graph, new Cpu("x86-64-v2"))) {
            module.save(library);
            signature = module.signature();
        }
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(library);
        }
        try (TvmModule module = TvmModule.load(library)) {
            assertThat(module.signature()).isEqualTo(signature);
            assertThat(signature.inputs().getFirst().shape()).containsExactly(-1, 5, 4, 2);
            Sample.codes(graph, ITEMS, 7).check(module);
        }
    }

    /** Only the runtime, in a JVM of its own, since this one has loaded the compiler. */
    @Test
    void runsWithTheRuntimeAlone(@TempDir Path folder) throws Exception {
        TvmHere.library();
        Path library = folder.resolve("counter.so");
        try (TvmModule module = TvmTarget.compile(GraphParser.parse(Sample.COUNTER), Cpu.NATIVE)) {
            module.save(library);
        }
        Commands.Ended ended = Commands.java(
                List.of(),
                List.of(
                        TvmModule.class,
                        Graph.class,
                        CpuFlags.class,
                        ObjectMapper.class,
                        JsonFactory.class,
                        JsonInclude.class),
                RunSaved.class,
                library.toString());
        assertThat(ended.status()).as(ended.output()).isZero();
        assertThat(ended.output().strip()).isEqualTo("[2, 4] without the compiler");
    }

    /** Runs the counter twice, and tries to compile. */
    static final class RunSaved {
        private RunSaved() {}

        public static void main(String[] arguments) throws IOException {
            try (TvmModule module = TvmModule.load(Path.of(arguments[0]));
                    TvmSession session = module.session()) {
                byte[] x = {1, 0, 0, 0, 2, 0, 0, 0};
                session.run(1, List.of(x));
                byte[] y = session.run(1, List.of(x)).getFirst();
                System.out.print("[" + y[0] + ", " + y[4] + "]");
            }
            try {
                TvmTarget.load();
            } catch (TvmUnavailableException e) {
                System.out.println(" without the compiler");
            }
        }
    }

    @Test
    void remembersStates() {
        TvmHere.library();
        try (TvmModule module = TvmTarget.compile(GraphParser.parse(Sample.COUNTER), Cpu.NATIVE);
                TvmSession session = module.session()) {
            byte[] x = {1, 0, 0, 0, 2, 0, 0, 0};
            assertThat(session.run(1, List.of(x)).getFirst()).containsExactly(1, 0, 0, 0, 2, 0, 0, 0);
            assertThat(session.run(1, List.of(x)).getFirst()).containsExactly(2, 0, 0, 0, 4, 0, 0, 0);
            session.reset();
            assertThat(session.run(1, List.of(x)).getFirst()).containsExactly(1, 0, 0, 0, 2, 0, 0, 0);
        }
    }

    @Test
    void endsWithWhatWentWrongInTheNetwork() {
        TvmHere.library();
        Graph graph = GraphParser.parse("""
                graph @divides {
                  param %x : i32[1]
                  param %y : i32[1]
                  %z = num.div %x, %y : i32[1]
                  return z = %z
                }
                """);
        try (TvmModule module = TvmTarget.compile(graph, Cpu.NATIVE);
                TvmSession session = module.session()) {
            byte[] six = {6, 0, 0, 0};
            byte[] two = {2, 0, 0, 0};
            assertThat(session.run(1, List.of(six, two)).getFirst()).containsExactly(3, 0, 0, 0);
            assertThatThrownBy(() -> session.run(1, List.of(six, new byte[4])))
                    .hasMessageContaining("'z' divides by 0");
            assertThat(session.run(1, List.of(six, six)).getFirst()).containsExactly(1, 0, 0, 0);
        }
    }

    /** Functions of reals, each on numbers of all sizes. */
    @Test
    void givesTheOraclesRealNumbers() {
        TvmHere.library();
        int count = 4096;
        String text = "graph @reals {\nparam %x : f32[" + count + "]\n"
                + Stream.of("log", "softplus", "mish", "erf", "gelu_erf", "exp", "tanh")
                        .map(f -> "%" + f + " = " + f + " %x : f32[" + count + "]\n")
                        .collect(Collectors.joining())
                + "return a = %log, b = %softplus, c = %mish, d = %erf, e = %gelu_erf, f = %exp, g = %tanh\n}\n";
        Graph graph = GraphParser.parse(text);
        Random random = new Random(5);
        float[] x = new float[count];
        for (int i = 0; i < count; i++) {
            x[i] = i % 2 == 0 ? (float) random.nextGaussian() * 3 : Float.intBitsToFloat(random.nextInt());
        }
        Map<String, Value> expected = Interpreter.run(graph, Map.of("x", Value.of(Shape.of(count), x)));
        try (TvmModule module = TvmTarget.compile(graph, Cpu.NATIVE);
                TvmSession session = module.session()) {
            List<byte[]> found = session.run(1, List.of(Elements.bytes(x)));
            for (int o = 0; o < found.size(); o++) {
                String name = graph.results().get(o).name();
                Value reals = Value.of(Shape.of(count), Sample.floats(found.get(o)));
                assertThat(reals).as(name).isEqualTo(expected.get(name));
            }
        }
    }

    /** Each of some numbers to the power of each, and of neighbours of 1 to all sizes. */
    @Test
    void givesTheOraclesPowers() {
        TvmHere.library();
        float[] ends = {
            0,
            1,
            2,
            3,
            0.5f,
            0.25f,
            1e-40f,
            1e38f,
            1e10f,
            7,
            8,
            1.5f,
            0x1p31f,
            0x1.8p31f,
            0x1p62f,
            0x1p70f,
            Math.nextUp(1f),
            Math.nextDown(1f),
            1 + 0x1p-19f,
            1 - 0x1p-19f,
            1 + 0x1p-18f,
            16777215,
            16777216,
            16777218,
            Float.MAX_VALUE,
            Float.MIN_VALUE,
            Float.POSITIVE_INFINITY,
            Float.NaN
        };
        int pairs = 4 * ends.length * ends.length;
        int count = pairs + 20_000;
        float[] x = new float[count];
        float[] y = new float[count];
        Random random = new Random(6);
        for (int i = 0; i < count; i++) {
            if (i < pairs) {
                x[i] = ends[i / 4 % ends.length] * (i % 2 == 0 ? 1 : -1);
                y[i] = ends[i / 4 / ends.length] * (i / 2 % 2 == 0 ? 1 : -1);
            } else {
                x[i] = i % 3 == 0
                        ? 1 + (float) random.nextGaussian() * 0x1p-19f
                        : (float) Math.exp(random.nextGaussian() * 9);
                double bound = 60 / Math.max(Math.abs(Math.log(x[i])), 1e-9);
                y[i] = (float) random.nextDouble(-2 * bound, 2 * bound);
                x[i] = i % 5 == 0 ? -x[i] : x[i];
                y[i] = i % 7 == 0 ? (float) Math.rint(y[i]) : y[i];
            }
        }
        Graph graph = GraphParser.parse("""
                graph @powers {
                  param %x : f32[N]
                  param %y : f32[N]
                  %z = pow %x, %y : f32[N]
                  return z = %z
                }
                """);
        Map<String, Value> expected =
                Interpreter.run(graph, Map.of("x", Value.of(Shape.of(count), x), "y", Value.of(Shape.of(count), y)));
        try (TvmModule module = TvmTarget.compile(graph, Cpu.NATIVE);
                TvmSession session = module.session()) {
            float[] z = Sample.floats(session.run(count, List.of(Elements.bytes(x), Elements.bytes(y)))
                    .getFirst());
            float[] right = ((Value.Floats) Objects.requireNonNull(expected.get("z"))).data();
            for (int i = 0; i < count; i++) {
                assertThat(z[i]).as("%s to the power of %s", x[i], y[i]).isEqualTo(Float.valueOf(right[i]));
            }
        }
    }

    @Test
    void refusesInputsOfOtherSizes() {
        TvmHere.library();
        try (TvmModule module = TvmTarget.compile(GraphParser.parse(Sample.COUNTER), Cpu.NATIVE);
                TvmSession session = module.session()) {
            assertThatThrownBy(() -> session.run(1, List.of(new byte[7])))
                    .hasMessage("input 'x' takes 8 bytes (int32 [2]), found 7");
            assertThatThrownBy(() -> session.run(1, List.of())).hasMessage("counter has 1 inputs, found 0");
        }
    }

    @Test
    void refusesFilesThatAreNoModules(@TempDir Path folder) throws IOException {
        TvmHere.library();
        assertThatThrownBy(() -> TvmModule.load(folder.resolve("none.so"))).isInstanceOf(NoSuchFileException.class);
        Path text = Files.writeString(folder.resolve("text.so"), "no library");
        assertThatThrownBy(() -> TvmModule.load(text)).hasMessageContaining("text.so");
    }

    @Test
    void refusesWhatItCannotLower() {
        Graph graph = GraphParser.parse("""
                graph @wave {
                  param %x : f32[Nx2]
                  %y = fake_quant %x {spec=u8(asymmetric, per_tensor, minmax), rounding=tosa, to=u8<scale=0.1, zero=7>} : f32[Nx2]
                  return y = %y
                }
                """);
        assertThatThrownBy(() -> TvmTarget.compile(graph, Cpu.NATIVE))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining("'y' is fake quantization");
    }
}
