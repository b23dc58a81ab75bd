package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Element;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** ONNX's element types, by the numbers of TensorProto.DataType. */
public enum DataType {
    UNDEFINED(0, 0),
    FLOAT(1, 32),
    UINT8(2, 8),
    INT8(3, 8),
    UINT16(4, 16),
    INT16(5, 16),
    INT32(6, 32),
    INT64(7, 64),
    STRING(8, 0),
    BOOL(9, 8),
    FLOAT16(10, 16),
    DOUBLE(11, 64),
    UINT32(12, 32),
    UINT64(13, 64),
    COMPLEX64(14, 64),
    COMPLEX128(15, 128),
    BFLOAT16(16, 16),
    FLOAT8E4M3FN(17, 8),
    FLOAT8E4M3FNUZ(18, 8),
    FLOAT8E5M2(19, 8),
    FLOAT8E5M2FNUZ(20, 8),
    UINT4(21, 4),
    INT4(22, 4),
    FLOAT4E2M1(23, 4),
    FLOAT8E8M0(24, 8),
    UINT2(25, 2),
    INT2(26, 2);

    private final int code;
    private final int bits;

    DataType(int code, int bits) {
        this.code = code;
        this.bits = bits;
    }

    /** The number that a file holds. */
    public int code() {
        return code;
    }

    /** Bits an element takes in a file's raw data; 0 where there are none. */
    int bits() {
        return bits;
    }

    /** The type of a number in a file; {@link #UNDEFINED} for a number that is none. */
    public static DataType of(int code) {
        for (DataType t : values()) {
            if (t.code == code) {
                return t;
            }
        }
        return UNDEFINED;
    }

    /** Whether its values are real numbers; all are computed in f32. */
    boolean real() {
        return this == FLOAT || this == FLOAT16 || this == BFLOAT16 || this == DOUBLE;
    }

    /** Whether it is an integer of fewer than 8 bits, which the graph holds in 8. */
    boolean narrow() {
        return this == INT4 || this == UINT4 || this == INT2 || this == UINT2;
    }

    /** The element that stands for it in a graph, or null where none does. */
    public @Nullable Element element() {
        return switch (this) {
            case FLOAT, FLOAT16, BFLOAT16, DOUBLE -> Element.FLOAT;
            case BOOL -> Element.BOOL;
            case INT8, INT4, INT2 -> Element.INT8;
            case UINT8, UINT4, UINT2 -> Element.UINT8;
            case INT16 -> Element.INT16;
            case UINT16 -> Element.UINT16;
            case INT32 -> Element.INT32;
            case INT64 -> Element.INT64;
            case UNDEFINED,
                    STRING,
                    UINT32,
                    UINT64,
                    COMPLEX64,
                    COMPLEX128,
                    FLOAT8E4M3FN,
                    FLOAT8E4M3FNUZ,
                    FLOAT8E5M2,
                    FLOAT8E5M2FNUZ,
                    FLOAT4E2M1,
                    FLOAT8E8M0 -> null;
        };
    }

    /** As the ONNX documentation writes it: {@code int8}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
