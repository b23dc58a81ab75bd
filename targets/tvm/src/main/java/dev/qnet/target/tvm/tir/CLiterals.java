package dev.qnet.target.tvm.tir;

/** Numbers as C99 has them. */
final class CLiterals {
    private CLiterals() {}

    /** An integer in an expression; of 64 bits where its type is. */
    static String integer(DataType type, long value) {
        if (type.bits() == 64) {
            return value == Long.MIN_VALUE ? "(-" + Long.MAX_VALUE + "LL - 1)" : value + "LL";
        }
        return value == Integer.MIN_VALUE ? "(-" + Integer.MAX_VALUE + " - 1)" : Long.toString(value);
    }

    /** An integer in a table. */
    static String element(DataType type, long value) {
        boolean least = value == Integer.MIN_VALUE || value == Long.MIN_VALUE;
        return least || type.bits() == 64 ? integer(type, value) : Long.toString(value);
    }

    /** A real number that is finite, to the bit. */
    static String real(DataType type, double value) {
        String suffix = type.bits() == 32 ? "f" : "";
        boolean whole = value == Math.rint(value) && Math.abs(value) < 1e6;
        return (whole ? Double.toString(value) : Double.toHexString(value)) + suffix;
    }

    /** The bits of a real number. */
    static String bits(DataType type, long bits) {
        return type.bits() == 32 ? "0x" + Integer.toHexString((int) bits) + "u" : "0x" + Long.toHexString(bits) + "ull";
    }
}
