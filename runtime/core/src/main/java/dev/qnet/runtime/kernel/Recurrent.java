package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/**
 * A recurrent layer of singles over a sequence, one direction. Gates lie in ONNX's order: LSTM i, o, f, c; GRU z, r, h. A
 * gate's sum runs in double, from both biases, over the input, over the state, ascending, then the peephole's product; it
 * is clipped and rounded to single once. Each activation is rounded to single, and so is each state.
 */
public final class Recurrent implements BinaryKernel, TernaryKernel {
    /** The kinds of cell. */
    public enum Cell {
        RNN(1),
        GRU(3),
        LSTM(4);

        private final int gates;

        Cell(int gates) {
            this.gates = gates;
        }
    }

    private static final int HIDDEN = 0;
    private static final int CELL = 1;
    private static final int GATES = 2;
    private static final int RESET = 3;
    private static final int SUMS = 0;
    private static final int STATE_SUMS = 1;

    private final Cell cell;
    private final int batch;
    private final int steps;
    private final int inputs;
    private final int hidden;

    /** Whether each item of the batch has an initial hidden state, or cell state, of its own. */
    private final boolean ownHidden;

    private final boolean ownCell;

    private final boolean reverse;
    private final boolean linearBeforeReset;
    private final boolean coupled;
    private final double clip;
    private final Scalar f;
    private final Scalar g;
    private final Scalar h;

    /** [I][G·H] and [H][G·H], so that one number meets all gates at once. */
    private final float[] w;

    private final float[] r;
    private final float[] bias;
    private final float[] peepholes;

    private Recurrent(
            Cell cell,
            int[] sizes,
            boolean ownHidden,
            boolean ownCell,
            boolean reverse,
            boolean linearBeforeReset,
            boolean coupled,
            float clip,
            Scalar[] activations,
            float[] w,
            float[] r,
            float[] bias,
            float[] peepholes) {
        this.cell = cell;
        batch = sizes[0];
        steps = sizes[1];
        inputs = sizes[2];
        hidden = sizes[3];
        this.ownHidden = ownHidden;
        this.ownCell = ownCell;
        this.reverse = reverse;
        this.linearBeforeReset = linearBeforeReset;
        this.coupled = coupled;
        this.clip = clip;
        f = activations[0];
        g = activations[Math.min(1, activations.length - 1)];
        h = activations[activations.length - 1];
        this.w = w;
        this.r = r;
        this.bias = bias;
        this.peepholes = peepholes;
    }

    /**
     * Plans x [B,T,I], h0 [B,H] or [1,H] → [B,T,H]; with LSTM x, h0, c0
     * [B,H] or [1,H] → [B,T,2·H], hidden and cell state of each step.
     *
     * @param sizes B, T, I, H
     * @param ownHidden whether h0 is [B,H]
     * @param ownCell whether c0 is [B,H]
     * @param reverse whether the sequence runs from its end
     * @param linearBeforeReset GRU: whether the reset gate acts behind the product
     * @param coupled LSTM: whether the forget gate is 1 − i
     * @param clip the limit of the gates' sums, 0 for none
     * @param f the first activation
     * @param g the second, null for RNN
     * @param h the third, null but for LSTM
     * @param w [G·H,I]
     * @param r [G·H,H]
     * @param bias [2·G·H]: of w, then of r
     * @param peepholes [3·H] of i, o, f; empty but for LSTM
     */
    public static Recurrent of(
            Backend backend,
            Cell cell,
            int[] sizes,
            boolean ownHidden,
            boolean ownCell,
            boolean reverse,
            boolean linearBeforeReset,
            boolean coupled,
            float clip,
            Scalar f,
            @Nullable Scalar g,
            @Nullable Scalar h,
            float[] w,
            float[] r,
            float[] bias,
            float[] peepholes) {
        int hidden = sizes[3];
        int rows = cell.gates * hidden;
        if (w.length != rows * sizes[2]
                || r.length != rows * hidden
                || bias.length != 2 * rows
                || peepholes.length != (cell == Cell.LSTM ? 3 * hidden : 0)) {
            throw new IllegalArgumentException(
                    "the weights of a recurrent layer do not fit " + hidden + " units of " + sizes[2] + " inputs");
        }
        Scalar second = g == null ? f : g;
        return new Recurrent(
                cell,
                sizes.clone(),
                ownHidden,
                ownCell,
                reverse,
                linearBeforeReset,
                coupled,
                clip,
                new Scalar[] {f, second, h == null ? second : h},
                transposed(w, rows, sizes[2]),
                transposed(r, rows, hidden),
                bias.clone(),
                peepholes.clone());
    }

