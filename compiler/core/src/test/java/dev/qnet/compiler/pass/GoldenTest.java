package dev.qnet.compiler.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.compiler.ir.GraphPrinter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Every {@code src/test/resources/golden/PASS/CASE.qir} is a test; {@link GoldenCase} tells the form. With
 * {@code -Dqnet.golden.rewrite=true} the files are rewritten with what the passes give: look at the difference before
 * committing it.
 */
class GoldenTest {
    private static final boolean REWRITE = Boolean.getBoolean("qnet.golden.rewrite");

    @TestFactory
    Stream<DynamicNode> cases() throws IOException {
        return list(folder()).stream()
                .map(pass -> DynamicContainer.dynamicContainer(
                        pass.getFileName().toString(),
                        list(pass).stream()
                                .map(file -> DynamicTest.dynamicTest(
                                        file.getFileName().toString(), file.toUri(), () -> check(file)))));
    }

    @Test
    void everyPassHasACase() throws IOException {
        for (Pass p : Passes.all()) {
            assertThat(folder().resolve(p.name())).isDirectoryContaining("glob:**.qir");
        }
    }

    private static void check(Path file) throws IOException {
        String text = Files.readString(file);
        GoldenCase expected = GoldenCase.parse(text);
        GoldenCase.Outcome outcome = expected.run();
        String input = GraphPrinter.print(GraphParser.parse(expected.input()));
        assertThat(outcome.output().equals(input) && outcome.diagnostics().isEmpty())
                .as("the passes change nothing (a case where they shall not says 'unchanged')")
                .isEqualTo(expected.unchanged());
        if (REWRITE) {
            Files.writeString(file, expected.with(outcome).print());
        } else {
            assertThat(expected.with(outcome).print()).isEqualTo(text.stripTrailing() + "\n");
        }
    }

    /** In the sources, not among the classes: rewriting must reach what is committed. */
    private static Path folder() {
        Path module = Path.of("src/test/resources/golden");
        return Files.isDirectory(module) ? module : Path.of("compiler/core").resolve(module);
    }

    private static List<Path> list(Path folder) {
        try (Stream<Path> s = Files.list(folder)) {
            return s.sorted().toList();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
