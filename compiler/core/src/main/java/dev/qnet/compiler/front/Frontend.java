package dev.qnet.compiler.front;

import dev.qnet.compiler.front.bind.Binder;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** From a file to a model: reads it and what it includes, binds a model of it, and loads that model's parameters. */
public final class Frontend {
    /** How the names of source files end. */
    public static final String EXTENSION = ".qnet";

    /** The code of the error that a model has no parameters at all, and none are missing that it names: it can be trained. */
    public static final String NO_PARAMETERS = "no-parameters";

    /**
     * What to load.
     *
     * @param model the model's name, or null for the only one
     * @param seed for a model that is to be trained: where parameters that no file has begin; null where they must be there
     * @param scheme what quantizes the model instead of its own scheme: one that the source declares, one of {@link #schemes}, or a
     *     file, of which the scheme is meant that no other of it extends; null for the model's own
     */
    public record Options(
            @Nullable String model,
            @Nullable Long seed,
            @Nullable String scheme) {
        public Options(@Nullable String model) {
            this(model, null, null);
        }

        public Options(@Nullable String model, @Nullable Long seed) {
            this(model, seed, null);
        }

        /** The only model of the file. */
        public static final Options DEFAULT = new Options(null);

        public static Options model(String name) {
            return new Options(name);
        }
    }

    private Frontend() {}

    /**
     * Loads a model.
     *
     * @throws CompileException with everything there is to say, if the file or a file that it names cannot be read or is
     *     wrong
     */
    public static BoundModel load(Path file, Options options) {
        Program program = program(file);
        return Binder.bind(
                options.scheme() == null ? program : OtherScheme.in(program, options.scheme()),
                options.model(),
                options.seed());
    }

    /** The schemes that {@link Options#scheme} knows without a declaration. */
    public static List<String> schemes() {
        return OtherScheme.known();
    }

    /** As {@link #load(Path, Options)}, of the only model of the file. */
    public static BoundModel load(Path file) {
        return load(file, Options.DEFAULT);
    }

    /**
     * The names of the models in a file and in what it includes, in the order of the text.
     *
     * @throws CompileException if a file cannot be read or parsed
     */
    public static List<String> models(Path file) {
        return Binder.models(program(file));
    }

    static Program program(Path file) {
        Path name = file.getFileName();
        if (name == null || !name.toString().toLowerCase(Locale.ROOT).endsWith(EXTENSION)) {
            throw new CompileException(Diagnostic.error(
                            "file-kind",
                            Span.NONE,
                            "'" + file + "' is no source: its name does not end in " + EXTENSION)
                    .withFix("name a .qnet file"));
        }
        return Includes.load(file);
    }
}
