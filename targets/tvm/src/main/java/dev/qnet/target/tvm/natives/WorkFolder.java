package dev.qnet.target.tvm.natives;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/** A folder to work in, which goes with all that is in it when it is closed. */
public final class WorkFolder implements AutoCloseable {
    private final Path path;

    private WorkFolder(Path path) {
        this.path = path;
    }

    /** One among the system's temporary files. */
    public static WorkFolder create() throws IOException {
        return new WorkFolder(Files.createTempDirectory("qnet-tvm"));
    }

    /** One in a folder, from where files can be moved to others in it at once. */
    public static WorkFolder in(Path folder, String prefix) throws IOException {
        return new WorkFolder(Files.createTempDirectory(folder, prefix));
    }

    /** Where it is. */
    public Path path() {
        return path;
    }

    /** Of a file in it. */
    public Path resolve(String name) {
        return path.resolve(name);
    }

    @Override
    public void close() throws IOException {
        delete(path);
    }

    /** Deletes a folder with what is in it, if it is there. */
    static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path dir, @Nullable IOException e) throws IOException {
                if (e != null) {
                    throw e;
                }
                Files.delete(dir);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
