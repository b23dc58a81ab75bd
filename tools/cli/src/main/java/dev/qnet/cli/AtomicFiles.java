package dev.qnet.cli;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
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

    /**
     * That a file can lie at a path, as far as can be told before it is written: what takes long asks first.
     *
     * @return the folder that it lies in
     * @throws FileSystemException if there is no such folder, nobody may write there, or a folder has that name
     */
    public static Path check(Path target) throws FileSystemException {
        Path folder = target.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw cannotWrite(target, "there is no folder " + folder);
        }
        if (Files.isDirectory(target)) {
            throw cannotWrite(target, "a folder has that name");
        }
        if (!Files.isWritable(folder)) {
            throw cannotWrite(target, "permission denied");
        }
        return folder;
    }

    /** As {@link #write}, for content that is written by path. */
    public static void writeAt(Path target, File content) throws IOException {
        Path temporary = beside(target);
        try {
            named(target, () -> content.writeTo(temporary));
            named(target, () -> move(temporary, target));
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    /** Two files that belong together: neither is moved to its place before both are written. */
    public static void writeBoth(Path first, File content, Path second, File other) throws IOException {
        Path one = beside(first);
        Path two = beside(second);
        try {
            named(first, () -> content.writeTo(one));
            named(second, () -> other.writeTo(two));
            named(first, () -> move(one, first));
            named(second, () -> move(two, second));
        } finally {
            Files.deleteIfExists(one);
            Files.deleteIfExists(two);
        }
    }

    private static Path beside(Path target) throws FileSystemException {
        // Not createTempFile, whose files nobody else may read.
        return check(target).resolve(".qnet" + UUID.randomUUID() + ".tmp");
    }

    private static void move(Path temporary, Path target) throws IOException {
        Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Part of the work on a file. */
    private interface Step {
        void run() throws IOException;
    }

    /** The user knows nothing of the file beside it: errors name the one that it is for. */
    private static void named(Path target, Step step) throws FileSystemException {
        try {
            step.run();
        } catch (AccessDeniedException e) {
            throw cannotWrite(target, "permission denied");
        } catch (NoSuchFileException e) {
            throw cannotWrite(target, "no file can be made in its folder");
        } catch (FileSystemException e) {
            throw cannotWrite(target, e.getReason() == null ? "no reason is given" : e.getReason());
        } catch (IOException e) {
            throw cannotWrite(target, String.valueOf(e.getMessage()));
        }
    }

    private static FileSystemException cannotWrite(Path target, String why) {
        return new FileSystemException(target.toString(), null, "cannot be written: " + why);
    }
}
