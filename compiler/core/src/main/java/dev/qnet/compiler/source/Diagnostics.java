package dev.qnet.compiler.source;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Collects what one run has to say, so that several errors show at once. Not thread-safe. */
public final class Diagnostics {
    /** After this many errors a run gives up: more would hide the first. */
    public static final int MAX_ERRORS = 20;

    private final List<Diagnostic> all = new ArrayList<>();
    private int errors;

    /** Begins with nothing said. */
    public Diagnostics() {}

    /** Adds a diagnostic, unless the same one was said at the same place. */
    public void add(Diagnostic d) {
        if (all.contains(d)) {
            return;
        }
        all.add(d);
        if (d.severity() == Diagnostic.Severity.ERROR && ++errors >= MAX_ERRORS) {
            throw new CompileException(all());
        }
    }

    public boolean hasErrors() {
        return errors > 0;
    }

    /** All diagnostics in the order in which they were said. */
    public List<Diagnostic> all() {
        return Collections.unmodifiableList(all);
    }

    /**
     * Ends a phase.
     *
     * @throws CompileException with everything said so far, if any of it is an error
     */
    public void throwIfErrors() {
        if (hasErrors()) {
            throw new CompileException(all());
        }
    }
}
