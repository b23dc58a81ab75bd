package dev.qnet.runtime;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What a shared library's file says of itself. The system's loader maps a file without looking at how long it is: one that was cut
 * would end the process when its missing part is touched.
 */
public final class ElfFile {
    private static final int MAGIC = 0x464c457f;
    private static final int HEADER_BYTES = 64;
    private static final int BITS_64 = 2;
    private static final int LITTLE_ENDIAN = 1;
    private static final int SHARED = 3;
    private static final int X86_64 = 62;
    private static final int AARCH64 = 183;
    private static final int PROGRAM_HEADER_BYTES = 56;
    private static final int LOADED = 1;

    private ElfFile() {}

    /**
     * Checks that a file is a shared library for this kind of CPU, with all of its bytes.
     *
     * @throws ModelException if it is not, with the reason
     */
    public static void check(Path path) {
        String why;
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "r")) {
            why = fault(file);
        } catch (IOException e) {
            throw new ModelException(path + ": cannot be read: " + e.getMessage(), e);
        }
        if (why != null) {
            throw new ModelException(path + ": cannot be loaded here: " + why);
        }
    }

    private static @Nullable String fault(RandomAccessFile file) throws IOException {
        long length = file.length();
        if (length < HEADER_BYTES) {
            return "it is damaged, " + length + " bytes are no library";
        }
        ByteBuffer header = read(file, 0, HEADER_BYTES);
        if (header.getInt(0) != MAGIC) {
            return "it is no shared library";
        }
        if (header.get(4) != BITS_64 || header.get(5) != LITTLE_ENDIAN || !isThisMachine(header.getShort(18))) {
            return "it is for another kind of CPU, or for a microcontroller";
        }
        if (header.getShort(16) != SHARED) {
            return "it is an object file or a program, not a shared library";
        }
        long at = header.getLong(32);
        int count = Short.toUnsignedInt(header.getShort(56));
        if (header.getShort(54) != PROGRAM_HEADER_BYTES
                || at < 0
                || at > length - (long) count * PROGRAM_HEADER_BYTES) {
            return "it is damaged";
        }
        ByteBuffer segments = read(file, at, count * PROGRAM_HEADER_BYTES);
        for (int i = 0; i < count; i++) {
            int s = i * PROGRAM_HEADER_BYTES;
            long bytes = segments.getLong(s + 32);
            if (segments.getInt(s) == LOADED
                    && (bytes < 0 || bytes > length || segments.getLong(s + 8) > length - bytes)) {
                return "it is damaged, a part of it is missing";
            }
        }
        return null;
    }

    private static boolean isThisMachine(short machine) {
        String arch = System.getProperty("os.arch", "");
        return arch.equals("amd64") ? machine == X86_64 : !arch.equals("aarch64") || machine == AARCH64;
    }

    private static ByteBuffer read(RandomAccessFile file, long at, int count) throws IOException {
        byte[] bytes = new byte[count];
        file.seek(at);
        file.readFully(bytes);
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
