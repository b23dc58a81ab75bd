package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/**
 * An {@link AddSpec} from codes of 8 bits to codes of 8 bits, in singles.
 *
 * <p><b>Singles</b> ({@link Rounding#ONNX}): {@code (x − zx)·xFactor + (y − zy)·yFactor}, rounded at the same places as in
 * plain Java. With numbers below 2^21, {@link Simd#MAGIC} rounds the sum.
 *
 * <p><b>Fixed point.</b> Scaled operands are rounded to integers of about 28 bits, which hardly shows in the code. So
 * {@code h = fma(x, xFactor, fma(y, yFactor, offset))}, of codes as they are, is the sum in units of the result up to an
 * error below E, which is the sum of: a rounding of each scaled operand, at most 1/2 of its units with single rounding and
 * 1 with double; 2^30 at the result's scale, by which double rounding differs from single ({@link SimdCodes}); and
 * roundings of 2^-24 each of the factors, the offset, both operations, and of subtracting or adding E. Where h − E and h
 * + E round alike, no half lies between them, so that the code is what they round to. Where they do not (a few of 10,000
 * elements, unless scales make halves of many sums), a vector of elements is done again in integers.
 *
 * @param xFactor of x
 * @param yFactor of y, negative for a difference
 * @param offset what zero points make; 0 in singles
 * @param e E; 0 in singles
 */
record AddBytes(float xFactor, float yFactor, float offset, float e) {
    /** Sums stay below, so that {@link Simd#MAGIC} rounds. */
    private static final double NEAR = 1 << 21;

    private static final double ULP = 0x1p-24;

    /** Of so many samples... */
    private static final int SAMPLES = 256;

    /** ...so many may be near a half; by chance hardly one is. */
    private static final int NEAR_HALVES = 2;

    /** Null where numbers do not fit, or too many sums would have to be done again. */
    static @Nullable AddBytes of(
            boolean subtract, int leftShift, Operand x, Operand y, Rescale xs, Rescale ys, Rescale zs, Kind kind) {
        if (x.kind().bytes() != 1 || y.kind().bytes() != 1 || kind.bytes() != 1) {
            return null;
        }
        if (Math.abs((long) zs.lo - zs.zero) > NEAR || Math.abs((long) zs.hi - zs.zero) > NEAR) {
            return null;
        }
        int sign = subtract ? -1 : 1;
        if (!zs.rounding.fixedPoint()) {
            AddBytes a = new AddBytes(xs.factor[0], sign * ys.factor[0], 0, 0);
            double most = (double) a.xFactor * x.magnitude() + Math.abs((double) a.yFactor) * y.magnitude();
            return most < NEAR ? a : null;
        }
        if (AddLanes.of(x, y, leftShift, xs, ys, zs) == null) {
            return null;
        }
        double z = scale(zs);
        double xExact = Math.scalb(scale(xs), leftShift) * z;
        double yExact = Math.scalb(scale(ys), leftShift) * z;
        float fx = (float) xExact;
        float fy = (float) (sign * yExact);
        double offset = -((double) x.zero() * fx + (double) y.zero() * fy);
        double inner = Math.abs(fy) * 256.0 + Math.abs(offset);
        double most = xExact * x.magnitude() + yExact * y.magnitude() + 1;
        boolean twice = zs.rounding == Rounding.TFLITE;
        double error = (twice ? 2 : 1) * z
                + (twice ? Math.scalb(1.0, 30 - 31 + zs.shift[0]) : 0)
                + ULP * (most + Math.abs(offset) + inner + 2 * most);
        double e = 1.01 * error;
        AddBytes a = new AddBytes(fx, fy, (float) offset, (float) (e + ULP * e));
        return inner + most < NEAR && e < 0.25 && a.seldomNear(x, y) ? a : null;
    }

    private static double scale(Rescale r) {
        return Math.scalb((double) r.multiplier[0], r.shift[0] - 31);
    }

    /** Whether few sums are near a half. */
    private boolean seldomNear(Operand x, Operand y) {
        int near = 0;
        for (int i = 0; i < SAMPLES; i++) {
            int mixed = i * 0x9E3779B1;
            int p = x.lo() + (mixed >>> 24) % (x.hi() - x.lo() + 1);
            int q = y.lo() + (mixed >>> 12 & 0xFF) % (y.hi() - y.lo() + 1);
            float h = Math.fma((float) p, xFactor, Math.fma((float) q, yFactor, offset));
            near += Math.rint(h - e) != Math.rint(h + e) ? 1 : 0;
        }
        return near <= NEAR_HALVES;
    }
}
