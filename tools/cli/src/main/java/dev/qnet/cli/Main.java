package dev.qnet.cli;

import dev.qnet.compiler.interp.InputException;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.runtime.ModelException;
import dev.qnet.runtime.io.TensorFormatException;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import picocli.CommandLine;

/** Starts the command line. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        StandardError.restore();
        PrintWriter out = new PrintWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8), false);
        PrintWriter err = new PrintWriter(new OutputStreamWriter(System.err, StandardCharsets.UTF_8), true);
        System.exit(run(Console.ofProcess(out, err), args));
    }

    /** Runs one command line and gives its exit code. */
    static int run(Console console, String... args) {
        CommandLine line = new CommandLine(new QnetCommand(console));
        line.setOut(console.out());
        line.setErr(console.err());
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setParameterExceptionHandler((e, a) -> usage(console, misspelled(e, a)));
        line.setExecutionExceptionHandler((e, l, parsed) -> explain(console, e));
        int code = line.execute(args);
        console.out().flush();
        console.err().flush();
        return code;
    }

    /** What is wrong with the command line, what may have been meant, and where to read on: the whole help would hide it. */
    private static int usage(Console console, CommandLine.ParameterException e) {
        // The value of an option is wrong, not the command line.
        if (e.getCause() instanceof UserException u) {
            console.error(u);
            return ExitCode.INPUT;
        }
        String command = e.getCommandLine().getCommandSpec().qualifiedName();
        console.err().println("error: " + e.getMessage());
        CommandLine.UnmatchedArgumentException.printSuggestions(e, console.err());
        console.err().println("  fix: '" + command + " --help' shows what there is");
        return ExitCode.USAGE;
    }

    /** A misspelled option is what is wrong, not that the option it was meant for is missing. */
    private static CommandLine.ParameterException misspelled(CommandLine.ParameterException e, String[] args) {
        if (e instanceof CommandLine.MissingParameterException) {
            CommandLine line = e.getCommandLine();
            List<String> unknown = Arrays.stream(args)
                    .filter(a -> a.startsWith("-") && a.length() > 1)
                    .map(a -> a.startsWith("--") ? a.replaceFirst("=.*", "") : a.substring(0, 2))
                    .filter(a -> !line.getCommandSpec().optionsMap().containsKey(a))
                    .toList();
            if (!unknown.isEmpty()) {
                return new CommandLine.UnmatchedArgumentException(line, unknown);
            }
        }
        return e;
    }

    private static int explain(Console console, Exception e) {
        console.out().flush();
        return switch (e) {
            case CompileException c -> {
                console.show(c.diagnostics());
                // What is wrong inside a file is the input's fault; that there is none is not.
                yield c.diagnostics().stream()
                                .anyMatch(d -> d.code().equals("file-not-found")
                                        || d.code().equals("file-unreadable"))
                        ? ExitCode.IO
                        : ExitCode.INPUT;
            }
            case UserException u -> {
                console.error(u);
                yield ExitCode.INPUT;
            }
            case TensorFormatException t -> {
                console.error(new UserException(String.valueOf(t.getMessage())));
                yield ExitCode.INPUT;
            }
            case ModelException m -> {
                console.error(new UserException(String.valueOf(m.getMessage())));
                yield ExitCode.INPUT;
            }
            case InputException i -> {
                console.error(new UserException(String.valueOf(i.getMessage())));
                yield ExitCode.INPUT;
            }
            case InvalidPathException p -> {
                console.error(new UserException("'" + p.getInput() + "' is no file name: " + p.getReason()));
                yield ExitCode.INPUT;
            }
            case UncheckedIOException u -> io(console, Objects.requireNonNull(u.getCause()));
            case IOException io -> io(console, io);
            default -> {
                console.err()
                        .println("error: this is a bug in qnet, not in your input; please report it with these lines:");
                e.printStackTrace(console.err());
                yield ExitCode.BUG;
            }
        };
    }

    private static int io(Console console, IOException e) {
        String what = switch (e) {
            case NoSuchFileException f -> f.getFile() + ": there is no such file";
            case AccessDeniedException f -> f.getFile() + ": permission denied";
            case FileAlreadyExistsException f -> f.getFile() + ": a file is already there";
            case NotDirectoryException f -> f.getFile() + ": not a directory";
            case DirectoryNotEmptyException f -> f.getFile() + ": the directory is not empty";
            case FileSystemException f -> f.getFile() + ": " + f.getReason();
            default -> String.valueOf(e.getMessage());
        };
        console.error(new UserException(what));
        return ExitCode.IO;
    }
}
