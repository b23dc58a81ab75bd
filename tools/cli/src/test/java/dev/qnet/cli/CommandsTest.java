package dev.qnet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.qnet.runtime.io.Npy;
import dev.qnet.runtime.io.NpyArray;
import dev.qnet.runtime.io.Npz;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each command as a user calls it: what it prints, what it writes, its exit code. */
class CommandsTest extends InProcess {
    private static final String MODEL = """
            qnet 1

            scheme s {
              weights     i8 symmetric per_tensor
              activations u8 asymmetric per_tensor range(minmax)
            }

            model half(x: f32[N, 4]) -> (y: f32[N, 2]) quantized s {
              input x range(0, 255)
              const w: i8[2, 4] scale(0.125) = [4, 0, 0, 0, 0, 4, 4, 0]
              return y: x |> dense(2, weight: w, bias: false)
            }
            """;

    @SuppressWarnings("NullAway.Init")
    private Path model;

    @BeforeEach
    void writeModel() throws IOException {
        model = Files.writeString(folder.resolve("half.qnet"), MODEL);
    }

    private Path calibrated() throws IOException {
        Npy.write(folder.resolve("data.npy"), NpyArray.ofFloats(new float[] {0, 0, 0, 0, 255, 255, 255, 255}, 2, 4));
        Path file = folder.resolve("calibrated.qnet");
        assertThat(qnet("calibrate", model, "--data", folder.resolve("data.npy"), "-o", file))
                .isZero();
        return file;
    }

    @Test
    void checkTellsWhatWaitsForCalibration() throws IOException {
        assertThat(qnet("check", model)).isZero();
        assertThat(out).contains("waits for 'qnet calibrate'");
        Path calibrated = calibrated();
        assertThat(qnet("check", calibrated)).isZero();
        assertThat(out).contains("compiles to integers");
    }

    @Test
    void checkTellsWhatWaitsForTraining() throws IOException {
        Path untrained = folder.resolve("untrained.qnet");
        Files.writeString(untrained, "qnet 1 model m(x: f32[N, 4]) -> f32[N, 2] { return x |> dense(2) }");
        assertThat(qnet("check", untrained)).isZero();
        assertThat(out).contains("waits for 'qnet train'");
        assertThat(qnet("compile", untrained, "-o", folder.resolve("m.jar"))).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("no-parameters", "qnet train");
        Files.writeString(untrained, "qnet 1 model m(x: f32[N, 4]) -> f32[N, 2] { return x |> densely(2) }");
        assertThat(qnet("check", untrained)).isEqualTo(ExitCode.INPUT);
    }

    @Test
    void verifyTakesSources() throws IOException {
        assertThat(qnet("verify", model)).isEqualTo(ExitCode.INPUT);
        assertThat(out).contains("failed: ", "qnet check");
        assertThat(qnet("verify", calibrated(), "--target", "jvm,source")).isZero();
        assertThat(out).contains("jvm-scalar, jvm-vector, source", "passed (3 samples)");
    }

    @Test
    void runRefusesWhatIsNotCalibrated() throws IOException {
        Npy.write(folder.resolve("x.npy"), NpyArray.ofFloats(new float[4], 1, 4));
        assertThat(qnet("run", model, "--input", folder.resolve("x.npy"))).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("not-calibrated", "qnet calibrate");
    }

    @Test
    void calibrateWritesAFileThatFmtKeeps() throws IOException {
        Path file = calibrated();
        assertThat(Files.readString(file)).contains("include \"half.qnet\"", "calibration half {", "range(0.0, 255.0)");
        assertThat(qnet("fmt", "--check", file)).isZero();
    }

    private Path kernel(String expected) throws IOException {
        return Files.writeString(folder.resolve("extremum.json"), """
                {"kernel": "transpose_s8", "params": {"IN_DIM": [2, 3], "PERM": [1, 0], "PERM_SIZE": 2},
                 "tensors": {"input_tensor": {"ctype": "int8_t", "values": [1, 2, 3, 4, 5, 6]},
                  "output": {"ctype": "int8_t", "values": [%s]}}}
                """.formatted(expected));
    }

    @Test
    void verifyTellsRightFromWrong() throws IOException {
        assertThat(qnet("verify", kernel("1, 4, 2, 5, 3, 6"))).isZero();
        assertThat(out).contains("passed", "1 case: 1 passed, 0 failed, 0 unsupported");
        assertThat(qnet("verify", kernel("1, 4, 2, 5, 3, 7"), "--target", "oracle,jvm-scalar"))
                .isEqualTo(ExitCode.INPUT);
        assertThat(out)
                .contains("oracle, jvm-scalar  failed: output 'y' at [2, 1]: expected 7, found 6")
                .doesNotContain("jvm-vector")
                .endsWith("1 case: 0 passed, 1 failed, 0 unsupported" + System.lineSeparator());
    }

