package dev.qnet.target.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.runtime.Model;
import dev.qnet.runtime.ModelException;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.io.Npy;
import dev.qnet.runtime.io.NpyArray;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model's jar: run by a JVM of its own, loaded, compiled against, compared, damaged. */
final class JarTest {
    private static final String VECTOR = "--add-modules=jdk.incubator.vector";

    @TempDir
    private Path folder = Path.of("");

    private Path jar = Path.of("");

    @BeforeEach
    void write() throws IOException {
        jar = folder.resolve("tiny.jar");
        Fixtures.tiny().writeJar(jar);
        Npy.write(folder.resolve("image.npy"), NpyArray.ofUint8(new byte[] {3, 4, 5, 9, 1, 0, -1, 8}, 2, 2, 2, 1));
        Npy.write(folder.resolve("gain.npy"), NpyArray.ofFloats(new float[] {1, 2, 3}, 3));
    }

    @Test
    void runsInAFreshJvmWithTheVectorModule() throws Exception {
        Run run = tiny("--raw");
        assertThat(run.exit).isZero();
        assertThat(run.err.replaceAll("WARNING: .*incubator.*\\R", "")).isEmpty();
        assertThat(run.out).startsWith("scores: u8 [2, 3] ").contains("sums: i32 [2, 3] 28 ");
    }

    @Test
    void runsWithoutTheVectorModuleAndSaysSoInOneLine() throws Exception {
        String[] arguments = {"-jar", "tiny.jar", "--input", "image=image.npy", "--input", "gain=gain.npy"};
        Run plain = java(arguments);
        assertThat(plain.exit).isZero();
        assertThat(plain.err)
                .isEqualTo(
                        "qnet: the module jdk.incubator.vector is missing, so models run slower, with the same results;"
                                + " start java with --add-modules jdk.incubator.vector (or with -Ddev.qnet.kernels=scalar to be"
                                + " silent)\n");
        Run silent = java(Stream.concat(Stream.of("-Ddev.qnet.kernels=scalar"), Arrays.stream(arguments))
                .toArray(String[]::new));
        assertThat(silent.err).isEmpty();
        Run impossible = java(Stream.concat(Stream.of("-Ddev.qnet.kernels=vector"), Arrays.stream(arguments))
                .toArray(String[]::new));
        assertThat(impossible.exit).isEqualTo(1);
        assertThat(impossible.err)
                .startsWith("error: dev.qnet.kernels=vector needs the module")
                .hasLineCount(1);
        Run vector =
                java(Stream.concat(Stream.of(VECTOR), Arrays.stream(arguments)).toArray(String[]::new));
        assertThat(plain.out).isEqualTo(vector.out).isEqualTo(silent.out);
    }

    @Test
    void runsOnThreadsAndRepeatedly() throws Exception {
        Run once = tiny();
        Run often = tiny("--threads", "2", "--repeat", "5");
        assertThat(often.exit).isZero();
        assertThat(often.out).isEqualTo(once.out);
        assertThat(often.err).containsPattern("5 runs: median \\d+ us, slowest \\d+ us");
    }

    @Test
    void writesOutputs() throws Exception {
        Run run = tiny("--output", "scores=out.npy");
        assertThat(run.exit).as(run.err).isZero();
        assertThat(run.out).isEmpty();
        Map<String, Tensor> expected = Model.load(jar)
                .run(Map.of(
                        "image", Tensor.of(Npy.read(folder.resolve("image.npy"))),
                        "gain", Tensor.of(Npy.read(folder.resolve("gain.npy")))));
        assertThat(Npy.read(folder.resolve("out.npy")).toFloats())
                .isEqualTo(Objects.requireNonNull(expected.get("scores")).floats());
    }

