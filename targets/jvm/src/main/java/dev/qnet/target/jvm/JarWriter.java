package dev.qnet.target.jvm;

import dev.qnet.runtime.Model;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URISyntaxException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.CodeSource;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.jar.Attributes;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Writes jars that hold a model and the runtime it needs: the same bytes for the same content, whole or not at all. */
final class JarWriter {
    /** Of every entry, so that jars can be compared; in local terms, as zip files hold it. */
    private static final LocalDateTime TIME = LocalDateTime.of(2026, 1, 1, 0, 0);

    private static final String RUNTIME = "dev/qnet/runtime";

    private JarWriter() {}

    static void write(Path file, String model, Map<String, byte[]> files) throws IOException {
        Path target = file.toAbsolutePath();
        Map<String, byte[]> all = new TreeMap<>(files);
        all.putAll(runtimeClasses());
        all.put(StartClass.path(), StartClass.bytes());
        Path folder = target.getParent() == null ? target : target.getParent();
        // Not Files.createTempFile: what that creates only its owner can read.
        Path temporary = folder.resolve("." + target.getFileName() + "-" + UUID.randomUUID() + ".tmp");
        try {
            try (OutputStream out =
                            new BufferedOutputStream(Files.newOutputStream(temporary, StandardOpenOption.CREATE_NEW));
                    ZipOutputStream zip = new ZipOutputStream(out)) {
                put(zip, "META-INF/MANIFEST.MF", manifest(model));
                for (Map.Entry<String, byte[]> e : all.entrySet()) {
                    put(zip, e.getKey(), e.getValue());
                }
            }
            move(temporary, target);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    private static void move(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private static void put(ZipOutputStream zip, String name, byte[] content) throws IOException {
        ZipEntry entry = new ZipEntry(name);
        entry.setTimeLocal(TIME);
        zip.putNextEntry(entry);
        zip.write(content);
        zip.closeEntry();
    }

    private static byte[] manifest(String model) throws IOException {
        Manifest m = new Manifest();
        Attributes a = m.getMainAttributes();
        a.put(Attributes.Name.MANIFEST_VERSION, "1.0");
        a.put(Attributes.Name.MAIN_CLASS, StartClass.NAME);
        a.put(new Attributes.Name("Created-By"), "Qnet " + Version.QNET);
        a.put(new Attributes.Name("Qnet-Model"), model.replaceAll("[^ -~]", "?"));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        m.write(out);
        return out.toByteArray();
    }

    /** The runtime that this compiler runs with, wherever it lies: a directory, a jar, or a run-time image. */
    private static Map<String, byte[]> runtimeClasses() throws IOException {
        CodeSource source = Model.class.getProtectionDomain().getCodeSource();
        if (source == null) {
            throw new IOException(
                    "the classes of the Qnet runtime cannot be found: their class loader gives no location");
        }
        Path location;
        try {
            location = Path.of(source.getLocation().toURI());
        } catch (URISyntaxException | IllegalArgumentException e) {
            throw new IOException("the classes of the Qnet runtime cannot be read from " + source.getLocation(), e);
        }
        if (Files.isDirectory(location)) {
            return classes(location);
        }
        try (FileSystem jar = FileSystems.newFileSystem(location)) {
            return classes(jar.getPath("/"));
        }
    }

    private static Map<String, byte[]> classes(Path root) throws IOException {
        Map<String, byte[]> classes = new TreeMap<>();
        List<Path> found;
        try (Stream<Path> walk = Files.walk(root.resolve(RUNTIME))) {
            found = walk.filter(p -> p.toString().endsWith(".class")).toList();
        }
        for (Path p : found) {
            String name =
                    root.relativize(p).toString().replace(p.getFileSystem().getSeparator(), "/");
            classes.put(name, Files.readAllBytes(p));
        }
        return classes;
    }
}
