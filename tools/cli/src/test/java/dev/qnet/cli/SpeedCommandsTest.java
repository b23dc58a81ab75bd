package dev.qnet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.qnet.runtime.io.Npy;
import dev.qnet.runtime.io.NpyArray;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What {@code bench} and {@code explain --speed} print: their form, never their numbers. */
class SpeedCommandsTest extends InProcess {
    private static final String[] SHORT = {"--seconds", "0.02", "--warm-up", "0"};

    @SuppressWarnings("NullAway.Init")
    private Path model;

    @BeforeEach
    void writeModel() throws IOException {
        model = Files.writeString(folder.resolve("half.qnet"), """
                qnet 1

                scheme s {
                  weights     i8 symmetric per_tensor
                  activations u8 asymmetric per_tensor range(minmax)
                }

                model half(x: f32[N, 4]) -> (y: f32[N, 2]) quantized s {
                  input x range(0, 255)
                  const w: i8[2, 4] scale(0.125) = [4, 0, 0, 0, 0, 4, 4, 0]
                  y = x |> dense(2, weight: w, bias: false) @activations(u8, scale(1.0), zero(0))
                  return y: y
                }
                """);
    }

    private int bench(Object... args) {
        List<Object> all = new ArrayList<>(List.of("bench", model));
        all.addAll(List.of(args));
        all.addAll(List.of(SHORT));
        return qnet(all.toArray());
    }

    @Test
    void benchTellsTheWholeAndTheLayers() {
        assertThat(bench()).as(err).isZero();
        assertThat(out).contains("half  rounding tosa, ", " kernels, 1 thread, batch 1");
        assertThat(out).containsPattern("median [0-9.]+ [num]?s, 99 % within .*, best .* \\([0-9]+ runs?\\)");
        assertThat(out).containsPattern("[0-9]+ items/s, 8 MACs an item, [0-9.]+ MACs/ns");
        assertThat(out).containsPattern("layer +operation +shape +time +share +MACs +MACs/ns");
        assertThat(out).containsPattern("dense_1 +dense +\\[Nx2] .* % +8 ");
        assertThat(bench("--no-layers")).isZero();
        assertThat(out).doesNotContain("share");
    }

    @Test
    void benchGivesJson() throws IOException {
        for (String kernels : new String[] {"scalar", "vector", "adaptive"}) {
            assertThat(bench("--json", "--kernels", kernels, "--batch", 3, "--threads", 2))
                    .as(err)
                    .isZero();
            JsonNode json = new ObjectMapper().readTree(out);
            assertThat(json.get("model").asText()).isEqualTo("half");
            assertThat(json.get("rounding").asText()).isEqualTo("tosa");
            assertThat(json.get("kernels").asText()).isEqualTo(kernels);
            assertThat(json.get("threads").asInt()).isEqualTo(2);
            assertThat(json.get("batch").asInt()).isEqualTo(3);
            assertThat(json.get("macs").asInt()).isEqualTo(8);
            assertThat(json.get("runs").asInt()).isPositive();
            double best = json.get("bestNanos").asDouble();
            double median = json.get("medianNanos").asDouble();
            assertThat(best).isPositive().isLessThanOrEqualTo(median);
            assertThat(json.get("p99Nanos").asDouble()).isGreaterThanOrEqualTo(median);
            assertThat(json.get("itemsPerSecond").asDouble()).isPositive();
            assertThat(json.at("/layers/0/name").asText()).isEqualTo("dense_1");
            assertThat(json.at("/layers/0/operation").asText()).isEqualTo("dense");
            assertThat(json.at("/layers/0/shape").asText()).isEqualTo("[Nx2]");
            assertThat(json.at("/layers/0/macs").asInt()).isEqualTo(8);
            assertThat(json.at("/layers/0/nanos").asDouble()).isPositive();
        }
    }

