package dev.qnet.cli;

import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.bind.BoundModel;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The model that a command works on. */
final class ModelArgument {
    @Parameters(index = "0", paramLabel = "MODEL", description = "A .qnet file.")
    @SuppressWarnings("NullAway.Init")
    private Path file;

    @Option(names = "--model", paramLabel = "NAME", description = "Which model of the file, if it holds several.")
    private @Nullable String name;

    Path file() {
        return file;
    }

    /** Reads and binds the model; warnings are shown. */
    BoundModel load(Console console) {
        BoundModel bound = Frontend.load(file, new Frontend.Options(name));
        console.show(bound.warnings());
        return bound;
    }
}
