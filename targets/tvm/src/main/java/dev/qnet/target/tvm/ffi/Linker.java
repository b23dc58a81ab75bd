package dev.qnet.target.tvm.ffi;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/** Writes compiled modules as shared libraries, with the linker that comes with LLVM. */
public final class Linker {
    private Linker() {}

    /**
     * Writes a shared library, whole or not at all.
     *
     * @throws IOException if it cannot be written
     */
    public static void link(Scope scope, Ref module, Path library) throws IOException {
        Path folder = Files.createTempDirectory("qnet-tvm");
        Path beside = library.toAbsolutePath().resolveSibling("." + library.getFileName() + "." + System.nanoTime());
        Path object = folder.resolve("module.o");
        try {
            scope.run("runtime.ModuleSaveToFile", module, object.toString(), "o");
            run(List.of(
                    scope.library().folder().resolve("lld").toString(),
                    "-flavor",
                    "gnu",
                    "-shared",
                    "--eh-frame-hdr",
                    "--build-id=none",
                    "-o",
                    beside.toString(),
                    object.toString()));
            Files.move(beside, library, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(beside);
            Files.deleteIfExists(object);
            Files.deleteIfExists(folder);
        }
    }

    private static void run(List<String> command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try (var output = process.getInputStream()) {
            String text = new String(output.readAllBytes(), StandardCharsets.UTF_8);
            int status = process.waitFor();
            if (status != 0) {
                throw new IOException("the linker ended with " + status + ": " + text.strip());
            }
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while linking");
        }
    }
}
