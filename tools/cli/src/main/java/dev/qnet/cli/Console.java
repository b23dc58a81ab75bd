package dev.qnet.cli;

import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.DiagnosticRenderer;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Where a command writes: results to {@code out}, everything said about them to {@code err}. */
final class Console {
    private final PrintWriter out;
    private final PrintWriter err;
    private final boolean terminal;
    private final boolean colour;

    /**
     * @param terminal whether a person watches {@code err}: progress is redrawn in place
     * @param colour whether to colour what is said
     */
    Console(PrintWriter out, PrintWriter err, boolean terminal, boolean colour) {
        this.out = out;
        this.err = err;
        this.terminal = terminal;
        this.colour = colour;
    }

    /** The process's own streams; colours only on a terminal, and not where NO_COLOR is set (no-color.org). */
    @SuppressWarnings("SystemConsoleNull") // null is one way of being no terminal; isTerminal tells of the other
    static Console ofProcess(PrintWriter out, PrintWriter err) {
        java.io.Console console = System.console();
        boolean terminal = console != null && console.isTerminal();
        Map<String, String> env = System.getenv();
        boolean colour = terminal && env.getOrDefault("NO_COLOR", "").isEmpty() && !"dumb".equals(env.get("TERM"));
        return new Console(out, err, terminal, colour);
    }

    PrintWriter out() {
        return out;
    }

    PrintWriter err() {
        return err;
    }

    boolean terminal() {
        return terminal;
    }

    /** Shows diagnostics, each with its source line. */
    void show(List<Diagnostic> diagnostics) {
        for (Diagnostic d : diagnostics) {
            err.println((colour ? DiagnosticRenderer.coloured() : DiagnosticRenderer.plain())
                    .render(d)
                    .stripTrailing());
            err.println();
        }
        err.flush();
    }

    void error(UserException e) {
        err.println(bold("error: ", "31") + e.getMessage());
        if (e.fix() != null) {
            err.println("  fix: " + e.fix());
        }
        err.flush();
    }

    /** Something that may be wrong. */
    void warn(String message, @Nullable String fix) {
        err.println(bold("warning: ", "33") + message);
        if (fix != null) {
            err.println("  fix: " + fix);
        }
        err.flush();
    }

    /** A heading in a report. */
    String heading(String text) {
        return bold(text, "");
    }

    private String bold(String text, String colourCode) {
        return colour ? "\u001b[1" + (colourCode.isEmpty() ? "" : ";" + colourCode) + "m" + text + "\u001b[0m" : text;
    }
}
