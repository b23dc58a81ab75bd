package dev.qnet.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.target.jvm.JvmTarget;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The program that docs/java.md shows compiles against the edges example's jar, and runs in a JVM of its own. */
class JavaPageTest {
    private static final Path ROOT = Path.of(System.getProperty("qnet.root", ".."));

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path folder;

    @Test
    void programOfThePageRuns() throws IOException, InterruptedException {
        BoundModel bound = Frontend.load(ROOT.resolve("examples/edges/edges.qnet"));
        Path jar = folder.resolve("edges.jar");
        JvmTarget.compile(Pipeline.run(
                        bound.graph(),
                        Passes.all(),
                        new PassContext(new Diagnostics(), bound.calibration()),
                        (p, g) -> {}))
                .writeJar(jar);
        String page = Files.readString(ROOT.resolve("docs/java.md"));
        int from = page.indexOf("```java\n") + "```java\n".length();
        Path source =
                Files.writeString(folder.resolve("FindEdges.java"), page.substring(from, page.indexOf("```", from)));
        int compiled = ToolProvider.getSystemJavaCompiler()
                .run(null, null, null, "-Xlint:all", "-Werror", "-cp", jar.toString(), source.toString());
        assertThat(compiled).isZero();

        Path output = folder.resolve("output.txt");
        Process p = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules=jdk.incubator.vector",
                        "-cp",
                        jar + File.pathSeparator + folder,
                        "FindEdges")
                .redirectOutput(output.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        boolean ended = p.waitFor(120, TimeUnit.SECONDS);
        if (!ended) {
            p.destroyForcibly();
        }
        assertThat(ended && p.exitValue() == 0).isTrue();
        // A step from 0 to 200, blurred to 50 and 150 around the edge: Sobel gives 4 times 150 on either side.
        assertThat(Files.readString(output)).isEqualToIgnoringNewLines("at the edge 600.0, beside it 0.0");
    }
}
