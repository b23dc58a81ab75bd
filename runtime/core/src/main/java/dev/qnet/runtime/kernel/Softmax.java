package dev.qnet.runtime.kernel;

/**
 * Softmax of codes along an axis, in integers, as TFLite's reference kernel: gemmlowp fixed point with 5 integer bits
 * for the scaled difference to the largest code and 12 for the sum. A result of 8 bits has scale 1/256, and zero point 0
 * or −128; one of 16 bits has scale 1/65536 and zero point −32768.
 */
public final class Softmax implements UnaryKernel {
    private static final int SUM_INTEGER_BITS = 12;

    private final Kind x;
    private final int outer;
    private final int extent;
    private final int inner;
    private final int multiplier;
    private final int leftShift;
    private final int diffMin;
    private final Kind y;

    private Softmax(Kind x, int outer, int extent, int inner, int multiplier, int leftShift, int diffMin, Kind y) {
        this.x = x;
        this.outer = outer;
        this.extent = extent;
        this.inner = inner;
        this.multiplier = multiplier;
        this.leftShift = leftShift;
        this.diffMin = diffMin;
        this.y = y;
    }

    /**
     * Plans.
     *
     * @param x the operand's kind, 8 bits
     * @param shape its shape
     * @param axis the axis along which results sum up to 1
     * @param multiplier with leftShift, scales a difference of codes to Q5.26
     * @param leftShift 0 to 31
     * @param diffMin differences below count as 0
     * @param y {@link Kind#U8}: zero point 0; {@link Kind#S8}: zero point −128; {@link Kind#S16}: zero
     *     point −32768
     */
    public static Softmax of(
            Backend backend, Kind x, int[] shape, int axis, int multiplier, int leftShift, int diffMin, Kind y) {
        if (x.bytes() != 1
                || (y.bytes() != 1 && y != Kind.S16)
                || axis < 0
                || axis >= shape.length
                || leftShift < 0
                || leftShift > 31) {
            throw new IllegalArgumentException("a softmax of " + x + " to " + y + " along axis " + axis + " of "
                    + shape.length + ", left shift " + leftShift);
        }
        int outer = 1;
        int inner = 1;
        for (int d = 0; d < shape.length; d++) {
            outer *= d < axis ? shape[d] : 1;
            inner *= d > axis ? shape[d] : 1;
        }
        return new Softmax(x, outer, shape[axis], inner, multiplier, leftShift, diffMin, y);
    }

    @Override
    public void run(Banks banks, int xAt, int yAt) {
        for (int o = 0; o < outer; o++) {
            for (int i = 0; i < inner; i++) {
                int at = o * extent * inner + i;
                line(banks, xAt + at, yAt + at);
            }
        }
    }

    private void line(Banks b, int xAt, int yAt) {
        int[] exp = b.ints(0, extent);
        int max = Integer.MIN_VALUE;
        for (int i = 0; i < extent; i++) {
            exp[i] = Rows.one(b, x, xAt + i * inner);
            max = Math.max(max, exp[i]);
        }
        int sum = 0;
        for (int i = 0; i < extent; i++) {
            int diff = exp[i] - max;
            // 0 for differences that do not count: an exp that underflows to 0 gives the least code as well.
            exp[i] = diff < diffMin ? 0 : Gemmlowp.expOnNegative(scaled(diff));
            sum += Gemmlowp.divideByPot(exp[i], SUM_INTEGER_BITS);
        }
        int headroom = Integer.numberOfLeadingZeros(sum);
        int reciprocal = Gemmlowp.oneOverOnePlus((sum << headroom) - Integer.MIN_VALUE);
        int shift = SUM_INTEGER_BITS - headroom + 31 - 8 * y.bytes();
        int least = (int) y.min();
        for (int i = 0; i < extent; i++) {
            int v = exp[i] == 0 ? 0 : Gemmlowp.divideByPot(Gemmlowp.doublingHighMul(reciprocal, exp[i]), shift);
            int code = Math.max(least, Math.min((int) y.max(), v + least));
            if (y == Kind.S16) {
                b.shorts[yAt + i * inner] = (short) code;
            } else {
                b.bytes[yAt + i * inner] = (byte) code;
            }
        }
    }

    private int scaled(int diff) {
        return Gemmlowp.doublingHighMul(diff * (1 << leftShift), multiplier);
    }
}
