package dev.qnet.runtime.kernel;

/**
 * Softmax of codes along an axis, in integers, as TFLite's reference kernel: gemmlowp fixed point with 5 integer bits
 * for the scaled difference to the largest code and 12 for the sum. A result of 8 bits has scale 1/256, and zero point 0
 * or −128; one of 16 bits has scale 1/65536 and zero point −32768.
 */
public final class Softmax implements UnaryKernel {
    private static final int SUM_INTEGER_BITS = 12;

    private static final int DIFFERENCES = 256;

    /** From so many codes on, a table of what all codes become costs less than making each. */
    private static final int LONG = 256;

    private final Loops loops;
    private final Kind x;
    private final int outer;
    private final int extent;
    private final int inner;
    private final int multiplier;
    private final int leftShift;
    private final int diffMin;
    private final Kind y;

    /** For each difference to the largest code its exp, in Q0.31, and what it adds to the sum. */
    private final int[] exps = new int[DIFFERENCES];

    private final int[] terms = new int[DIFFERENCES];

    private Softmax(
            Loops loops, Kind x, int outer, int extent, int inner, int multiplier, int leftShift, int diffMin, Kind y) {
        this.loops = loops;
        this.x = x;
        this.outer = outer;
        this.extent = extent;
        this.inner = inner;
        this.multiplier = multiplier;
        this.leftShift = leftShift;
        this.diffMin = diffMin;
        this.y = y;
        for (int diff = 0; diff < DIFFERENCES; diff++) {
            exps[diff] = exp(-diff);
            terms[diff] = Gemmlowp.divideByPot(exps[diff], SUM_INTEGER_BITS);
        }
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
        return new Softmax(backend.loops(), x, outer, shape[axis], inner, multiplier, leftShift, diffMin, y);
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
        byte[] a = b.bytes;
        int from = xAt;
        if (inner > 1) {
            a = b.byteScratch(extent);
            from = 0;
            for (int i = 0; i < extent; i++) {
                a[i] = b.bytes[xAt + i * inner];
            }
        }
        int flip = x == Kind.S8 ? 0 : 0x80;
        int max = loops.largest(x == Kind.S8, a, from, extent);
        int sum = sum(a, from, extent, flip, max, terms);
        int headroom = Integer.numberOfLeadingZeros(sum);
        int reciprocal = Gemmlowp.oneOverOnePlus((sum << headroom) - Integer.MIN_VALUE);
        int shift = SUM_INTEGER_BITS - headroom + 31 - 8 * y.bytes();
        if (y == Kind.S16) {
            for (int i = 0; i < extent; i++) {
                int exp = exps[max - (byte) (a[from + i] ^ flip)];
                b.shorts[yAt + i * inner] = (short) code(exp, reciprocal, shift, Short.MIN_VALUE, Short.MAX_VALUE);
            }
            return;
        }
        int least = y == Kind.S8 ? Byte.MIN_VALUE : 0;
        if (inner > 1) {
            for (int i = 0; i < extent; i++) {
                int exp = exps[max - (byte) (a[from + i] ^ flip)];
                b.bytes[yAt + i * inner] = (byte) code(exp, reciprocal, shift, least, least + 255);
            }
        } else if (extent < LONG) {
            codes(a, from, extent, flip, max, exps, reciprocal, shift, least, yAt);
        } else {
            byte[] table = b.byteScratch(DIFFERENCES);
            for (int diff = max - Byte.MIN_VALUE; diff >= 0; diff--) {
                table[(max - diff ^ flip) & 0xFF] = (byte) code(exps[diff], reciprocal, shift, least, least + 255);
            }
            loops.look(table, b, xAt, yAt, extent);
        }
    }

    private static int sum(byte[] a, int at, int n, int flip, int max, int[] terms) {
        int sum = 0;
        for (int i = 0; i < n; i++) {
            sum += terms[max - (byte) (a[at + i] ^ flip)];
        }
        return sum;
    }

    /** Codes where the operand's and the result's lines lie in one bank. */
    private static void codes(
            byte[] a, int at, int n, int flip, int max, int[] exps, int reciprocal, int shift, int least, int yAt) {
        for (int i = 0; i < n; i++) {
            int exp = exps[max - (byte) (a[at + i] ^ flip)];
            a[yAt + i] = (byte) code(exp, reciprocal, shift, least, least + 255);
        }
    }

    /**
     * SRDHM of two numbers of at least 0, divided by 2^shift, shift at least 15. Both round halves up; of many equal codes, the
     * sum takes the shift beyond an int's bits.
     */
    private static int code(int exp, int reciprocal, int shift, int least, int most) {
        long v = ((long) reciprocal * exp + (1L << 30)) >> 31;
        return (int) Math.min(most, ((v + (1L << (shift - 1))) >> shift) + least);
    }

    /** The exp of a difference; 0 where it does not count, for one that underflows to 0 gives the least code as well. */
    int exp(int diff) {
        return diff < diffMin
                ? 0
                : Gemmlowp.expOnNegative(Gemmlowp.doublingHighMul(diff * (1 << leftShift), multiplier));
    }
}
