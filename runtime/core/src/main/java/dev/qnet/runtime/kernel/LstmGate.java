package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/**
 * A gate of TFLite's 8x8_16 LSTM before its activation: {@code sat16(sat16(scale_x(Σ w·x + bias)) + scale_h(Σ r·h))},
 * scaled as {@link Rounding#TFLITE} does.
 */
public final class LstmGate implements BinaryKernel {
    private final Operand x;
    private final Operand h;
    private final int rows;
    private final int inputs;
    private final int states;
    private final int units;
    private final int[] w;
    private final int[] r;
    private final int[] bias;
    private final int[] multipliers;
    private final int[] shifts;

    private LstmGate(
            Operand x,
            Operand h,
            int rows,
            int inputs,
            int states,
            int units,
            int[] w,
            int[] r,
            int[] bias,
            int[] multipliers,
            int[] shifts) {
        this.x = x;
        this.h = h;
        this.rows = rows;
        this.inputs = inputs;
        this.states = states;
        this.units = units;
        this.w = w;
        this.r = r;
        this.bias = bias;
        this.multipliers = multipliers;
        this.shifts = shifts;
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
        int[] b = bias == null ? new int[units] : bias.clone();
        return new LstmGate(
                x, h, rows, inputs, states, units, w.clone(), r.clone(), b, multipliers.clone(), shifts.clone());
    }

    @Override
    public void run(Banks banks, int xAt, int hAt, int yAt) {
        int[] a = banks.ints(0, inputs);
        int[] s = banks.ints(1, states);
        for (int row = 0; row < rows; row++) {
            Rows.load(banks, x, xAt + row * inputs, a, 0, inputs);
            Rows.load(banks, h, hAt + row * states, s, 0, states);
            for (int u = 0; u < units; u++) {
                long input = Rescale.scaleTwice(bias[u] + dot(a, w, u * inputs, inputs), multipliers[0], shifts[0]);
                long state = Rescale.scaleTwice(dot(s, r, u * states, states), multipliers[1], shifts[1]);
                banks.shorts[yAt + row * units + u] = (short) Softmax16.saturate(Softmax16.saturate(input) + state);
            }
        }
    }

    private static int dot(int[] a, int[] w, int at, int n) {
        int sum = 0;
        for (int i = 0; i < n; i++) {
            sum += a[i] * w[at + i];
        }
        return sum;
    }
}