    @Test
    void verifyIsStrictWhereAsked() throws IOException {
        Path file =
                Files.writeString(folder.resolve("fly.json"), "{\"kernel\": \"fly\", \"params\": {}, \"tensors\": {}}");
        assertThat(qnet("verify", file)).isZero();
        assertThat(out).contains("unsupported: there is no equal of the kernel fly");
        assertThat(qnet("verify", "--strict", file)).isEqualTo(ExitCode.INPUT);
    }

    @Test
    void verifyWritesJsonAndMarkdown() throws IOException {
        Path page = folder.resolve("page.md");
        kernel("1, 4, 2, 5, 3, 6");
        assertThat(qnet("verify", folder, "--json", "--markdown", page)).isZero();
        JsonNode json = new ObjectMapper().readTree(out);
        assertThat(json.at("/totals/passed").asInt()).isEqualTo(1);
        assertThat(json.at("/cases/0/targets/0/target").asText()).isEqualTo("oracle");
        assertThat(Files.readString(page)).contains("| **all** | 1 | 1 | 0 | 0 |");
    }

    @Test
    void verifyRefusesWhatIsNoCase() throws IOException {
        assertThat(qnet("verify", folder)).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("found nothing to check", "fix: ");
        assertThat(qnet("verify", kernel("1"), "--target", "gpu")).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("there is no target 'gpu'", "one of: jvm, oracle");
        assertThat(qnet("verify", folder.resolve("none"))).isEqualTo(ExitCode.IO);
    }

