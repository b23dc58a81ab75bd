package dev.qnet.formats.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** ONNX's own backend tests through the oracle. */
class OnnxConformanceTest {
    @ParameterizedTest
    @ValueSource(strings = {"onnx_node", "onnx_1.12", "onnx2c", "onnx_models"})
    void nearlyAllCasesPass(String folder) throws IOException {
        Path path = Path.of(System.getProperty("qnet.data", "absent"), folder);
        assumeTrue(Files.isDirectory(path), "no ONNX tests: -Dqnet.data names no folder with " + folder);
        List<Path> cases = OnnxCases.below(path);
        List<String> failures = new ArrayList<>();
        int run = 0;
        for (Path c : cases) {
            if (!Files.isDirectory(c.resolve("test_data_set_0"))) {
                continue;
            }
            run++;
            String wrong = OnnxCases.outcome(c);
            if (!wrong.isEmpty()) {
                failures.add(path.relativize(c) + ": " + wrong);
            }
        }
        failures.forEach(System.out::println);
        System.out.println(folder + ": " + (run - failures.size()) + " of " + run + " cases pass");
        assertThat(failures).hasSizeLessThanOrEqualTo(run / 20);
        // Whatever does not pass was refused with words, not with a wrong result or a raw exception.
        assertThat(failures).allMatch(f -> f.contains(OnnxCases.REFUSED));
    }
}
