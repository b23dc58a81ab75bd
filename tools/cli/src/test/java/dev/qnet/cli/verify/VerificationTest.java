package dev.qnet.cli.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.cli.verify.CaseResult.Outcome;
import dev.qnet.cli.verify.CaseResult.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VerificationTest {
    /** (x + 1)·(y − 2)·2^−1, rounded, + 3. */
    private static final String MUL = """
            {"case": "mul", "kernel": "elementwise_mul_s8",
             "params": {"INPUT1_OFFSET": 1, "INPUT2_OFFSET": -2, "OUTPUT_OFFSET": 3, "OUTPUT_MULT": 1073741824,
               "OUTPUT_SHIFT": 0, "OUT_ACTIVATION_MIN": -128, "OUT_ACTIVATION_MAX": 20},
             "tensors": {
               "input1": {"ctype": "int8_t", "values": [1, 3, -5, 9]},
               "input2": {"ctype": "int8_t", "values": [4, 5, 6, 127]},
               "output_ref": {"ctype": "int8_t", "values": [%s]}}}
            """;

    private static final Verification VERIFICATION = new Verification(Executor.all(), Duration.ofSeconds(60));

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path folder;

    private CaseResult check(String text) throws IOException {
        return check(text, VERIFICATION);
    }

    private CaseResult check(String text, Verification verification) throws IOException {
        Path file = Files.writeString(folder.resolve("case.json"), text);
        return verification.check(new Case("the case", "folder", file, Case.Kind.CMSIS_NN));
    }

    @Test
    void rightOutputsPassOnEveryTarget() throws IOException {
        CaseResult r = check(MUL.formatted("5, 9, -5, 20"));
        assertThat(r.status()).isEqualTo(Status.PASSED);
        assertThat(r.outcomes().stream().map(Outcome::executor).toList())
                .isEqualTo(Executor.all().stream().map(Executor::name).toList());
        assertThat(r.operators()).containsExactly("elementwise_mul_s8");
    }

    @Test
    void aWrongOutputFailsWithTheFirstDifference() throws IOException {
        CaseResult r = check(MUL.formatted("5, 9, -4, 19"));
        assertThat(r.status()).isEqualTo(Status.FAILED);
        assertThat(r.outcomes())
                .allMatch(o ->
                        o.text().equals("output 'y' at [2]: expected -4, found -5 (2 of 4 differ, the most by 1)"));
    }

    @Test
    void whatIsNotKnownIsUnsupported() throws IOException {
        CaseResult r = check("{\"kernel\": \"fly_s8\", \"params\": {}, \"tensors\": {}}");
        assertThat(r.outcomes())
                .containsExactly(
                        new Outcome(CaseResult.ALL, Status.UNSUPPORTED, "there is no equal of the kernel fly_s8"));
    }

    @Test
    void damagedCasesFailInOneLine() throws IOException {
        assertThat(check("{\"kernel\": \"softmax_s8\", \"params\": {}, \"tensors\": {}}")
                        .outcomes())
                .singleElement()
                .satisfies(o -> {
                    assertThat(o.status()).isEqualTo(Status.FAILED);
                    assertThat(o.text()).isEqualTo("there is no macro NUM_ROWS");
                });
        assertThat(check("{\"kernel\": ").outcomes())
                .singleElement()
                .satisfies(o -> assertThat(o.text()).contains("is damaged").doesNotContain("\n"));
        assertThat(check(MUL.replace("int8_t", "float16_t").formatted("1")).outcomes())
                .singleElement()
                .satisfies(o -> assertThat(o.text()).isEqualTo("there is no storage for float16_t"));
    }

    @Test
    void aMissingModelFailsByName() {
        Path file = folder.resolve("none.tflite");
        CaseResult r = VERIFICATION.check(new Case("none", "folder", file, Case.Kind.MODEL));
        assertThat(r.outcomes())
                .containsExactly(new Outcome(CaseResult.ALL, Status.FAILED, file + ": there is no such file"));
    }

    /** A convolution that takes the oracle far longer than it may. */
    @Test
    void whatTakesTooLongFails() throws IOException {
        int n = 300 * 300;
        String zeros = IntStream.range(0, n).mapToObj(i -> "0").collect(Collectors.joining(","));
        String text = String.format(Locale.ROOT, """
                {"kernel": "convolve_s8", "params": {"INPUT_H": 300, "INPUT_W": 300, "IN_CH": 1, "OUT_CH": 1,
                 "FILTER_X": 101, "FILTER_Y": 101, "STRIDE_X": 1, "STRIDE_Y": 1, "PAD_X": 50, "PAD_Y": 50, "OUTPUT_W": 300,
                 "OUTPUT_H": 300, "INPUT_OFFSET": 0, "OUTPUT_OFFSET": 0, "OUT_ACTIVATION_MIN": 0, "OUT_ACTIVATION_MAX": 9},
                 "tensors": {"input": {"ctype": "int8_t", "values": [%s]}, "weights": {"ctype": "int8_t", "values": [%s]},
                 "output_mult": {"ctype": "int32_t", "values": [0]}, "output_shift": {"ctype": "int32_t", "values": [0]},
                 "output": {"ctype": "int8_t", "values": [%s]}}}
                """, zeros, zeros.substring(0, 2 * 101 * 101 - 1), zeros);
        CaseResult r = check(text, new Verification(List.of(new Executor.Oracle()), Duration.ofMillis(300)));
        assertThat(r.status()).isEqualTo(Status.FAILED);
        assertThat(r.outcomes().getLast().text()).startsWith("took longer than");
    }

    @Test
    void countsAreByFolderExecutorAndReason() throws IOException {
        CaseResult passed = check(MUL.formatted("5, 9, -5, 20"));
        CaseResult failed = check(MUL.formatted("5, 9, -5, 2"));
        CaseResult unsupported = check("{\"kernel\": \"fly_s8\", \"params\": {}, \"tensors\": {}}");
        Summary s = new Summary(List.of(passed, failed, unsupported, unsupported));
        assertThat(s.total()).isEqualTo(new Summary.Counts(4, 1, 1, 2));
        assertThat(s.folders()).containsExactly(java.util.Map.entry("folder", s.total()));
        assertThat(s.executors()).containsEntry("oracle", new Summary.Counts(2, 1, 1, 0));
        assertThat(s.reasons())
                .containsExactly(
                        java.util.Map.entry("there is no equal of the kernel fly_s8", List.of("the case", "the case")));
        assertThat(s.rows(false)).hasSize(3);
        assertThat(ConformancePage.of(s)).contains("| folder | 4 | 1 | 1 | 2 |", "| oracle | 2 | 1 | 1 | 0 |");
    }
}
