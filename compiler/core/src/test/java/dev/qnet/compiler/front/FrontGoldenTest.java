package dev.qnet.compiler.front;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.DiagnosticRenderer;
import dev.qnet.compiler.source.SourceFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Text in, text out: {@code src/test/resources/front/errors/CASE.qnet} has the errors {@code CASE.txt}, whole, and
 * {@code front/format/CASE.qnet} formats to {@code CASE.txt}. With {@code -Dqnet.golden.rewrite=true} the texts are
 * rewritten with what is given now: look at the difference before committing it.
 */
class FrontGoldenTest {
    private static final boolean REWRITE = Boolean.getBoolean("qnet.golden.rewrite");

    @TestFactory
    Stream<DynamicTest> errors() throws IOException {
        return cases("errors", FrontGoldenTest::errorsOf);
    }

    @TestFactory
    Stream<DynamicTest> layouts() throws IOException {
        return cases("format", text -> {
            String once = Formatter.format(new SourceFile("case.qnet", text));
            assertThat(Formatter.format(new SourceFile("case.qnet", once))).isEqualTo(once);
            return once;
        });
    }

    private static String errorsOf(String text) {
        try {
            Parser.parse(new SourceFile("case.qnet", text));
        } catch (CompileException e) {
            return DiagnosticRenderer.plain().render(e.diagnostics())
                    + "\n"
                    + DiagnosticRenderer.summary(e.diagnostics())
                    + "\n";
        }
        throw new AssertionError("the case has no errors");
    }

    private static Stream<DynamicTest> cases(String kind, UnaryOperator<String> run) throws IOException {
        List<Path> inputs;
        try (Stream<Path> files = Files.list(folder().resolve(kind))) {
            inputs = files.filter(f -> f.toString().endsWith(".qnet")).sorted().toList();
        }
        assertThat(inputs).isNotEmpty();
        return inputs.stream()
                .map(in -> DynamicTest.dynamicTest(
                        kind + "/" + in.getFileName(), in.toUri(), () -> check(in, run.apply(Files.readString(in)))));
    }

    private static void check(Path input, String actual) throws IOException {
        Path expected = input.resolveSibling(input.getFileName().toString().replace(".qnet", ".txt"));
        if (REWRITE) {
            Files.writeString(expected, actual);
        } else {
            assertThat(actual).isEqualTo(Files.readString(expected));
        }
    }

    /** In the sources, not among the classes: rewriting must reach what is committed. */
    private static Path folder() {
        Path module = Path.of("src/test/resources/front");
        return Files.isDirectory(module) ? module : Path.of("compiler/core").resolve(module);
    }
}
