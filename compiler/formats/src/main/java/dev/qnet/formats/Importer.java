package dev.qnet.formats;

import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import dev.qnet.formats.onnx.OnnxImporter;
import dev.qnet.formats.tflite.TfliteImporter;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** Reads a model of another system; the file's name says of which. */
public final class Importer {
    private Importer() {}

    /** Whether a file's name is that of a model that can be imported. */
    public static boolean reads(Path file) {
        String name = file.toString().toLowerCase(Locale.ROOT);
        return name.endsWith(".tflite") || name.endsWith(".onnx");
    }

    /**
     * Reads a model.
     *
     * @throws NeedsValues if inputs have to be known when compiling
     * @throws CompileException if the file is no such model, or holds operators that have no equal here: all of them are
     *     listed
     * @throws IOException if the file cannot be read
     */
    public static Imported read(Path file, ImportOptions options) throws IOException {
        if (Files.isDirectory(file)) {
            throw new FileSystemException(file.toString(), null, "this is a folder, not a file");
        }
        if (!Files.isRegularFile(file)) {
            throw new NoSuchFileException(file.toString());
        }
        if (file.toString().toLowerCase(Locale.ROOT).endsWith(".onnx")) {
            return OnnxImporter.read(file, options);
        }
        if (file.toString().toLowerCase(Locale.ROOT).endsWith(".tflite")) {
            return TfliteImporter.read(file, options);
        }
        throw unknown(file);
    }

    /**
     * The names of a model's inputs, in its order, constants not counted; test data come in this order.
     *
     * @throws CompileException if the file is no such model
     * @throws IOException if the file cannot be read
     */
    public static List<String> inputs(Path file) throws IOException {
        if (file.toString().toLowerCase(Locale.ROOT).endsWith(".onnx")) {
            return OnnxImporter.inputs(file);
        }
        if (file.toString().toLowerCase(Locale.ROOT).endsWith(".tflite")) {
            return TfliteImporter.inputs(file);
        }
        throw unknown(file);
    }

    private static CompileException unknown(Path file) {
        return new CompileException(
                Diagnostic.error("unknown-format", Span.NONE, file + " is neither a .tflite nor an .onnx file"));
    }
}
