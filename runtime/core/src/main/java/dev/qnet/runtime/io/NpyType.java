package dev.qnet.runtime.io;

import java.util.Arrays;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The element types that are read from and written to npy files. */
public enum NpyType {
    /** One byte, 0 or 1. Held as {@code byte[]}. */
    B1('b', 1),
    /** Signed, 8 bits. Held as {@code byte[]}. */
    I1('i', 1),
    /** Unsigned, 8 bits. Held as {@code byte[]}. */
    U1('u', 1),
    /** Signed, 16 bits. Held as {@code short[]}. */
    I2('i', 2),
    /** Unsigned, 16 bits. Held as {@code short[]}. */
    U2('u', 2),
    /** Signed, 32 bits. Held as {@code int[]}. */
    I4('i', 4),
    /** Signed, 64 bits. Held as {@code long[]}. */
    I8('i', 8),
    /** IEEE 754 binary32. Held as {@code float[]}. */
    F4('f', 4),
    /** IEEE 754 binary64. Held as {@code double[]}; narrowed only by {@link NpyArray#toFloats()}. */
    F8('f', 8);

    private final char kind;
    private final int bytes;

    NpyType(char kind, int bytes) {
        this.kind = kind;
        this.bytes = bytes;
    }

    /** Bytes an element. */
    public int bytes() {
        return bytes;
    }

    /** Whether this is F4 or F8. */
    public boolean isFloat() {
        return kind == 'f';
    }

    /** NumPy's name without the byte order: {@code f4}, {@code u1}. */
    public String code() {
        return "" + kind + bytes;
    }

    /** NumPy's type string as it is written: little-endian, {@code |} where order has no meaning. */
    String descr() {
        return (bytes == 1 ? "|" : "<") + code();
    }

    /** Null if there is none. */
    static @Nullable NpyType ofCode(String code) {
        for (NpyType t : values()) {
            if (t.code().equals(code)) {
                return t;
            }
        }
        return null;
    }

    static String codes() {
        return Arrays.stream(values()).map(NpyType::code).collect(Collectors.joining(", "));
    }
}
