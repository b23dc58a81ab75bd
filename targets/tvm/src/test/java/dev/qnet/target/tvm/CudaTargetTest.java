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
import dev.qnet.target.tvm.cuda.CudaCompiler;
import dev.qnet.target.tvm.lower.DeviceLowering;
import dev.qnet.target.tvm.lower.Elements;
import dev.qnet.target.tvm.tir.CudaPrinter;
import dev.qnet.target.tvm.tir.PrimFunc;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Code for GPUs: what it is made of, and without a GPU the oracle's bytes from its CUDA C; with one, from it. */
class CudaTargetTest {
    private static final int CASES = Integer.getInteger("qnet.random.graphs", 300) / 5;

    private static final String NETWORK = """
            graph @small {
              param %x : u8<scale=0.5, zero=3>[Nx6x5x8]
              %w = constant [1, -2, 3, -4, 5, -6, 7, -7, 6, -5, 4, -3, 2, -1, 0, 1, 2, 3, 4, 5, 6, 7, -7, -6, 1, -1, 2, -2, 3, -3, 4, -4, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4] : i4<scale=0.25, zero=0>[3x1x2x8]
              %b = constant [10, -20, 30] : i32[3]
              %conv = int.conv2d %x, %w, %b {window=window([1, 2], [1, 1], [1, 1], [0, 0, 0, 1]), groups=1, acc=i32, rescale=tflite([q31(1073741824, -4), q31(1173741824, -5), q31(1273741824, 0)], 7, -128, 127)} : i8<scale=1.0, zero=7>[Nx6x5x3]
              %pool = int.avg_pool %conv {window=window([2, 2], [2, 2], [1, 1], [0, 0, 1, 0]), rounding=tosa} : i8<scale=1.0, zero=7>[Nx3x2x3]
              %flat = reshape %pool {shape=[N, 18]} : i8<scale=1.0, zero=7>[Nx18]
              return y = %pool, z = %flat
            }
            """;

    private static final String LOOKUP = """
            graph @lookup {
              param %table : i32[4]
              param %at : i64[3]
              %y = gather %table, %at {axis=0} : i32[3]
              return y = %y
            }
            """;

    private static final String RANGE = """
            graph @range {
              param %x : f32[3x1000]
              %y = int.dynamic_params %x {storage=u8, symmetric=false} : f32[2]
              return y = %y
            }
            """;

