package dev.qnet.target.tvm.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** DLPack's tensor: a view of memory that its user owns, as TVM's functions take it. */
public final class DlTensor {
    /** What TVM expects its arrays to be aligned to, in bytes. */
    public static final long ALIGNMENT = 64;

    /** The device type of memory that the CPU reads. */
    static final int CPU = 1;

    private static final long BYTES = 48;

    private DlTensor() {}

    /**
     * A view of memory.
     *
     * @param data row-major elements, aligned to {@link #ALIGNMENT}
     * @param typeCode 0 signed, 1 unsigned, 2 float
     * @param bits of an element
     * @param arena keeps the view; data must live as long
     */
    public static MemorySegment of(Arena arena, MemorySegment data, int typeCode, int bits, long... shape) {
        if (data.address() % ALIGNMENT != 0) {
            throw new IllegalArgumentException("the data of a tensor is not aligned to " + ALIGNMENT + " bytes");
        }
        MemorySegment extents = arena.allocate(JAVA_LONG, Math.max(shape.length, 1));
        MemorySegment.copy(shape, 0, extents, JAVA_LONG, 0, shape.length);
        MemorySegment t = arena.allocate(BYTES, Long.BYTES);
        t.set(ADDRESS, 0, data);
        t.set(JAVA_INT, 8, CPU);
        t.set(JAVA_INT, 12, 0);
        t.set(JAVA_INT, 16, shape.length);
        t.set(JAVA_BYTE, 20, (byte) typeCode);
        t.set(JAVA_BYTE, 21, (byte) bits);
        t.set(JAVA_SHORT, 22, (short) 1);
        t.set(ADDRESS, 24, extents);
        t.set(ADDRESS, 32, MemorySegment.NULL);
        t.set(JAVA_LONG, 40, 0);
        return t;
    }
}
