package dev.qnet.formats.onnx;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads .onnx files. */
final class OnnxFile {
    /** What one protobuf message may hold. */
    private static final long MAX_BYTES = Integer.MAX_VALUE - 64L;

    private OnnxFile() {}

    /**
     * Reads a model's messages.
     *
     * @throws CompileException if the file is no ONNX model
     * @throws IOException if it cannot be read
     */
    static Proto.Model read(Path file) throws IOException {
        byte[] bytes = bytes(file);
        try {
            return ProtoReader.model(bytes);
        } catch (InvalidProtocolBufferException e) {
            throw bad(file + " is no ONNX model, or is damaged: " + e.getMessage());
        }
    }

    /** What to do about a file that is not as it should be. */
    static final String AGAIN = "export or download the model again; the file may be cut short, or of another kind";

    /** A whole file. */
    static byte[] bytes(Path file) throws IOException {
        long size = Files.size(file);
        if (size > MAX_BYTES) {
            throw bad(file + " has " + size + " bytes; at most " + MAX_BYTES + " can be read");
        }
        return Files.readAllBytes(file);
    }

    /** An error about a file that is not what it should be. */
    static CompileException bad(String message) {
        return new CompileException(
                Diagnostic.error("bad-model", Span.NONE, message).withFix(AGAIN));
    }
}
