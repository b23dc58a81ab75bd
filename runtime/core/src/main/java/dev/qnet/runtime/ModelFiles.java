package dev.qnet.runtime;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * The files of a model, read into memory under limits: from a jar, or a directory with the jar's content. Only what
 * lies in {@link #FOLDER} is read; the copy of this runtime in a jar is left alone.
 */
final class ModelFiles {
    /** Where the generated classes and resources of all models lie. */
    static final String FOLDER = "dev/qnet/generated/";

    static final String DESCRIPTOR = ".model";
    static final String WEIGHTS = ".weights";

    private static final int MAX_FILES = 10_000;
    /** The class file format itself ends far below this. */
    private static final int MAX_CLASS_BYTES = 16 << 20;

    /** What a shared library begins with. */
    private static final byte[] ELF = {0x7F, 'E', 'L', 'F'};

    private ModelFiles() {}

    /** Whether a file is a shared library, whatever its name, or has the name of one and is no jar. */
    static boolean isLibrary(Path path) {
        if (!Files.isRegularFile(path)) {
            return false;
        }
        // Not by a channel, whose classes a JVM that loads a jar does not have yet.
        try (InputStream in = new FileInputStream(path.toFile())) {
            byte[] first = in.readNBytes(ELF.length);
            return Arrays.equals(first, ELF)
                    || (path.toString().endsWith(".so") && !(first.length > 1 && first[0] == 'P' && first[1] == 'K'));
        } catch (IOException e) {
            return false;
        }
    }

    static Map<String, byte[]> read(Path path) {
        try {
            if (Files.isDirectory(path)) {
                return readDirectory(path);
            }
            if (!Files.exists(path)) {
                throw new ModelException(
                        path + ": no such file; expected a jar or a library that 'qnet compile' wrote");
            }
            return readJar(path);
        } catch (ZipException e) {
            throw new ModelException(path + ": not a model jar, or a damaged one: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new ModelException(path + ": cannot be read: " + e.getMessage(), e);
        }
    }

    private static Map<String, byte[]> readJar(Path path) throws IOException {
        Map<String, byte[]> files = new HashMap<>();
        try (ZipFile zip = new ZipFile(path.toFile())) {
            Enumeration<? extends ZipEntry> entries = zip.entries();
            while (entries.hasMoreElements()) {
                ZipEntry e = entries.nextElement();
                if (wanted(e.getName())) {
                    try (InputStream in = zip.getInputStream(e)) {
                        add(files, e.getName(), in, path);
                    }
                }
            }
        }
        return files;
    }

    private static Map<String, byte[]> readDirectory(Path path) throws IOException {
        Map<String, byte[]> files = new HashMap<>();
        Path folder = path.resolve(FOLDER);
        if (!Files.isDirectory(folder)) {
            return files;
        }
        try (Stream<Path> list = Files.list(folder)) {
            for (Path p : list.limit(MAX_FILES + 1L).toList()) {
                String name = FOLDER + p.getFileName();
                if (wanted(name) && Files.isRegularFile(p)) {
                    try (InputStream in = Files.newInputStream(p)) {
                        add(files, name, in, path);
                    }
                }
            }
        }
        return files;
    }

    /** A resource beside a class on the class path. */
    static byte[] resource(Class<?> beside, String name) {
        try (InputStream in = beside.getResourceAsStream(name)) {
            if (in == null) {
                throw new ModelException(beside.getName() + " is no model of this class path: the resource "
                        + beside.getPackageName().replace('.', '/') + "/" + name + " is missing");
            }
            return bounded(in, name, beside.getName());
        } catch (IOException e) {
            throw new ModelException(name + ": cannot be read: " + e.getMessage(), e);
        }
    }

    private static boolean wanted(String name) {
        return name.startsWith(FOLDER)
                && name.indexOf('/', FOLDER.length()) < 0
                && (name.endsWith(".class") || name.endsWith(DESCRIPTOR) || name.endsWith(WEIGHTS));
    }

    private static void add(Map<String, byte[]> files, String name, InputStream in, Path path) throws IOException {
        if (files.size() >= MAX_FILES) {
            throw new ModelException(path + ": a model has at most " + MAX_FILES + " files");
        }
        if (files.put(name, bounded(in, name, path.toString())) != null) {
            throw new ModelException(path + ": " + name + " appears twice");
        }
    }

    /** Reads all of a stream, whatever size its container states: a small archive may unpack to anything. */
    private static byte[] bounded(InputStream in, String name, String source) throws IOException {
        long heap = Runtime.getRuntime().maxMemory();
        int limit = name.endsWith(DESCRIPTOR)
                ? DescriptorText.MAX_BYTES
                : name.endsWith(WEIGHTS) ? (int) Math.min(Integer.MAX_VALUE - 16, heap / 2) : MAX_CLASS_BYTES;
        byte[] bytes = in.readNBytes(limit + 1);
        if (bytes.length > limit) {
            throw new ModelException(source + ": " + name + " is larger than " + limit + " bytes"
                    + (name.endsWith(WEIGHTS) ? ", half of the heap (raise -Xmx)" : ""));
        }
        return bytes;
    }

    /** The base name of the one model among files. */
    static String only(Map<String, byte[]> files, String source) {
        List<String> models = new ArrayList<>();
        for (String n : files.keySet()) {
            if (n.endsWith(DESCRIPTOR)) {
                models.add(n.substring(0, n.length() - DESCRIPTOR.length()));
            }
        }
        Collections.sort(models);
        if (models.size() != 1) {
            throw new ModelException(source + ": expected one model in " + FOLDER + ", found "
                    + (models.isEmpty() ? "none; was it written by 'qnet compile'?" : models.size() + ": " + models));
        }
        return models.getFirst();
    }
}
