package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Storage;
import org.jspecify.annotations.Nullable;

/** The element types of TFLite's schema, in its order. */
enum TensorType {
    FLOAT32(32, null),
    FLOAT16(16, null),
    INT32(32, Storage.I32),
    UINT8(8, Storage.U8),
    INT64(64, null),
    STRING(0, null),
    BOOL(8, null),
    INT16(16, Storage.I16),
    COMPLEX64(64, null),
    INT8(8, Storage.I8),
    FLOAT64(64, null),
    COMPLEX128(128, null),
    UINT64(64, null),
    RESOURCE(0, null),
    VARIANT(0, null),
    UINT32(32, null),
    UINT16(16, Storage.U16),
    INT4(4, Storage.I4),
    BFLOAT16(16, null),
    INT2(2, null),
    UINT4(4, null),
    FLOAT8_E4M3FN(8, null),
    FLOAT8_E5M2(8, null);

    private final int bits;
    private final @Nullable Storage storage;

    TensorType(int bits, @Nullable Storage storage) {
        this.bits = bits;
        this.storage = storage;
    }

    /** The type of a number in a file, or null. */
    static @Nullable TensorType of(int number) {
        return number >= 0 && number < values().length ? values()[number] : null;
    }

    /** Bits an element takes in a file. */
    int bits() {
        return bits;
    }

    /** As an integer without parameters, or null. */
    Element.@Nullable Int plain() {
        return switch (this) {
            case INT8 -> Element.INT8;
            case UINT8 -> Element.UINT8;
            case INT16 -> Element.INT16;
            case UINT16 -> Element.UINT16;
            case INT32 -> Element.INT32;
            case INT64 -> Element.INT64;
            case BOOL -> Element.BOOL;
            default -> null;
        };
    }

    /** As codes, or null. */
    @Nullable Storage storage() {
        return storage;
    }
}
