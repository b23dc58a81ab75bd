package dev.qnet.compiler.ir;

/** What one element of a tensor is. */
public sealed interface Element permits Element.F32, Element.Int, Quant {
    F32 FLOAT = new F32();
    Int BOOL = new Int(1, false);
    Int INT8 = new Int(8, true);
    Int UINT8 = new Int(8, false);
    Int INT16 = new Int(16, true);
    Int UINT16 = new Int(16, false);
    Int INT32 = new Int(32, true);
    Int INT64 = new Int(64, true);

    /** Bytes an element takes in an activation buffer. */
    int bytes();

    /** An IEEE 754 single. */
    record F32() implements Element {
        @Override
        public int bytes() {
            return 4;
        }

        @Override
        public String toString() {
            return "f32";
        }
    }

    /**
     * A plain integer without quantization parameters: an accumulator, a bias, an index, a truth value.
     *
     * @param bits 1 (a truth value: 0 or 1, in a byte of its own), 8, 16, 32 or 64
     * @param signed two's complement; 32 and 64 bits always are, 1 never is
     */
    record Int(int bits, boolean signed) implements Element {
        public Int {
            boolean exists = switch (bits) {
                case 1 -> !signed;
                case 8, 16 -> true;
                case 32, 64 -> signed;
                default -> false;
            };
            if (!exists) {
                throw new IllegalArgumentException(
                        "there is no " + (signed ? "signed" : "unsigned") + " plain integer of " + bits + " bits");
            }
        }

        /** The lowest value. */
        public long min() {
            return signed ? -1L << (bits - 1) : 0;
        }

        /** The highest value. */
        public long max() {
            return signed ? ~min() : (1L << bits) - 1;
        }

        /** The value with the same low bits: what a store of this width keeps. Bool: 1 for all but 0. */
        public long wrap(long value) {
            if (bits == 1) {
                return value == 0 ? 0 : 1;
            }
            int spare = 64 - bits;
            return signed ? value << spare >> spare : value << spare >>> spare;
        }

        @Override
        public int bytes() {
            return (bits + 7) / 8;
        }

        @Override
        public String toString() {
            return bits == 1 ? "bool" : (signed ? "i" : "u") + bits;
        }
    }

    /** The plain integer that a word names, or null. */
    static @org.jspecify.annotations.Nullable Int plain(String word) {
        return switch (word) {
            case "bool" -> BOOL;
            case "i8" -> INT8;
            case "u8" -> UINT8;
            case "i16" -> INT16;
            case "u16" -> UINT16;
            case "i32" -> INT32;
            case "i64" -> INT64;
            default -> null;
        };
    }
}