    private static float[] transposed(float[] w, int rows, int columns) {
        float[] t = new float[w.length];
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                t[j * rows + i] = w[i * columns + j];
            }
        }
        return t;
    }

    @Override
    public void run(Banks banks, int x, int h0, int to) {
        run(banks, x, h0, -1, to);
    }

    @Override
    public void run(Banks banks, int x, int h0, int c0, int result) {
        float[] state = banks.floats(HIDDEN, hidden);
        float[] memory = banks.floats(CELL, hidden);
        int width = cell == Cell.LSTM ? 2 * hidden : hidden;
        for (int b = 0; b < batch; b++) {
            System.arraycopy(banks.floats, h0 + (ownHidden ? b * hidden : 0), state, 0, hidden);
            if (cell == Cell.LSTM) {
                System.arraycopy(banks.floats, c0 + (ownCell ? b * hidden : 0), memory, 0, hidden);
            }
            for (int i = 0; i < steps; i++) {
                int t = b * steps + (reverse ? steps - 1 - i : i);
                step(banks, x + t * inputs, state, memory);
                System.arraycopy(state, 0, banks.floats, result + t * width, hidden);
                if (cell == Cell.LSTM) {
                    System.arraycopy(memory, 0, banks.floats, result + t * width + hidden, hidden);
                }
            }
        }
    }

    private void step(Banks b, int x, float[] state, float[] memory) {
        int rows = cell.gates * hidden;
        double[] sums = b.doubles(SUMS, rows);
        float[] gates = b.floats(GATES, rows);
        // With linearBeforeReset the last gate's biases stay apart.
        int joint = cell == Cell.GRU && linearBeforeReset ? rows - hidden : rows;
        for (int k = 0; k < rows; k++) {
            sums[k] = k < joint ? (double) bias[k] + bias[rows + k] : bias[k];
        }
        for (int i = 0; i < inputs; i++) {
            FloatConv2d.axpy(sums, 0, b.floats[x + i], w, i * rows, rows);
        }
        int direct = cell == Cell.GRU ? rows - hidden : rows;
        for (int i = 0; i < hidden; i++) {
            FloatConv2d.axpy(sums, 0, state[i], r, i * rows, direct);
        }
        switch (cell) {
            case RNN -> rnn(sums, state);
            case GRU -> gru(b, sums, gates, state);
            case LSTM -> lstm(sums, state, memory);
        }
    }

    private void rnn(double[] sums, float[] state) {
        for (int k = 0; k < hidden; k++) {
            state[k] = activate(f, sums[k]);
        }
    }

    private void gru(Banks b, double[] sums, float[] gates, float[] state) {
        int n = 2 * hidden;
        int rows = 3 * hidden;
        for (int k = 0; k < n; k++) {
            gates[k] = activate(f, sums[k]);
        }
        if (linearBeforeReset) {
            double[] apart = b.doubles(STATE_SUMS, hidden);
            for (int k = 0; k < hidden; k++) {
                apart[k] = bias[rows + n + k];
            }
            for (int i = 0; i < hidden; i++) {
                FloatConv2d.axpy(apart, 0, state[i], r, i * rows + n, hidden);
            }
            for (int k = 0; k < hidden; k++) {
                sums[n + k] += gates[hidden + k] * (float) apart[k];
            }
        } else {
            float[] reset = b.floats(RESET, hidden);
            for (int k = 0; k < hidden; k++) {
                reset[k] = gates[hidden + k] * state[k];
            }
            for (int i = 0; i < hidden; i++) {
                FloatConv2d.axpy(sums, n, reset[i], r, i * rows + n, hidden);
            }
        }
        for (int k = 0; k < hidden; k++) {
            double z = gates[k];
            state[k] = (float) ((1 - z) * activate(g, sums[n + k]) + z * state[k]);
        }
    }

    private void lstm(double[] sums, float[] state, float[] memory) {
        int out = hidden;
        int forget = 2 * hidden;
        int news = 3 * hidden;
        for (int k = 0; k < hidden; k++) {
            double c = memory[k];
            float i = activate(f, sums[k] + peepholes[k] * c);
            double keep = coupled ? 1.0 - i : activate(f, sums[forget + k] + peepholes[forget + k] * c);
            float n = activate(g, sums[news + k]);
            memory[k] = (float) (keep * c + (double) i * n);
            float o = activate(f, sums[out + k] + peepholes[out + k] * (double) memory[k]);
            state[k] = (float) ((double) o * (float) h.apply(memory[k]));
        }
    }

    private float activate(Scalar fn, double sum) {
        double limited = clip == 0 ? sum : Math.max(-clip, Math.min(clip, sum));
        return (float) fn.apply((float) limited);
    }
}
