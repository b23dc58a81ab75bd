package dev.qnet.runtime.kernel;

import static dev.qnet.runtime.kernel.Data.pick;

import java.util.Random;

/**
 * Recurrent layers against their definition, one unit and one step at a time: sums in double, ascending, rounded to
 * single once; activations and states singles.
 */
final class RecurrentCases {
    /** Left free on both sides of the results. */
    private static final int MARGIN = 64;

    private final Recurrent.Cell cell;
    private final int batch;
    private final int steps;
    private final int inputs;
    private final int hidden;
    private final int rows;
    private final boolean ownHidden;
    private final boolean ownCell;
    private final boolean reverse;
    private final boolean linear;
    private final boolean coupled;
    private final float clip;
    private final Scalar f;
    private final Scalar g;
    private final Scalar h;
    private final float[] w;
    private final float[] r;
    private final float[] bias;
    private final float[] peepholes;

    private RecurrentCases(Random random) {
        cell = pick(random, Recurrent.Cell.values());
        batch = pick(random, 1, 2, 3);
        // The inputs of 16 steps are multiplied together.
        steps = pick(random, 0, 1, 3, 15, 16, 17, 33, 40);
        inputs = pick(random, 0, 1, 2, 7, 16, 17);
        hidden = pick(random, 1, 2, 7, 8, 16, 17, 33);
        rows = hidden
                * switch (cell) {
                    case RNN -> 1;
                    case GRU -> 3;
                    case LSTM -> 4;
                };
        ownHidden = random.nextBoolean();
        ownCell = random.nextBoolean();
        reverse = random.nextBoolean();
        linear = random.nextBoolean();
        coupled = random.nextBoolean();
        clip = pick(random, 0f, 0f, 0.7f);
        f = activation(random);
        g = activation(random);
        h = activation(random);
        w = floats(random, rows * inputs);
        r = floats(random, rows * hidden);
        bias = floats(random, 2 * rows);
        peepholes = floats(random, lstm() ? 3 * hidden : 0);
    }

    private boolean lstm() {
        return cell == Recurrent.Cell.LSTM;
    }

    private static Scalar activation(Random random) {
        FloatUnary.Fn fn = pick(
                random,
                FloatUnary.Fn.SIGMOID,
                FloatUnary.Fn.TANH,
                FloatUnary.Fn.RELU,
                FloatUnary.Fn.HARD_SIGMOID,
                FloatUnary.Fn.AFFINE);
        return new Scalar(fn, 0.3f, 0.4f);
    }

    private static float[] floats(Random random, int n) {
        float[] a = new float[n];
        for (int i = 0; i < n; i++) {
            a[i] = random.nextInt(40) == 0 ? 0 : (float) random.nextGaussian();
        }
        return a;
    }

    static void check(Random random, Backend[] backends) {
        RecurrentCases c = new RecurrentCases(random);
        boolean lstm = c.lstm();
        int width = lstm ? 2 * c.hidden : c.hidden;
        int n = c.batch * c.steps * width;
        int x = MARGIN + n + MARGIN;
        int h0 = x + c.batch * c.steps * c.inputs;
        int c0 = h0 + (c.ownHidden ? c.batch : 1) * c.hidden;
        int end = c0 + (c.ownCell ? c.batch : 1) * c.hidden;
        float[] data = floats(random, end);
        long[] expected = new long[n];
        for (int b = 0; b < c.batch; b++) {
            float[] state = new float[c.hidden];
            float[] memory = new float[c.hidden];
            System.arraycopy(data, h0 + (c.ownHidden ? b * c.hidden : 0), state, 0, c.hidden);
            System.arraycopy(data, c0 + (c.ownCell ? b * c.hidden : 0), memory, 0, c.hidden);
            for (int i = 0; i < c.steps; i++) {
                int t = b * c.steps + (c.reverse ? c.steps - 1 - i : i);
                c.step(data, x + t * c.inputs, state, memory);
                for (int k = 0; k < width; k++) {
                    float v = k < c.hidden ? state[k] : memory[k - c.hidden];
                    expected[t * width + k] = Float.floatToIntBits(v);
                }
            }
        }
        for (Backend backend : backends) {
            Banks banks = new Banks(0, 0, 0, 0, end);
            System.arraycopy(data, 0, banks.floats, 0, end);
            Recurrent layer = c.layer(backend);
            UnaryKernel kernel = lstm
                    ? (b, from, to) -> layer.run(b, from, h0, c0, to)
                    : (b, from, to) -> layer.run(b, from, h0, to);
            Results.check(c.toString(), backend, kernel, banks, x, MARGIN, Kind.F32, expected);
        }
    }

