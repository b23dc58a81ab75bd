package dev.qnet.runtime.kernel;

/**
 * Softmax of i16 codes along an axis → i16 codes with scale 1/32768 and zero point 0, as TFLite's SoftmaxInt16: exp and
 * reciprocal are interpolated from tables.
 */
public final class Softmax16 implements UnaryKernel {
    private final Axis axis;
    private final int multiplier;
    private final int shift;
    private final int[] exp;
    private final int[] reciprocal;

    private Softmax16(Axis axis, int multiplier, int shift, int[] exp, int[] reciprocal) {
        this.axis = axis;
        this.multiplier = multiplier;
        this.shift = shift;
        this.exp = exp;
        this.reciprocal = reciprocal;
    }

    /**
     * Plans, {@link Kind#S16} to {@link Kind#S16}.
     *
     * @param shape the operand's shape
     * @param axis the axis along which results sum up to 1
     * @param multiplier with shift, scales a difference to the largest code as {@link Rounding#TFLITE} does
     * @param shift −31 to 30
     * @param exp 513 entries, exp on [−10, 0]
     * @param reciprocal 513 entries, 1/(1 + x) on [0, 1]
     */
    public static Softmax16 of(
            Backend backend, int[] shape, int axis, int multiplier, int shift, int[] exp, int[] reciprocal) {
        if (exp.length != 513 || reciprocal.length != 513 || shift < -31 || shift > 30) {
            throw new IllegalArgumentException("a 16-bit softmax with tables of " + exp.length + " and "
                    + reciprocal.length + " entries and a shift of " + shift);
        }
        return new Softmax16(Axis.of(shape, axis), multiplier, shift, exp.clone(), reciprocal.clone());
    }

    @Override
    public void run(Banks banks, int x, int y) {
        for (int o = 0; o < axis.outer(); o++) {
            for (int i = 0; i < axis.inner(); i++) {
                int at = o * axis.extent() * axis.inner() + i;
                line(banks, x + at, y + at);
            }
        }
    }

    private void line(Banks b, int x, int y) {
        short[] a = b.shorts;
        int n = axis.extent();
        int step = axis.inner();
        int[] e = b.ints(0, n);
        int max = Short.MIN_VALUE;
        for (int i = 0; i < n; i++) {
            max = Math.max(max, a[x + i * step]);
        }
        int sum = 0;
        for (int i = 0; i < n; i++) {
            long d = Rescale.scaleTwice(a[x + i * step] - max, multiplier, shift);
            e[i] = InterpolatedTable.at(exp, saturate(d + 32767));
            sum += e[i];
        }
        // The largest code gives about 1, unless the table is an odd one.
        int h = Integer.numberOfLeadingZeros(Math.max(sum, 1));
        long half = h == 31 ? 0 : 1L << (30 - h);
        long shifted = (((long) sum << (h - 1)) + (1 << 13)) >> 14;
        int r = InterpolatedTable.at(reciprocal, saturate(shifted - 98304));
        for (int i = 0; i < n; i++) {
            int v = (int) (((long) e[i] * r + half) >> (31 - h));
            a[y + i * step] = (short) Math.max(0, Math.min(32767, v));
        }
    }

    static int saturate(long v) {
        return Math.clamp(v, Short.MIN_VALUE, Short.MAX_VALUE);
    }
}
