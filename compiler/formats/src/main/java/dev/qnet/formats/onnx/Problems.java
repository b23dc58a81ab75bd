package dev.qnet.formats.onnx;

import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What is wrong with a model: gathered, so that all of it is said at once. Fixes are added where messages have none. */
final class Problems {
    /** What to do about a model that is not understood. */
    private static final String WITHOUT =
            "docs/formats.md lists what ONNX models may use; export the model without the rest";

    private final Path file;
    private final List<Diagnostic> errors = new ArrayList<>();
    /** Inputs whose first extent the model leaves open. */
    private final List<String> open = new ArrayList<>();

    Problems(Path file) {
        this.file = file;
    }

    /** Notes that the model leaves the first extent of an input open. */
    void open(String input) {
        open.add(input);
    }

    /** Adds what is wrong: the file's name comes before the message, which begins with a colon or goes on from there. */
    void add(String code, String message) {
        add(error(code, message));
    }

    void add(String code, String message, String fix) {
        add(error(code, message).withFix(fix));
    }

    /** Adds what is wrong with a node. */
    void add(Proto.Node node, String label, String message) {
        Diagnostic d = Diagnostic.error(
                "unsupported-model",
                Span.NONE,
                file + ": " + Operators.key(node.domain(), node.op()) + " '" + label + "' " + message);
        add(open.isEmpty() ? d : d.withFix("if the batch is in the way, give the shape of " + String.join(", ", open)));
    }

    private void add(Diagnostic d) {
        if (!errors.contains(d)) {
            errors.add(d);
        }
    }

    /** What ends the import at once. */
    CompileException fatal(String code, String message) {
        return new CompileException(mended(error(code, message)));
    }

    /** Ends the import if anything has been added. */
    void throwAll() {
        if (!errors.isEmpty()) {
            // Once for all of them.
            errors.set(errors.size() - 1, mended(errors.getLast()));
            throw new CompileException(errors);
        }
    }

    private Diagnostic error(String code, String message) {
        return Diagnostic.error(code, Span.NONE, file + (message.startsWith(":") ? "" : " ") + message);
    }

    private static Diagnostic mended(Diagnostic d) {
        if (d.fix() != null) {
            return d;
        }
        return switch (d.code()) {
            case "bad-model" -> d.withFix(OnnxFile.AGAIN);
            case "unsupported-model" -> d.withFix(WITHOUT);
            default -> d;
        };
    }
}
