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
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/**
 * Whatever is done to a good source, it either binds to a graph that keeps every promise, or fails with errors that can be
 * rendered: no other exception, no endless work.
 */
class MutatedSourceTest {
    private static final Pattern TOKEN = Pattern.compile("\\w+|\\s+|.", Pattern.DOTALL);
    private static final List<String> SPICE = List.of(
            "0",
            "1",
            "-1",
            "4",
            "1e30",
            "9223372036854775807",
            "N",
            "x",
            "[]",
            "[1, 2]",
            "\"a\"",
            "true",
            "fill([2], 1)",
            "param(\"dense_1.bias\")",
            "@float",
            "@name(\"a\")",
            "i4",
            "range(0, 1)",
            "h",
            "|> relu",
            "x.shape",
            "same",
            "\"\"");

    private static List<List<String>> sources = List.of();
    private static Path folder = Path.of("");

    @BeforeContainer
    static void read() throws IOException {
        folder = Files.createTempDirectory("qnet-mutated");
        TestWeights.write(folder);
        Path module = Path.of("src/test/resources/bind/graphs");
        Path home =
                Files.isDirectory(module) ? module : Path.of("compiler/core").resolve(module);
        try (Stream<Path> files = Files.list(home)) {
            sources = files.filter(f -> f.toString().endsWith(".qnet"))
                    .sorted()
                    .map(MutatedSourceTest::tokens)
                    .toList();
        }
    }

    @AfterContainer
    static void remove() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path f : files.toList()) {
                Files.delete(f);
            }
        }
        Files.delete(folder);
    }

    private static List<String> tokens(Path file) {
        try {
            Matcher m = TOKEN.matcher(Files.readString(file));
            List<String> all = new ArrayList<>();
            while (m.find()) {
                all.add(m.group());
            }
            return all;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Property(tries = 1000, shrinking = ShrinkingMode.OFF)
    void mutatedSourcesBindOrFailCleanly(@ForAll long seed) throws IOException {
        Random random = new Random(seed);
        List<String> text = new ArrayList<>(sources.get(random.nextInt(sources.size())));
        for (int n = 1 + random.nextInt(3); n > 0; n--) {
            int at = random.nextInt(text.size());
            String other = random.nextBoolean()
                    ? SPICE.get(random.nextInt(SPICE.size()))
                    : text.get(random.nextInt(text.size()));
            switch (random.nextInt(4)) {
                case 0 -> text.set(at, other);
                case 1 -> text.remove(at);
                case 2 -> text.add(at, other);
                default -> text.set(at, text.get(at).isBlank() ? " " : other);
            }
        }
        Path file = folder.resolve("mutated.qnet");
        Files.writeString(file, String.join("", text));
        try {
            BoundModel model = Frontend.load(file);
            Verifier.verify(model.graph());
            assertThat(GraphParser.parse(GraphPrinter.print(model.graph()))).isEqualTo(model.graph());
        } catch (CompileException e) {
            assertThat(e.diagnostics()).isNotEmpty();
            assertThat(DiagnosticRenderer.plain().render(e.diagnostics())).contains("error[");
        }
    }
}
