package dev.qnet.cli.verify;

import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.io.IOException;
import java.nio.file.Path;

/** A backend test as ONNX publishes them: model.onnx and folders test_data_set_N of tensors as .pb files. */
final class OnnxTest {
    private OnnxTest() {}

    static Loaded read(Path path) throws IOException {
        throw new CompileException(Diagnostic.error("unsupported-operator", Span.NONE, "ONNX tests are not read yet"));
    }
}
