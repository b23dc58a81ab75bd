package dev.qnet.cli.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.cli.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CasesTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path folder;

    @BeforeEach
    void files() throws IOException {
        file("node/test_b/model.onnx", "");
        file("node/test_b/test_data_set_0/input_0.pb", "");
        file("node/test_a/model.onnx", "");
        file("node/test_a/test_data_set_0/output_0.pb", "");
        file("golden/goldens.json", "{}");
        file("golden/model.tflite", "");
        file("op/case.json", "{}");
        file("op/model.tflite", "");
        file("alone/other.tflite", "");
        file("alone/NET.ONNX", "");
        file("kernels/add.json", "{\"case\": \"add\", \"deep\": {\"kernel\": 1}, \"kernel\": \"add_s8\"}");
        file("kernels/list.json", "[1, 2]");
        file("kernels/other.json", "{\"kernels\": \"x\", \"deep\": {\"kernel\": \"x\"}}");
        file("kernels/damaged.json", "{\"case\": ");
        file("kernels/readme.txt", "kernel");
    }

    private void file(String name, String text) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private List<String> found(Path... paths) throws IOException {
        return Cases.below(List.of(paths)).stream()
                .map(c ->
                        folder.relativize(c.path()) + " " + c.kind() + " in " + folder.relativize(Path.of(c.folder())))
                .toList();
    }

    @Test
    void findsEveryKindBelowAFolder() throws IOException {
        assertThat(found(folder))
                .containsExactly(
                        "alone/NET.ONNX MODEL in alone",
                        "alone/other.tflite MODEL in alone",
                        "golden GOLDENS in ",
                        "kernels/add.json CMSIS_NN in kernels",
                        "node/test_a ONNX_TEST in node",
                        "node/test_b ONNX_TEST in node",
                        "op OPERATOR in ");
    }

    @Test
    void aFileOfACaseIsTheCase() throws IOException {
        assertThat(found(folder.resolve("node/test_a/model.onnx"))).containsExactly("node/test_a ONNX_TEST in node");
        assertThat(found(folder.resolve("golden/goldens.json"))).containsExactly("golden GOLDENS in ");
        assertThat(found(folder.resolve("alone/other.tflite"))).containsExactly("alone/other.tflite MODEL in alone");
        assertThat(found(folder.resolve("kernels/add.json"))).containsExactly("kernels/add.json CMSIS_NN in kernels");
    }

    @Test
    void nothingIsFoundTwice() throws IOException {
        assertThat(found(folder.resolve("op"), folder.resolve("op"), folder)).hasSize(7);
    }

    @Test
    void refusesWhatIsNoCase() {
        assertThatThrownBy(() -> found(folder.resolve("kernels/readme.txt")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("nothing that can be checked");
        assertThatThrownBy(() -> found(folder.resolve("none"))).isInstanceOf(NoSuchFileException.class);
    }
}
