package dev.qnet.target.tvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.runtime.CpuFlags;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.ModelException;
import dev.qnet.target.tvm.lower.Isa;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.StringJoiner;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Sums of products by each kind of kernel that this machine runs: the oracle's bytes, and the instructions that are meant. */
class KernelsTest {
    private static final int CASES = Integer.getInteger("qnet.random.graphs", 300) / 5;

    /** A CPU, and what its kernels use. */
    private record Kind(String cpu, Isa isa, Set<String> needs) {
        /** Ends a test where this machine cannot run them. */
        void require() {
            TvmHere.library();
            Assumptions.assumeTrue(Cpu.flags().containsAll(needs), "skipped: this machine's CPU has not " + needs);
        }

        void check(Graph graph, Sample sample) {
            try (TvmModule module = TvmTarget.compile(graph, new Cpu(cpu), isa, false, Tilings.DEFAULT)) {
                sample.check(module);
            }
        }
    }

    private static final List<Kind> KINDS = List.of(
            new Kind("x86-64-v2", Isa.PLAIN, Set.of()),
            new Kind("x86-64-v3", Isa.AVX2, Set.of("avx2")),
            // CPUs with AVX512-VNNI have the same instructions for short vectors in another encoding.
            new Kind("cascadelake", Isa.AVX_VNNI, Set.of("avx512_vnni", "avx512vl")),
            new Kind("skylake-avx512", Isa.AVX512, Set.of("avx512f", "avx512bw", "avx512vl", "avx512dq")),
            new Kind("cascadelake", Isa.AVX512_VNNI, Set.of("avx512_vnni", "avx512bw", "avx512vl", "avx512dq")),
            new Kind("cascadelake", Isa.AMX_IN_LOOPS, Set.of("avx512_vnni", "avx512bw", "avx512vl", "avx512dq")),
            new Kind(
                    "sapphirerapids",
                    Isa.AMX,
                    Set.of("amx_tile", "amx_int8", "avx512_vnni", "avx512_fp16", "avx512_bf16", "avx_vnni")));

    @TestFactory
    Stream<DynamicTest> givesTheOraclesBytes() {
        return KINDS.stream()
                .map(kind -> DynamicTest.dynamicTest(kind.isa().toString(), () -> {
                    kind.require();
                    Sample.checkDrawn(CASES, kind::check);
                }));
    }

    /** A convolution, a dense layer or a product of two activations. */
    static final class Drawn {
        private final Random random;

        Drawn(int seed) {
            random = new Random(seed);
        }

        private int draw(int from, int to) {
            return from + random.nextInt(to - from + 1);
        }

        @SafeVarargs
        private <T> T one(T... of) {
            return of[random.nextInt(of.length)];
        }

        private String storage(int bits) {
            return one("u", "i") + bits;
        }

        private static int bits(String storage) {
            return Integer.parseInt(storage.substring(1));
        }

        private int zero(String storage) {
            int lo = storage.startsWith("i") ? -(1 << (bits(storage) - 1)) : 0;
            return bits(storage) == 16 || random.nextInt(3) == 0 ? 0 : draw(lo, lo + (1 << bits(storage)) - 1);
        }

        private static String type(String storage, int zero) {
            return storage + "<scale=0.5, zero=" + zero + ">";
        }

        private String constant(String storage, int count) {
            int lo = storage.startsWith("i") ? -(1 << (bits(storage) - 1)) : 0;
            int hi = lo + (1 << bits(storage)) - 1;
            return IntStream.range(0, count)
                    .map(i -> random.nextInt(5) == 0 ? one(lo, hi) : draw(lo, hi))
                    .mapToObj(Integer::toString)
                    .collect(Collectors.joining(", ", "[", "]"));
        }

        private String rescale(boolean wide, int channels, double size, String to, int zero) {
            String rounding = wide ? one("tflite", "onnx") : one("tflite", "tosa", "onnx", "xnnpack");
            boolean fixed = rounding.equals("tflite") || rounding.equals("tosa");
            StringJoiner scales = new StringJoiner(", ");
            double span = Math.pow(2, bits(to) - 1);
            for (int c = random.nextBoolean() ? channels : 1; c > 0; c--) {
                double factor = span / size * (0.25 + 2 * random.nextDouble());
                int exponent = Math.getExponent(factor) + 1;
                scales.add(
                        fixed
                                ? "q31(" + (1 << 30 | random.nextInt(1 << 30)) + ", " + Math.clamp(exponent, -31, 30)
                                        + ")"
                                : Float.toString((float) factor));
            }
            int lo = to.startsWith("i") ? -(1 << (bits(to) - 1)) : 0;
            int hi = lo + (1 << bits(to)) - 1;
            return rounding + "([" + scales + "], " + zero + ", " + (random.nextBoolean() ? lo : Math.min(hi, zero))
                    + ", " + hi + ")";
        }

