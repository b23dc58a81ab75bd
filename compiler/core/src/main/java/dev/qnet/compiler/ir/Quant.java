package dev.qnet.compiler.ir;

/**
 * A quantized element: a code q that stands for the real number {@code s·(q − z)}, with the scale s and the zero point z
 * of its scheme.
 *
 * @param storage how a code is stored
 * @param lo the lowest code in use; above {@code storage.min()} for narrow range
 * @param hi the highest code in use
 * @param scheme scales and zero points
 */
public record Quant(Storage storage, int lo, int hi, Scheme scheme) implements Element {
    public Quant {
        if (lo > hi || lo < storage.min() || hi > storage.max()) {
            throw new IllegalArgumentException("codes " + lo + ":" + hi + " do not fit " + storage);
        }
    }

    /** Per tensor, all codes of the storage in use. */
    public static Quant of(Storage storage, float scale, int zero) {
        return new Quant(storage, storage.min(), storage.max(), new Scheme.PerTensor(scale, zero));
    }

    /** The scheme of an activation: one scale and zero point. Throws ClassCastException for others. */
    public Scheme.PerTensor perTensor() {
        return (Scheme.PerTensor) scheme;
    }

    @Override
    public int bytes() {
        return storage.bytes();
    }

    public Quant withScheme(Scheme other) {
        return new Quant(storage, lo, hi, other);
    }

    /** {@code u8<0.0235:0>}, {@code i8<-127:127, axis=0, {0.1, 0.2}>}. */
    @Override
    public String toString() {
        String range = lo == storage.min() && hi == storage.max() ? "" : lo + ":" + hi + ", ";
        return storage + "<" + range + scheme + ">";
    }
}
