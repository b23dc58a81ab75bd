package dev.qnet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The launcher {@code ./qnet} in a clone of its own, with JDKs and a Maven that only say how they were called. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the launcher is a POSIX shell script")
class LauncherTest {
    private static final String PROGRESS = """
            qnet: downloading what the build needs
            qnet: 1/2 Qnet: runtime
            qnet: 2/2 Qnet: command line
            """;

    private static final List<String> TOOLS =
            List.of("cat", "cp", "date", "find", "flock", "grep", "ln", "ls", "mkdir", "mv", "readlink", "rm", "sleep");

    @TempDir
    Path temp;

    private Path clone;
    private Path bin;

    /** A blank in the name, since clones are found in folders like that. */
    @BeforeEach
    void layOut() throws IOException {
        clone = Files.createDirectories(temp.resolve("a clone"));
        Files.copy(Path.of(System.getProperty("qnet.root"), "qnet"), clone.resolve("qnet"));
        executable(clone.resolve("qnet"));
        Files.writeString(clone.resolve("pom.xml"), "");
        file("tools/cli/src/main/java/target/Main.java");
        file("tools/cli/src/main/java/Other.java");
        file("tools/cli/src/test/java/MainTest.java");
        bin = Files.createDirectories(temp.resolve("bin"));
        for (String tool : TOOLS) {
            for (String folder : System.getenv("PATH").split(":", -1)) {
                Path found = Path.of(folder, tool);
                if (Files.isExecutable(found) && !Files.exists(bin.resolve(tool))) {
                    script(bin.resolve(tool), "exec '" + found + "' \"$@\"\n");
                }
            }
        }
        script(bin.resolve("mvn"), """
                echo "$JAVA_HOME $*" >> "%1$s/maven-calls"
                if [ -e "%1$s/broken" ]; then cat "%1$s/broken"; exit 1; fi
                cat <<'LOG'
                [INFO] Downloading from central: https://example.org/a.jar
                [INFO] Downloading from central: https://example.org/b.jar
                [INFO] Building Qnet: runtime 0.1.0-SNAPSHOT                     [1/2]
                [INFO] Building jar: 100%% C:\\new.jar
                [INFO] Building Qnet: command line 0.1.0-SNAPSHOT                [2/2]
                LOG
                mkdir -p tools/cli/target/lib
                echo x > tools/cli/target/qnet-cli-1.jar
                echo x > tools/cli/target/lib/z.jar
                echo x > tools/cli/target/lib/a.jar
                sleep 0.3
                """.formatted(temp));
    }

    private void file(String name) throws IOException {
        Path path = clone.resolve(name);
        Files.createDirectories(path.getParent());
        Files.writeString(path, "");
        // Well before any build: file systems may keep times to the second.
        Files.setLastModifiedTime(path, FileTime.from(Instant.now().minusSeconds(3600)));
        Files.setLastModifiedTime(path.getParent(), FileTime.from(Instant.now().minusSeconds(3600)));
    }

    private static void executable(Path file) {
        assertThat(file.toFile().setExecutable(true)).isTrue();
    }