    private static TvmModule emulated(Graph graph) {
        TvmHere.library();
        try {
            return CudaTarget.emulate(graph);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void giveTheOraclesBytes(Function<Graph, TvmModule> compile) {
        Sample.checkDrawn(CASES, (graph, sample) -> {
            try (TvmModule module = compile.apply(graph)) {
                sample.check(module);
            }
        });
    }

    @Test
    void sumsOfProductsGiveTheOraclesBytes() {
        TvmHere.library();
        giveTheOraclesBytes(CudaTargetTest::emulated);
    }

    @Test
    void manyItemsAreAGridsOtherDimension() {
        Graph graph = GraphParser.parse(NETWORK);
        try (TvmModule module = emulated(graph)) {
            Sample.codes(graph, 70, 3).check(module);
        }
    }

    @Test
    void statesAreRemembered() {
        try (TvmModule module = emulated(GraphParser.parse(Sample.COUNTER));
                TvmSession session = module.session()) {
            byte[] x = {1, 0, 0, 0, -1, -1, -1, -1};
            session.run(1, List.of(x));
            assertThat(session.run(1, List.of(x)).getFirst()).containsExactly(2, 0, 0, 0, -2, -1, -1, -1);
            session.reset();
            assertThat(session.run(1, List.of(x)).getFirst()).isEqualTo(x);
        }
    }

    @Test
    void whatFailsIsNamedAndForgotten() {
        byte[] table = new byte[16];
        byte[] good = new byte[24];
        byte[] bad = good.clone();
        bad[8] = 9;
        try (TvmModule module = emulated(GraphParser.parse(LOOKUP));
                TvmSession session = module.session()) {
            assertThat(module.signature().failures()).hasSize(1);
            assertThatThrownBy(() -> session.run(1, List.of(table, bad)))
                    .hasMessageContaining("an index of 'y' is outside axis 0");
            assertThat(session.run(1, List.of(table, good)).getFirst()).hasSize(12);
        }
    }

    @Test
    void rangesAreFoundInParts() {
        Graph graph = GraphParser.parse(RANGE);
        float[] x = new float[3000];
        Random random = new Random(5);
        for (int i = 0; i < x.length; i++) {
            x[i] = i % 7 == 0 ? Float.NaN : (float) random.nextGaussian();
        }
        x[2999] = 9;
        Value.Floats expected = (Value.Floats) Objects.requireNonNull(Interpreter.run(
                        graph, Map.of("x", Value.of(Shape.of(3, 1000), x)))
                .get("y"));
        try (TvmModule module = emulated(graph);
                TvmSession session = module.session()) {
            byte[] found = session.run(1, List.of(Elements.bytes(x))).getFirst();
            assertThat(Sample.floats(found)).isEqualTo(expected.data());
        }
    }

    @Test
    void kernelsAreBoundToThreadsAndBounded() {
        DeviceLowering.Program program = DeviceLowering.lower(GraphParser.parse(NETWORK));
        String source = CudaPrinter.print(program.kernels());
        assertThat(source).contains("qnet_dp4a_us(").doesNotContain("llvm.", "__syncthreads", "__shared__");
        Matcher bounds =
                Pattern.compile("__launch_bounds__\\((\\d+)\\)\n(\\w+)\\(").matcher(source);
        for (PrimFunc k : program.kernels()) {
            assertThat(bounds.find()).isTrue();
            assertThat(bounds.group(2)).isEqualTo(k.name());
            assertThat(Integer.parseInt(bounds.group(1))).isBetween(32, 1024);
        }
        assertThat(CudaTarget.script(GraphParser.parse(NETWORK)))
                .contains("T.thread_binding(count, thread=\"blockIdx.y\")")
                .contains("thread=\"blockIdx.x\"")
                .contains("thread=\"threadIdx.x\"")
                .contains("T.tvm_call_packed(\"" + program.kernels().getFirst().name() + "\"");
    }

    @Test
    void signedCodesTakeTheSignedInstruction() {
        assertThat(CudaTarget.source(
                        GraphParser.parse(NETWORK.replace("u8<scale=0.5, zero=3>", "i8<scale=0.5, zero=3>"))))
                .contains("__dp4a(")
                .doesNotContain("qnet_dp4a_us(");
    }

    @ParameterizedTest
    @ValueSource(strings = {"sm_80", "sm_90"})
    void clangMakesPtxWithoutCuda(String arch) throws IOException {
        TvmHere.library();
        String ptx = CudaCompiler.CLANG.ptx(CudaTarget.source(GraphParser.parse(NETWORK)), arch);
        assertThat(ptx).contains(".target " + arch, "dp4a.u32.s32", ".maxntid").doesNotContain("fma.", ".approx");
    }

    /** Whatever CUDA is here: what clang writes does not need a driver that is as new. */
    @ParameterizedTest
    @CsvSource({"sm_61, 7.0", "sm_80, 7.0", "sm_86, 7.1", "sm_87, 7.4", "sm_89, 7.8", "sm_90, 7.8"})
    void ptxIsAsOldAsItsArchitecture(String arch, String version) throws IOException {
        TvmHere.library();
        try (CudaLibrary library = CudaTarget.compile(GraphParser.parse(NETWORK), arch)) {
            assertThat(library.kernels()).isEqualTo("kernels by clang, PTX " + version + " for " + arch);
        }
    }

    @ParameterizedTest
    @CsvSource({"NVCC,sm_80", "NVCC,sm_90", "NVRTC,sm_80", "NVRTC,sm_90"})
    void cudasOwnCompilersTakeTheSource(CudaCompiler compiler, String arch) throws IOException {
        Assumptions.assumeTrue(compiler.isHere(), "skipped: " + compiler + " is not on this machine");
        String ptx = compiler.ptx(CudaTarget.source(GraphParser.parse(NETWORK)), arch);
        assertThat(ptx).contains(".target " + arch, "dp4a.u32.s32").doesNotContain("fma.", ".approx");
    }

    @Test
    void isOneLibraryWithItsKernels(@TempDir Path folder) throws IOException {
        TvmHere.library();
        Path file = folder.resolve("small.so");
        try (CudaLibrary library = CudaTarget.compile(GraphParser.parse(NETWORK), "sm_80")) {
            library.save(file);
            assertThat(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1))
                    .contains("__tvm_dev_mblob", "_import_tree", library.ptx());
        }
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void refusesArchitecturesThatThereAreNot() {
        assertThatThrownBy(() -> CudaTarget.compile(GraphParser.parse(NETWORK), "sm_81"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no architecture 'sm_81'")
                .hasMessageContaining("sm_80");
    }

    /** In a JVM of its own: this one has loaded TVM without CUDA. */
    @Test
    void runsOnAGpu() throws Exception {
        TvmHere.library();
        Commands.Ended ended = Commands.java(
                List.of("-Dqnet.random.graphs=" + CASES),
                List.of(
                        CudaTarget.class,
                        Graph.class,
                        dev.qnet.runtime.Model.class,
                        ObjectMapper.class,
                        JsonFactory.class,
                        JsonInclude.class,
                        Test.class,
                        org.assertj.core.api.Assertions.class),
                OnGpu.class);
        Assumptions.assumeFalse(
                ended.status() == OnGpu.NONE, "skipped: " + ended.output().strip());
        assertThat(ended.status()).as(ended.output()).isZero();
    }

    /** Runs on this machine's GPU. */
    static final class OnGpu {
        static final int NONE = 77;

        public static void main(String[] args) {
            try {
                CudaTarget.requireGpu();
            } catch (TvmUnavailableException e) {
                System.out.println(e.getMessage());
                System.exit(NONE);
            }
            giveTheOraclesBytes(graph -> {
                try {
                    return CudaTarget.load(graph);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }
}