    @Test
    void benchMeasuresTvmsCode() throws IOException {
        TvmThere.assume();
        assertThat(bench("--target", "tvm-cpu", "--json", "--batch", 3, "--threads", 2))
                .as(err)
                .isZero();
        JsonNode json = new ObjectMapper().readTree(out);
        assertThat(json.get("target").asText()).isEqualTo("tvm-cpu");
        assertThat(json.get("rounding").asText()).isEqualTo("tosa");
        assertThat(json.get("batch").asInt()).isEqualTo(3);
        assertThat(json.get("macs").asInt()).isEqualTo(8);
        assertThat(json.get("runs").asInt()).isPositive();
        assertThat(json.get("layers")).isEmpty();
        assertThat(bench("--on", "tvm-cpu")).isZero();
        assertThat(out)
                .contains("half  rounding tosa, on tvm-cpu, 1 thread, batch 1")
                .doesNotContain("share");
    }

    @Test
    void benchRefusesOtherTargets() {
        assertThat(bench("--target", "tvm-c")).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("there is no target 'tvm-c' to measure", "one of: jvm, tvm-cpu");
        assertThat(bench("--target", "tvm-cpu", "--kernels", "scalar")).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("--kernels is for the jvm, not tvm-cpu");
    }

    @Test
    void benchTakesInputs() throws IOException {
        Path x = folder.resolve("x.npy");
        Npy.write(x, NpyArray.ofFloats(new float[8], 2, 4));
        assertThat(bench("--input", x, "--json")).as(err).isZero();
        assertThat(new ObjectMapper().readTree(out).get("batch").asInt()).isEqualTo(2);
        assertThat(bench("--input", x, "--batch", 5)).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("--batch is 5, but input 'x' has 2 items");
    }

    @Test
    void benchRefusesWithAFix() throws IOException {
        assertThat(bench("--batch", 0)).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("--batch is at least 1, found 0");
        assertThat(bench("--threads", 0)).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("--threads is 1 to ", ", found 0");
        assertThat(qnet("bench", model, "--seconds", "0")).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("--seconds is above 0 and at most 3600, found 0");
        assertThat(qnet("bench", model, "--warm-up", "-1")).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("--warm-up is 0 to 3600, found -1");
        assertThat(bench("--kernels", "fast")).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("there are no kernels 'fast'", "scalar, vector, adaptive");
        assertThat(qnet("bench", folder.resolve("half.jar"))).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("half.jar is no .qnet, .tflite or .onnx file", "fix: ");
        Files.writeString(model, Files.readString(model).replace("[N, ", "[1, "));
        assertThat(bench("--batch", 2)).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("no input of 'half' has an N", "leave --batch out");
    }

    @Test
    void explainSetsPredictionsBesideWhatWasMeasured() throws IOException {
        assertThat(qnet("explain", model, "--speed")).as(err).isZero();
        assertThat(out).containsPattern("MACs +activation +predicted +measured +MACs/ns");
        assertThat(out).containsPattern("dense_1 +dense .* 8 +2 B +[0-9.]+ [num]?s +[0-9.]+ [num]?s +[0-9.]+");
        assertThat(out)
                .containsPattern("one item takes [0-9.]+ [num]?s in its layers, predicted [0-9.]+ [num]?s; this machine"
                        + " multiplies and adds [0-9]+ singles a ns, reads [0-9]+ bytes a ns");
        assertThat(qnet("explain", model, "--speed", "--json")).isZero();
        JsonNode json = new ObjectMapper().readTree(out);
        assertThat(json.get("nanos").asDouble()).isPositive();
        assertThat(json.get("machineMacsPerNano").asDouble()).isPositive();
        assertThat(json.get("machineBytesPerNano").asDouble()).isPositive();
        assertThat(json.at("/layers/0/predictedNanos").asDouble()).isPositive();
        assertThat(json.at("/layers/0/measuredNanos").asDouble()).isPositive();
        assertThat(qnet("explain", model, "--json")).isZero();
        assertThat(out).doesNotContain("Nanos");
    }

    @Test
    void explainMeasuresOnlyWhatCanRun() throws IOException {
        Files.writeString(model, Files.readString(model).replace("@activations(u8, scale(1.0), zero(0))", ""));
        assertThat(qnet("explain", model, "--speed")).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("not-calibrated");
    }
}
