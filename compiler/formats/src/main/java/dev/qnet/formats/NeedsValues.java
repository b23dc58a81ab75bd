package dev.qnet.formats;

import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import java.util.List;

/** Inputs of a model have to be known when compiling; {@link ImportOptions#fixed} gives them. */
@SuppressWarnings("serial") // never serialized
public final class NeedsValues extends CompileException {
    private final List<String> inputs;

    public NeedsValues(Diagnostic diagnostic, List<String> inputs) {
        super(diagnostic);
        this.inputs = List.copyOf(inputs);
    }

    /** The inputs' names. */
    public List<String> inputs() {
        return inputs;
    }
}
