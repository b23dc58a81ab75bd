package dev.qnet.benchmarks;

import dev.qnet.benchmarks.measure.Machine;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Writes the figures into the page that shows them. */
@Command(
        name = "readme",
        description =
                "Measures everything, each table in a process of its own, and writes the tables into the page, in "
                        + "place of those that it has.",
        mixinStandardHelpOptions = true)
final class ReadmeCommand implements Callable<Integer> {
    /** A table stands between {@code <!-- measured: COMMAND -->} and {@code <!-- end -->}. */
    private static final Pattern PLACE = Pattern.compile("(?s)<!-- measured: (.*?) -->\n.*?<!-- end -->");

    @Parameters(arity = "0..1", paramLabel = "FILE", description = "The page. Default: ${DEFAULT-VALUE}.")
    private Path page = Path.of("benchmarks", "README.md");

    @Option(names = "--only", paramLabel = "REGEX", description = "Tables whose command holds a match.")
    private Pattern only = Pattern.compile("");

    @Option(names = "--data", paramLabel = "FOLDER", description = "Where models lie, as for 'models'.")
    private Path data = Path.of(System.getProperty("qnet.data", "../shared/data"));

    @Option(names = "--pace", defaultValue = "normal", description = "As for the other commands.")
    private String pace = "normal";

    @Override
    public Integer call() throws IOException, InterruptedException {
        String text = Files.readString(page);
        Matcher m = PLACE.matcher(text);
        StringBuilder to = new StringBuilder();
        while (m.find()) {
            String command = m.group(1);
            String block = m.group();
            if (only.matcher(command).find()) {
                if (command.contains("--deny-amx") && !Machine.hasAmx()) {
                    block = "<!-- measured: " + command
                            + " -->\nThis machine has no AMX: the figures above are without it.\n" + "<!-- end -->";
                } else {
                    System.err.println("== " + command);
                    block = "<!-- measured: " + command + " -->\n" + measured(command) + "<!-- end -->";
                }
            }
            m.appendReplacement(to, Matcher.quoteReplacement(block));
        }
        Files.writeString(page, m.appendTail(to));
        return 0;
    }

    private String measured(String command) throws IOException, InterruptedException {
        List<String> line = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-Dqnet.data=" + data,
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
        line.addAll(Pattern.compile(" ").splitAsStream(command).toList());
        line.addAll(List.of("--pace", pace));
        String out = output(line, true);
        String commit =
                output(List.of("git", "rev-parse", "--short=10", "HEAD"), false).strip();
        return "\n" + out.strip() + "\n\n(commit " + (commit.isEmpty() ? "unknown" : commit) + ", Java "
                + Runtime.version() + ")\n";
    }

    private static String output(List<String> line, boolean must) throws IOException, InterruptedException {
        ProcessBuilder b = new ProcessBuilder(line).directory(new File(".").getAbsoluteFile());
        b.redirectError(must ? ProcessBuilder.Redirect.INHERIT : ProcessBuilder.Redirect.DISCARD);
        Process p = b.start();
        StringBuilder out = new StringBuilder();
        try (BufferedReader in = p.inputReader(StandardCharsets.UTF_8)) {
            for (String s = in.readLine(); s != null; s = in.readLine()) {
                out.append(s).append('\n');
            }
        }
        if (p.waitFor() != 0 && must) {
            throw new IOException("failed: " + String.join(" ", line));
        }
        return out.toString();
    }
}
