package dev.qnet.target.tvm.tir;

/**
 * The type of a scalar or a vector: {@code int8}, {@code float32x16}.
 *
 * @param kind what its bits mean
 * @param bits of a lane
 * @param lanes 1 for a scalar
 */
public record DataType(Kind kind, int bits, int lanes) {
    /** What the bits of a lane mean. */
    public enum Kind {
        INT(0),
        UINT(1),
        FLOAT(2),
        HANDLE(3);

        private final int code;

        Kind(int code) {
            this.code = code;
        }
    }

    public static final DataType BOOL = new DataType(Kind.UINT, 1, 1);
    public static final DataType INT8 = new DataType(Kind.INT, 8, 1);
    public static final DataType UINT8 = new DataType(Kind.UINT, 8, 1);
    public static final DataType INT16 = new DataType(Kind.INT, 16, 1);
    public static final DataType UINT16 = new DataType(Kind.UINT, 16, 1);
    public static final DataType INT32 = new DataType(Kind.INT, 32, 1);
    public static final DataType INT64 = new DataType(Kind.INT, 64, 1);
    public static final DataType FLOAT32 = new DataType(Kind.FLOAT, 32, 1);
    public static final DataType FLOAT64 = new DataType(Kind.FLOAT, 64, 1);
    public static final DataType POINTER = new DataType(Kind.HANDLE, 64, 1);

    public DataType vector(int count) {
        return new DataType(kind, bits, count);
    }

    /** DLPack's code. */
    public int code() {
        return kind.code;
    }

    public boolean isFloat() {
        return kind == Kind.FLOAT;
    }

    /** Whether it is a truth value, or several. */
    public boolean isBool() {
        return kind == Kind.UINT && bits == 1;
    }

    /** Bytes of a lane in memory. */
    public int bytes() {
        return (bits + 7) / 8;
    }

    /** As TVM writes it. */
    @Override
    public String toString() {
        String scalar = isBool()
                ? "bool"
                : kind == Kind.HANDLE ? "handle" : kind.name().toLowerCase(java.util.Locale.ROOT) + bits;
        return lanes == 1 ? scalar : scalar + "x" + lanes;
    }
}
