package dev.qnet.target.tvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.runtime.CpuFlags;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.ModelException;
import dev.qnet.runtime.Session;
import dev.qnet.runtime.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Graphs as C functions: from Java through {@link Model}, and from C. */
class CLibraryTest {
    private static final int ITEMS = 5;

    private static final String NETWORK = """
            graph @net {
              param %x : u8<scale=0.5, zero=3>[Nx6x4x3]
              %w = constant [WEIGHTS] : i8<scale=0.25, zero=0>[20x3x3x3]
              %c = int.conv2d %x, %w {window=window([3, 3], [1, 1], [1, 1], [1, 1, 1, 1]), groups=1, acc=i32, rescale=tflite([q31(1273741824, -6)], 7, 0, 255)} : u8<scale=0.5, zero=7>[Nx6x4x20]
              %y = dequantize %c : f32[Nx6x4x20]
              return codes = %c, y = %y
            }
            """.replace(
            "WEIGHTS",
            IntStream.range(0, 540).mapToObj(i -> "" + (i * 7 % 31 - 15)).collect(Collectors.joining(", ")));

    private static final String COUNTER = """
            graph @counter {
              param %x : i32[2]
              param %d : i32[1]
              state %sum : i32[2] becomes %next
              %q = num.div %x, %d : i32[2]
              %next = num.add %sum, %q : i32[2]
              return y = %next
            }
            """;

    private static Path library(String text, Path folder) throws IOException {
        TvmHere.library();
        Path library = folder.resolve("model.so");
        try (CLibrary compiled = TvmTarget.compileForC(GraphParser.parse(text), Cpu.NATIVE)) {
            compiled.save(library);
            Files.writeString(folder.resolve("model.h"), compiled.header());
        }
        return library;
    }

    @Test
    void isAModelForJava(@TempDir Path folder) throws IOException {
        Path library = library(NETWORK, folder);
        Sample sample = Sample.codes(GraphParser.parse(NETWORK), ITEMS, 3);
        byte[] x = sample.inputs().getFirst();
        byte[] codes = sample.expected().getFirst();
        try (Model model = Model.load(library, 2)) {
            assertThat(model.name()).isEqualTo("net");
            assertThat(model.roundingContract()).isEqualTo("tflite");
            assertThat(model.inputs().toString()).isEqualTo("[x: u8 [N, 6, 4, 3] (u8 scale 0.5 zero 3)]");
            Map<String, Tensor> found = model.runRaw(Map.of("x", Tensor.ofUint8(x, ITEMS, 6, 4, 3)));
            byte[] bytes = Objects.requireNonNull(found.get("codes")).bytes();
            float[] reals = Objects.requireNonNull(found.get("y")).floats();
            assertThat(bytes).isEqualTo(codes);
            for (int i = 0; i < codes.length; i++) {
                assertThat(reals[i]).as("real %d", i).isEqualTo(0.5f * ((codes[i] & 0xff) - 7));
            }
            // Real numbers become codes on the way in.
            float[] real = new float[x.length];
            for (int i = 0; i < real.length; i++) {
                real[i] = 0.5f * ((x[i] & 0xff) - 3);
            }
            Map<String, Tensor> again = model.run(Map.of("x", Tensor.ofFloats(real, ITEMS, 6, 4, 3)));
            assertThat(Objects.requireNonNull(again.get("y")).floats()).isEqualTo(reals);
        }
    }

    @Test
    void remembersStatesAndSaysWhatWentWrong(@TempDir Path folder) throws IOException {
        Model model = Model.load(library(COUNTER, folder));
        try (Session session = model.session()) {
            int[] y = new int[2];
            int[] divisor = {1};
            session.input("x", Tensor.ofInt32(new int[] {5, 7}, 2));
            session.input("d", Tensor.ofInt32(divisor, 1));
            session.output("y", Tensor.ofInt32(y, 2));
            session.run();
            session.run();
            assertThat(y).containsExactly(10, 14);
            divisor[0] = 0;
            assertThatThrownBy(session::run)
                    .isInstanceOf(ModelException.class)
                    .hasMessageContaining("'q' divides by 0");
            divisor[0] = 1;
            session.run();
            assertThat(y).containsExactly(15, 21);
            session.reset();
            session.run();
            assertThat(y).containsExactly(5, 7);
        }
    }

    @Test
    void runsFromC(@TempDir Path folder) throws Exception {
        Path library = library(NETWORK, folder);
        Sample sample = Sample.codes(GraphParser.parse(NETWORK), ITEMS, 3);
        String bytes = numbers(sample.inputs().getFirst(), ",");
        Files.writeString(folder.resolve("main.c"), """
                #include <stdio.h>
                #include "model.h"
                static const uint8_t image[] = {IMAGE};
                static uint8_t codes[COUNT * 480];
                static float y[COUNT * 480];
                static _Alignas(64) char memory[NET_WORKSPACE_BYTES];
                int main(void) {
                    int32_t error = net_run(COUNT, image, codes, y, memory);
                    for (int i = 0; i < COUNT * 480; i++) {
                        printf("%d ", y[i] == 0.5f * (codes[i] - 7) ? codes[i] : -1);
                    }
                    return error;
                }
                """.replace("IMAGE", bytes).replace("COUNT", "" + ITEMS));
        Commands.run(folder, List.of("gcc", "-Wall", "-Werror", "-O1", "main.c", library.toString(), "-o", "main"));
        String found = Commands.run(folder, List.of(folder.resolve("main").toString()));
        assertThat(found.strip()).isEqualTo(numbers(sample.expected().getFirst(), " "));
    }

