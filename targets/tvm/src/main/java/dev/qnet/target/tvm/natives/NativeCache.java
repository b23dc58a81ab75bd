package dev.qnet.target.tvm.natives;

import dev.qnet.target.tvm.TvmUnavailableException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Unpacks native libraries once, into a folder a version and set, flat, because libtvm looks for the others beside itself.
 * A folder appears whole or not at all: it is filled under another name and then renamed, while a file lock keeps other
 * processes waiting. A list of its files and their sizes lies in it; a folder that does not fit its list is made again.
 */
final class NativeCache {
    /** The list of files; written last. */
    private static final String LIST = "files.txt";

    /** Threads of one JVM may not wait for one file lock together. */
    private static final Object ONE_AT_A_TIME = new Object();

    private final Path root;

    NativeCache(Path root) {
        this.root = root;
    }

    /** In the user's cache folder: {@code $XDG_CACHE_HOME/qnet}, or {@code ~/.cache/qnet}. */
    static NativeCache ofUser() {
        String xdg = System.getenv("XDG_CACHE_HOME");
        Path base =
                xdg == null || xdg.isEmpty() ? Path.of(System.getProperty("user.home", "."), ".cache") : Path.of(xdg);
        return new NativeCache(base.resolve("qnet"));
    }

    /**
     * The folder of a set, unpacked if it is not there.
     *
     * @param source where the jars are; not asked if the folder is complete
     * @throws TvmUnavailableException if it cannot be made
     */
    Path folder(NativeSet set, Supplier<JarSource> source) {
        NativeJar tvm = NativeJar.ALL.getFirst();
        Path folder = root.resolve("tvm-" + tvm.version() + "-" + Platform.classifier())
                .resolve(set.folder());
        try {
            if (isComplete(folder)) {
                return folder;
            }
            synchronized (ONE_AT_A_TIME) {
                Files.createDirectories(folder.getParent());
                Path lock = folder.resolveSibling(set.folder() + ".lock");
                try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                        FileLock held = channel.lock()) {
                    if (held.isValid() && !isComplete(folder)) {
                        fill(folder, set, source.get());
                    }
                }
            }
            return folder;
        } catch (IOException e) {
            throw new TvmUnavailableException(
                    "TVM's libraries cannot be unpacked to " + folder + ": " + e,
                    "make room there, or name another place by XDG_CACHE_HOME",
                    e);
        }
    }

    /** Whether every file of the list is there with its size. */
    private static boolean isComplete(Path folder) throws IOException {
        Path list = folder.resolve(LIST);
        if (!Files.isRegularFile(list)) {
            return false;
        }
        for (String line : Files.readAllLines(list)) {
            int space = line.indexOf(' ');
            Path file = folder.resolve(line.substring(space + 1));
            if (!Files.isRegularFile(file) || !Long.toString(Files.size(file)).equals(line.substring(0, space))) {
                return false;
            }
        }
        return true;
    }

    private static void fill(Path folder, NativeSet set, JarSource source) throws IOException {
        List<Path> jars = source.find(set);
        try (WorkFolder work = WorkFolder.in(Objects.requireNonNull(folder.getParent()), set.folder() + ".new")) {
            Path fresh = work.path();
            List<String> list = new ArrayList<>();
            int jar = 0;
            for (NativeJar j : NativeJar.of(set)) {
                unpack(jars.get(jar++), j.entries(set), fresh, list);
            }
            Files.write(fresh.resolve(LIST), list);
            if (Files.exists(folder)) {
                // Another process may still have its files open: they go once it ends.
                Path old = fresh.resolveSibling(fresh.getFileName() + ".old");
                Files.move(folder, old, StandardCopyOption.ATOMIC_MOVE);
                WorkFolder.delete(old);
            }
            Files.move(fresh, folder, StandardCopyOption.ATOMIC_MOVE);
        }
    }

    private static void unpack(Path jar, List<String> entries, Path into, List<String> list) throws IOException {
        try (ZipFile zip = new ZipFile(jar.toFile())) {
            for (String end : entries) {
                ZipEntry entry = zip.stream()
                        .filter(e -> e.getName().endsWith("/" + end))
                        .findFirst()
                        .orElseThrow(() -> new IOException(jar + " holds no " + end));
                String name = end.substring(end.lastIndexOf('/') + 1);
                Path file = into.resolve(name);
                try (InputStream in = zip.getInputStream(entry)) {
                    long copied = Files.copy(in, file);
                    if (copied != entry.getSize()) {
                        throw new IOException(
                                name + " in " + jar + " has " + copied + " bytes, not " + entry.getSize());
                    }
                }
                if (!name.contains(".so") && !file.toFile().setExecutable(true)) {
                    throw new IOException(file + " cannot be made executable");
                }
                list.add(entry.getSize() + " " + name);
            }
        }
    }
}
