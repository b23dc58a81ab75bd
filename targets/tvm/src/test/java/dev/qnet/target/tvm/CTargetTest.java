package dev.qnet.target.tvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.compiler.source.CompileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** C for microcontrollers: what is in it, what compilers say to it, and what it computes on this machine. */
class CTargetTest {
    private static final int CASES = Integer.getInteger("qnet.random.graphs", 300) / 5;

    private static String dense(String storage, int out, int in) {
        int span = storage.equals("i2") ? 4 : storage.equals("i4") ? 16 : 256;
        String weights = IntStream.range(0, out * in)
                .mapToObj(i -> "" + (i * 7 % span - span / 2))
                .collect(Collectors.joining(", "));
        return """
                graph @some-net {
                  param %%x : u8<scale=0.5, zero=3>[Nx%2$d]
                  %%w = constant [%3$s] : %4$s<scale=0.25, zero=0>[%1$dx%2$d]
                  %%y = int.dense %%x, %%w {acc=i32, rescale=tosa([q31(1073741824, -7)], 7, 0, 255)} : u8<scale=1.0, zero=7>[Nx%1$d]
                  return y = %%y
                }
                """.formatted(out, in, weights, storage);
    }

    private static CSource compile(String graph) {
        return CTarget.compile(GraphParser.parse(graph));
    }

    @Test
    void printsLayersAsLoops() {
        String text = compile(dense("i8", 3, 2)).text("net.h");
        assertThat(text).contains("""
                QNET_LAYER static void layer_0_y(const uint8_t *x0, uint8_t *y) {
                """, "#include \"net.h\"\n", """
                int32_t some_net_run(const uint8_t *in_x, uint8_t *out_y) {
                    return some_net_run_in(some_net_arena, in_x, out_y);
                }
                """);
        assertThat(text).doesNotContain("malloc", "stdio", "tvm");
    }

    @Test
    void theHeaderSaysWhatTheModelTakes() {
        assertThat(compile(dense("i8", 3, 2)).header())
                .contains(
                        "#define SOME_NET_ARENA_BYTES 8\n",
                        "/* x: u8 [N, 2] (u8 scale 0.5 zero 3); N is 1 */\n",
                        "#define SOME_NET_IN_X_ELEMENTS 2\n",
                        "#define SOME_NET_IN_X_SCALE 0.5f\n",
                        "#define SOME_NET_IN_X_ZERO_POINT 3\n",
                        "#define SOME_NET_OUT_Y_ELEMENTS 3\n");
    }

