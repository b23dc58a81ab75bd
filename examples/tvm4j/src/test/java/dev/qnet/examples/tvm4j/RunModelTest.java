package dev.qnet.examples.tvm4j;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.target.tvm.CLibrary;
import dev.qnet.target.tvm.Cpu;
import dev.qnet.target.tvm.CudaLibrary;
import dev.qnet.target.tvm.CudaTarget;
import dev.qnet.target.tvm.TvmModule;
import dev.qnet.target.tvm.TvmTarget;
import dev.qnet.target.tvm.TvmUnavailableException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compiles a model and deploys it: a JVM of its own has tvm4j, and nothing of Qnet's. */
class RunModelTest {
    private static final int ITEMS = 3;

    private static final String NETWORK = """
            graph @net {
              param %x : i8<scale=0.5, zero=3>[Nx6x4x3]
              %w = constant [WEIGHTS] : i8<scale=0.25, zero=0>[20x3x3x3]
              %c = int.conv2d %x, %w {window=window([3, 3], [1, 1], [1, 1], [1, 1, 1, 1]), groups=1, acc=i32, rescale=tosa([q31(1273741824, -6)], 7, -128, 127)} : i8<scale=0.5, zero=7>[Nx6x4x20]
              %y = dequantize %c : f32[Nx6x4x20]
              return codes = %c, reals = %y
            }
            """.replace(
            "WEIGHTS",
            IntStream.range(0, 540).mapToObj(i -> "" + (i * 7 % 31 - 15)).collect(Collectors.joining(", ")));

    @Test
    void givesTheOraclesBytes(@TempDir Path folder) throws Exception {
        Path natives =
                Path.of(System.getProperty("tvm.folder", "target/native")).toAbsolutePath();
        Assumptions.assumeTrue(
                Files.exists(natives.resolve("libtvm4j.so")), "skipped: the native libraries are not unpacked");
        Graph graph = GraphParser.parse(NETWORK);
        Path library = folder.resolve("net.so");
        try (TvmModule module = TvmTarget.compile(graph, Cpu.NATIVE)) {
            module.save(library);
        } catch (TvmUnavailableException e) {
            Assumptions.abort("skipped without TVM's native libraries: " + e.getMessage());
        }
        byte[] x = new byte[ITEMS * 72];
        long[] codes = new long[x.length];
        for (int i = 0; i < x.length; i++) {
            x[i] = (byte) (i * 37);
            codes[i] = x[i];
        }
        Path in = Files.write(folder.resolve("x.bin"), x);
        Path out = folder.resolve("codes.bin");
        Path reals = folder.resolve("reals.bin");
        // The library by its name alone, as a user in its folder calls it.
        Result result = run(natives, folder, List.of("net.so", in.toString(), out.toString(), reals.toString()));
        assertThat(result.status()).as(result.output()).isZero();

        Value expected = Interpreter.run(graph, Map.of("x", Value.of(Shape.of(ITEMS, 6, 4, 3), codes)))
                .get("codes");
        byte[] found = Files.readAllBytes(out);
        long[] foundCodes = new long[found.length];
        for (int i = 0; i < found.length; i++) {
            foundCodes[i] = found[i];
        }
        assertThat(Value.of(Shape.of(ITEMS, 6, 4, 20), foundCodes)).isEqualTo(expected);
        assertThat(Files.size(reals)).isEqualTo(4L * found.length);
    }

    /** What it cannot run it refuses in a sentence. */
    @Test
    void refusesOtherFiles(@TempDir Path folder) throws Exception {
        Path natives =
                Path.of(System.getProperty("tvm.folder", "target/native")).toAbsolutePath();
        Assumptions.assumeTrue(
                Files.exists(natives.resolve("libtvm4j.so")), "skipped: the native libraries are not unpacked");
        Graph graph = GraphParser.parse(NETWORK);
        Path packed = folder.resolve("packed.so");
        Path c = folder.resolve("c.so");
        Path gpu = folder.resolve("gpu.so");
        try (TvmModule module = TvmTarget.compile(graph, Cpu.NATIVE);
                CLibrary library = TvmTarget.compileForC(graph, Cpu.NATIVE);
                CudaLibrary kernels = CudaTarget.compile(graph, "sm_80")) {
            module.save(packed);
            library.save(c);
            kernels.save(gpu);
        } catch (TvmUnavailableException e) {
            Assumptions.abort("skipped without TVM's native libraries: " + e.getMessage());
        }
        refused(natives, folder, c, "not with --abi c, which is for C");
        refused(natives, folder, gpu, "compiled for GPUs, which needs TVM's runtime with CUDA");
        refused(natives, folder, folder.resolve("none.so"), "there is no such file");
        byte[] whole = Files.readAllBytes(packed);
        Path cut = folder.resolve("cut.so");
        for (int bytes : new int[] {0, 63, 100, 4096, whole.length / 2}) {
            Files.write(cut, Arrays.copyOf(whole, bytes));
            refused(natives, folder, cut, "a part of it is missing");
        }
        Path x = Files.write(folder.resolve("x.bin"), new byte[73]);
        Result result = run(natives, folder, List.of(packed.toString(), x.toString(), "a", "b"));
        assertThat(result.output()).contains("x.bin: 73 bytes are no whole number of items of 'x'");
        assertThat(result.status()).isEqualTo(1);
    }

    private static void refused(Path natives, Path folder, Path library, String why) throws Exception {
        Result result = run(natives, folder, List.of(library.toString()));
        assertThat(result.output()).contains(library + ": ", why).doesNotContain("Exception", "\tat ", "Stack trace");
        assertThat(result.status()).isEqualTo(1);
    }

    private record Result(int status, String output) {}

    private static Result run(Path natives, Path folder, List<String> arguments) throws Exception {
        String classes = List.of(System.getProperty("java.class.path").split(java.io.File.pathSeparator, -1)).stream()
                .filter(p -> !p.contains("test-classes") && !p.contains("qnet-") && !p.contains("compiler"))
                .collect(Collectors.joining(java.io.File.pathSeparator));
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-Djava.library.path=" + natives,
                "-Dlibtvm.so.path=" + natives.resolve("libtvm_runtime.so"),
                "-cp",
                classes,
                RunModel.class.getName()));
        command.addAll(arguments);
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Result(process.waitFor(), output);
    }
}
