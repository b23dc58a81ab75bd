package dev.qnet.target.tvm;

import dev.qnet.target.tvm.lower.Isa;
import dev.qnet.target.tvm.lower.Tiling;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What was measured on some CPUs, in a file: a line for each layer, {@code CPU | instructions | layer = tiling}. Who has the same
 * file gets the same code.
 */
public final class TuningCache {
    private static final String HEADER = "qnet tilings, kernels 1";
    private static final String SEPARATOR = " = ";

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
        if (!Files.exists(file)) {
            return cache;
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
                cache.tilings.put(line.substring(0, at), Tiling.parse(line.substring(at + SEPARATOR.length())));
            } catch (IllegalArgumentException e) {
                throw damaged(file, i + 1, String.valueOf(e.getMessage()));
            }
        }
        return cache;
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

    /** Adds what was found, and writes the file, whole or not at all. */
    void put(String cpu, Isa isa, String layer, Tiling tiling) throws IOException {
        tilings.put(key(cpu, isa, layer), tiling);
        StringBuilder text = new StringBuilder(HEADER).append('\n');
        tilings.forEach((k, t) -> text.append(k).append(SEPARATOR).append(t).append('\n'));
        Path folder = file.toAbsolutePath().getParent();
        Files.createDirectories(folder);
        Path beside = Files.createTempFile(folder, "tilings", ".txt");
        try {
            Files.writeString(beside, text);
            Files.move(beside, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(beside);
        }
    }
}