    /** C has one space of names for a model's own and its tensors', and macros are in capitals. */
    @Test
    void namesDoNotMeet(@TempDir Path folder) throws Exception {
        CSource source = compile("""
                graph @out {
                  param %a : i32[2]
                  param %A : i32[3]
                  %x = num.add %a, %a : i32[2]
                  %y = num.add %A, %A : i32[3]
                  %z = num.mul %y, %A : i32[3]
                  return arena = %x, run_in = %y, call = %z
                }
                """);
        assertThat(source.header().lines().filter(l -> l.startsWith("#define OUT_IN_A")))
                .containsExactly("#define OUT_IN_A_ELEMENTS 2", "#define OUT_IN_A_2_ELEMENTS 3");
        assertThat(source.text("model.h"))
                .contains("return out_run_in(out_arena, in_a, in_A_2, out_arena_2, out_run_in_2");
        Files.writeString(folder.resolve("model.h"), source.header());
        Files.writeString(folder.resolve("model.c"), source.text("model.h"));
        Commands.run(folder, List.of("gcc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-c", "model.c"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"-ffast-math", "-funsafe-math-optimizations", "-ffinite-math-only", "-freciprocal-math"})
    void refusesOptionsThatChangeArithmetic(String option, @TempDir Path folder) throws Exception {
        CSource source = compile(dense("i8", 3, 2));
        Files.writeString(folder.resolve("model.h"), source.header());
        Files.writeString(folder.resolve("model.c"), source.text("model.h"));
        assertThatThrownBy(() -> Commands.run(folder, List.of("gcc", option, "-c", "model.c")))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("#error");
    }

    /** Weights of fewer bits than 8 lie side by side. */
    @Test
    void smallWeightsTakeLessFlash() {
        assertThat(compile(dense("i8", 32, 64)).footprint().weights()).isEqualTo(2048);
        assertThat(compile(dense("i4", 32, 64)).footprint().weights()).isEqualTo(1024);
        assertThat(compile(dense("i2", 32, 64)).footprint().weights()).isEqualTo(512);
    }

    @ParameterizedTest
    @ValueSource(strings = {"i8", "i4", "i2"})
    void weightsOfAnyWidthGiveTheOraclesBytes(String storage) throws IOException {
        assumeClang();
        Graph graph = GraphParser.parse(dense(storage, 33, 65));
        check(graph, Sample.codes(graph, 2, 1));
    }

    @Test
    void randomGraphsGiveTheOraclesBytes() {
        assumeClang();
        Sample.checkDrawn(CASES, CTargetTest::check);
    }

    private static void check(Graph graph, Sample sample) throws IOException {
        try (HostModel model = HostModel.of(CTarget.compile(graph))) {
            sample.check(model::run);
        }
    }

    private static void assumeClang() {
        try {
            CTarget.load();
        } catch (TvmUnavailableException e) {
            Assumptions.abort("skipped without LLVM's compiler (mvn -Ptvm-natives): " + e.what());
        }
    }

    /** Division by 0 ends a run with its number; what is remembered stays. */
    @Test
    void saysWhatWentWrongAndKeepsStates() throws IOException {
        assumeClang();
        CSource source = compile("""
                graph @counter {
                  param %x : i32[1]
                  param %d : i32[1]
                  state %sum : i32[1] becomes %next
                  %q = num.div %x, %d : i32[1]
                  %next = num.add %sum, %q : i32[1]
                  return y = %next
                }
                """);
        assertThat(source.header()).contains("void counter_reset(void);", " *   1  'q' divides by 0");
        try (HostModel model = HostModel.of(source)) {
            assertThat(run(model, 5, 1)).isEqualTo(5);
            assertThat(run(model, 7, 1)).isEqualTo(12);
            assertThatThrownBy(() -> run(model, 1, 0))
                    .isInstanceOf(ArithmeticException.class)
                    .hasMessage("'q' divides by 0");
            model.reset();
            assertThat(run(model, 7, 1)).isEqualTo(7);
        }
    }

    private static int run(HostModel model, int x, int d) {
        byte[] y = model.run(1, List.of(new byte[] {(byte) x, 0, 0, 0}, new byte[] {(byte) d, 0, 0, 0}))
                .getFirst();
        return y[0];
    }

    @Test
    void refusesWhatItHasNotByName() {
        assertThatThrownBy(() -> compile("""
                        graph @net {
                          param %x : f32[2]
                          %wave = fake_quant %x {spec=u8(asymmetric, per_tensor, minmax), rounding=tosa, to=u8<scale=0.1, zero=7>} : f32[2]
                          return y = %wave
                        }
                        """))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining("'wave'");
    }

    @Test
    void objectsAreForMicrocontrollersThatLlvmKnows() throws IOException {
        assumeClang();
        CSource source = compile(dense("i8", 3, 2));
        CTarget.DeviceObject object = CTarget.object(source, "cortex-m7+nofp.dp");
        // DeviceImage measures it; here, that LLVM's warnings are still understood.
        assertThat(object.footprint().stack())
                .satisfies(s -> assertThat(s.orElseThrow()).isPositive());
        assertThat(object.footprint().code()).isPresent();
        assertThat(object.footprint().flash()).isGreaterThan(source.footprint().weights());
        assertThatThrownBy(() -> CTarget.object(source, "cortex-a53"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("LLVM knows no microcontroller 'cortex-a53'; it knows cortex-m0, ");
        assertThatThrownBy(() -> CTarget.object(source, "cortex-m7+nothing"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'cortex-m7+nothing'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "arm-none-eabi-gcc"})
    void compilersHaveNothingToSay(String compiler, @TempDir Path folder) throws Exception {
        for (int seed = 0; seed < 8; seed++) {
            CSource source = compile(new KernelsTest.Drawn(seed).graph());
            Files.writeString(folder.resolve("model.h"), source.header());
            Files.writeString(folder.resolve("model.c"), source.text("model.h"));
            Commands.run(
                    folder,
                    List.of(
                            compiler,
                            "-std=c99",
                            "-pedantic",
                            "-Wall",
                            "-Wextra",
                            "-Werror",
                            "-O2",
                            "-ffreestanding",
                            "-c",
                            "model.c"));
        }
    }
}
