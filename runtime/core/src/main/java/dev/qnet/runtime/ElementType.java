package dev.qnet.runtime;

import java.util.Locale;

/** What one element of a {@link Tensor} is in memory. Codes of fewer than 8 bits take a byte each. */
public enum ElementType {
    /** IEEE 754 single. */
    F32(4),
    /** A truth value: a byte, 0 or 1. */
    BOOL(1),
    /** Signed, 8 bits: also codes of i4, i3, i2, ternary and bipolar storage. */
    I8(1),
    /** Unsigned, 8 bits: also codes of u4, u3 and u2 storage. */
    U8(1),
    I16(2),
    U16(2),
    I32(4),
    I64(8);

    private final int bytes;

    ElementType(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes an element. */
    public int bytes() {
        return bytes;
    }

    /** Whether 255 in memory means 255 and not −1. */
    public boolean unsigned() {
        return this == U8 || this == U16;
    }

    /** {@code f32}, {@code u8}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
