package dev.qnet.formats.tflite;

/** x·relu6(x + 3)/6 of 8-bit codes in TFLite's 16-bit fixed point. */
final class HardSwish {
    private HardSwish() {}

    /**
     * The code of the result, without its zero point.
     *
     * @param x a code less its zero point
     * @param output scales 128·x to the result's scale
     * @param relu scales 128·x to where 3 is 32768
     */
    static int code(int x, FixedPoint output, FixedPoint relu) {
        short fine = (short) (x * 128);
        short preshift = (short) Gemmlowp16.times(fine, half(output.multiplier()));
        short r = fine;
        if (relu.shift() > 0) {
            r = shifted(r, relu.shift() - 1);
        }
        r = (short) Gemmlowp16.times(r, half(relu.multiplier()));
        if (relu.shift() > 0) {
            r = shifted(r, 1);
        }
        if (relu.shift() < 0) {
            r = (short) FixedPoint.roundingDivideByPot(r, -relu.shift());
        }
        r = (short) ((r + (1 << 15)) >> 1);
        // Towards zero, not to nearest: it cancels the bias of the products before.
        short product = r == Short.MIN_VALUE && preshift == r ? Short.MAX_VALUE : (short) (r * preshift / (1 << 15));
        return FixedPoint.roundingDivideByPot(product, -output.shift());
    }

    /** DownScaleInt32ToInt16Multiplier. */
    private static short half(int multiplier) {
        return multiplier >= Integer.MAX_VALUE - (1 << 15) ? Short.MAX_VALUE : (short) ((multiplier + (1 << 15)) >> 16);
    }

    private static short shifted(short x, int by) {
        return (short) FixedPoint.clamp((long) x << Math.min(by, 31), Short.MIN_VALUE, Short.MAX_VALUE);
    }
}
