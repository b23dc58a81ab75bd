package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.source.Diagnostic;

/**
 * Ends the binding of one construct. It is caught where that construct's value would be used, which then is
 * {@link Value#ERROR}, so that the rest of the file is still checked.
 */
final class Rejected extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final transient Diagnostic diagnostic;

    Rejected(Diagnostic diagnostic) {
        super(diagnostic.message(), null, false, false);
        this.diagnostic = diagnostic;
    }

    Diagnostic diagnostic() {
        return diagnostic;
    }
}
