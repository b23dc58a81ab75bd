package dev.qnet.runtime.kernel;

/** How an element lies in a {@link Banks bank}: the bank's width, and how its bits read. */
public enum Kind {
    /** A signed byte: codes of i8 and narrower signed storages, unpacked. */
    S8(1, -128, 127),
    /** An unsigned byte: codes of u8 and narrower unsigned storages, unpacked. */
    U8(1, 0, 255),
    /** A signed 16-bit integer. */
    S16(2, -32768, 32767),
    /** An unsigned 16-bit integer. */
    U16(2, 0, 65535),
    /** A signed 32-bit integer. */
    S32(4, Integer.MIN_VALUE, Integer.MAX_VALUE),
    /** A signed 64-bit integer. */
    S64(8, Long.MIN_VALUE, Long.MAX_VALUE),
    /** An IEEE 754 single. */
    F32(4, 0, 0);

    private final int bytes;
    private final long min;
    private final long max;

    Kind(int bytes, long min, long max) {
        this.bytes = bytes;
        this.min = min;
        this.max = max;
    }

    /** Bytes an element takes. */
    public int bytes() {
        return bytes;
    }

    /** The lowest integer it holds; 0 for {@link #F32}. */
    public long min() {
        return min;
    }

    /** The highest integer it holds; 0 for {@link #F32}. */
    public long max() {
        return max;
    }

    /** Whether it holds integers of at most 32 bits, so that an int can stand for it. */
    boolean fitsInt() {
        return this != S64 && this != F32;
    }
}