    @Test
    void explainsItselfAndFailsClearly() throws Exception {
        Run info = java(VECTOR, "-jar", "tiny.jar", "--info");
        assertThat(info.out)
                .contains(
                        "model tiny",
                        "  input  image: u8 [N, 2, 2, 1] (u8 scale 0.5 zero 3)",
                        "  output sums: i32 [N, 3]",
                        "  rounding tosa");
        Run usage = java(VECTOR, "-jar", "tiny.jar", "--input", "image.npy");
        assertThat(usage.exit).isEqualTo(2);
        assertThat(usage.err).contains("error: the model has 2 inputs [image, gain]: give --input NAME=FILE.npy");
        Run threads = java(VECTOR, "-jar", "tiny.jar", "--info", "--threads", "0");
        assertThat(threads.exit).isEqualTo(2);
        assertThat(threads.err).contains("error: --threads needs a number from 1 to 256, not '0'");
        Run missing = java(VECTOR, "-jar", "tiny.jar", "--input", "image=image.npy");
        assertThat(missing.exit).isEqualTo(1);
        assertThat(missing.err).contains("error: input 'gain' is missing: expected i8 or f32 [3]");
        Run absent = java(VECTOR, "-jar", "tiny.jar", "--input", "image=no.npy", "--input", "gain=gain.npy");
        assertThat(absent.exit).isEqualTo(3);
        assertThat(absent.err.replaceAll("WARNING: .*incubator.*\\R", ""))
                .isEqualTo("error: no.npy: there is no such file\n");
        Run nowhere = tiny("--output", "scores=none/x.npy");
        assertThat(nowhere.exit).isEqualTo(3);
        assertThat(nowhere.err).contains("error: none/x.npy: cannot be written: there is no folder ");
        Run picture = tiny("--output", "scores=x.png");
        assertThat(picture.exit).isEqualTo(2);
        assertThat(picture.err).contains("error: outputs are written as .npy, and 'x.png' ends otherwise");
        Run wrong = java(VECTOR, "-jar", "tiny.jar", "--input", "image=gain.npy", "--input", "gain=gain.npy");
        assertThat(wrong.err)
                .contains("error: input 'image' expects u8 or f32 [N, 2, 2, 1], found f32 [3]")
                .doesNotContain("at dev.qnet");
    }

    /** Runs the jar on right inputs. */
    private Run tiny(String... more) throws Exception {
        return java(Stream.concat(
                        Stream.of(VECTOR, "-jar", "tiny.jar", "--input", "image=image.npy", "--input", "gain=gain.npy"),
                        Arrays.stream(more))
                .toArray(String[]::new));
    }

    @Test
    void typedApiCompilesAndRuns() throws Exception {
        Path source = folder.resolve("Example.java");
        Files.writeString(source, """
                import dev.qnet.generated.Tiny;
                import dev.qnet.runtime.LoadOptions;
                import java.util.Arrays;

                public class Example {
                    public static void main(String[] args) {
                        Tiny tiny = Tiny.load();
                        byte[] image = {3, 4, 5, 9};
                        byte[] scores = new byte[3];
                        int[] sums = new int[3];
                        try (Tiny.Request request = tiny.request()) {
                            request.setImageCodes(image).setGain(new float[] {1, 2, 3});
                            request.intoScoresCodes(scores).intoSums(sums);
                            for (int i = 0; i < 2; i++) {
                                request.run();
                                System.out.println(Arrays.toString(scores) + " " + Arrays.toString(sums));
                                image[0]++;
                            }
                        }
                        System.out.println(tiny.model().name());
                        LoadOptions options = LoadOptions.defaults().withThreads(2).withWarmUp(false);
                        try (Tiny threads = Tiny.load(options)) {
                            System.out.println(threads.model().threads());
                        }
                    }
                }
                """);
        int compiled = ToolProvider.getSystemJavaCompiler()
                .run(
                        null,
                        null,
                        null,
                        "-Xlint:all",
                        "-Werror",
                        "-cp",
                        jar.toString(),
                        "-d",
                        folder.toString(),
                        source.toString());
        assertThat(compiled).isZero();
        Run run = java(VECTOR, "-cp", "tiny.jar" + File.pathSeparator + ".", "Example");
        assertThat(run.err.replaceAll("WARNING: .*incubator.*\\R", "")).isEmpty();
        assertThat(run.out).isEqualTo("[7, 11, 7] [28, 40, 9]\n[7, 12, 7] [29, 45, 10]\ntiny\n2\n");
    }

