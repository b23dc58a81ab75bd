package dev.qnet.cli;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.UUID;

/** Writes files whole or not at all. */
public final class AtomicFiles {
    private AtomicFiles() {}

    /** What writes a file's content. */
    public interface Content {
        void writeTo(OutputStream out) throws IOException;
    }

    /** What writes a file at a path. */
    public interface File {
        void writeTo(Path path) throws IOException;
    }

    /** Writes beside the target, then moves over it. */
    public static void write(Path target, Content content) throws IOException {
        writeAt(target, path -> {
            try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(path))) {
                content.writeTo(out);
            }
        });
    }

    /** As {@link #write}, for content that is written by path. */
    public static void writeAt(Path target, File content) throws IOException {
        Path folder = target.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new UserException("cannot write " + target + ": there is no folder " + folder);
        }
        // Not createTempFile, whose files nobody else may read.
        Path temporary = folder.resolve(".qnet" + UUID.randomUUID() + ".tmp");
        try {
            content.writeTo(temporary);
            Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }
}
