package dev.qnet.compiler.front.bind;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.compiler.ir.GraphPrinter;
import dev.qnet.compiler.ir.Verifier;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.DiagnosticRenderer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every {@code src/test/resources/bind/errors/CASE.qnet} fails with exactly the text beside it, and every
 * {@code bind/graphs/CASE.qnet} gives exactly the graph beside it. With {@code -Dqnet.golden.rewrite=true} the expected
 * files are rewritten: look at the difference before committing it.
 */
class BindGoldenTest {
    private static final boolean REWRITE = Boolean.getBoolean("qnet.golden.rewrite");

    @TempDir
    static Path temp;

    @TestFactory
    Stream<DynamicTest> errors() {
        return cases("errors", ".txt", BindGoldenTest::error);
    }

    @TestFactory
    Stream<DynamicTest> graphs() {
        return cases("graphs", ".qir", BindGoldenTest::graph);
    }

    private interface Subject {
        String apply(Path source);
    }

    private static Stream<DynamicTest> cases(String folder, String extension, Subject subject) {
        Path home = resources().resolve(folder);
        return list(home).stream().map(file -> {
            String name = file.getFileName().toString().replace(".qnet", "");
            return DynamicTest.dynamicTest(name, file.toUri(), () -> {
                Path source = temp.resolve(file.getFileName());
                Files.copy(file, source, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
                TestWeights.write(temp);
                String found = subject.apply(source)
                        .replace(temp.toString() + source.getFileSystem().getSeparator(), "");
                Path expected = home.resolve(name + extension);
                if (REWRITE) {
                    Files.writeString(expected, found);
                } else {
                    assertThat(found).isEqualTo(Files.readString(expected));
                }
            });
        });
    }

    private static String error(Path source) {
        try {
            return "bound without an error:\n"
                    + GraphPrinter.print(Frontend.load(source).graph());
        } catch (CompileException e) {
            return DiagnosticRenderer.plain().render(e.diagnostics());
        }
    }

    private static String graph(Path source) {
        BoundModel model;
        try {
            model = Frontend.load(source);
        } catch (CompileException e) {
            throw new AssertionError(DiagnosticRenderer.plain().render(e.diagnostics()), e);
        }
        Verifier.verify(model.graph());
        String text = GraphPrinter.print(model.graph());
        assertThat(GraphParser.parse(text)).isEqualTo(model.graph());
        StringBuilder more = new StringBuilder();
        if (!model.labels().isEmpty()) {
            more.append("labels ").append(model.labels()).append('\n');
        }
        model.calibration()
                .values()
                .forEach((id, range) -> more.append("calibrated ")
                        .append(id)
                        .append(' ')
                        .append(range)
                        .append('\n'));
        more.append(DiagnosticRenderer.plain().render(model.warnings()));
        return text + more;
    }

    private static List<Path> list(Path folder) {
        try (Stream<Path> s = Files.list(folder)) {
            return s.filter(f -> f.toString().endsWith(".qnet")).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** In the sources, not among the classes: rewriting must reach what is committed. */
    private static Path resources() {
        Path module = Path.of("src/test/resources/bind");
        return Files.isDirectory(module) ? module : Path.of("compiler/core").resolve(module);
    }
}