    private static String numbers(byte[] unsigned, String between) {
        return IntStream.range(0, unsigned.length)
                .mapToObj(i -> "" + (unsigned[i] & 0xff))
                .collect(Collectors.joining(between));
    }

    /** The function that asks Linux is found in the program's own C library. */
    @Test
    void tellsCThatTilesAreNotAllowed(@TempDir Path folder) throws Exception {
        TvmHere.library();
        Assumptions.assumeFalse(CpuFlags.mayUseTiles(), "skipped: this machine has AMX");
        Assumptions.assumeTrue(Cpu.flags().contains("avx512vl"), "skipped: this machine's CPU has not avx512vl");
        Path library = folder.resolve("model.so");
        Graph graph = GraphParser.parse(KernelsTest.large(64, 1, 1));
        try (CLibrary compiled = TvmTarget.compileForC(graph, new Cpu("sapphirerapids"))) {
            compiled.save(library);
            Files.writeString(folder.resolve("model.h"), compiled.header());
        }
        Files.writeString(folder.resolve("main.c"), """
                #include <stdio.h>
                #include "model.h"
                static int8_t image[14 * 14 * 64], y[14 * 14 * 40];
                static _Alignas(64) char memory[LARGE_WORKSPACE_BYTES];
                int main(void) {
                    printf("%d", large_run(1, image, y, memory));
                    return 0;
                }
                """);
        Commands.run(folder, List.of("gcc", "-Wall", "-Werror", "main.c", library.toString(), "-o", "main"));
        assertThat(Commands.run(folder, List.of(folder.resolve("main").toString())))
                .isEqualTo("1");
    }

    /** A tensor may be called as the function is that the header's calls. */
    @Test
    void headersGoWithAnyName(@TempDir Path folder) throws Exception {
        TvmHere.library();
        String graph = """
                graph @out {
                  param %x : i32[2]
                  %y = num.add %x, %x : i32[2]
                  return call = %y
                }
                """;
        try (CLibrary compiled = TvmTarget.compileForC(GraphParser.parse(graph), Cpu.NATIVE)) {
            Files.writeString(folder.resolve("model.h"), compiled.header());
        }
        Commands.run(folder, List.of("gcc", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c", "model.h"));
    }

    @Test
    void refusesOtherLibraries(@TempDir Path folder) throws IOException {
        TvmHere.library();
        Path packed = folder.resolve("packed.so");
        try (TvmModule module = TvmTarget.compile(GraphParser.parse(COUNTER), Cpu.NATIVE)) {
            module.save(packed);
        }
        assertThatThrownBy(() -> Model.load(packed))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("packed.so");
        byte[] whole = Files.readAllBytes(packed);
        // The system's loader would end this process on the longer ones.
        for (int bytes : new int[] {0, 4, 63, 64, 200, 4096, 5000, whole.length / 2}) {
            Path cut = Files.write(folder.resolve("cut.so"), Arrays.copyOf(whole, bytes));
            assertThatThrownBy(() -> Model.load(cut))
                    .isInstanceOf(ModelException.class)
                    .hasMessageContaining("cut.so")
                    .hasMessageContaining("it is damaged");
            assertThatThrownBy(() -> TvmModule.load(cut))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("cut.so")
                    .hasMessageContaining("it is damaged");
        }
        Path text = Files.writeString(folder.resolve("text.so"), "text".repeat(30));
        assertThatThrownBy(() -> Model.load(text))
                .hasMessageContaining("text.so: cannot be loaded here: it is no shared library");
        assertThatThrownBy(() -> TvmModule.load(text))
                .hasMessageContaining("text.so: cannot be loaded here: it is no shared library");
        byte[] arm = whole.clone();
        arm[18] = 40;
        Path other = Files.write(folder.resolve("arm.so"), arm);
        assertThatThrownBy(() -> Model.load(other))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("another kind of CPU");
    }

    @Test
    void refusesLibrariesForOtherCpus(@TempDir Path folder) throws IOException {
        TvmHere.library();
        Assumptions.assumeFalse(Cpu.flags().contains("avx_vnni_int16"), "skipped: this CPU has all there is");
        Path library = folder.resolve("future.so");
        try (CLibrary compiled = TvmTarget.compileForC(GraphParser.parse(COUNTER), new Cpu("clearwaterforest"))) {
            compiled.save(library);
        }
        assertThatThrownBy(() -> Model.load(library))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("compiled for a CPU with")
                .hasMessageContaining("avx_vnni_int16");
    }
}
