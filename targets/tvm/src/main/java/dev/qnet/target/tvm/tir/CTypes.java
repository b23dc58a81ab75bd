package dev.qnet.target.tvm.tir;

/** Types as C99 has them. */
final class CTypes {
    private CTypes() {}

    /** Of a value. */
    static String of(DataType type) {
        if (type.isBool()) {
            return "int";
        }
        return switch (type.kind()) {
            case FLOAT -> type.bits() == 32 ? "float" : "double";
            case INT -> "int" + type.bits() + "_t";
            case UINT -> "uint" + type.bits() + "_t";
            case HANDLE -> throw new IllegalArgumentException("a pointer is no value");
        };
    }

    /** Of an element in memory that other types share; bytes may alias everything. */
    static String shared(DataType type) {
        return type.bits() == 8 ? of(type) : "shared_" + suffix(type);
    }

    /** What names of helpers end with. */
    static String suffix(DataType type) {
        String kind = type.isFloat() ? "f" : type.kind() == DataType.Kind.UINT ? "u" : "i";
        return kind + type.bits();
    }
}
