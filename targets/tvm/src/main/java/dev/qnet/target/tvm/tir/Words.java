package dev.qnet.target.tvm.tir;

import java.util.Arrays;

/** The elements of a table as numbers, and in fewer bits than a byte where they fit. */
final class Words {
    /** Of fewer elements no one is packed: what is saved is less than the code that unpacks. */
    private static final int FEW = 256;

    private Words() {}

    /** The elements of a table in memory: integers, or the bits of real numbers. */
    static long[] of(DataType type, byte[] elements) {
        int size = type.bytes();
        int spare = 64 - 8 * size;
        long[] values = new long[elements.length / size];
        for (int i = 0; i < values.length; i++) {
            long value = 0;
            for (int k = size - 1; k >= 0; k--) {
                value = value << 8 | (elements[i * size + k] & 0xff);
            }
            values[i] = type.kind() == DataType.Kind.INT ? value << spare >> spare : value;
        }
        return values;
    }

    /** The real number with these bits. */
    static double real(DataType type, long bits) {
        return type.bits() == 32 ? Float.intBitsToFloat((int) bits) : Double.longBitsToDouble(bits);
    }

    /** Whether all are numbers, neither infinite nor NaN. */
    static boolean finite(DataType type, long[] bits) {
        return Arrays.stream(bits).allMatch(b -> Double.isFinite(real(type, b)));
    }

    /** Bits that each integer of a table takes: 1, 2 or 4 for bytes of which all are small, 1 for −1 and 1 alone. */
    static int width(DataType type, long[] values) {
        if (type.bits() != 8 || values.length < FEW) {
            return type.bits();
        }
        long lo = Arrays.stream(values).min().orElse(0);
        long hi = Arrays.stream(values).max().orElse(0);
        boolean signed = type.kind() == DataType.Kind.INT;
        if (signed ? Arrays.stream(values).allMatch(v -> v == 1 || v == -1) : hi <= 1) {
            return 1;
        }
        for (int bits : new int[] {2, 4}) {
            long least = signed ? -1L << (bits - 1) : 0;
            if (lo >= least && hi < least + (1L << bits)) {
                return bits;
            }
        }
        return 8;
    }

    /** Integers of a few bits side by side, the first in the lowest bits; one of a single bit is 1 for what is above 0. */
    static byte[] pack(long[] values, int bits) {
        byte[] packed = new byte[Math.ceilDiv(values.length * bits, 8)];
        for (int i = 0; i < values.length; i++) {
            long code = bits == 1 ? (values[i] > 0 ? 1 : 0) : values[i] & ((1L << bits) - 1);
            packed[i * bits / 8] |= (byte) (code << (i * bits % 8));
        }
        return packed;
    }
}
