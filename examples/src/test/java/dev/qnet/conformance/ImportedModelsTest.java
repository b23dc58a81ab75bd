package dev.qnet.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.qnet.cli.verify.Case;
import dev.qnet.cli.verify.CaseResult;
import dev.qnet.cli.verify.CaseResult.Status;
import dev.qnet.cli.verify.Cases;
import dev.qnet.cli.verify.Executor;
import dev.qnet.cli.verify.Summary;
import dev.qnet.cli.verify.Verification;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Models and operators of other systems, with outputs that those systems computed, on the oracle and on compiled code: what
 * {@code qnet verify} does. docs/conformance.md has the counts.
 */
class ImportedModelsTest {
    private static final Path DATA = Path.of(System.getProperty("qnet.data", "../../shared/data"));
    private static final Verification VERIFICATION = new Verification(Executor.all(), Duration.ofMinutes(2));

    /** The share of a collection of operator tests that has to pass. */
    private static final double MOST = 0.95;

    /** What is not supported, by the reason that an importer gives, and why it is not. */
    private enum Gap {
        /** Floats of 4 and 8 bits, of which no integer network makes use. */
        SMALL_FLOATS("float8|float4"),
        /** Values that are no tensors. */
        NO_TENSORS("sequence|optional|string|Sequence|Optional|map"),
        /** Shapes that only the values of inputs decide, so that no static graph exists. */
        DYNAMIC_SHAPES("NonZero|Compress|Unique|NonMaxSuppression|dynamic|Loop|Scan"),
        /** Numbers drawn at random have no right answer. */
        RANDOM("Random|Bernoulli|Multinomial|Dropout"),
        /** Complex numbers and signal processing. */
        SIGNALS("complex|DFT|STFT|MelWeightMatrix");

        private final Pattern reason;

        Gap(String reason) {
            this.reason = Pattern.compile(reason);
        }

        static boolean explains(String reason) {
            for (Gap g : values()) {
                if (g.reason.matcher(reason).find()) {
                    return true;
                }
            }
            return false;
        }
    }

    /** Every integer equal; floats, which come from dequantized integers or float models, within the tolerance. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "tflite",
                "tflite_int16_ops",
                "tflite_model_only",
                "cmsis_nn",
                "onnx_quant",
                "onnx_ops_ort",
                "onnx_models",
                "qonnx"
            })
    void allOf(String folder) throws IOException {
        List<CaseResult> results = check(folder);
        assertThat(wrong(results, Status.PASSED)).as(folder).isEmpty();
    }

    /** None is wrong, few are missing, and it is known why. */
    @ParameterizedTest
    @ValueSource(strings = {"onnx_node", "onnx_1.12", "onnx2c"})
    void nearlyAllOf(String folder) throws IOException {
        List<CaseResult> results = check(folder);
        assertThat(wrong(results, Status.UNSUPPORTED)).as("failed in " + folder).isEmpty();
        Summary.Counts n = new Summary(results).total();
        assertThat(results.stream()
                        .flatMap(r -> r.outcomes().stream())
                        .filter(o -> o.status() == Status.UNSUPPORTED)
                        .map(CaseResult.Outcome::text)
                        .filter(why -> !Gap.explains(why)))
                .as("unsupported in " + folder + " and no known gap")
                .isEmpty();
        assertThat((double) n.passed() / n.cases())
                .as("share of " + folder + " that passes")
                .isGreaterThanOrEqualTo(MOST);
    }

    @Test
    void whatNobodyCanKnowIsRefusedByName() throws IOException {
        for (CaseResult r : check("tflite_negative")) {
            assertThat(r.status()).isEqualTo(Status.UNSUPPORTED);
            assertThat(r.outcomes()).allMatch(o -> o.text().contains("custom operator"));
        }
    }

    private static List<CaseResult> check(String folder) throws IOException {
        Path path = DATA.resolve(folder);
        assumeTrue(Files.isDirectory(path), () -> "no " + folder + " below " + DATA);
        List<Case> cases = Cases.below(List.of(path));
        assertThat(cases).as("cases in " + path).isNotEmpty();
        List<CaseResult> results = new ArrayList<>();
        for (Case c : cases) {
            results.add(VERIFICATION.check(c));
        }
        Summary.Counts n = new Summary(results).total();
        System.out.printf(
                "%s: %d cases, %d passed, %d failed, %d unsupported%n",
                folder, n.cases(), n.passed(), n.failed(), n.unsupported());
        return results;
    }

    /** A line for each outcome beyond what is allowed. */
    private static List<String> wrong(List<CaseResult> results, Status allowed) {
        List<String> lines = new ArrayList<>();
        for (CaseResult r : results) {
            for (CaseResult.Outcome o : r.outcomes()) {
                if (o.status().compareTo(allowed) > 0) {
                    lines.add(r.checked().name() + " on " + o.executor() + " " + o.status() + ": " + o.text());
                }
            }
        }
        return lines;
    }
}
