package dev.qnet.compiler.source;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One thing to tell the user about a source: where, what is wrong in the user's terms, and how to mend it.
 *
 * @param severity whether compilation can go on
 * @param code a short stable name, such as {@code shape-mismatch}, by which docs/language.md lists it
 * @param span where
 * @param message what is wrong, one sentence without a final full stop
 * @param label what stands beside the carets, or null
 * @param notes further places or facts, such as the path that led here
 * @param fix what to do about it, or null
 */
public record Diagnostic(
        Severity severity,
        String code,
        Span span,
        String message,
        @Nullable String label,
        List<Note> notes,
        @Nullable String fix) {

    /** Errors stop the compiler; warnings name waste; notes only tell. */
    public enum Severity {
        ERROR,
        WARNING,
        NOTE
    }

    /** A further fact, at a place of its own or ({@link Span#NONE}) without one. */
    public record Note(Span span, String text) {}

    public Diagnostic {
        notes = List.copyOf(notes);
    }

    public static Diagnostic error(String code, Span span, String message) {
        return new Diagnostic(Severity.ERROR, code, span, message, null, List.of(), null);
    }

    public static Diagnostic warning(String code, Span span, String message) {
        return new Diagnostic(Severity.WARNING, code, span, message, null, List.of(), null);
    }

    public Diagnostic labelled(String label) {
        return new Diagnostic(severity, code, span, message, label, notes, fix);
    }

    public Diagnostic withNote(Span at, String text) {
        List<Note> more = new ArrayList<>(notes);
        more.add(new Note(at, text));
        return new Diagnostic(severity, code, span, message, label, more, fix);
    }

    public Diagnostic withNote(String text) {
        return withNote(Span.NONE, text);
    }

    public Diagnostic withFix(String fix) {
        return new Diagnostic(severity, code, span, message, label, notes, fix);
    }
}
