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
    private static final int INPUTS = 1;
    private static final int BEGIN = 2;
    private static final int STATE = 4; // 3 is Scalar's
    private static final int APART = 5;

    /** Steps whose inputs are multiplied together. */
    private static final int TOGETHER = 16;

    private final Loops loops;

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

    /** [I][G·H], so that one number meets all gates at once. */
    private final float[] w;

    /** [H][G·H], of GRU without the last gate. */
    private final float[] r;

    /** GRU: [H][H], the last gate. */
    private final float[] last;

    /** What sums begin with, doubles of both biases; with linearBeforeReset of w alone for the last gate. */
    private final double[] first;

    /** GRU: what the last gate's product with the state begins with: nothing, or the bias of r. */
    private final double[] lastFirst;

    private final float[] peepholes;

    private Recurrent(
            Loops loops,
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
        this.loops = loops;
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
        int rows = cell.gates * hidden;
        int direct = cell == Cell.GRU ? rows - hidden : rows;
        this.w = transposed(w, 0, rows, inputs);
        this.r = transposed(r, 0, direct, hidden);
        last = transposed(r, direct, rows - direct, hidden);
        first = new double[rows + RescaleLanes.PAD];
        lastFirst = new double[hidden + RescaleLanes.PAD];
        boolean apart = cell == Cell.GRU && linearBeforeReset;
        for (int k = 0; k < rows; k++) {
            first[k] = apart && k >= direct ? bias[k] : (double) bias[k] + bias[rows + k];
        }
        for (int k = 0; k < hidden && apart; k++) {
            lastFirst[k] = bias[rows + direct + k];
        }
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
                backend.loops(),
                cell,
                sizes.clone(),
                ownHidden,
                ownCell,
                reverse,
                linearBeforeReset,
                coupled,
                clip,
                new Scalar[] {f, second, h == null ? second : h},
                w,
                r,
                bias,
                peepholes.clone());
    }

    /** Some rows of a matrix as columns, and some numbers more, for vectors run over the end. */
    private static float[] transposed(float[] w, int from, int rows, int columns) {
        float[] t = new float[rows * columns + RescaleLanes.PAD];
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                t[j * rows + i] = w[(from + i) * columns + j];
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
                if (i % TOGETHER == 0) {
                    int count = Math.min(TOGETHER, steps - i);
                    inputs(banks, x + (reverse ? t - count + 1 : t) * inputs, count);
                }
                int begun = Math.min(TOGETHER, steps - i / TOGETHER * TOGETHER);
                step(banks, reverse ? begun - 1 - i % TOGETHER : i % TOGETHER, state, memory);
                System.arraycopy(state, 0, banks.floats, result + t * width, hidden);
                if (cell == Cell.LSTM) {
                    System.arraycopy(memory, 0, banks.floats, result + t * width + hidden, hidden);
                }
            }
        }
    }

    /** Sums over the inputs of some steps that lie one behind the other. */
    private void inputs(Banks b, int x, int count) {
        int rows = cell.gates * hidden;
        double[] in = b.doubles(APART, Math.max(count * inputs, hidden) + RescaleLanes.PAD);
        double[] sums = b.doubles(INPUTS, count * rows + RescaleLanes.PAD);
        loops.widen(b.floats, x, in, 0, count * inputs);
        loops.product(in, count, inputs, w, 0, rows, first, sums, rows);
    }

    /** A step, whose sums over the input are those of an index. */
    private void step(Banks b, int index, float[] state, float[] memory) {
        int rows = cell.gates * hidden;
        int direct = cell == Cell.GRU ? rows - hidden : rows;
        double[] sums = b.doubles(SUMS, rows + RescaleLanes.PAD);
        double[] ofInputs = b.doubles(INPUTS, 0);
        double[] begin = b.doubles(BEGIN, rows + RescaleLanes.PAD);
        System.arraycopy(ofInputs, index * rows, begin, 0, direct);
        product(b, state, r, direct, begin, sums);
        // Behind the product, which may run over its end.
        System.arraycopy(ofInputs, index * rows + direct, sums, direct, rows - direct);
        switch (cell) {
            case RNN -> {
                limit(sums, 0, state, 0, hidden);
                f.apply(loops, b, state, 0, 0, hidden);
            }
            case GRU -> gru(b, sums, state);
            case LSTM -> lstm(b, sums, state, memory);
        }
    }

    /** A product with the state, or the like. */
    private void product(Banks b, float[] x, float[] weights, int n, double[] begin, double[] sums) {
        double[] in = b.doubles(STATE, hidden + RescaleLanes.PAD);
        loops.widen(x, 0, in, 0, hidden);
        loops.product(in, 1, hidden, weights, 0, n, begin, sums, n);
    }

    /** Sums, clipped and rounded to singles. */
    private void limit(double[] sums, int at, float[] to, int y, int n) {
        for (int k = 0; k < n; k++) {
            to[y + k] = (float) (clip == 0 ? sums[at + k] : Math.max(-clip, Math.min(clip, sums[at + k])));
        }
    }

    private void gru(Banks b, double[] sums, float[] state) {
        float[] gates = b.floats(GATES, 3 * hidden);
        double[] apart = b.doubles(APART, hidden + RescaleLanes.PAD);
        int n = 2 * hidden;
        if (linearBeforeReset) {
            product(b, state, last, hidden, lastFirst, apart);
        }
        limit(sums, 0, gates, 0, n);
        f.apply(loops, b, gates, 0, 0, n);
        if (linearBeforeReset) {
            for (int k = 0; k < hidden; k++) {
                sums[n + k] += gates[hidden + k] * (float) apart[k];
            }
        } else {
            float[] reset = b.floats(RESET, hidden);
            for (int k = 0; k < hidden; k++) {
                reset[k] = gates[hidden + k] * state[k];
            }
            double[] begin = b.doubles(BEGIN, 0);
            System.arraycopy(sums, n, begin, 0, hidden);
            product(b, reset, last, hidden, begin, apart);
            System.arraycopy(apart, 0, sums, n, hidden);
        }
        limit(sums, n, gates, n, hidden);
        g.apply(loops, b, gates, n, n, hidden);
        for (int k = 0; k < hidden; k++) {
            double z = gates[k];
            state[k] = (float) ((1 - z) * gates[n + k] + z * state[k]);
        }
    }

    private void lstm(Banks b, double[] sums, float[] state, float[] memory) {
        float[] gates = b.floats(GATES, 4 * hidden);
        int out = hidden;
        int forget = 2 * hidden;
        int news = 3 * hidden;
        for (int k = 0; k < hidden; k++) {
            double c = memory[k];
            sums[k] += peepholes[k] * c;
            sums[forget + k] += peepholes[forget + k] * c;
        }
        limit(sums, 0, gates, 0, hidden);
        f.apply(loops, b, gates, 0, 0, hidden);
        if (!coupled) {
            limit(sums, forget, gates, forget, hidden);
            f.apply(loops, b, gates, forget, forget, hidden);
        }
        limit(sums, news, gates, news, hidden);
        g.apply(loops, b, gates, news, news, hidden);
        for (int k = 0; k < hidden; k++) {
            double keep = coupled ? 1.0 - gates[k] : gates[forget + k];
            memory[k] = (float) (keep * memory[k] + (double) gates[k] * gates[news + k]);
            sums[out + k] += peepholes[out + k] * (double) memory[k];
        }
        limit(sums, out, gates, out, hidden);
        f.apply(loops, b, gates, out, out, hidden);
        System.arraycopy(memory, 0, state, 0, hidden);
        h.apply(loops, b, state, 0, 0, hidden);
        for (int k = 0; k < hidden; k++) {
            state[k] = (float) ((double) gates[out + k] * state[k]);
        }
    }
}
