package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Storage;
import org.jspecify.annotations.Nullable;

/** The element types of TFLite's schema, in its order. */
enum TensorType {
    FLOAT32(32, null, null),
    FLOAT16(16, null, null),
    INT32(32, Element.INT32, Storage.I32),
    UINT8(8, Element.UINT8, Storage.U8),
    INT64(64, Element.INT64, null),
    STRING(0, null, null),
    BOOL(8, Element.BOOL, null),
    INT16(16, Element.INT16, Storage.I16),
    COMPLEX64(64, null, null),
    INT8(8, Element.INT8, Storage.I8),
    FLOAT64(64, null, null),
    COMPLEX128(128, null, null),
    UINT64(64, null, null),
    RESOURCE(0, null, null),
    VARIANT(0, null, null),
    UINT32(32, null, null),
    UINT16(16, Element.UINT16, Storage.U16),
    INT4(4, null, Storage.I4),
    BFLOAT16(16, null, null),
    INT2(2, null, null),
    UINT4(4, null, null),
    FLOAT8_E4M3FN(8, null, null),
    FLOAT8_E5M2(8, null, null);

    private final int bits;
    private final Element.@Nullable Int plain;
    private final @Nullable Storage storage;

    TensorType(int bits, Element.@Nullable Int plain, @Nullable Storage storage) {
        this.bits = bits;
        this.plain = plain;
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
        return plain;
    }

    /** As codes, or null. */
    @Nullable
    Storage storage() {
        return storage;
    }
}
