package dev.qnet.target.tvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** Programs that tests run. */
final class Commands {
    private Commands() {}

    /**
     * What a program ended with.
     *
     * @param output what it said
     */
    record Ended(int status, String output) {}

    /** Runs a program in a folder, which has to end well; without it on this machine the test is skipped. Returns what it said. */
    static String run(Path folder, List<String> command) throws IOException, InterruptedException {
        Process process;
        try {
            process = new ProcessBuilder(command)
                    .directory(folder.toFile())
                    .redirectErrorStream(true)
                    .start();
        } catch (IOException e) {
            Assumptions.abort("skipped: this machine has no " + command.getFirst());
            throw e;
        }
        Ended ended = end(process);
        assertThat(ended.status()).as(ended.output()).isZero();
        return ended.output();
    }

    /**
     * Runs a class's main in a JVM of its own, on the class path of that class and of others.
     *
     * @param options of Java's
     */
    static Ended java(List<String> options, List<Class<?>> others, Class<?> main, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("--enable-native-access=ALL-UNNAMED");
        command.add("-Dmaven.repo.local=" + System.getProperty("maven.repo.local", ""));
        command.addAll(options);
        command.add("-cp");
        command.add(Stream.concat(Stream.of(main), others.stream())
                .map(c -> c.getProtectionDomain().getCodeSource().getLocation().getPath())
                .distinct()
                .collect(Collectors.joining(File.pathSeparator)));
        command.add(main.getName());
        command.addAll(Arrays.asList(arguments));
        return end(new ProcessBuilder(command).redirectErrorStream(true).start());
    }

    private static Ended end(Process process) throws IOException, InterruptedException {
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Ended(process.waitFor(), output);
    }
}
