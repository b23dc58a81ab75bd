package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.source.Diagnostic;
import org.jspecify.annotations.Nullable;

/**
 * Ends the binding of one construct. It is caught where that construct's value would be used, which then is
 * {@link Value#ERROR}, so that the rest of the file is still checked.
 */
final class Rejected extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final transient @Nullable Diagnostic diagnostic;

    Rejected(Diagnostic diagnostic) {
        super(diagnostic.message(), null, false, false);
        this.diagnostic = diagnostic;
    }

    private Rejected() {
        super("already reported", null, false, false);
        this.diagnostic = null;
    }

    /** What stands on something wrong that has been reported already. */
    static Rejected silently() {
        return new Rejected();
    }

    /** What to tell the user, or null if that has been done. */
    @Nullable Diagnostic diagnostic() {
        return diagnostic;
    }
}
