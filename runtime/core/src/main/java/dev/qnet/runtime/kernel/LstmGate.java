package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/**
 * A gate of TFLite's 8x8_16 LSTM before its activation: {@code sat16(sat16(scale_x(Σ w·x + bias)) + scale_h(Σ r·h))},
 * scaled as {@link Rounding#TFLITE} does.
 */
public final class LstmGate implements BinaryKernel {
    /** The product with h is limited to this before it is added to 16 bits, which then saturate all the same. */
    private static final int FAR = 1 << 17;

    private final Loops loops;
    private final UnaryKernel input;
    private final UnaryKernel recurrent;
    private final Rescale inputScale;
    private final Rescale recurrentScale;
    private final int n;

    private LstmGate(
            Loops loops, UnaryKernel input, UnaryKernel recurrent, Rescale inputScale, Rescale recurrentScale, int n) {
        this.loops = loops;
        this.input = input;
        this.recurrent = recurrent;
        this.inputScale = inputScale;
        this.recurrentScale = recurrentScale;
        this.n = n;
    }

    /**
     * Plans x [rows,I], h [rows,J] → [rows,H], {@link Kind#S16}.
     *
     * @param x the input's element, of at most 16 bits
     * @param h the state's element, of at most 16 bits
     * @param rows the product of the leading axes
     * @param inputs I
     * @param states J
     * @param units H
     * @param w effective weights [H,I], see {@link Weights}
     * @param r effective weights [H,J]
     * @param bias [H], or null
     * @param multipliers Q31 multipliers of the product with x and of the one with h
     * @param shifts their shifts
     */
    public static LstmGate of(
            Backend backend,
            Operand x,
            Operand h,
            int rows,
            int inputs,
            int states,
            int units,
            int[] w,
            int[] r,
            int @Nullable [] bias,
            int[] multipliers,
            int[] shifts) {
        if (x.kind().bytes() > 2
                || h.kind().bytes() > 2
                || w.length != (long) units * inputs
                || r.length != (long) units * states
                || (bias != null && bias.length != units)
                || multipliers.length != 2
                || shifts.length != 2) {
            throw new IllegalArgumentException("the weights of a gate do not fit " + units + " units of " + inputs
                    + " inputs and " + states + " states");
        }
        Loops loops = backend.loops();
        Output sums = Output.accumulator(Kind.S32);
        return new LstmGate(
                loops,
                loops.conv(ConvSpec.of(x, 1, rows, inputs, units, Window.POINT, 1, w, bias, sums)),
                loops.conv(ConvSpec.of(h, 1, rows, states, units, Window.POINT, 1, r, null, sums)),
                scale(multipliers[0], shifts[0], Short.MIN_VALUE, Short.MAX_VALUE),
                scale(multipliers[1], shifts[1], -FAR, FAR),
                rows * units);
    }

    private static Rescale scale(int multiplier, int shift, int lo, int hi) {
        return Rescale.fixed(Rounding.TFLITE, new int[] {multiplier}, new int[] {shift}, 0, lo, hi);
    }

    @Override
    public void run(Banks banks, int xAt, int hAt, int yAt) {
        Banks apart = banks.apart(2 * n); // without workers: on this thread, however large
        int[] sums = apart.ints;
        input.run(apart, xAt, 0);
        recurrent.run(apart, hAt, n);
        loops.rescale(inputScale, sums, 0, n, 0);
        loops.rescale(recurrentScale, sums, n, n, 0);
        short[] y = banks.shorts;
        for (int i = 0; i < n; i++) {
            y[yAt + i] = (short) Math.max(Short.MIN_VALUE, Math.min(Short.MAX_VALUE, sums[i] + sums[n + i]));
        }
    }
}
