package dev.qnet.cli;

import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.bind.BoundModel;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The model that a command works on. */
final class ModelArgument {
    @Parameters(index = "0", paramLabel = "MODEL", description = "A .qnet, .tflite or .onnx file.")
    @SuppressWarnings("NullAway.Init")
    private Path file;

    @Option(names = "--model", paramLabel = "NAME", description = "Which model of a .qnet file, if it holds several.")
    private @Nullable String name;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private ImportArguments importing;

    Path file() {
        return file;
    }

    /** Reads and binds the model; warnings are shown. */
    BoundModel load(Console console) throws IOException {
        return Models.load(console, file, name, importing);
    }

    /** As {@link #load}, a source with parameters drawn at random where it has none. */
    BoundModel loadUntrained(Console console) {
        BoundModel bound = Frontend.load(file, new Frontend.Options(name, 0L));
        console.show(bound.warnings());
        return bound;
    }
}
