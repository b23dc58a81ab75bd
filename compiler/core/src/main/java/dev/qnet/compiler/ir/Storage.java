package dev.qnet.compiler.ir;

import java.util.Locale;

/** How the codes of a quantized tensor are stored: the width of a code and the codes that exist. */
public enum Storage {
    /** One bit: the codes −1 and +1, nothing between. */
    BIPOLAR(1, -1, 1),
    /** Two bits: the codes −1, 0, +1. */
    TERNARY(2, -1, 1),
    I2(2, -2, 1),
    U2(2, 0, 3),
    I3(3, -4, 3),
    U3(3, 0, 7),
    I4(4, -8, 7),
    U4(4, 0, 15),
    I8(8, -128, 127),
    U8(8, 0, 255),
    I16(16, -32768, 32767),
    U16(16, 0, 65535),
    I32(32, Integer.MIN_VALUE, Integer.MAX_VALUE);

    private final int bits;
    private final int min;
    private final int max;

    Storage(int bits, int min, int max) {
        this.bits = bits;
        this.min = min;
        this.max = max;
    }

    /** Bits a code takes when packed. */
    public int bits() {
        return bits;
    }

    /** The lowest code. */
    public int min() {
        return min;
    }

    /** The highest code. */
    public int max() {
        return max;
    }

    public boolean signed() {
        return min < 0;
    }

    /** Bytes a code takes in an activation buffer, where codes are never packed: 1, 2 or 4. */
    public int bytes() {
        return bits <= 8 ? 1 : bits / 8;
    }

    /** Whether a code exists: between {@link #min} and {@link #max}, and not 0 for bipolar. */
    public boolean holds(long code) {
        return code >= min && code <= max && !(this == BIPOLAR && code == 0);
    }

    /** As written in the language: {@code u8}, {@code bipolar}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
