package dev.qnet.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.target.jvm.JvmTarget;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The examples' jars in JVMs of their own: C2 gives up on none of their methods, the steady state allocates nothing,
 * and all sizes of vectors give the same bytes. How long a JVM takes until it is warm is up to the machine; nothing here
 * depends on it.
 */
class HotSpotTest {
    private static final Path ROOT = Path.of(System.getProperty("qnet.root", ".."));
    private static final Path DATA = Path.of(System.getProperty("qnet.data", "../../shared/data"));

    /** HotSpot compiles no larger method. */
    private static final int MOST_BYTES = 8000;

    /** The exit code of a process that the system kills. */
    private static final int KILLED = 128 + 9;

    private static final int ATTEMPTS = 3;

    /** {@code 1234  567 %  !   4   dev.qnet.Class::method @ 12 (345 bytes)   COMPILE SKIPPED: reason} */
    private static final Pattern BY_C2 =
            Pattern.compile("^ *\\d+ +\\d+ [ %sbn!]* 4 +dev\\.qnet\\.runtime\\.kernel\\.Simd\\S+::.*");

    private static final Pattern SKIPPED = Pattern.compile(".*dev\\.qnet.*(COMPILE SKIPPED|not compilable).*");

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"edges/edges", "mnist_cnn/calibrated"})
    void compilesAndAllocatesNothing(String example) throws Exception {
        steady(jar(example));
    }

    @Tag("slow")
    @ParameterizedTest
    @ValueSource(strings = {"edges/edges", "mnist_cnn/calibrated", "resnet8/calibrated"})
    void givesTheSameBytesInAllWidths(String example) throws Exception {
        Path jar = jar(example);
        String bytes = steady(jar);
        for (String kernels : new String[] {"scalar", "128", "256", "512"}) {
            String found = java(jar, "once", "-Ddev.qnet.kernels=" + kernels);
            if (!found.contains("asks for vectors of at least")) {
                assertThat(result(found, "bytes")).as(kernels).isEqualTo(bytes);
                // Compiled, too: C2 has code of its own for each width.
                String later = java(jar, "steady", "-Ddev.qnet.kernels=" + kernels);
                assertThat(result(later, "bytes")).as(kernels).isEqualTo(bytes);
            }
        }
    }

    private Path jar(String example) throws IOException {
        assumeTrue(
                example.startsWith("edges") || Files.isDirectory(DATA.resolve("weights")),
                () -> "no weights of examples below " + DATA);
        return compile(example);
    }

    /** Checks a jar, and returns what it computes. */
    private static String steady(Path jar) throws IOException, InterruptedException {
        assertThat(tooLarge(jar)).isEmpty();
        String log = java(jar, "steady", "-XX:+PrintCompilation");
        assertThat(log.lines().filter(l -> SKIPPED.matcher(l).matches())).isEmpty();
        // A log of which nothing is understood would pass everything.
        assertThat(log.lines().filter(l -> BY_C2.matcher(l).matches()))
                .as("methods that C2 has compiled")
                .hasSizeGreaterThan(3);
        assertThat(result(log, "allocated")).isEqualTo("0");
        assertThat(result(log, "failures")).as(log).isEqualTo("0");
        if (result(log, "worthwhile").equals("true")) {
            // Plain code allocates nothing either.
            int made = Integer.parseInt(result(log, "made"));
            assertThat(made).isPositive();
            assertThat(Integer.parseInt(result(log, "tookOver"))).isEqualTo(made);
        }
        return result(log, "bytes");
    }

    private Path compile(String example) throws IOException {
        BoundModel bound = Frontend.load(ROOT.resolve("examples").resolve(example + ".qnet"));
        Path jar = folder.resolve("model.jar");
        JvmTarget.compile(Pipeline.run(
                        bound.graph(),
                        Passes.all(),
                        new PassContext(new Diagnostics(), bound.calibration()),
                        (p, g) -> {}))
                .writeJar(jar);
        return jar;
    }

    private static String result(String output, String name) {
        Matcher m = Pattern.compile("(?m)^" + name + "=(\\S+)$").matcher(output);
        assertThat(m.find()).as(output).isTrue();
        return m.group(1);
    }

    private static String java(Path jar, String mode, String... options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("--add-modules", "jdk.incubator.vector", "-XX:+UseSerialGC", "-Xmx256m"));
        command.addAll(List.of(options));
        String tests = Path.of(SteadyState.class
                        .getProtectionDomain()
                        .getCodeSource()
                        .getLocation()
                        .getPath())
                .toString();
        command.addAll(List.of("-cp", jar + File.pathSeparator + tests));
        Path results = jar.resolveSibling("results.txt");
        command.addAll(List.of(SteadyState.class.getName(), jar.toString(), mode, results.toString()));
        for (int attempt = 1; ; attempt++) {
            Files.deleteIfExists(results);
            Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
            String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8).replace("\r", "");
            int code = p.waitFor();
            // A machine that is short of memory kills processes, which says nothing about them.
            if (code != KILLED || attempt == ATTEMPTS) {
                return out + "\nexit code " + code + "\n" + (Files.exists(results) ? Files.readString(results) : "");
            }
        }
    }

    /** Methods of a jar that are larger than HotSpot compiles. */
    private static List<String> tooLarge(Path jar) throws IOException {
        List<String> found = new ArrayList<>();
        int methods = 0;
        try (JarFile file = new JarFile(jar.toFile())) {
            for (Enumeration<JarEntry> e = file.entries(); e.hasMoreElements(); ) {
                JarEntry entry = e.nextElement();
                if (entry.getName().endsWith(".class")) {
                    try (InputStream in = file.getInputStream(entry)) {
                        for (MethodModel m :
                                ClassFile.of().parse(in.readAllBytes()).methods()) {
                            methods++;
                            CodeAttribute code =
                                    m.findAttribute(Attributes.code()).orElse(null);
                            if (code != null && code.codeLength() > MOST_BYTES) {
                                found.add(entry.getName() + "::" + m.methodName());
                            }
                        }
                    }
                }
            }
        }
        assertThat(methods).isGreaterThan(500);
        return found;
    }
}
