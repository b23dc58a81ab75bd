package dev.qnet.compiler.ir;

/** What one element of a tensor is. */
public sealed interface Element permits Element.F32, Element.Int, Quant {
    F32 FLOAT = new F32();
    Int INT16 = new Int(16);
    Int INT32 = new Int(32);
    Int INT64 = new Int(64);

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
     * A plain two's-complement integer without quantization parameters: an accumulator, a bias, a centred dynamic code.
     *
     * @param bits 16, 32 or 64
     */
    record Int(int bits) implements Element {
        public Int {
            if (bits != 16 && bits != 32 && bits != 64) {
                throw new IllegalArgumentException("a plain integer has 16, 32 or 64 bits, not " + bits);
            }
        }

        @Override
        public int bytes() {
            return bits / 8;
        }

        @Override
        public String toString() {
            return "i" + bits;
        }
    }
}