    @Test
    void anOlderJavaIsToldWhichOneTheJarNeeds() throws Exception {
        byte[] start;
        try (FileSystem zip = FileSystems.newFileSystem(jar)) {
            start = Files.readAllBytes(zip.getPath(StartClass.path()));
        }
        assertThat(start[7])
                .as("class files of Java 5, which all later ones read")
                .isEqualTo((byte) 49);
        // An older JVM need not be at hand: this one takes itself for one.
        Path source = folder.resolve("Old.java");
        Files.writeString(source, """
                public class Old {
                    public static void main(String[] args) {
                        System.setProperty("java.specification.version", args[0]);
                        dev.qnet.runtime.Start.main(new String[] {"--help"});
                    }
                }
                """);
        for (String version : List.of("1.8", "11", "17", "24")) {
            Run run = java("-cp", jar.toString(), "Old.java", version);
            assertThat(run.exit).as(version).isEqualTo(1);
            assertThat(run.err).isEqualTo("""
                    error: this model needs Java 25 or newer, and this is Java %s. Install a JDK or JRE 25 \
                    (https://adoptium.net), or name its java: /path/to/jdk-25/bin/java -jar ...
                    """.formatted(version));
            assertThat(run.out).isEmpty();
        }
        assertThat(java("-cp", jar.toString(), "Old.java", "26").out).startsWith("usage: java");
    }

    @Test
    void equalModelsGiveEqualJars() throws IOException {
        Path again = folder.resolve("again.jar");
        Fixtures.tiny().writeJar(again);
        assertThat(again).hasSameBinaryContentAs(jar);
    }

    @Test
    void replacesAFileWholeAndLeavesNothingBehind() throws IOException {
        Path old = folder.resolve("old.jar");
        Files.writeString(old, "something else");
        Fixtures.tiny().writeJar(old);
        assertThat(old).hasSameBinaryContentAs(jar);
        assertThatThrownBy(() -> Fixtures.tiny().writeJar(folder.resolve("nowhere/tiny.jar")))
                .isInstanceOf(IOException.class);
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.map(p -> p.getFileName().toString()))
                    .containsExactlyInAnyOrder("tiny.jar", "old.jar", "image.npy", "gain.npy");
        }
    }

    @Test
    void loadsFromADirectoryToo() throws IOException {
        try (FileSystem zip = FileSystems.newFileSystem(jar)) {
            Path from = zip.getPath("/dev/qnet/generated");
            Path to = Files.createDirectories(folder.resolve("exploded/dev/qnet/generated"));
            try (Stream<Path> files = Files.list(from)) {
                for (Path p : files.toList()) {
                    Files.copy(p, to.resolve(p.getFileName().toString()));
                }
            }
        }
        assertThat(Model.load(folder.resolve("exploded")).name()).isEqualTo("tiny");
    }

    @Test
    void damagedJarsAreRefused() throws IOException {
        byte[] good = Files.readAllBytes(jar);
        Path bad = folder.resolve("bad.jar");
        for (int length : new int[] {0, 10, good.length / 2, good.length - 1}) {
            Files.write(bad, Arrays.copyOf(good, length));
            assertThatThrownBy(() -> Model.load(bad))
                    .isInstanceOf(ModelException.class)
                    .hasMessageStartingWith(bad + ": not a model jar, or a damaged one");
        }
        assertThatThrownBy(() -> Model.load(folder.resolve("none.jar")))
                .isInstanceOf(ModelException.class)
                .hasMessage(folder.resolve("none.jar")
                        + ": no such file; expected a jar or a library that 'qnet compile' wrote");
        assertThatThrownBy(() -> Model.load(folder))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("expected one model in dev/qnet/generated/, found none");
    }

    private record Run(int exit, String out, String err) {}

    private Run java(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-XX:TieredStopAtLevel=1", "-Xmx256m"));
        command.addAll(List.of(arguments));
        Path out = folder.resolve("stdout");
        Path err = folder.resolve("stderr");
        Process p = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        assertThat(p.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return new Run(
                p.exitValue(),
                Files.readString(out, StandardCharsets.UTF_8).replace("\r", ""),
                Files.readString(err, StandardCharsets.UTF_8).replace("\r", ""));
    }
}
