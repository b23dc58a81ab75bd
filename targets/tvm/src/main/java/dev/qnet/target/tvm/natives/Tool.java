package dev.qnet.target.tvm.natives;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/** A program that others are compiled or linked with: LLVM's, or CUDA's. */
public final class Tool {
    private final Path program;
    private final List<String> first;

    /** @param first what its arguments begin with, each time */
    public Tool(Path program, String... first) {
        this.program = program;
        this.first = List.of(first);
    }

    /** It ended with an error. */
    public static final class FailedException extends IOException {
        private static final long serialVersionUID = 1;

        FailedException(String message) {
            super(message);
        }
    }

    /** As {@link #run(Path, List)}, in the folder of this process. */
    public String run(List<String> arguments) throws IOException {
        return start(null, arguments);
    }

    /**
     * Runs it. It is ended when the thread that waits for it is interrupted.
     *
     * @param folder that it runs in
     * @return what it said, to standard output and standard error
     * @throws FailedException if it ends with an error, with what it said
     * @throws InterruptedIOException if the thread is interrupted, which it then still is
     * @throws IOException if it cannot be run
     */
    public String run(Path folder, List<String> arguments) throws IOException {
        return start(folder, arguments);
    }

    private String start(@Nullable Path folder, List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(first);
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        if (folder != null) {
            builder.directory(folder.toFile());
        }
        Process process = builder.start();
        // Reading does not end when a thread is interrupted; waiting does.
        FutureTask<byte[]> reading = new FutureTask<>(() -> {
            try (InputStream output = process.getInputStream()) {
                return output.readAllBytes();
            }
        });
        Thread.ofVirtual().start(reading);
        try {
            int status = process.waitFor();
            String text = new String(reading.get(), StandardCharsets.UTF_8);
            if (status != 0) {
                throw new FailedException(program + " ended with " + status + ": " + text.strip());
            }
            return text;
        } catch (ExecutionException e) {
            throw new IOException("what " + program + " says cannot be read: " + e.getCause(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while " + program.getFileName() + " ran");
        } finally {
            process.destroy();
        }
    }
}
