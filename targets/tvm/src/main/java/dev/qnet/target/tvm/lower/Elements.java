package dev.qnet.target.tvm.lower;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.target.tvm.tir.DataType;

/** How the compiler's elements lie in memory: codes are not packed, truth values take a byte. */
public final class Elements {
    private Elements() {}

    public static DataType type(Element element) {
        return switch (element) {
            case Element.F32 f -> DataType.FLOAT32;
            case Element.Int i ->
                switch (i.bits()) {
                    case 1 -> DataType.UINT8;
                    case 8 -> i.signed() ? DataType.INT8 : DataType.UINT8;
                    case 16 -> i.signed() ? DataType.INT16 : DataType.UINT16;
                    case 32 -> DataType.INT32;
                    default -> DataType.INT64;
                };
            case Quant q -> type(q.storage());
        };
    }

    private static DataType type(Storage s) {
        return switch (s.bytes()) {
            case 1 -> s.signed() ? DataType.INT8 : DataType.UINT8;
            case 2 -> s.signed() ? DataType.INT16 : DataType.UINT16;
            default -> DataType.INT32;
        };
    }

    /** The narrowest signed type that holds values. */
    static DataType narrowest(long[] values) {
        long lo = 0;
        long hi = 0;
        for (long v : values) {
            lo = Math.min(lo, v);
            hi = Math.max(hi, v);
        }
        for (DataType t : new DataType[] {DataType.INT8, DataType.INT16, DataType.INT32}) {
            long max = (1L << (t.bits() - 1)) - 1;
            if (lo >= ~max && hi <= max) {
                return t;
            }
        }
        return DataType.INT64;
    }

    /** Values as they lie in memory. */
    public static byte[] bytes(DataType type, long[] values) {
        int size = type.bytes();
        byte[] bytes = new byte[Math.multiplyExact(size, values.length)];
        for (int i = 0; i < values.length; i++) {
            for (int k = 0; k < size; k++) {
                bytes[i * size + k] = (byte) (values[i] >> (8 * k));
            }
        }
        return bytes;
    }

    /** As {@link #bytes(DataType, long[])}. */
    public static byte[] bytes(float[] values) {
        long[] bits = new long[values.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(values[i]);
        }
        return bytes(DataType.INT32, bits);
    }
}
