package dev.qnet.target.tvm;

import dev.qnet.target.tvm.lower.Isa;
import dev.qnet.target.tvm.lower.Tiling;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What was measured on some CPUs, in a file: a line for each layer, {@code CPU | instructions | layer = tiling}. Who has the same
 * file gets the same code.
 */
public final class TuningCache {
    private static final String HEADER = "qnet tilings, kernels 1";
    private static final String SEPARATOR = " = ";

    /** Threads of one JVM may not wait for one file lock together. */
    private static final Object ONE_AT_A_TIME = new Object();

    private final Path file;
    private final Map<String, Tiling> tilings = new TreeMap<>();

    private TuningCache(Path file) {
        this.file = file;
    }

    /** Where it is unless a user says: {@code $XDG_CACHE_HOME/qnet}, or {@code ~/.cache/qnet}. */
    public static Path defaultFile() {
        String xdg = System.getenv("XDG_CACHE_HOME");
        Path base =
                xdg == null || xdg.isEmpty() ? Path.of(System.getProperty("user.home", "."), ".cache") : Path.of(xdg);
        return base.resolve("qnet").resolve("tilings.txt");
    }

    /**
     * Reads a file, which need not be there.
     *
     * @throws IllegalArgumentException if it is something else, with the line
     * @throws IOException if it cannot be read
     */
    public static TuningCache read(Path file) throws IOException {
        TuningCache cache = new TuningCache(file);
        cache.tilings.putAll(parse(file));
        return cache;
    }

    private static Map<String, Tiling> parse(Path file) throws IOException {
        Map<String, Tiling> found = new TreeMap<>();
        if (!Files.exists(file)) {
            return found;
        }
        List<String> lines;
        try {
            lines = Files.readAllLines(file);
        } catch (CharacterCodingException e) {
            throw damaged(file, 1, "it is no UTF-8 text");
        } catch (FileSystemException e) {
            throw e;
        } catch (IOException e) {
            // Of a folder, for one, Java does not say which.
            throw new FileSystemException(file.toString(), null, String.valueOf(e.getMessage()));
        }
        if (lines.isEmpty() || !lines.getFirst().equals(HEADER)) {
            throw damaged(file, 1, "it does not begin with '" + HEADER + "'");
        }
        for (int i = 1; i < lines.size(); i++) {
            String line = lines.get(i);
            int at = line.lastIndexOf(SEPARATOR);
            if (at < 0) {
                throw damaged(file, i + 1, "there is no" + SEPARATOR.stripTrailing() + " in it");
            }
            try {
                found.put(line.substring(0, at), Tiling.parse(line.substring(at + SEPARATOR.length())));
            } catch (IllegalArgumentException e) {
                throw damaged(file, i + 1, String.valueOf(e.getMessage()));
            }
        }
        return found;
    }

    private static IllegalArgumentException damaged(Path file, int line, String why) {
        return new IllegalArgumentException(file + ", line " + line + ": no tilings of this version of Qnet: " + why
                + "; remove it to measure anew");
    }

    private static String key(String cpu, Isa isa, String layer) {
        return cpu.replace('\n', ' ') + " | " + isa + " | " + layer;
    }

    Optional<Tiling> find(String cpu, Isa isa, String layer) {
        return Optional.ofNullable(tilings.get(key(cpu, isa, layer)));
    }

    /**
     * Makes sure that {@link #put} can write, before what it writes is measured.
     *
     * @throws FileSystemException if it cannot
     */
    void checkWritable() throws IOException {
        if (Files.exists(file) && !Files.isWritable(file)) {
            throw cannotWrite("it is there, and read-only", null);
        }
        locked(() -> Files.deleteIfExists(Files.createFile(beside())));
    }

    /**
     * Adds what was found to what the file holds by now, as others may have added to it, and writes it, whole or not at all.
     *
     * @return what is known from now on: another's, if that was there first
     */
    Tiling put(String cpu, Isa isa, String layer, Tiling tiling) throws IOException {
        locked(() -> {
            tilings.put(key(cpu, isa, layer), tiling);
            tilings.putAll(parse(file));
            StringBuilder text = new StringBuilder(HEADER).append('\n');
            tilings.forEach((k, t) -> text.append(k).append(SEPARATOR).append(t).append('\n'));
            Path beside = beside();
            try {
                Files.writeString(beside, text);
                Files.move(beside, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(beside);
            }
        });
        return find(cpu, isa, layer).orElse(tiling);
    }

    /** Not createTempFile's, whose files nobody else may read. */
    private Path beside() {
        return file.resolveSibling("." + file.getFileName() + "." + UUID.randomUUID());
    }

    /** Work on the file. */
    private interface Work {
        void run() throws IOException;
    }

    /** Works while no other thread or process does. The lock's file stays: who deletes it may delete another's. */
    private void locked(Work work) throws IOException {
        synchronized (ONE_AT_A_TIME) {
            try {
                Files.createDirectories(file.toAbsolutePath().getParent());
                Path lock = file.resolveSibling(file.getFileName() + ".lock");
                try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                        FileLock held = channel.lock()) {
                    if (held.isValid()) {
                        work.run();
                    }
                }
            } catch (FileSystemException e) {
                throw e.getFile() != null && e.getFile().equals(file.toString()) ? e : cannotWrite(why(e), e);
            }
        }
    }

    private static String why(FileSystemException e) {
        return switch (e) {
            case AccessDeniedException a -> "permission denied";
            case FileAlreadyExistsException a -> e.getFile() + " is no folder";
            default -> e.getReason() == null ? "no file can be made in its folder" : e.getReason();
        };
    }

    private FileSystemException cannotWrite(String why, @Nullable FileSystemException cause) {
        FileSystemException e = new FileSystemException(file.toString(), null, "tilings cannot be kept there: " + why);
        e.initCause(cause);
        return e;
    }
}
