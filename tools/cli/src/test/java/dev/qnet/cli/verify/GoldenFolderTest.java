package dev.qnet.cli.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.cli.verify.CaseResult.Outcome;
import dev.qnet.cli.verify.CaseResult.Status;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GoldenFolderTest {
    /** An ONNX model: y = −x of two singles. */
    private static final String NEG =
            "CAgSA3Jldjo3ChAKAXgSAXkaA25lZyIDTmVnEgFnWg8KAXgSCgoICAESBAoCCAJiDwoBeRIKCggIARIECgIIAkICEA0=";

    private static final String PORTS = """
            "model": "model.onnx", "inputs": [{"shape": %s, "dtype": "float32"}],
            "outputs": [{"shape": [2], "dtype": "float32"}]
            """;

    private static final Verification VERIFICATION =
            new Verification(List.of(new Executor.Oracle()), Duration.ofSeconds(60));

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path folder;

    @BeforeEach
    void model() throws IOException {
        Files.write(folder.resolve("model.onnx"), Base64.getDecoder().decode(NEG));
        Files.write(folder.resolve("in.bin"), singles(1, -2));
        Files.write(folder.resolve("out.bin"), singles(-1, 2));
    }

    private static byte[] singles(float... values) {
        ByteBuffer b = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float v : values) {
            b.putFloat(v);
        }
        return b.array();
    }

    private Outcome check(String ports, String samples) throws IOException {
        Files.writeString(folder.resolve("goldens.json"), "{" + ports + ", \"samples\": " + samples + "}");
        CaseResult result = VERIFICATION.check(new Case("the case", "folder", folder, Case.Kind.GOLDENS));
        assertThat(result.outcomes()).hasSize(1);
        return result.outcomes().getFirst();
    }

    private static String sample(String input, String more) {
        return "[{\"inputs\": [\"" + input + "\"], \"outputs\": [\"out.bin\"]" + more + "}]";
    }

    @Test
    void samplesThatAreRightPass() throws IOException {
        assertThat(check(PORTS.formatted("[2]"), sample("in.bin", "")).status()).isEqualTo(Status.PASSED);
    }

    @ParameterizedTest
    @ValueSource(strings = {"[]", "{}", "\"all\""})
    void withoutSamplesNothingIsProved(String samples) throws IOException {
        assertThat(check(PORTS.formatted("[2]"), samples))
                .isEqualTo(new Outcome(CaseResult.ALL, Status.FAILED, folder + ": its list has no samples"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"[-1, 2]", "[2.5]", "[\"two\"]", "[4294967296]", "[65536, 65536]"})
    void shapesThatAreNoneFail(String shape) throws IOException {
        assertThat(check(PORTS.formatted(shape), sample("in.bin", "")).text())
                .startsWith(folder + ": its list has the shape");
    }

    @ParameterizedTest
    @CsvSource({"../in.bin, lies outside", "/dev/zero, lies outside", "in\\u0000, cannot be", "none.bin, no such file"})
    void filesLieInTheFolder(String name, String why) throws IOException {
        assertThat(check(PORTS.formatted("[2]"), sample(name, "")).text()).contains(why);
    }

    @Test
    void singlesMayDifferAsFarAsRightKernelsDo() throws IOException {
        Files.write(folder.resolve("in.bin"), singles(1, 3e-6f));
        Files.write(folder.resolve("out.bin"), singles(-1, -1e-6f));
        String spread = ", \"other_kernels\": {\"a\": {\"max_abs_diff\": %s}, \"b\": {\"max_abs_diff\": 0}}";
        assertThat(check(PORTS.formatted("[2]"), sample("in.bin", "")).status()).isEqualTo(Status.FAILED);
        assertThat(check(PORTS.formatted("[2]"), sample("in.bin", spread.formatted("1e-6")))
                        .status())
                .isEqualTo(Status.FAILED);
        assertThat(check(PORTS.formatted("[2]"), sample("in.bin", spread.formatted("3e-6")))
                        .status())
                .isEqualTo(Status.PASSED);
        Files.write(folder.resolve("out.bin"), singles(-1, -1e-3f));
        assertThat(check(PORTS.formatted("[2]"), sample("in.bin", spread.formatted("2")))
                        .status())
                .isEqualTo(Status.FAILED);
    }

    @Test
    void anOnnxTestWithoutOutputsFails() throws IOException {
        Path set = Files.createDirectory(folder.resolve("test_data_set_0"));
        CaseResult result = VERIFICATION.check(new Case("the case", "folder", folder, Case.Kind.ONNX_TEST));
        assertThat(result.outcomes())
                .containsExactly(new Outcome(CaseResult.ALL, Status.FAILED, set + " has no output_0.pb"));
    }
}
