package dev.qnet.compiler.source;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * Renders diagnostics as text:
 *
 * <pre>{@code
 * error[syntax]: expected ')' to close the argument list of conv2d
 *   --> resnet8.qnet:12:27
 *    |
 * 12 |   h = conv2d(16, kernel: 3
 *    |                           ^ here
 * note: it opens here
 *   --> resnet8.qnet:12:13
 *    |
 * 12 |   h = conv2d(16, kernel: 3
 *    |             ^
 * fix: close it
 * }</pre>
 *
 * The text of sources and messages is made safe for a terminal: a control character shows as {@code \u2426}. Lines end
 * with {@code \n} and never with blanks.
 */
public final class DiagnosticRenderer {
    private static final String RESET = "\u001b[0m";
    private static final String BOLD = "\u001b[1m";
    private static final String RED = "\u001b[1;31m";
    private static final String YELLOW = "\u001b[1;33m";
    private static final String BLUE = "\u001b[1;34m";
    private static final String GREEN = "\u001b[1;32m";

    private final boolean colours;

    private DiagnosticRenderer(boolean colours) {
        this.colours = colours;
    }

    /** A renderer of plain text. */
    public static DiagnosticRenderer plain() {
        return new DiagnosticRenderer(false);
    }

    /** A renderer with ANSI colours, for a terminal. */
    public static DiagnosticRenderer coloured() {
        return new DiagnosticRenderer(true);
    }

    /** All of them, a blank line between two. */
    public String render(List<Diagnostic> diagnostics) {
        return diagnostics.stream().map(this::render).collect(Collectors.joining("\n"));
    }

    /** One, over several lines, each ended. */
    public String render(Diagnostic d) {
        String colour = switch (d.severity()) {
            case ERROR -> RED;
            case WARNING -> YELLOW;
            case NOTE -> BLUE;
        };
        String word = d.severity().name().toLowerCase(Locale.ROOT);
        StringBuilder out = new StringBuilder();
        out.append(paint(colour, word + "[" + d.code() + "]"))
                .append(paint(BOLD, ": " + Excerpt.safe(d.message())))
                .append('\n');
        place(out, d.span(), d.label() == null ? "" : Excerpt.safe(d.label()), colour);
        for (Diagnostic.Note note : d.notes()) {
            out.append(paint(BLUE, "note"))
                    .append(": ")
                    .append(Excerpt.safe(note.text()))
                    .append('\n');
            place(out, note.span(), "", BLUE);
        }
        if (d.fix() != null) {
            out.append(paint(GREEN, "fix"))
                    .append(": ")
                    .append(Excerpt.safe(d.fix()))
                    .append('\n');
        }
        return out.toString();
    }

    /** How many errors and warnings there are, such as {@code 2 errors, 1 warning}; empty if none. */
    public static String summary(List<Diagnostic> diagnostics) {
        long errors = count(diagnostics, Diagnostic.Severity.ERROR);
        long warnings = count(diagnostics, Diagnostic.Severity.WARNING);
        String e = errors == 0 ? "" : errors + (errors == 1 ? " error" : " errors");
        String w = warnings == 0 ? "" : warnings + (warnings == 1 ? " warning" : " warnings");
        return e.isEmpty() || w.isEmpty() ? e + w : e + ", " + w;
    }

    private static long count(List<Diagnostic> diagnostics, Diagnostic.Severity severity) {
        return diagnostics.stream().filter(d -> d.severity() == severity).count();
    }

    private void place(StringBuilder out, Span span, String label, String colour) {
        if (span.isNone()) {
            if (!label.isEmpty()) {
                out.append("  ").append(label).append('\n');
            }
            return;
        }
        SourceFile file = span.file();
        int first = file.line(span.start());
        // A span that ends with a line's break ends on that line, not on the next.
        int last = Math.max(first, file.line(Math.max(span.start(), span.end() - 1)));
        int gutter = Integer.toString(last).length();
        String bar = " ".repeat(gutter) + " " + paint(BLUE, "|");
        out.append(" ".repeat(gutter))
                .append(paint(BLUE, "-->"))
                .append(' ')
                .append(Excerpt.safe(span.toString()))
                .append('\n');
        out.append(bar).append('\n');
        excerpt(out, Excerpt.of(span, first), gutter, first, first == last ? label : "", colour);
        if (last > first) {
            if (last > first + 1) {
                out.append(paint(BLUE, "...")).append('\n');
            }
            excerpt(out, Excerpt.of(span, last), gutter, last, label, colour);
        }
    }

    private void excerpt(StringBuilder out, Excerpt e, int gutter, int line, String label, String colour) {
        String number = Integer.toString(line);
        String text = e.text().stripTrailing();
        out.append(paint(BLUE, " ".repeat(gutter - number.length()) + number + " |"))
                .append(text.isEmpty() ? "" : " " + text)
                .append('\n');
        String carets = "^".repeat(e.carets()) + (label.isEmpty() ? "" : " " + label);
        out.append(" ".repeat(gutter))
                .append(' ')
                .append(paint(BLUE, "|"))
                .append(' ')
                .append(" ".repeat(e.indent()))
                .append(paint(colour, carets))
                .append('\n');
    }

    private String paint(String colour, String text) {
        return colours ? colour + text + RESET : text;
    }
}
