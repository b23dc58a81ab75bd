package dev.qnet.target.tvm.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Running programs, with the shell in place of a compiler. */
class ToolTest {
    private static final Path SHELL = Path.of("/bin/sh");

    @TempDir
    private Path folder;

    @BeforeEach
    void shell() {
        Assumptions.assumeTrue(Files.isExecutable(SHELL), "there is no /bin/sh");
    }

    @Test
    void tellsWhatWasSaidOnBothStreams() throws Exception {
        assertThat(new Tool(SHELL, "-c").run(List.of("echo one; echo two >&2"))).isEqualTo("one\ntwo\n");
    }

    @Test
    void runsInAFolder() throws Exception {
        new Tool(SHELL, "-c").run(folder, List.of("echo x > here"));

        assertThat(folder.resolve("here")).hasContent("x");
    }

    @Test
    void failureSaysWhichProgramAndWhatItSaid() {
        assertThatThrownBy(() -> new Tool(SHELL, "-c").run(List.of("echo no such option; exit 3")))
                .isInstanceOf(Tool.FailedException.class)
                .hasMessage("/bin/sh ended with 3: no such option");
    }

    /** More than a pipe holds. */
    @Test
    void programsMaySayMuch() throws Exception {
        String text = new Tool(SHELL, "-c").run(List.of("head -c 300000 /dev/zero | tr '\\0' x"));

        assertThat(text).hasSize(300_000);
    }

    @Test
    @Timeout(60)
    void interruptedItEndsTheProgram() throws Exception {
        Path started = folder.resolve("started");
        CompletableFuture<Throwable> end = new CompletableFuture<>();
        CompletableFuture<Boolean> still = new CompletableFuture<>();
        Thread thread = Thread.ofPlatform().start(() -> {
            try {
                new Tool(SHELL, "-c")
                        .run(folder, List.of("echo $$ > started.new; mv started.new started; exec sleep 600"));
                end.complete(new AssertionError("it ended"));
            } catch (Exception e) {
                still.complete(Thread.currentThread().isInterrupted());
                end.complete(e);
            }
        });
        while (!Files.exists(started)) {
            Thread.sleep(10);
        }
        long process = Long.parseLong(Files.readString(started).strip());
        thread.interrupt();

        assertThat(end.get()).isInstanceOf(InterruptedIOException.class);
        assertThat(still.get()).isTrue();
        var handle = ProcessHandle.of(process);
        if (handle.isPresent()) {
            handle.get().onExit().get(30, TimeUnit.SECONDS);
        }
    }

    @Test
    void workFoldersGoWithAllThatIsInThem() throws Exception {
        Path path;
        try (WorkFolder work = WorkFolder.in(folder, "work")) {
            path = work.path();
            Files.writeString(work.resolve("a"), "a");
            Files.createDirectories(work.resolve("b/c"));
            Files.writeString(work.resolve("b/c/d"), "d");
            assertThat(path).isDirectory().hasParent(folder);
        }
        assertThat(path).doesNotExist();
        // What was moved elsewhere is not missed.
        try (WorkFolder work = WorkFolder.in(folder, "work")) {
            Files.move(work.path(), folder.resolve("kept"));
        }
        assertThat(folder.resolve("kept")).isDirectory();
    }
}
