package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.FloatOp.Recurrent;
import dev.qnet.compiler.ir.FloatOp.Recurrent.Cell;
import dev.qnet.compiler.ir.Shape;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.function.IntToDoubleFunction;

/** Recurrent layers over singles, a step and a unit at a time: docs/numerics.md, "Recurrent layers". */
final class RecurrentKernel {
    private final Recurrent op;
    private final List<DoubleUnaryOperator> activations;
    private final int inputs;
    private final int hidden;
    private final float[] x;
    private final float[] w;
    private final float[] r;
    private final float[] bias;
    private final float[] peepholes;

    private RecurrentKernel(Recurrent op, List<Value> operands) {
        this.op = op;
        this.activations = op.activations().stream().map(Functions::of).toList();
        this.x = Kernel.floats(operands.get(0));
        this.w = Kernel.floats(operands.get(1));
        this.r = Kernel.floats(operands.get(2));
        this.bias = Kernel.floats(operands.get(3));
        this.peepholes = op.cell() == Cell.LSTM ? Kernel.floats(operands.get(6)) : new float[0];
        this.inputs = operands.get(0).shape().dim(2);
        this.hidden = operands.get(2).shape().dim(1);
    }

    static Kernel of(Recurrent op) {
        return v -> new RecurrentKernel(op, v).run(v);
    }

    private Value run(List<Value> operands) {
        boolean lstm = op.cell() == Cell.LSTM;
        int items = operands.getFirst().shape().dim(0);
        int steps = operands.getFirst().shape().dim(1);
        int width = lstm ? 2 * hidden : hidden;
        float[] y = new float[items * steps * width];
        for (int item = 0; item < items; item++) {
            float[] h = initial(operands.get(4), item);
            float[] c = lstm ? initial(operands.get(5), item) : new float[0];
            for (int step = 0; step < steps; step++) {
                int row = item * steps + (op.reverse() ? steps - 1 - step : step);
                int at = row * inputs;
                switch (op.cell()) {
                    case RNN -> h = rnn(at, h);
                    case GRU -> h = gru(at, h);
                    case LSTM -> {
                        float[] next = lstm(at, h, c);
                        h = java.util.Arrays.copyOf(next, hidden);
                        c = java.util.Arrays.copyOfRange(next, hidden, 2 * hidden);
                        System.arraycopy(c, 0, y, row * width + hidden, hidden);
                    }
                }
                System.arraycopy(h, 0, y, row * width, hidden);
            }
        }
        return new Value.Floats(Shape.of(items, steps, width), y);
    }

    private float[] initial(Value state, int item) {
        int row = state.shape().dim(0) == 1 ? 0 : item;
        return java.util.Arrays.copyOfRange(Kernel.floats(state), row * hidden, (row + 1) * hidden);
    }

    private float[] rnn(int at, float[] h) {
        float[] next = new float[hidden];
        for (int u = 0; u < hidden; u++) {
            next[u] = activate(0, limited(recurrent(input(bothBiases(u), at, u), h, u)));
        }
        return next;
    }

    private float[] gru(int at, float[] h) {
        float[] z = new float[hidden];
        float[] reset = new float[hidden];
        for (int u = 0; u < hidden; u++) {
            z[u] = activate(0, limited(recurrent(input(bothBiases(u), at, u), h, u)));
            int row = hidden + u;
            reset[u] = activate(0, limited(recurrent(input(bothBiases(row), at, row), h, row)));
        }
        float[] kept = new float[hidden];
        for (int u = 0; u < hidden; u++) {
            kept[u] = reset[u] * h[u];
        }
        float[] next = new float[hidden];
        for (int u = 0; u < hidden; u++) {
            int row = 2 * hidden + u;
            double sum;
            if (op.linearBeforeReset()) {
                float fromState = (float) recurrent(recurrentBias(row), h, row);
                sum = input(bias[row], at, row) + reset[u] * fromState;
            } else {
                sum = recurrent(input(bothBiases(row), at, row), kept, row);
            }
            float n = activate(1, limited(sum));
            next[u] = (float) ((1.0 - z[u]) * n + (double) z[u] * h[u]);
        }
        return next;
    }

    /** h, then c. */
    private float[] lstm(int at, float[] h, float[] c) {
        float[] next = new float[2 * hidden];
        for (int u = 0; u < hidden; u++) {
            int unit = u;
            IntToDoubleFunction gate = g -> {
                int row = g * hidden + unit;
                return recurrent(input(bothBiases(row), at, row), h, row);
            };
            float i = activate(0, limited(gate.applyAsDouble(0) + (double) peepholes[u] * c[u]));
            double keep = op.coupled()
                    ? 1.0 - i
                    : activate(0, limited(gate.applyAsDouble(2) + (double) peepholes[2 * hidden + u] * c[u]));
            float n = activate(1, limited(gate.applyAsDouble(3)));
            float cell = (float) (keep * c[u] + (double) i * n);
            float o = activate(0, limited(gate.applyAsDouble(1) + (double) peepholes[hidden + u] * cell));
            next[u] = (float) ((double) o * activate(2, cell));
            next[hidden + u] = cell;
        }
        return next;
    }

    private double bothBiases(int row) {
        return (double) bias[row] + recurrentBias(row);
    }

    private double recurrentBias(int row) {
        return bias[op.cell().gates() * hidden + row];
    }

    private double input(double sum, int at, int row) {
        double acc = sum;
        for (int i = 0; i < inputs; i++) {
            acc += (double) w[row * inputs + i] * x[at + i];
        }
        return acc;
    }

    private double recurrent(double sum, float[] h, int row) {
        double acc = sum;
        for (int i = 0; i < hidden; i++) {
            acc += (double) r[row * hidden + i] * h[i];
        }
        return acc;
    }

    private float limited(double sum) {
        return (float) (op.clip() == 0 ? sum : Math.min(Math.max(sum, -op.clip()), op.clip()));
    }

    private float activate(int which, float sum) {
        return (float) activations.get(which).applyAsDouble(sum);
    }
}