    @Test
    void importRefusesWithAFix() throws IOException {
        assertThat(qnet("import", model, "-o", folder.resolve("m.qnet"))).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("is no .tflite or .onnx file");
        Path damaged = Files.write(folder.resolve("damaged.tflite"), new byte[100]);
        assertThat(qnet("import", damaged)).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("say where to write", "--report");
        assertThat(qnet("import", damaged, "-o", folder.resolve("m.txt"))).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("writes a .qnet file");
        for (String command : new String[] {"check", "explain", "ir"}) {
            assertThat(qnet(command, damaged)).isEqualTo(ExitCode.INPUT);
            assertThat(err).contains("bad-model");
        }
        assertThat(qnet("check", model, "--input-shape", "x=1,4")).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("--input-shape and --fix are for .tflite and .onnx files");
        assertThat(qnet("check", damaged, "--input-shape", "x=1,four")).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("x=1,four is no shape");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactlyInAnyOrder(model, damaged);
        }
    }

    @Test
    void runComputes() throws IOException {
        Path file = calibrated();
        Path x = folder.resolve("x.npy");
        Npy.write(x, NpyArray.ofFloats(new float[] {10, 20, 30, 40, 100, 0, 50, 0}, 2, 4));
        for (String on : new String[] {"jvm", "oracle", "float"}) {
            assertThat(qnet("run", file, "--input", "x=" + x, "--on", on, "--json"))
                    .isZero();
            JsonNode y = new ObjectMapper().readTree(out).get("y");
            assertThat(y.get("shape")).hasToString("[2,2]");
            double[] values = new ObjectMapper().convertValue(y.get("values"), double[].class);
            double[] expected = {5, 25, 50, 25};
            for (int i = 0; i < 4; i++) {
                assertThat(values[i]).as(on).isCloseTo(expected[i], org.assertj.core.data.Offset.offset(0.75));
            }
        }
    }

    @Test
    void exportWritesOnnxAndWarnsOfAnotherRounding() throws IOException {
        Path file = calibrated();
        Path onnx = folder.resolve("half.onnx");
        assertThat(qnet("export", file, "--to", "onnx-qdq", "-o", onnx)).isZero();
        assertThat(out).contains("wrote " + onnx, "opset 13");
        assertThat(err).contains("export-rounding", "rounding tosa", "rounding onnx");
        assertThat(new String(Files.readAllBytes(onnx), java.nio.charset.StandardCharsets.ISO_8859_1))
                .contains("QuantizeLinear", "DequantizeLinear", "Gemm");

        Files.writeString(model, MODEL.replace("range(minmax)\n}", "range(minmax)\n  rounding onnx\n}"));
        assertThat(qnet("export", calibrated(), "--to", "onnx-qdq", "-o", onnx)).isZero();
        assertThat(err).isEmpty();

        // What was written is read: codes of 255 inputs come back as they went.
        assertThat(qnet("import", onnx, "--report")).isZero();
        assertThat(out).contains("DequantizeLinear");
    }

    @Test
    void exportRefusesOtherFormatsAndFiles() throws IOException {
        Path file = calibrated();
        assertThat(qnet("export", file, "--to", "tflite", "-o", folder.resolve("x.tflite")))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("no format 'tflite'", "--to onnx-qdq");
        assertThat(qnet("export", file, "--to", "onnx-qdq", "-o", folder.resolve("x.bin")))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("x.bin.onnx");
        assertThat(qnet("export", model, "--to", "onnx-qdq", "-o", folder.resolve("x.onnx")))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("not-calibrated");
        assertThat(folder.resolve("x.onnx")).doesNotExist();
        assertThat(qnet("export", file, "-o", folder.resolve("x.onnx"))).isEqualTo(ExitCode.USAGE);
        assertThat(err).contains("--to");
    }

    @Test
    void compiledJarAnswersAsTheModel() throws IOException {
        Path file = calibrated();
        Path x = folder.resolve("x.npy");
        Npy.write(x, NpyArray.ofUint8(new byte[] {1, 2, 3, (byte) 200}, 1, 4));
        Path jar = folder.resolve("half.jar");
        assertThat(qnet("compile", file, "-o", jar)).isZero();
        assertThat(qnet("run", file, "-i", x, "--json")).isZero();
        String direct = out;
        assertThat(qnet("run", jar, "-i", x, "--json")).isZero();
        assertThat(out).isEqualTo(direct);
        assertThat(qnet("run", jar, "-i", x, "-o", "y=" + folder.resolve("y.npy")))
                .isZero();
        assertThat(Npy.read(folder.resolve("y.npy")).shape()).containsExactly(1, 2);
    }

    @Test
    void explainAddsUp() throws IOException {
        Path file = calibrated();
        assertThat(qnet("explain", file)).isZero();
        assertThat(out).contains("rounding tosa", "no floats: every layer computes with integers", "dense_1");
        assertThat(qnet("explain", file, "--json")).isZero();
        JsonNode j = new ObjectMapper().readTree(out);
        assertThat(j.get("macs").asLong()).isEqualTo(8);
        assertThat(j.get("weightBytes").asLong()).isEqualTo(8);
        // 255 · (4 + 4) is the most that a row of the weights can make of u8 codes: 12 bits with the sign.
        assertThat(j.get("layers").get(0).get("maxAccumulator").asLong()).isEqualTo(255 * 8);
        assertThat(j.get("layers").get(0).get("accumulatorBits").asInt()).isEqualTo(12);
    }

    @Test
    void irPrintsTensorProgramsWithoutTvm() throws IOException {
        assertThat(qnet("ir", calibrated(), "--target", "tvm-cpu")).isZero();
        assertThat(out).contains("@T.prim_func", "def run(in_x_data: T.Buffer((n, 4), ");
        assertThat(qnet("ir", model, "--target", "jvm")).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("target 'jvm' prints no programs", "those that do: tvm-cpu, tvm-cuda");
        assertThat(qnet("ir", model, "--target", "tvm-cuda", "--cpu", "haswell"))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("--cpu is for programs for x86 CPUs");
        assertThat(qnet("ir", model, "--target", "tvm-c")).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("'qnet compile --target tvm-c -o model.c' writes C");
        assertThat(qnet("ir", model, "--cpu", "haswell")).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("add --target tvm-cpu");
        assertThat(qnet("ir", model, "--target", "tvm-cpu", "--after", "all")).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("leave out one of them");
    }

    @Test
    void compileChecksTargetAndOutputFirst() throws IOException {
        Path file = calibrated();
        assertThat(qnet("compile", file, "--target", "cuda", "-o", folder.resolve("m.so")))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("there is no target 'cuda'", "one of: jvm, tvm-cpu");
        assertThat(qnet("compile", file, "--target", "tvm-cpu", "-o", folder.resolve("m.jar")))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("is a shared library, not ", "fix: -o " + folder.resolve("m.so"));
        assertThat(qnet("compile", file, "-o", folder.resolve("m.so"))).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("is a jar, not ", "fix: --target tvm-cpu, or -o " + folder.resolve("m.jar"));
        assertThat(qnet("compile", file, "-t", "tvm-cpu", "--abi", "c", "--parallel", "-o", folder.resolve("m.so")))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("--parallel is for libraries for TVM's runtime");
        assertThat(qnet("run", file, "--input", "x.npy", "--threads", "2")).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("--threads is for tvm-cpu, not jvm");
    }

    /** What a target does not look at is not taken silently. */
    @ParameterizedTest
    @CsvSource({
        "jvm, m.jar, --abi c, --abi c is for libraries for x86 CPUs",
        "jvm, m.jar, --cpu haswell, --cpu is not for the target jvm",
        "jvm, m.jar, --arch sm_90, --arch is for GPUs",
        "jvm, m.jar, --tune, --tune is for x86 CPUs",
        "tvm-cpu, m.so, --arch sm_90, --arch is for GPUs",
        "tvm-cpu, m.so, --cpu cortex-m4, cortex-m4 is a microcontroller",
        "tvm-cpu, m.so, --ram 1k, --flash and --ram are for microcontrollers",
        "tvm-cpu, m.so, --tune-cache x.txt, --tune-cache is read with --tune only",
        "tvm-cuda, m.so, --cpu haswell, --cpu is not for the target tvm-cuda",
        "tvm-cuda, m.so, --abi c, --abi c is for libraries for x86 CPUs",
        "tvm-c, m.c, --abi c, --abi c is for libraries for x86 CPUs",
        "tvm-c, m.c, --abi d, there is no calling convention 'd'"
    })
    void compileRefusesOptionsOfOtherTargets(String target, String output, String options, String message)
            throws IOException {
        List<Object> line = new ArrayList<>(List.of("compile", calibrated(), "-t", target));
        line.addAll(List.of("-o", folder.resolve(output)));
        line.addAll(List.of(options.split(" ", -1)));
        assertThat(qnet(line.toArray())).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains(message);
        assertThat(folder.resolve(output)).doesNotExist();
    }

    @Test
    void saysWhatToGiveInPlaceOfWhatIsCompiled() throws IOException {
        Path so = folder.resolve("m.so");
        assertThat(qnet("check", so)).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("give the model that it was compiled from");
        assertThat(qnet("verify", calibrated(), "--target", "tvm")).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("there is no target 'tvm'");
    }

    @Test
    void runsLibrariesOfCFunctions() throws IOException {
        Path so = folder.resolve("m.so");
        Path x = folder.resolve("x.npy");
        Npy.write(x, NpyArray.ofFloats(new float[] {8, 0, 16, 0, 255, 0, 0, 255}, 2, 4));
        assertThat(qnet("run", so, "-i", x)).isEqualTo(ExitCode.IO);
        assertThat(err).contains("m.so: there is no such file");
        Files.createFile(so);
        assertThat(qnet("run", so, "-i", x)).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("m.so: cannot be loaded here: it is damaged, 0 bytes are no library");
        assertThat(qnet("run", so, "-i", x, "--on", "oracle")).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("m.so is compiled: it runs on this CPU only");
        Path file = calibrated();
        TvmThere.assume();
        assertThat(qnet("compile", file, "--target", "tvm-cpu", "--abi", "c", "-o", so))
                .as(err)
                .isZero();
        assertThat(qnet("run", file, "-i", x, "--json")).isZero();
        String expected = out;
        assertThat(qnet("run", so, "-i", x, "--json")).as(err).isZero();
        assertThat(out).isEqualTo(expected);
        assertThat(qnet("run", so, "-i", x, "--json", "--on", "tvm-cpu", "--threads", 2))
                .as(err)
                .isZero();
        assertThat(out).isEqualTo(expected);
        assertThat(qnet("compile", file, "--target", "tvm-cpu", "-o", folder.resolve("packed.so")))
                .isZero();
        assertThat(qnet("run", folder.resolve("packed.so"), "-i", x)).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("no library that 'qnet compile --target tvm-cpu --abi c' wrote");
    }

    @Test
    void compilesForMicrocontrollersWithinTheirMemory() throws IOException {
        Path file = calibrated();
        Path c = folder.resolve("net.c");
        assertThat(qnet("compile", file, "--target", "tvm-c", "-o", c, "--flash", "1k", "--ram", "1k"))
                .isZero();
        assertThat(out).containsPattern("weights +8 B").contains("arena", "total", "wrote " + c);
        assertThat(c).content().contains("#include \"net.h\"");
        assertThat(folder.resolve("net.h")).content().contains("_ARENA_BYTES");

        assertThat(qnet("compile", file, "--target", "tvm-c", "-o", c)).isZero();

        Path refused = folder.resolve("refused.c");
        assertThat(qnet("compile", file, "--target", "tvm-c", "-o", refused, "--flash", "4", "--ram", "5b"))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err)
                .contains("of flash for weights alone, 4 B are there; the largest weights: ")
                .contains("of RAM, 5 B are there; the largest parts, of which values share the arena: ");
        assertThat(refused).doesNotExist();
        assertThat(folder.resolve("refused.h")).doesNotExist();
    }

    /** C for microcontrollers and libraries of C functions have headers of the same name, which differ. */
    @Test
    void compileKeepsHeadersOfOtherForms() throws IOException {
        Path file = calibrated();
        Path c = folder.resolve("net.c");
        Path header = folder.resolve("net.h");
        String other = "/* half, compiled by Qnet 9.9.9-beta. */\n#ifndef HALF_H\n";
        Files.writeString(header, other);
        assertThat(qnet("compile", file, "--target", "tvm-c", "-o", c)).isEqualTo(ExitCode.INPUT);
        assertThat(err)
                .contains(header + " would be overwritten: it is the header of a library, of --abi c")
                .contains("fix: give -o another name or folder, which the header shares, or remove " + header);
        assertThat(c).doesNotExist();
        assertThat(header).hasContent(other);

        Files.writeString(header, "int mine;");
        assertThat(qnet("compile", file, "--target", "tvm-c", "-o", c)).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("Qnet did not write it");

        Files.delete(header);
        assertThat(qnet("compile", file, "--target", "tvm-c", "-o", c)).isZero();
        String written = Files.readString(header);
        assertThat(qnet("compile", file, "--target", "tvm-cpu", "--abi", "c", "-o", folder.resolve("net.so")))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("it is the header of C for microcontrollers, of --target tvm-c");
        assertThat(header).hasContent(written);
        assertThat(folder.resolve("net.so")).doesNotExist();
        TvmThere.assume();
        assertThat(qnet("compile", file, "--target", "tvm-cpu", "--abi", "c", "-o", folder.resolve("lib.so")))
                .as(err)
                .isZero();
        assertThat(qnet("compile", file, "--target", "tvm-cpu", "--abi", "c", "-o", folder.resolve("lib.so")))
                .isZero();
    }

    @Test
    void compileForMicrocontrollersChecksItsOptions() throws IOException {
        Path file = calibrated();
        assertThat(qnet("compile", file, "--target", "tvm-c", "-o", folder.resolve("m.so")))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("is C or an object file, not ");
        assertThat(qnet("compile", file, "--target", "tvm-c", "-o", folder.resolve("m.o")))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("an object file is for one microcontroller", "--cpu cortex-m4");
        assertThat(qnet("compile", file, "--target", "tvm-c", "-o", folder.resolve("m.c"), "--ram", "much"))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("--ram takes a size, such as 256k");
        assertThat(qnet("compile", file, "-o", folder.resolve("m.jar"), "--ram", "1k"))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("--flash and --ram are for microcontrollers");
    }

    @Test
    void irPrintsEachLevel() throws IOException {
        assertThat(qnet("ir", model)).isZero();
        assertThat(out).contains("= dense ", ": f32[Nx2]");
        assertThat(qnet("ir", calibrated(), "--after", "all", "--full")).isZero();
        assertThat(out).contains("int.dense", "arena");
        assertThat(qnet("ir", model, "--after", "lower")).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("there is no pass 'lower'", "lower-to-integers");
    }

    @Test
    void fmtFormatsInPlaceAndChecks() throws IOException {
        Path ugly = Files.writeString(folder.resolve("ugly.qnet"), MODEL.replace("  input", "        input"));
        assertThat(qnet("fmt", "--check", ugly)).isEqualTo(ExitCode.INPUT);
        assertThat(qnet("fmt", ugly)).isZero();
        assertThat(Files.readString(ugly)).isEqualTo(MODEL);
    }

    @Test
    void errorsShowThePlaceAndAFix() throws IOException {
        Path bad = Files.writeString(folder.resolve("bad.qnet"), MODEL.replace("dense(2", "dens(2"));
        assertThat(qnet("check", bad)).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("bad.qnet:11:", "^", "dense");
    }

    /** As in compile and verify. */
    @Test
    void runRefusesUnknownTargets() throws IOException {
        Path file = calibrated();
        assertThat(qnet("run", file, "-i", "x.npy", "--target", "gpu")).isEqualTo(ExitCode.INPUT);
        assertThat(err).isEqualTo("""
                error: there is no target 'gpu'
                  fix: one of: jvm, tvm-cpu, tvm-cuda, tvm-c, oracle, float
                """);
        assertThat(qnet("run", file, "-i", "x.npy", "--top", "five")).isEqualTo(ExitCode.USAGE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"jvm", "oracle", "float"})
    void runRefusesBatchesWithoutItems(String on) throws IOException {
        Path x = folder.resolve("x.npy");
        Npy.write(x, NpyArray.ofFloats(new float[0], 0, 4));
        assertThat(qnet("run", calibrated(), "-i", x, "--on", on)).isEqualTo(ExitCode.INPUT);
        assertThat(err)
                .contains("input 'x' has no items", "fix: give at least one; it expects ")
                .contains("[N, 4]");
    }

    /** Each engine that takes the oracle's values says the same of them. */
    @ParameterizedTest
    @ValueSource(strings = {"oracle", "float", "tvm-cpu", "tvm-c"})
    void runRefusesInputsThatDoNotGoTogether(String on) throws IOException {
        Path file = folder.resolve("sum.qnet");
        Files.writeString(file, """
                qnet 1

                model sum(a: f32[N, 2], b: f32[N, 2]) -> (s: f32[N, 2]) {
                  return s: a + b
                }
                """);
        Path a = folder.resolve("a.npy");
        Path b = folder.resolve("b.npy");
        Npy.write(a, NpyArray.ofFloats(new float[4], 2, 2));
        Npy.write(b, NpyArray.ofFloats(new float[6], 3, 2));
        if (on.startsWith("tvm")) {
            TvmThere.assume();
        }
        assertThat(qnet("run", file, "--input", "a=" + a, "--input", "b=" + b, "--on", on))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("input b has 3 items, but input a has 2");
    }

    @Test
    void wrongInputsAreToldWithWhatIsExpected() throws IOException {
        Path file = calibrated();
        Path x = folder.resolve("x.npy");
        Npy.write(x, NpyArray.ofFloats(new float[3], 1, 3));
        assertThat(qnet("run", file, "-i", x)).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("expects u8 or f32 [N, 4]", "[1, 3]");
        assertThat(qnet("run", file, "-i", "z=" + x)).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("no input 'z'", "x");
        assertThat(qnet("run", file, "-i", folder.resolve("none.npy"))).isEqualTo(ExitCode.IO);
        assertThat(err).contains("there is no such file");
        assertThat(qnet("run", file)).isEqualTo(ExitCode.USAGE);
        assertThat(qnet("nonsense")).isEqualTo(ExitCode.USAGE);
        assertThat(qnet("run", folder.resolve("none.qnet"), "-i", x)).isEqualTo(ExitCode.IO);
        assertThat(qnet("compile", file, "-o", folder.resolve("no/folder.jar"))).isEqualTo(ExitCode.IO);
        assertThat(folder.resolve("no")).doesNotExist();
    }

    @Test
    void damagedPicturesAndArraysGiveErrors() throws IOException {
        String source = """
                qnet 1
                model m(x: f32[N, 8, 8, 3]) -> (y: f32[N, 8, 8, 3]) {
                  return y: x |> relu
                }
                """;
        Path m = Files.writeString(folder.resolve("m.qnet"), source);
        Path png = folder.resolve("p.png");
        BufferedImage image = new BufferedImage(20, 10, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < 200; i++) {
            image.setRGB(i % 20, i / 20, i * 0x010203);
        }
        ImageIO.write(image, "png", png.toFile());
        Path npy = folder.resolve("p.npy");
        Npy.write(npy, NpyArray.ofFloats(new float[192], 1, 8, 8, 3));
        assertThat(qnet("run", m, "--on", "float", "-i", png)).isZero();
        Random random = new Random(7);
        for (Path good : new Path[] {png, npy}) {
            byte[] bytes = Files.readAllBytes(good);
            for (int i = 0; i < 60; i++) {
                byte[] bad = Arrays.copyOf(bytes, i % 2 == 0 ? random.nextInt(bytes.length) : bytes.length);
                for (int k = 0; k < 3 && bad.length > 0; k++) {
                    bad[random.nextInt(Math.min(bad.length, 100))] = (byte) random.nextInt(256);
                }
                Path file = folder.resolve("bad" + Inputs.extension(good).replaceFirst("^", "."));
                Files.write(file, bad);
                // A mutation may leave the file readable; what must not come is anything but an answer or an error.
                assertThat(qnet("run", m, "--on", "float", "-i", file)).isIn(ExitCode.OK, ExitCode.INPUT);
            }
        }
    }

    @Test
    void enginesTakeCodesForTheSameNumbers() throws IOException {
        Path m = Files.writeString(folder.resolve("codes.qnet"), """
                qnet 1
                model m(x: f32[N, 4]) -> (y: f32[N, 4]) {
                  q: i8[N, 4] scale(0.5) zero(3) = quantize(x, rounding: onnx)
                  return y: dequantize(q)
                }
                """);
        Path codes = folder.resolve("codes.npy");
        Npy.write(codes, NpyArray.ofInt8(new byte[] {1, 2, 3, 4}, 1, 4));
        for (String engine : new String[] {"jvm", "oracle", "float"}) {
            assertThat(qnet("run", m, "--on", engine, "-i", codes, "--json")).isZero();
            assertThat(new ObjectMapper().readTree(out).at("/y/values").toString())
                    .as(engine)
                    .isEqualTo("[-1.0,-0.5,0.0,0.5]");
        }
    }

    @Test
    void indicesOutsideTheirAxisAreTheInputsFault() throws IOException {
        Path m = Files.writeString(folder.resolve("gather.qnet"), """
                qnet 1
                model m(x: f32[3, 2], i: i32[1]) -> (y: f32[1, 2]) {
                  g: f32[1, 2] = gather(x, i, axis: 0)
                  return y: g
                }
                """);
        Npy.write(folder.resolve("x.npy"), NpyArray.ofFloats(new float[6], 3, 2));
        Npy.write(folder.resolve("i.npy"), NpyArray.ofInt32(new int[] {9}, 1));
        for (String engine : new String[] {"jvm", "oracle"}) {
            assertThat(qnet(
                            "run",
                            m,
                            "--on",
                            engine,
                            "-i",
                            "x=" + folder.resolve("x.npy"),
                            "-i",
                            "i=" + folder.resolve("i.npy")))
                    .as(engine)
                    .isEqualTo(ExitCode.INPUT);
            assertThat(err).contains("index 9");
        }
    }

    @Test
    void runLooksAtItsOptionsFirst() throws IOException {
        Path file = calibrated();
        Path x = folder.resolve("data.npy");
        assertThat(qnet("run", file, "-i", x, "--top", "-3")).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("--top is at least 1");
        Path labels = Files.write(folder.resolve("labels"), new byte[] {(byte) 0xff, (byte) 0xfe});
        assertThat(qnet("run", file, "-i", x, "--labels", labels)).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("labels: this is no UTF-8 text");
        assertThat(qnet("run", file, "-i", x, "-o", folder.resolve("y.txt"))).isEqualTo(ExitCode.INPUT);
        assertThat(out).isEmpty();
        assertThat(qnet("run", file, "-i", x, "-o", folder.resolve("no/y.npy"))).isEqualTo(ExitCode.IO);
        assertThat(out).isEmpty();
        assertThat(err).contains("there is no folder");
    }

    @Test
    void foldersAndOtherFilesInPlaceOfModelsAreToldFor() throws IOException {
        for (String name : new String[] {"d.onnx", "d.tflite", "d.qnet"}) {
            assertThat(qnet("check", Files.createDirectory(folder.resolve(name))))
                    .as(name)
                    .isEqualTo(ExitCode.IO);
            assertThat(err).doesNotContain("there is no such file");
        }
        assertThat(qnet("run", model, "--on", "float", "-i", folder)).isEqualTo(ExitCode.IO);
        assertThat(err).contains("this is a folder");
        assertThat(qnet("check", Files.writeString(folder.resolve("model.txt"), MODEL)))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("does not end in .qnet, .tflite or .onnx");
        assertThat(qnet("run", folder.resolve("model.txt"), "-i", model)).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("does not end in .qnet, .tflite or .onnx");
        Path empty = Files.createFile(folder.resolve("empty.onnx"));
        assertThat(qnet("check", empty)).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("empty.onnx", "fix: ");
    }

    @Test
    void whatCannotBeWrittenLeavesNothing() throws IOException {
        Path file = Files.writeString(folder.resolve("float.qnet"), """
                qnet 1
                model m(x: f32[N, 2]) -> (y: f32[N, 2]) {
                  const w: f32[2, 2] = [1, 2, 3, 4]
                  return y: x |> dense(2, weight: w, bias: false)
                }
                """);
        Path onnx = folder.resolve("m.onnx");
        assertThat(qnet("export", file, "--to", "onnx-qdq", "-o", onnx)).isZero();
        byte[] before = Files.readAllBytes(onnx);
        assertThat(qnet("export", onnx, "--to", "onnx-qdq", "-o", onnx)).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("would overwrite the model");
        assertThat(Files.readAllBytes(onnx)).isEqualTo(before);
        assertThat(qnet("check", onnx, "--input-shape", "z=1,2")).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("no input 'z'", "its inputs: x");

        Path source = Files.createDirectory(folder.resolve("m.qnet"));
        Path jar = Files.createDirectory(folder.resolve("m.jar"));
        assertThat(qnet("import", onnx, "-o", source)).isEqualTo(ExitCode.IO);
        assertThat(err).contains("m.qnet: cannot be written: a folder has that name");
        assertThat(qnet("compile", onnx, "-o", jar)).isEqualTo(ExitCode.IO);
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactlyInAnyOrder(model, file, onnx, source, jar);
        }
    }

    @Test
    void softmaxWhoseSumCouldWrapIsRefused() throws IOException {
        String source = """
                qnet 1
                scheme s { activations u8 range(0, 1) }
                model m(x: f32[N, SIZE]) -> (y: f32[N, SIZE]) quantized s {
                  return y: softmax(x)
                }
                """;
        Path fits = Files.writeString(folder.resolve("fits.qnet"), source.replace("SIZE", "4095"));
        assertThat(qnet("check", fits)).isZero();
        assertThat(out).contains("compiles to integers");
        Path wraps = Files.writeString(folder.resolve("wraps.qnet"), source.replace("SIZE", "4096"));
        assertThat(qnet("check", wraps)).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("float-island", "at most 4095", "4096");
    }

    @Test
    void tableAligns() {
        assertThat(new Table("name", ">n")
                        .row("a", 5)
                        .row("long name", 123)
                        .toString()
                        .lines()
                        .toList())
                .containsExactly("name         n", "a            5", "long name  123");
    }

    private Path array(String name, float... values) throws IOException {
        Path file = folder.resolve(name);
        Npy.write(file, NpyArray.ofFloats(values, values.length / 4, 4));
        return file;
    }

    @Test
    void runTellsOfNumbersThatHaveNoCode() throws IOException {
        Path file = calibrated();
        assertThat(qnet("run", file, "--input", array("in.npy", 0, 255, 7.5f, 100)))
                .isZero();
        assertThat(err).isEmpty();
        assertThat(qnet("run", file, "--input", array("out.npy", 0, 255, 7, 100, 1, 510, 300, 0)))
                .isZero();
        assertThat(err)
                .contains("warning: input 'x': 25.0 % of its values lie outside range(0, 255)", "item 1 holds 510");
        assertThat(qnet("run", file, "--input", array("nan.npy", 0, 1, 2, 3, 4, 5, Float.NaN, 7)))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("input 'x': item 1 holds NaN, and no code of u8 stands for that");
    }

    @Test
    void calibrateTakesWhatTheModelSaysOfItsInputs() throws IOException {
        Path file = folder.resolve("c.qnet");
        assertThat(qnet("calibrate", model, "--data", array("wide.npy", 0, 0, 0, 0, 0, 700, 0, 0), "-o", file))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err)
                .contains(
                        "wide.npy: item 1 holds 700: ", "outside range(0, 255), which the model says of its input 'x'");
        assertThat(file).doesNotExist();

        NpyArray four = NpyArray.ofFloats(new float[] {0, 1, 2, 3}, 1, 4);
        NpyArray label = NpyArray.ofInt32(new int[1], 1);
        Npz.write(folder.resolve("train.npz"), Map.of("x", four, "y", label));
        Npz.write(folder.resolve("other.npz"), Map.of("a", four, "y", label));
        assertThat(qnet("calibrate", model, "--data", folder.resolve("train.npz"), "-o", file))
                .as(err)
                .isZero();
        assertThat(qnet("calibrate", model, "--data", folder.resolve("other.npz"), "-o", file))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("other.npz has no array 'x'; it has ", "name the array as the input");
    }

    /** A white picture is 1 where the model says so, and codes are what they stand for: as for run. */
    @Test
    void calibrateScalesPicturesAsRunDoes() throws IOException {
        Path unit = Files.writeString(folder.resolve("unit.qnet"), """
                qnet 1
                scheme s { weights i8 symmetric activations u8 asymmetric range(minmax) }
                model unit(image: f32[N, 2, 2, 1]) -> f32[N, 4] quantized s {
                  input image range(0, 1)
                  return image |> flatten |> dense(4, bias: false, weight: [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
                }
                """);
        BufferedImage white = new BufferedImage(2, 2, BufferedImage.TYPE_INT_RGB);
        for (int p = 0; p < 4; p++) {
            white.setRGB(p % 2, p / 2, 0xffffff);
        }
        Path picture = folder.resolve("white.png");
        ImageIO.write(white, "png", picture.toFile());
        byte[] codes = {(byte) 255, (byte) 255, (byte) 255, (byte) 255};
        Path array = folder.resolve("codes.npy");
        Npy.write(array, NpyArray.ofUint8(codes, 1, 2, 2, 1));
        for (Path data : List.of(picture, array)) {
            Path file = folder.resolve("c.qnet");
            assertThat(qnet("calibrate", unit, "--data", data, "-o", file))
                    .as(err)
                    .isZero();
            assertThat(file).content().contains("range(0.0, 1.0)").doesNotContain("255");
        }
        assertThat(qnet("calibrate", unit, "--data", picture, "--scale", "raw", "-o", folder.resolve("d.qnet")))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("white.png: item 0 holds 255", "fix: --scale for pictures");
    }

    /** Codes of both signs do not make pictures of both signs where the model says that it is given 0 to 1. */
    @Test
    void runScalesPicturesAsTheSourceSays() throws IOException {
        Path signed = Files.writeString(folder.resolve("signed.qnet"), """
                qnet 1
                scheme s { weights i8 symmetric activations i8 symmetric range(-4, 4) }
                model signed(image: f32[N, 2, 2, 1]) -> f32[N, 1] quantized s {
                  input image range(0, 1)
                  return image |> flatten |> dense(1, bias: false, weight: [[1, 1, 1, 1]])
                }
                """);
        Path picture = folder.resolve("black.png");
        ImageIO.write(new BufferedImage(2, 2, BufferedImage.TYPE_INT_RGB), "png", picture.toFile());
        assertThat(qnet("run", signed, "--input", picture)).as(err).isZero();
        assertThat(out).contains("min 0, max 0");
        assertThat(qnet("run", signed, "--input", picture, "--scale", "signed")).isZero();
        assertThat(out).contains("min -");
    }
}
