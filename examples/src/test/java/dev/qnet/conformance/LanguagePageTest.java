package dev.qnet.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.front.Formatter;
import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.compiler.source.SourceFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The sources that docs/language.md shows compile to integers, and every error that the tests render is documented. */
class LanguagePageTest {
    private static final Path ROOT = Path.of(System.getProperty("qnet.root", ".."));

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path folder;

    static Stream<String> sources() throws IOException {
        String page = Files.readString(ROOT.resolve("docs/language.md"));
        return Arrays.stream(page.split("```qnet\n", -1)).skip(1).map(s -> s.substring(0, s.indexOf("```")));
    }

    @ParameterizedTest
    @MethodSource("sources")
    void sourcesCompile(String source) throws IOException {
        assertThat(Formatter.format(new SourceFile("page", source))).isNotEmpty();
        BoundModel bound = Frontend.load(Files.writeString(folder.resolve("page.qnet"), source));
        float[] data =
                new float[4 * bound.graph().params().getFirst().type().shape().elements()];
        for (int i = 0; i < data.length; i++) {
            data[i] = (float) Math.sin(i) * 3;
        }
        Calibration calibration =
                bound.calibration().equals(Calibration.NONE) && bound.graph().policy() != null
                        ? Calibrating.on(bound.graph(), data, 4)
                        : bound.calibration();
        Diagnostics diagnostics = new Diagnostics();
        Pipeline.run(bound.graph(), Passes.all(), new PassContext(diagnostics, calibration), (p, g) -> {});
        assertThat(diagnostics.hasErrors()).isFalse();
    }

    @Test
    void everyRenderedErrorIsDocumented() throws IOException {
        String page = Files.readString(ROOT.resolve("docs/errors.md"));
        Path tests = ROOT.resolve("compiler/core/src/test/resources");
        List<Path> files;
        try (Stream<Path> walk = Files.walk(tests)) {
            files = walk.filter(Files::isRegularFile).toList();
        }
        for (Path file : files) {
            for (String line : Files.readAllLines(file)) {
                if (line.matches("(error|warning|note)\\[[a-z-]+\\]: .*")) {
                    String code = line.substring(line.indexOf('[') + 1, line.indexOf(']'));
                    assertThat(page).as(file.toString()).contains("### " + code + "\n");
                }
            }
        }
    }

    /** Codes are found where sources make diagnostics of them, literally. */
    @Test
    void everyCodeInTheSourcesIsDocumented() throws IOException {
        String page = Files.readString(ROOT.resolve("docs/errors.md"));
        Pattern code = Pattern.compile("Diagnostic\\s*\\.\\s*(?:error|warning)\\(\\s*\"([a-z0-9-]+)\"");
        Set<String> found = new TreeSet<>();
        for (String module : List.of("compiler/core", "compiler/formats", "targets/jvm", "tools/cli")) {
            try (Stream<Path> walk = Files.walk(ROOT.resolve(module).resolve("src/main/java"))) {
                for (Path file :
                        walk.filter(f -> f.toString().endsWith(".java")).toList()) {
                    code.matcher(Files.readString(file)).results().forEach(m -> found.add(m.group(1)));
                }
            }
        }
        assertThat(found)
                .hasSizeGreaterThan(50)
                .allSatisfy(c -> assertThat(page).contains("### " + c + "\n"));
    }
}
