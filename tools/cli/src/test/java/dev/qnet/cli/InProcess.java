package dev.qnet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;

/** Runs commands in this process. */
abstract class InProcess {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path folder;

    /** What the last command printed. */
    String out = "";

    /** What it printed on standard error. */
    String err = "";

    /** The exit code of a command, which must not end in a stack trace. */
    final int qnet(Object... args) {
        StringWriter o = new StringWriter();
        StringWriter e = new StringWriter();
        Console console = new Console(new PrintWriter(o), new PrintWriter(e), false, false);
        int code = Main.run(console, Stream.of(args).map(String::valueOf).toArray(String[]::new));
        out = o.toString();
        err = e.toString();
        assertThat(err).doesNotContain("\tat ").doesNotContain("this is a bug in qnet");
        return code;
    }
}