        String graph() {
            String x = random.nextInt(4) == 0 ? "i16" : storage(one(8, 8, 8, 4));
            int xz = zero(x);
            String w = random.nextInt(3) == 0 ? storage(one(8, 4)) : "i8";
            int wz = w.equals("i8") && random.nextInt(4) > 0 ? 0 : zero(w);
            boolean wide = x.equals("i16") && random.nextBoolean();
            String to = x.equals("i16") ? "i16" : storage(8);
            int yz = zero(to);
            return switch (random.nextInt(6)) {
                case 0 -> dense(x, xz, w, wz, wide, to, yz);
                case 1 -> matmul(x, xz, w, wz, wide, to, yz);
                case 2 -> conv(x, xz, w, wz, wide, to, yz, true);
                default -> conv(x, xz, w, wz, wide, to, yz, false);
            };
        }

        private static double size(String x, String w, int terms) {
            return Math.pow(2, bits(x) + bits(w) - 3) * Math.sqrt(terms);
        }

        private String layer(String w, int wz, String wShape, int weights, int outputs, String bias, String op) {
            return "%w = constant " + constant(w, weights) + " : " + type(w, wz) + "[" + wShape + "]\n"
                    + (bias.isEmpty() ? "" : "%b = constant " + bias + " : i32[" + outputs + "]\n")
                    + op;
        }

        private String bias(int outputs, double size) {
            return IntStream.range(0, outputs)
                    .map(i -> draw((int) -size, (int) size))
                    .mapToObj(Integer::toString)
                    .collect(Collectors.joining(", ", "[", "]"));
        }

        private String dense(String x, int xz, String w, int wz, boolean wide, String to, int yz) {
            int in = draw(1, 70);
            int out = draw(1, 90);
            int rows = draw(1, 9);
            double size = size(x, w, in);
            boolean bias = random.nextBoolean();
            return "graph @dense {\nparam %x : " + type(x, xz) + "[Nx" + rows + "x" + in + "]\n"
                    + layer(
                            w,
                            wz,
                            out + "x" + in,
                            out * in,
                            out,
                            bias ? bias(out, size) : "",
                            "%y = int.dense %x, %w" + (bias ? ", %b" : "") + " {acc=" + (wide ? "i64" : "i32")
                                    + ", rescale=" + rescale(wide, out, size, to, yz) + "} : " + type(to, yz)
                                    + "[Nx" + rows + "x" + out + "]\n")
                    + "return y = %y\n}\n";
        }

        private String matmul(String x, int xz, String w, int wz, boolean wide, String to, int yz) {
            int m = draw(1, 9);
            int k = draw(1, 40);
            int n = draw(1, 70);
            int lead = draw(1, 3);
            String shape = (random.nextBoolean() ? "1" : "" + lead) + "x" + k + "x" + n;
            boolean constant = random.nextBoolean();
            String type = type(w, wz) + "[" + (constant ? "" : "Nx") + shape + "]";
            double size = size(x, w, k);
            int elements =
                    Stream.of(shape.split("x")).mapToInt(Integer::parseInt).reduce(1, (a, b) -> a * b);
            return "graph @matmul {\nparam %x : " + type(x, xz) + "[Nx" + lead + "x" + m + "x" + k + "]\n"
                    + (constant ? "%w = constant " + constant(w, elements) + " : " : "param %w : ") + type + "\n"
                    + "%y = int.matmul %x, %w {acc=" + (wide ? "i64" : "i32") + ", rescale="
                    + rescale(wide, n, size, to, yz) + "} : " + type(to, yz) + "[Nx" + lead + "x" + m + "x" + n + "]\n"
                    + "return y = %y\n}\n";
        }

