package dev.qnet.runtime.io;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * An npz archive, NumPy's zip of npy files: {@code name.npy} holds the array {@code name}. Arrays are read one at a
 * time, when asked for. An entry may unpack to what its npy header declares and not a byte more, and what it declares
 * must be possible for its compressed size: no small archive unpacks into a large amount of memory.
 */
public final class Npz implements Closeable {
    private static final String SUFFIX = ".npy";

    /** Deflate cannot pack tighter than 1032:1 (zlib's technical notes); the slack is for tiny entries. */
    private static final long MAX_DEFLATE_RATIO = 1032;

    private static final long RATIO_SLACK = 1024;

    private final Path file;
    private final ReadLimits limits;
    private final ZipFile zip;
    private final Map<String, ZipEntry> entries;

    private Npz(Path file, ReadLimits limits, ZipFile zip, Map<String, ZipEntry> entries) {
        this.file = file;
        this.limits = limits;
        this.zip = zip;
        this.entries = entries;
    }

    /** As {@link #open(Path, ReadLimits)}, with {@link ReadLimits#DEFAULT}. */
    public static Npz open(Path file) throws IOException {
        return open(file, ReadLimits.DEFAULT);
    }

    /**
     * Opens an archive and reads its directory.
     *
     * @throws TensorFormatException if the file is not a zip archive of npy files, or is over the limits
     * @throws IOException if the file cannot be read
     */
    public static Npz open(Path file, ReadLimits limits) throws IOException {
        ZipFile zip;
        try {
            zip = new ZipFile(file.toFile());
        } catch (ZipException | EOFException e) {
            throw new TensorFormatException(file.toString(), "not a valid npz (zip) archive", e);
        }
        try {
            return new Npz(file, limits, zip, directory(file, limits, zip));
        } catch (TensorFormatException e) {
            zip.close();
            throw e;
        }
    }

    private static Map<String, ZipEntry> directory(Path file, ReadLimits limits, ZipFile zip) {
        if (zip.size() > limits.maxEntries()) {
            throw TensorFormatException.expected(
                    file.toString(), "at most " + limits.maxEntries() + " entries", zip.size() + " entries");
        }
        Map<String, ZipEntry> entries = new LinkedHashMap<>();
        zip.stream().forEachOrdered(entry -> {
            String name = entry.getName();
            if (entry.isDirectory() || !name.endsWith(SUFFIX)) {
                throw TensorFormatException.expected(file.toString(), "only .npy entries", "'" + name + "'");
            }
            if (entries.put(name.substring(0, name.length() - SUFFIX.length()), entry) != null) {
                throw new TensorFormatException(file.toString(), "two entries are named '" + name + "'");
            }
        });
        return Collections.unmodifiableMap(entries);
    }

    /** The names of the arrays, without {@code .npy}, in the archive's order. */
    public Set<String> names() {
        return entries.keySet();
    }

    /**
     * The shape of an array, from its header alone.
     *
     * @throws IllegalArgumentException if there is no array of that name
     * @throws TensorFormatException if its header is not valid
     */
    public int[] shape(String name) throws IOException {
        return unpack(
                name, (in, entry, source) -> NpyHeader.read(in, source, limits).dims());
    }

    /**
     * Reads an array.
     *
     * @throws IllegalArgumentException if there is no array of that name
     * @throws TensorFormatException if the entry is not a valid npy file, is damaged, or is over the limits
     */
    public NpyArray read(String name) throws IOException {
        return unpack(name, (in, entry, source) -> {
            CheckedInputStream checked = new CheckedInputStream(in, new CRC32());
            NpyArray array = Npy.read(checked, plausibleSize(entry, source), source, limits);
            if (checked.getChecksum().getValue() != entry.getCrc()) {
                throw new TensorFormatException(source, "the data is damaged: its CRC-32 differs from the stated one");
            }
            return array;
        });
    }

    private static long plausibleSize(ZipEntry entry, String source) {
        long size = entry.getSize();
        long packed = entry.getCompressedSize();
        long most = entry.getMethod() == ZipEntry.STORED ? packed : packed * MAX_DEFLATE_RATIO + RATIO_SLACK;
        if (size > most) {
            throw TensorFormatException.expected(
                    source, "at most " + most + " bytes from " + packed + " packed bytes", "a stated size of " + size);
        }
        return size;
    }

    private interface Unpacking<T> {
        T from(InputStream in, ZipEntry entry, String source) throws IOException;
    }

    private <T> T unpack(String name, Unpacking<T> unpacking) throws IOException {
        ZipEntry entry = entries.get(name);
        if (entry == null) {
            throw new IllegalArgumentException(
                    file + " has no array '" + name + "'; it has " + String.join(", ", entries.keySet()));
        }
        String source = file + ", entry '" + entry.getName() + "'";
        try (InputStream in = new BufferedInputStream(zip.getInputStream(entry))) {
            return unpacking.from(in, entry, source);
        } catch (ZipException e) {
            throw new TensorFormatException(source, "the packed data is damaged: " + e.getMessage(), e);
        } catch (EOFException e) {
            throw new TensorFormatException(source, "the packed data ends early", e);
        }
    }

    @Override
    public void close() throws IOException {
        zip.close();
    }

    /**
     * Writes arrays as an archive, deflated, in the map's order; the same arrays give the same bytes.
     *
     * @param arrays by name, without {@code .npy}
     */
    public static void write(Path file, Map<String, NpyArray> arrays) throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file));
                ZipOutputStream zip = new ZipOutputStream(out)) {
            for (Map.Entry<String, NpyArray> array : arrays.entrySet()) {
                ZipEntry entry = new ZipEntry(array.getKey() + SUFFIX);
                // The zip format's first day, in its own local time: no clock and no time zone gets in.
                entry.setTimeLocal(LocalDateTime.of(1980, 1, 1, 0, 0));
                zip.putNextEntry(entry);
                Npy.write(zip, array.getValue());
                zip.closeEntry();
            }
        }
    }
}
