package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/**
 * A fixed-point {@link AddSpec} of operands with 8 bits, arranged for 32-bit lanes: a third of the work of 64-bit ones.
 *
 * <p><b>An operand</b>, |v| at most 255, is scaled to {@code floor((v·m + 2^(e−1))/2^e)} with e = 31 − shift − left
 * shift from 11 on. With m = h·2^16 + l both v·h (below 2^23) and v·l (below 2^24) fit an int, and so does the result:
 * <ul>
 *   <li>e ≤ 16: {@code v·(h << (16−e)) + ((v·l + 2^(e−1)) >> e)}, for v·h·2^16 is a multiple of 2^e;
 *   <li>e &gt; 16: {@code (v·h + (v·l >> 16) + 2^(e−17)) >> (e−16)}, for both floors together are one.
 * </ul>
 * Double rounding is the first with e = 11 − (what is shifted left), then {@code (t + 2^(k−1) + (t >> 31)) >> k}.
 *
 * <p><b>The sum</b> a, exact in an int, becomes a code as in {@link SimdCodes}, but for one more rounding, of a to a
 * single: in all four roundings of 2^-24 each of at most P, so that {@link #E} is 2.25·2^-23·P, above that. Where both
 * numbers round alike, that is the code; where they do not, a block of elements is done again in 64 bits.
 *
 * @param x how the first operand is scaled
 * @param y how the second is
 * @param factor of the sum
 * @param delta 2^30 at the sum's scale in double rounding, 0 otherwise
 * @param e E
 */
record AddLanes(Scale x, Scale y, float factor, float delta, float e) {
    private static final double E = 0x1.2p-22;

    /** Where rounding errors beyond P stay below 1/2, and {@link Simd#MAGIC} rounds. */
    private static final double NEAR = 1 << 21;

    private static final int MOST = 255;

    /** {@code u = v·high + ((v·low + half) >> right); (u + round + (u >> 31 & negative)) >> shift}. */
    record Scale(int high, int low, int half, int right, int round, int negative, int shift) {
        /** Null where numbers do not fit. */
        static @Nullable Scale of(Rescale r, Operand v, int leftShift) {
            int m = r.multiplier[0];
            int s = r.shift[0];
            boolean twice = r.rounding == Rounding.TFLITE;
            int e = 31 - (twice ? 0 : s) - leftShift;
            int k = twice ? -s : 0;
            if (v.magnitude() > MOST || e < 11 || e > 31 || k < 0 || k > 31 || s > 0) {
                return null;
            }
            int high = m >>> 16;
            int low = m & 0xFFFF;
            if (e <= 16) {
                int round = k == 0 ? 0 : 1 << (k - 1);
                return new Scale(high << (16 - e), low, 1 << (e - 1), e, round, k == 0 ? 0 : -1, k);
            }
            return twice ? null : new Scale(high, low, 0, 16, 1 << (e - 17), 0, e - 16);
        }
    }

    /** Null where 64 bits are needed. */
    static @Nullable AddLanes of(Operand x, Operand y, int leftShift, Rescale xScale, Rescale yScale, Rescale z) {
        if (!z.rounding.fixedPoint()) {
            return null;
        }
        Scale a = Scale.of(xScale, x, leftShift);
        Scale b = Scale.of(yScale, y, leftShift);
        int m = z.multiplier[0];
        int e = 31 - z.shift[0];
        long p = Math.max(16, Math.max(Math.abs((long) z.lo - z.zero), Math.abs((long) z.hi - z.zero)) + 1);
        if (a == null || b == null || e < 33 || p > 1 << 16) {
            return null;
        }
        double exact = Math.scalb((double) m, -e);
        double most = Math.scalb((double) (x.magnitude() + y.magnitude()), leftShift);
        if (exact * most >= NEAR) {
            return null;
        }
        float delta = z.rounding == Rounding.TFLITE && m != 0 ? Math.scalb(1f, 30 - e) : 0;
        return new AddLanes(a, b, (float) exact, delta, (float) (E * p));
    }
}
