package dev.qnet.cli;

import dev.qnet.compiler.front.Formatter;
import dev.qnet.compiler.source.SourceFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code qnet fmt}: the one layout. */
@Command(
        name = "fmt",
        description = "Formats .qnet files in place; comments stay.",
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  qnet fmt model.qnet",
            "  qnet fmt --check examples/*/*.qnet    for a build: exit 1 if one is not formatted"
        })
final class FmtCommand implements Callable<Integer> {
    @ParentCommand
    @SuppressWarnings("NullAway.Init")
    private QnetCommand parent;

    @Parameters(arity = "1..*", paramLabel = "FILE", description = "The files.")
    @SuppressWarnings("NullAway.Init")
    private List<Path> files;

    @Option(names = "--check", description = "Write nothing; say which files are not formatted.")
    private boolean check;

    @Option(names = "--stdout", description = "Write the formatted text to standard output instead.")
    private boolean stdout;

    @Override
    public Integer call() throws IOException {
        Console console = parent.console();
        List<Path> wrong = new ArrayList<>();
        for (Path file : files) {
            String text = Files.readString(file, StandardCharsets.UTF_8);
            String formatted = Formatter.format(new SourceFile(file.toString(), text));
            if (stdout) {
                console.out().print(formatted);
            } else if (!formatted.equals(text)) {
                wrong.add(file);
                if (!check) {
                    AtomicFiles.write(file, out -> out.write(formatted.getBytes(StandardCharsets.UTF_8)));
                }
            }
        }
        for (Path file : wrong) {
            console.out().println(file + (check ? ": not formatted" : ": formatted"));
        }
        return check && !wrong.isEmpty() ? ExitCode.INPUT : ExitCode.OK;
    }
}
