package dev.qnet.examples.tvm4j;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/**
 * What a shared library's file says of its size. Linux maps a file without looking at how long it is: loading one that was cut, in a
 * copy or a download, can end the process, where no exception helps.
 */
final class LibraryFile {
    // Where fields lie in the header of a library of 64 bits, and in the header of a segment.
    private static final int HEADER_BYTES = 64;
    private static final int SEGMENTS_AT = 32;
    private static final int SEGMENT_COUNT = 56;
    private static final int SEGMENT_BYTES = 56;
    private static final int MAGIC = 0x464c457f;
    private static final int OFFSET = 8;
    private static final int SIZE = 32;
    private static final int LOADED = 1;

    private LibraryFile() {}

    /** Whether all that is loaded is there. */
    static boolean isWhole(Path path) throws IOException {
        try (FileChannel file = FileChannel.open(path)) {
            long length = file.size();
            ByteBuffer header = read(file, 0, HEADER_BYTES);
            if (header.remaining() < HEADER_BYTES || header.getInt(0) != MAGIC) {
                return false;
            }
            int bytes = header.getShort(SEGMENT_COUNT) * SEGMENT_BYTES;
            ByteBuffer segments = read(file, header.getLong(SEGMENTS_AT), bytes);
            if (segments.remaining() < bytes) {
                return false;
            }
            for (int at = 0; at < bytes; at += SEGMENT_BYTES) {
                if (segments.getInt(at) == LOADED
                        && segments.getLong(at + OFFSET) + segments.getLong(at + SIZE) > length) {
                    return false;
                }
            }
            return true;
        }
    }

    /** As many of the bytes as there are. */
    private static ByteBuffer read(FileChannel file, long at, int count) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(Math.max(count, 0)).order(ByteOrder.LITTLE_ENDIAN);
        long next = Math.max(at, 0);
        for (int n = 0; bytes.hasRemaining() && n >= 0; next += Math.max(n, 0)) {
            n = file.read(bytes, next);
        }
        return bytes.flip();
    }
}
