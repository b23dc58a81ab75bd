package dev.qnet.target.tvm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Object files of 32-bit ARM, as far as their sections' sizes go. */
final class Elf {
    private static final int MAGIC = 0x464c457f;

    // Where fields lie in the header, and in that of a section.
    private static final int SECTIONS_AT = 0x20;
    private static final int SECTION_BYTES = 0x2e;
    private static final int SECTION_COUNT = 0x30;
    private static final int FLAGS = 8;
    private static final int SIZE = 20;

    private static final int WRITE = 1;
    private static final int ALLOCATE = 2;

    private Elf() {}

    /** Bytes of code and constants: sections that take memory and are never written. */
    static long flash(byte[] object) {
        ByteBuffer elf = ByteBuffer.wrap(object).order(ByteOrder.LITTLE_ENDIAN);
        if (elf.getInt(0) != MAGIC) {
            throw new IllegalArgumentException("no object file");
        }
        int at = elf.getInt(SECTIONS_AT);
        long bytes = 0;
        for (int i = 0; i < elf.getShort(SECTION_COUNT); i++, at += elf.getShort(SECTION_BYTES)) {
            if ((elf.getInt(at + FLAGS) & (WRITE | ALLOCATE)) == ALLOCATE) {
                bytes += elf.getInt(at + SIZE);
            }
        }
        return bytes;
    }
}
