package dev.qnet.runtime.kernel;

/**
 * The integer element of an operand. In arithmetic a code q enters as {@code q − zero}.
 *
 * <p>lo and hi bound the codes that occur: vector kernels prove from them that a sum is exact in singles. An operand
 * with codes outside gives wrong sums, so whoever accepts codes from outside checks them.
 *
 * @param kind how a code lies in its bank; not {@link Kind#F32}
 * @param zero the zero point; 0 for a plain integer
 * @param lo the lowest code that occurs
 * @param hi the highest code that occurs
 */
public record Operand(Kind kind, int zero, int lo, int hi) {
    public Operand {
        if (kind == Kind.F32 || lo > hi || (kind != Kind.S64 && (lo < kind.min() || hi > kind.max()))) {
            throw new IllegalArgumentException("codes " + lo + ".." + hi + " are not of kind " + kind);
        }
    }

    /** Codes that use the whole kind. */
    public static Operand codes(Kind kind, int zero) {
        return codes(kind, zero, clampToInt(kind.min()), clampToInt(kind.max()));
    }

    /** Codes from lo to hi. */
    public static Operand codes(Kind kind, int zero, int lo, int hi) {
        return new Operand(kind, zero, lo, hi);
    }

    /** A plain integer, of any value that the kind holds. */
    public static Operand plain(Kind kind) {
        return codes(kind, 0);
    }

    private static int clampToInt(long v) {
        return Math.clamp(v, Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    /** The largest |q − zero| that occurs; 2^32 at most, and meaningless for {@link Kind#S64}. */
    long magnitude() {
        return Math.max(Math.abs((long) lo - zero), Math.abs((long) hi - zero));
    }
}
