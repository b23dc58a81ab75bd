package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/**
 * A product of codes of 8 bits to codes of 8 bits, of one scale.
 *
 * @param x the first operand's element
 * @param y the second operand's element
 * @param rescale scales products to codes
 * @param kind the result's kind
 * @param bytes the same in singles, or null where they do not do
 */
record MulSpec(
        Operand x,
        Operand y,
        Rescale rescale,
        Kind kind,
        @Nullable ByteCodes bytes) {
    /** Scaled products stay below, so that {@link Simd#MAGIC} rounds. */
    private static final double NEAR = 1 << 21;

    /** Null where it is another product. */
    static @Nullable MulSpec of(Operand x, Operand y, Output out) {
        Rescale r = out.rescale();
        if (r == null || out.wide() || r.channels > 1) {
            return null;
        }
        if (x.kind().bytes() != 1 || y.kind().bytes() != 1 || out.kind().bytes() != 1) {
            return null;
        }
        // A single holds a product of two bytes, but their zero points may be anything.
        long most = x.magnitude() * y.magnitude();
        ByteCodes by = most < SimdPanels.EXACT ? ByteCodes.of(r) : null;
        if (by != null && by.factor()[0] * (double) most >= NEAR) {
            by = null;
        }
        return new MulSpec(x, y, r, out.kind(), by);
    }

    /** Writes codes of n products. */
    void apply(byte[] p, int pAt, byte[] q, int qAt, byte[] to, int at, int n) {
        int pMask = x.kind() == Kind.S8 ? -1 : 0xFF;
        int qMask = y.kind() == Kind.S8 ? -1 : 0xFF;
        for (int i = 0; i < n; i++) {
            int a = ((p[pAt + i] & pMask) - x.zero()) * ((q[qAt + i] & qMask) - y.zero());
            to[at + i] = (byte) rescale.apply(a, 0);
        }
    }
}
