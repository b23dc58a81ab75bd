package dev.qnet.compiler.source;

import java.util.List;

/** The input cannot be compiled; the diagnostics say why. Meant for the user: no stack trace is shown for it. */
public class CompileException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final transient List<Diagnostic> diagnostics;

    public CompileException(List<Diagnostic> diagnostics) {
        super(message(diagnostics));
        this.diagnostics = List.copyOf(diagnostics);
    }

    public CompileException(Diagnostic diagnostic) {
        this(List.of(diagnostic));
    }

    /** Errors and warnings in the order in which they were found. */
    public List<Diagnostic> diagnostics() {
        return diagnostics;
    }

    private static String message(List<Diagnostic> diagnostics) {
        StringBuilder s = new StringBuilder();
        for (Diagnostic d : diagnostics) {
            if (d.severity() == Diagnostic.Severity.ERROR) {
                s.append(s.isEmpty() ? "" : "\n").append(d.span()).append(": ").append(d.message());
            }
        }
        return s.toString();
    }
}