    private static void script(Path file, String body) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, "#!/bin/sh\n" + body);
        executable(file);
    }

    private Path jdk(String name, String version) throws IOException {
        Path home = temp.resolve(name);
        script(home.resolve("bin/java"), """
                for a; do
                    case $a in
                        -XX:DumpLoadedClassList=*) echo loaded > "${a#*=}"; exit ;;
                        -Xshare:dump) dump=yes ;;
                        -XX:SharedArchiveFile=*) if [ -n "${dump:-}" ]; then echo x > "${a#*=}"; exit; fi ;;
                    esac
                done
                echo "%s"
                for a; do printf '[%%s]\\n' "$a"; done
                """.formatted(name));
        script(home.resolve("bin/javac"), "");
        Files.writeString(
                home.resolve("release"), "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"" + version + "\"\nOS_ARCH=\"y\"\n");
        return home;
    }

    private record Result(int code, String out, String err) {
        /** The JDK that was started. */
        String jdk() {
            return out.lines().findFirst().orElse("none");
        }
    }

    private Process start(Map<String, String> environment, List<String> command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().clear();
        builder.environment().putAll(Map.of("PATH", bin.toString(), "HOME", temp.toString(), "QNET_JDK_PATH", ""));
        builder.environment().putAll(environment);
        builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        return builder.start();
    }

    private static Result finish(Process process) {
        try {
            String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
            return new Result(process.exitValue(), out, err);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private Result qnet(Map<String, String> environment, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(clone.resolve("qnet").toString()));
        command.addAll(List.of(arguments));
        return finish(start(environment, command));
    }

    private Map<String, String> with25() throws IOException {
        return Map.of("QNET_JAVA_HOME", jdk("jdk-25", "25.0.3").toString());
    }

    private int builds() throws IOException {
        Path calls = temp.resolve("maven-calls");
        return Files.exists(calls) ? Files.readAllLines(calls).size() : 0;
    }

    @Test
    void looksForTheJdkInTheStatedOrder() throws IOException {
        Map<String, String> environment = new TreeMap<>();
        environment.put("QNET_JDK_PATH", temp.resolve("one") + ":" + temp.resolve("two"));
        jdk("two/of25", "25");
        jdk("two/of24", "24.0.2");
        assertThat(qnet(environment).jdk()).isEqualTo("two/of25");
        Path onPath = jdk("on-path", "25.0.1");
        Files.createSymbolicLink(temp.resolve("alternative"), onPath.resolve("bin/java"));
        Files.createSymbolicLink(bin.resolve("java"), Path.of("../alternative"));
        assertThat(qnet(environment).jdk()).isEqualTo("on-path");
        environment.put("JAVA_HOME", jdk("java-home", "25.0.2").toString());
        assertThat(qnet(environment).jdk()).isEqualTo("java-home");
        environment.put("QNET_JAVA_HOME", jdk("qnet-java-home", "25-ea").toString());
        assertThat(qnet(environment).jdk()).isEqualTo("qnet-java-home");
    }

    @Test
    void looksInTheHomeFolderWithoutBeingTold() throws IOException {
        Path home = temp.resolve("home");
        jdk("home/.sdkman/candidates/java/25.0.3-tem", "25.0.3");
        // Machines may have a JDK 25 in a system folder, which comes first.
        ProcessBuilder builder = new ProcessBuilder(clone.resolve("qnet").toString());
        builder.environment().clear();
        builder.environment().putAll(Map.of("PATH", bin.toString(), "HOME", home.toString()));
        assertThat(finish(builder.start()).code()).isNotEqualTo(69);
    }

    @ParameterizedTest
    @CsvSource({"17.0.15", "24.0.2", "26", "250", "2", "1.25.0"})
    void leavesOtherVersionsAlone(String version) throws IOException {
        Map<String, String> environment = Map.of(
                "JAVA_HOME", jdk("other", version).toString(),
                "QNET_JDK_PATH", temp.toString());
        Result result = qnet(environment);
        assertThat(result.code()).isEqualTo(69);
        assertThat(result.out()).isEmpty();
        assertThat(result.err()).isEqualTo("""
                qnet: needs a JDK 25, and found none.
                qnet: Install one (https://adoptium.net, or your package manager: temurin-25-jdk, openjdk-25-jdk, java-25-openjdk-devel;
                qnet: with SDKMAN: sdk install java 25-tem), or name it: QNET_JAVA_HOME=/path/to/jdk-25 ./qnet
                """);
    }

    @Test
    void aRuntimeWithoutCompilerIsNoJdk() throws IOException {
        Path jre = jdk("jre", "25.0.3");
        Files.delete(jre.resolve("bin/javac"));
        Result result = qnet(Map.of("QNET_JAVA_HOME", jre.toString()));
        assertThat(result.code()).isEqualTo(69);
        assertThat(result.err()).isEqualTo("qnet: QNET_JAVA_HOME is " + jre + ", which is no JDK 25\n");
    }

    @Test
    void buildsOnFirstUseAndAfterChangesOnly() throws IOException {
        Result first = qnet(with25());
        assertThat(first.err()).isEqualTo("""
                qnet: first use; building (some minutes)
                """ + PROGRESS);
        assertThat(Files.readString(clone.resolve(".qnet-build/build.log"))).contains("100% C:\\new.jar\n");
        assertThat(Files.readString(temp.resolve("maven-calls")))
                .isEqualTo(temp.resolve("jdk-25") + " -B -Puse -Dmaven.test.skip=true -pl tools/cli -am package\n");
        assertThat(qnet(with25()).err()).isEmpty();
        assertThat(builds()).isEqualTo(1);

        Files.setLastModifiedTime(
                clone.resolve("tools/cli/src/test/java/MainTest.java"),
                FileTime.from(Instant.now().plusSeconds(60)));
        assertThat(qnet(with25()).err()).isEmpty();

        Path source = clone.resolve("tools/cli/src/main/java/target/Main.java");
        Files.setLastModifiedTime(source, FileTime.from(Instant.now().plusSeconds(60)));
        assertThat(qnet(with25()).err()).isEqualTo("qnet: its sources have changed; building\n" + PROGRESS);
        assertThat(builds()).isEqualTo(2);
    }

    @Test
    void aRemovedSourceIsAChange() throws IOException {
        qnet(with25());
        Path source = clone.resolve("tools/cli/src/main/java/Other.java");
        Files.delete(source);
        Files.setLastModifiedTime(
                source.getParent(), FileTime.from(Instant.now().plusSeconds(60)));
        assertThat(qnet(with25()).err()).isEqualTo("qnet: its sources have changed; building\n" + PROGRESS);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "the build says why\n",
                "[INFO] noise\n[ERROR] the build says why\n[ERROR] \n[ERROR] -> [Help 1]\n[INFO] noise\n"
            })
    void aFailedBuildShowsItsLogAndIsTriedAgain(String log) throws IOException {
        Files.writeString(temp.resolve("broken"), log);
        Result result = qnet(with25());
        assertThat(result.code()).isEqualTo(69);
        assertThat(result.err())
                .isEqualTo("""
                qnet: first use; building (some minutes)
                %sthe build says why
                qnet: the build failed; why stands above, and all that it said in %s/.qnet-build/build.log
                """.formatted(log.contains("[ERROR]") ? "[ERROR] " : "", clone.toRealPath()));
        Files.delete(temp.resolve("broken"));
        assertThat(qnet(with25()).jdk()).isEqualTo("jdk-25");
    }

    @Test
    void saysWhereMavenIsMissing() throws IOException {
        Files.delete(bin.resolve("mvn"));
        Result result = qnet(with25());
        assertThat(result.code()).isEqualTo(69);
        assertThat(result.err())
                .isEqualTo("qnet: needs Maven 3.8 or newer to build itself, and found no mvn on the PATH.\n");
    }

    @ParameterizedTest
    @CsvSource({"true", "false"})
    void oneOfSeveralFirstUsesBuilds(boolean flock) throws IOException {
        if (!flock) {
            Files.deleteIfExists(bin.resolve("flock"));
        }
        List<Process> processes = new ArrayList<>();
        Map<String, String> environment = with25();
        for (int i = 0; i < 4; i++) {
            processes.add(start(environment, List.of(clone.resolve("qnet").toString())));
        }
        for (Process process : processes) {
            assertThat(finish(process).jdk()).isEqualTo("jdk-25");
        }
        assertThat(builds()).isEqualTo(1);
        assertThat(clone.resolve(".qnet-build/lock.pid")).doesNotExist();
    }

    @Test
    void aLockOfADeadProcessIsTaken() throws IOException {
        Files.deleteIfExists(bin.resolve("flock"));
        Process dead = start(Map.of(), List.of("/bin/sh", "-c", "exit 0"));
        finish(dead);
        Files.createDirectories(clone.resolve(".qnet-build"));
        Files.createSymbolicLink(clone.resolve(".qnet-build/lock.pid"), Path.of(Long.toString(dead.pid())));
        assertThat(qnet(with25()).jdk()).isEqualTo("jdk-25");
    }

    @Test
    void startsTheCommandWithItsArgumentsAsTheyAre() throws IOException {
        String[] arguments = {"run", "a b", "", "*", "$HOME", "'\"\\", "--x=y"};
        Path link = Files.createSymbolicLink(temp.resolve("link"), clone.resolve("qnet"));
        List<String> command = new ArrayList<>(List.of(link.toString()));
        command.addAll(List.of(arguments));
        List<String> started = finish(start(with25(), command)).out().lines().toList();
        String lib = clone.toRealPath() + "/.qnet-build/"
                + Files.readString(clone.resolve(".qnet-build/current")).strip();
        assertThat(started)
                .containsExactly(
                        "jdk-25",
                        "[--add-modules]",
                        "[jdk.incubator.vector]",
                        "[--enable-native-access=ALL-UNNAMED]",
                        "[--add-opens]",
                        "[java.base/java.io=ALL-UNNAMED]",
                        "[-Xlog:disable]",
                        "[-Dqnet.stderr=3]",
                        "[-XX:SharedArchiveFile=" + lib + "/classes.jsa]",
                        "[-XX:+UseSerialGC]",
                        "[-Dqnet.home=" + clone.toRealPath() + "]",
                        "[-cp]",
                        "[" + lib + "/lib/a.jar:" + lib + "/lib/qnet-cli-1.jar:" + lib + "/lib/z.jar]",
                        "[dev.qnet.cli.Main]",
                        "[run]",
                        "[a b]",
                        "[]",
                        "[*]",
                        "[$HOME]",
                        "['\"\\]",
                        "[--x=y]");
    }

    @Test
    void optionsForTheJvmAreHandedOn() throws IOException {
        Map<String, String> environment = new TreeMap<>(with25());
        environment.put("QNET_JAVA_OPTS", "-Xmx1g -ea");
        assertThat(qnet(environment).out().lines())
                .contains("[-Xmx1g]", "[-ea]")
                .doesNotContain("[-Dqnet.stderr=3]");
    }

    /** The JVM's complaints about the user's options are shown, its warning that nobody can turn off is not. */
    @Test
    void optionsForTheJvmShowItsComplaintsButNotTheIncubatorsWarning() throws IOException {
        for (String tool : List.of("mktemp", "mkfifo")) {
            for (String folder : System.getenv("PATH").split(":", -1)) {
                Path found = Path.of(folder, tool);
                if (Files.isExecutable(found) && !Files.exists(bin.resolve(tool))) {
                    script(bin.resolve(tool), "exec '" + found + "' \"$@\"\n");
                }
            }
        }
        Path home = jdk("jdk-25", "25.0.3");
        Path java = home.resolve("bin/java");
        Files.writeString(java, Files.readString(java) + """
                        case "$*" in *-Dqnet.stderr=3*) echo "its own" >&3 ;; esac
                        case "$*" in *Main*) echo "WARNING: Using incubator modules: jdk.incubator.vector" >&2 ;; esac
                        echo "Unrecognized VM option 'x'" >&2
                        printf 'the last, unfinished' >&2
                        exit 5
                        """);
        Map<String, String> environment = new TreeMap<>();
        environment.put("QNET_JAVA_HOME", home.toString());
        environment.put("QNET_JAVA_OPTS", "-XX:x");
        environment.put("TMPDIR", Files.createDirectories(temp.resolve("tmp")).toString());
        Result result = qnet(environment);
        assertThat(result.code()).isEqualTo(5);
        assertThat(result.out()).contains("[-XX:x]", "[-Dqnet.stderr=3]");
        assertThat(result.err())
                .contains("its own\n", "Unrecognized VM option 'x'\n", "the last, unfinished")
                .doesNotContain("incubator");
        assertThat(temp.resolve("tmp")).isEmptyDirectory();
    }

    /** What the launcher does with the streams, with the real JVM: no warning, and standard error stays what it was. */
    @Test
    void theIncubatorsWarningDoesNotReachTheUser() throws IOException {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        String command = "exec \"$0\" \"$@\" 3>&2 2> /dev/null";
        Result result = finish(start(
                Map.of(),
                List.of(
                        "/bin/sh",
                        "-c",
                        command,
                        java,
                        "--add-modules",
                        "jdk.incubator.vector",
                        "--add-opens",
                        "java.base/java.io=ALL-UNNAMED",
                        "-Dqnet.stderr=3",
                        "-cp",
                        System.getProperty("java.class.path"),
                        "dev.qnet.cli.Main",
                        "--no-such-option")));
        assertThat(result.code()).isEqualTo(ExitCode.USAGE);
        assertThat(result.out()).isEmpty();
        assertThat(result.err()).contains("--no-such-option").doesNotContain("incubator");
    }
}
