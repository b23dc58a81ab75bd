package dev.qnet.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every {@code ./qnet} command that the documentation shows, run as it is written, page by page, in a copy of the project:
 * each must succeed.
 */
class DocumentedCommandsTest {
    private static final Path ROOT =
            Path.of(System.getProperty("qnet.root", "..")).toAbsolutePath().normalize();
    private static final Path DATA = Path.of(System.getProperty("qnet.data", "../../shared/data"))
            .toAbsolutePath()
            .normalize();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path folder;

    static Stream<Path> pages() throws IOException {
        List<Path> pages = new ArrayList<>();
        try (Stream<Path> docs = Files.list(ROOT.resolve("docs"));
                Stream<Path> examples = Files.walk(ROOT.resolve("examples"), 2)) {
            Stream.concat(docs, examples)
                    .filter(p -> p.toString().endsWith(".md"))
                    .filter(p -> !commands(p).isEmpty())
                    .map(ROOT::relativize)
                    .sorted()
                    .forEach(pages::add);
        }
        return pages.stream();
    }

    private static List<String> commands(Path page) {
        try {
            return Files.readAllLines(page).stream()
                    .filter(l -> l.startsWith("    ./qnet "))
                    .map(l -> l.strip().replaceAll("\\s+#.*$", ""))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @MethodSource("pages")
    void commandsOfThePageSucceed(Path page) throws IOException, InterruptedException {
        Path project = Files.createDirectory(folder.resolve("project"));
        copyExamples(project);
        boolean data = Files.isDirectory(DATA);
        if (data) {
            Files.createDirectory(folder.resolve("shared"));
            Files.createSymbolicLink(folder.resolve("shared/data"), DATA);
        }
        int ran = 0;
        for (String command : commands(ROOT.resolve(page))) {
            boolean needsData =
                    command.contains("../shared") || command.contains("resnet8") || command.contains("mnist");
            if (data || !needsData) {
                run(project, command);
                ran++;
            }
        }
        int all = ran;
        assumeTrue(all > 0, () -> "every command of " + page + " needs " + DATA);
    }

    private static void copyExamples(Path project) throws IOException {
        try (Stream<Path> files = Files.walk(ROOT.resolve("examples"), 3)) {
            for (Path p : files.filter(Files::isRegularFile).toList()) {
                Path to = project.resolve(ROOT.relativize(p).toString());
                if (p.toString().endsWith(".qnet") || p.toString().endsWith(".safetensors")) {
                    Files.createDirectories(to.getParent());
                    Files.copy(p, to);
                }
            }
        }
    }

    private static void run(Path project, String command) throws IOException, InterruptedException {
        List<String> line = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "-Dqnet.home=" + project,
                "-cp",
                System.getProperty("java.class.path"),
                "dev.qnet.cli.Main"));
        line.addAll(List.of(command.substring("./qnet ".length()).split(" +")));
        Path output = project.resolve("output.txt");
        Process p = new ProcessBuilder(line)
                .directory(project.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        boolean ended = p.waitFor(180, TimeUnit.SECONDS);
        if (!ended) {
            p.destroyForcibly();
        }
        assertThat(ended && p.exitValue() == 0)
                .as("%s%n%s", command, Files.readString(output))
                .isTrue();
    }
}
