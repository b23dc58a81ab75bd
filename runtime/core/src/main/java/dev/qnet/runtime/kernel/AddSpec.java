package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/**
 * An addition of codes, checked; {@link Add} tells the formulas.
 *
 * @param subtract difference instead of sum
 * @param leftShift of both operands, in fixed point
 * @param x the first operand's element
 * @param y the second operand's element
 * @param xScale scales x, without zero point and limits
 * @param yScale scales y, likewise
 * @param zScale scales the sum, with zero point and limits
 * @param kind the result's kind
 * @param lanes the same for vectors of ints, or null where they do not do
 * @param bytes the same from bytes to bytes in singles, or null where they do not do
 */
record AddSpec(
        boolean subtract,
        int leftShift,
        Operand x,
        Operand y,
        Rescale xScale,
        Rescale yScale,
        Rescale zScale,
        Kind kind,
        @Nullable AddLanes lanes,
        @Nullable AddBytes bytes) {
    AddSpec(
            boolean subtract,
            int leftShift,
            Operand x,
            Operand y,
            Rescale xScale,
            Rescale yScale,
            Rescale zScale,
            Kind kind) {
        this(
                subtract,
                leftShift,
                x,
                y,
                xScale,
                yScale,
                zScale,
                kind,
                AddLanes.of(x, y, leftShift, xScale, yScale, zScale),
                AddBytes.of(subtract, leftShift, x, y, xScale, yScale, zScale, kind));
    }

    AddSpec {
        if (x.kind().bytes() > 2 || y.kind().bytes() > 2 || !kind.fitsInt()) {
            throw new IllegalArgumentException("an addition of " + x.kind() + " and " + y.kind() + " to " + kind);
        }
        if (zScale.lo < kind.min() || zScale.hi > kind.max()) {
            throw new IllegalArgumentException("codes " + zScale.lo + ".." + zScale.hi + " are not of kind " + kind);
        }
    }

    /** Whether all codes have 8 bits. */
    boolean ofBytes() {
        return x.kind().bytes() == 1 && y.kind().bytes() == 1 && kind.bytes() == 1;
    }

    /** Adds centred codes q to p and scales, in place, from index {@code from} to {@code to}. */
    void apply(int[] p, int from, int[] q, int to) {
        if (zScale.rounding.fixedPoint()) {
            for (int i = from; i < to; i++) {
                int a = xScale.apply(p[i] << leftShift, 0);
                int b = yScale.apply(q[i] << leftShift, 0);
                p[i] = zScale.apply(subtract ? a - b : a + b, 0);
            }
        } else {
            float fx = xScale.factor[0];
            // Subtracting a product and adding its negation round alike.
            float fy = subtract ? -yScale.factor[0] : yScale.factor[0];
            for (int i = from; i < to; i++) {
                p[i] = zScale.clampRounded(p[i] * fx + q[i] * fy);
            }
        }
    }
}