    private Recurrent layer(Backend backend) {
        return Recurrent.of(
                backend,
                cell,
                new int[] {batch, steps, inputs, hidden},
                ownHidden,
                ownCell,
                reverse,
                linear,
                coupled,
                clip,
                f,
                cell == Recurrent.Cell.RNN ? null : g,
                lstm() ? h : null,
                w,
                r,
                bias,
                peepholes);
    }

    /** Takes both states a step further. */
    private void step(float[] x, int at, float[] state, float[] memory) {
        float[] before = state.clone();
        switch (cell) {
            case RNN -> {
                for (int k = 0; k < hidden; k++) {
                    state[k] = activated(f, times(before, k, sum(x, at, k, true)));
                }
            }
            case GRU -> gru(x, at, before, state);
            case LSTM -> lstm(x, at, before, state, memory);
        }
    }

    private void gru(float[] x, int at, float[] before, float[] state) {
        float[] reset = new float[hidden];
        float[] kept = new float[hidden];
        for (int k = 0; k < hidden; k++) {
            reset[k] = activated(f, times(before, hidden + k, sum(x, at, hidden + k, true)));
            kept[k] = reset[k] * before[k];
        }
        for (int k = 0; k < hidden; k++) {
            int row = 2 * hidden + k;
            double news = linear
                    ? sum(x, at, row, false) + reset[k] * (float) times(before, row, bias[rows + row])
                    : times(kept, row, sum(x, at, row, true));
            double z = activated(f, times(before, k, sum(x, at, k, true)));
            state[k] = (float) ((1 - z) * activated(g, news) + z * before[k]);
        }
    }

    private void lstm(float[] x, int at, float[] before, float[] state, float[] memory) {
        for (int k = 0; k < hidden; k++) {
            double c = memory[k];
            float in = activated(f, times(before, k, sum(x, at, k, true)) + peepholes[k] * c);
            int row = 2 * hidden + k;
            float forget = activated(f, times(before, row, sum(x, at, row, true)) + peepholes[row] * c);
            float news = activated(g, times(before, hidden + row, sum(x, at, hidden + row, true)));
            memory[k] = (float) ((coupled ? 1.0 - in : forget) * c + (double) in * news);
            row = hidden + k;
            double sum = times(before, row, sum(x, at, row, true)) + peepholes[row] * (double) memory[k];
            state[k] = (float) ((double) activated(f, sum) * (float) h.apply(memory[k]));
        }
    }

    /** A row's bias, or both, and its product with the inputs. */
    private double sum(float[] x, int at, int row, boolean both) {
        double sum = both ? (double) bias[row] + bias[rows + row] : bias[row];
        for (int i = 0; i < inputs; i++) {
            sum += (double) x[at + i] * w[row * inputs + i];
        }
        return sum;
    }

    /** A row's product with the state behind what the sum begins with. */
    private double times(float[] state, int row, double begin) {
        double sum = begin;
        for (int i = 0; i < hidden; i++) {
            sum += (double) state[i] * r[row * hidden + i];
        }
        return sum;
    }

    private float activated(Scalar fn, double sum) {
        return (float) fn.apply((float) (clip == 0 ? sum : Math.clamp(sum, -clip, clip)));
    }

    @Override
    public String toString() {
        return cell + " of " + batch + "×" + steps + "×" + inputs + " to " + hidden + (reverse ? " reversed" : "")
                + (linear ? " linear before reset" : "") + (coupled ? " coupled" : "");
    }
}