        private String conv(String x, int xz, String w, int wz, boolean wide, String to, int yz, boolean depthwise) {
            int kh = draw(1, 3);
            int kw = draw(1, 4);
            int sh = draw(1, 2);
            int sw = draw(1, 2);
            int dh = draw(1, 2);
            int dw = draw(1, 2);
            int top = draw(0, 2);
            int left = draw(0, 2);
            int bottom = draw(0, 2);
            int right = draw(0, 2);
            int height = draw(1, 6) + (kh - 1) * dh;
            int width = draw(1, 7) + (kw - 1) * dw;
            int groups = depthwise ? draw(1, 50) : random.nextInt(4) == 0 ? draw(2, 3) : 1;
            int in = depthwise ? 1 : draw(1, 9);
            int out = depthwise ? groups : groups * draw(1, random.nextInt(3) == 0 ? 100 : 20);
            int oh = (height + top + bottom - (kh - 1) * dh - 1) / sh + 1;
            int ow = (width + left + right - (kw - 1) * dw - 1) / sw + 1;
            double size = size(x, w, in * kh * kw);
            boolean bias = random.nextBoolean();
            return "graph @conv {\nparam %x : " + type(x, xz) + "[Nx" + height + "x" + width + "x" + groups * in + "]\n"
                    + layer(
                            w,
                            wz,
                            out + "x" + kh + "x" + kw + "x" + in,
                            out * kh * kw * in,
                            out,
                            bias ? bias(out, size) : "",
                            "%y = int.conv2d %x, %w" + (bias ? ", %b" : "") + " {window=window([" + kh + ", " + kw
                                    + "], [" + sh + ", " + sw + "], [" + dh + ", " + dw + "], [" + top + ", " + left
                                    + ", " + bottom + ", " + right + "]), groups=" + groups + ", acc="
                                    + (wide ? "i64" : "i32") + ", rescale=" + rescale(wide, out, size, to, yz)
                                    + "} : " + type(to, yz) + "[Nx" + oh + "x" + ow + "x" + out + "]\n")
                    + "return y = %y\n}\n";
        }
    }

    private static final String DENSE = """
            graph @dense {
              param %x : u8<scale=0.5, zero=3>[Nx4x8]
              %w = constant [WEIGHTS] : i8<scale=0.25, zero=0>[16x8]
              %y = int.dense %x, %w {acc=i32, rescale=tosa([q31(1073741824, -2)], 7, 0, 255)} : u8<scale=1.0, zero=7>[Nx4x16]
              return y = %y
            }
            """.replace(
            "WEIGHTS", IntStream.range(0, 128).mapToObj(i -> "" + (i % 19 - 9)).collect(Collectors.joining(", ")));

    private static String assembly(String cpu) {
        return assembly(cpu, DENSE);
    }

    private static String assembly(String cpu, String graph) {
        try (TvmModule module = TvmTarget.compile(GraphParser.parse(graph), new Cpu(cpu))) {
            return module.assembly();
        }
    }

    /** Convolutions that tiles suit: a grid with and without columns that are not wanted, and rows put side by side. */
    static String large(int in, int kernel, int stride) {
        int padding = kernel / 2;
        int size = (14 - 1) / stride + 1;
        int[] w = new Random(in).ints(40L * kernel * kernel * in, -128, 128).toArray();
        return """
                graph @large {
                  param %%x : i8<scale=0.5, zero=3>[Nx14x14x%1$d]
                  %%w = constant %5$s : i8<scale=0.25, zero=0>[40x%2$dx%2$dx%1$d]
                  %%y = int.conv2d %%x, %%w {window=window([%2$d, %2$d], [%3$d, %3$d], [1, 1], [%4$d, %4$d, %4$d, %4$d]), groups=1, acc=i32, rescale=tosa([q31(1173741824, -11)], 7, -128, 127)} : i8<scale=1.0, zero=7>[Nx%6$dx%6$dx40]
                  return y = %%y
                }
                """.formatted(in, kernel, stride, padding, Arrays.toString(w), size);
    }

    @TestFactory
    Stream<DynamicTest> tilesGiveTheOraclesBytesInLargerLayers() {
        record Size(int in, int kernel, int stride) {}
        return Stream.of(new Size(64, 1, 1), new Size(64, 3, 1), new Size(64, 3, 2), new Size(20, 3, 1))
                .flatMap(s -> KINDS.stream()
                        .filter(k -> k.isa().name().startsWith("AMX"))
                        .map(kind -> DynamicTest.dynamicTest(kind.isa() + " " + s, () -> {
                            kind.require();
                            Graph graph = GraphParser.parse(large(s.in(), s.kernel(), s.stride()));
                            kind.check(graph, Sample.codes(graph, 2, 7));
                        })));
    }

    @Test
    void tilesStayInTheUnit() {
        TvmHere.library();
        for (String graph : List.of(large(64, 1, 1), large(64, 3, 1), large(20, 3, 1))) {
            String code = assembly("sapphirerapids", graph);
            // Four products a step, and nothing else moves tiles than the kernel does.
            assertThat(count(code, "tdpbusd")).isGreaterThanOrEqualTo(4);
            assertThat(count(code, "ldtilecfg"))
                    .isEqualTo(count(code, "tilerelease"))
                    .isEqualTo(1);
            assertThat(count(code, "tilestored")).isLessThanOrEqualTo(count(code, "tdpbusd"));
            assertThat(code).contains("tileloadd", "syscall");
        }
        assertThat(assembly("sapphirerapids", DENSE)).doesNotContain("tdpbusd", "syscall");
    }

    private static int count(String text, String word) {
        return text.split("\\b" + word, -1).length - 1;
    }

    @Test
    void asksForTilesBeforeItUsesThem() {
        TvmHere.library();
        Assumptions.assumeFalse(CpuFlags.mayUseTiles(), "skipped: this machine has AMX");
        try (TvmModule module = TvmTarget.compile(GraphParser.parse(large(64, 1, 1)), new Cpu("sapphirerapids"));
                TvmSession session = module.sessionOnAnyCpu(1)) {
            assertThat(module.signature().cpu()).contains("amx_tile", "amx_int8");
            assertThatThrownBy(() -> session.run(1, List.of(new byte[14 * 14 * 64])))
                    .hasMessageContaining("the library uses AMX, which this machine has not or does not allow");
        }
    }

    @Test
    void refusesToLoadALibraryForTilesWhereThereAreNone(@TempDir Path folder) throws IOException {
        TvmHere.library();
        Assumptions.assumeFalse(CpuFlags.mayUseTiles(), "skipped: this machine has AMX");
        Graph graph = GraphParser.parse(large(64, 1, 1));
        Path library = folder.resolve("tiles.so");
        try (TvmModule module = TvmTarget.compile(graph, new Cpu("sapphirerapids"))) {
            assertThatThrownBy(module::session)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("amx_tile");
            module.save(library);
        }
        assertThatThrownBy(() -> TvmModule.load(library))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("amx_tile");
        try (CLibrary compiled = TvmTarget.compileForC(graph, new Cpu("sapphirerapids"))) {
            compiled.save(library);
        }
        assertThatThrownBy(() -> Model.load(library))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("amx_tile");
    }

    @Test
    void usesTheInstructionsOfTheCpu() {
        TvmHere.library();
        assertThat(assembly("icelake-server")).containsPattern("vpdpbusd\\s.*%zmm");
        assertThat(assembly("alderlake")).containsPattern("vpdpbusd\\s.*%ymm").doesNotContain("%zmm");
        assertThat(assembly("skylake-avx512"))
                .containsPattern("vpmaddwd\\s.*%zmm")
                .doesNotContain("vpdpbusd");
        assertThat(assembly("x86-64-v3")).containsPattern("vpmaddwd\\s.*%ymm").doesNotContain("vpdp");
        assertThat(assembly("x86-64-v2")).doesNotContain("%ymm");
    }

    @Test
    void choosesByTheFeaturesOfTheCpu() {
        assertThat(Isa.of(f -> false)).isEqualTo(Isa.PLAIN);
        assertThat(Isa.of(Set.of("avx2", "avx512f")::contains)).isEqualTo(Isa.AVX2);
        assertThat(Isa.of(Set.of("avx2", "avxvnni")::contains)).isEqualTo(Isa.AVX_VNNI);
        Set<String> server = Set.of("avx2", "avx512f", "avx512bw", "avx512vl", "avx512dq");
        assertThat(Isa.of(server::contains)).isEqualTo(Isa.AVX512);
        assertThat(Isa.of(f -> server.contains(f) || f.equals("avx512vnni"))).isEqualTo(Isa.AVX512_VNNI);
        assertThat(Isa.of(f -> true)).isEqualTo(Isa.AMX);
    }
}
