package dev.qnet.compiler.interp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp.Recurrent;
import dev.qnet.compiler.ir.FloatOp.Recurrent.Cell;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** Recurrent layers against ONNX's equations in double, and their rounding by hand. */
class RecurrentTest {
    private static final ScalarFn SIGMOID = new ScalarFn.Sigmoid();
    private static final ScalarFn TANH = new ScalarFn.Tanh();
    private static final ScalarFn SAME = new ScalarFn.Affine(1, 0);

    private static Value run(Recurrent op, Value... operands) {
        return Nodes.run(op, Element.FLOAT, Collections.nCopies(operands.length, Element.FLOAT), operands);
    }

    private static Value random(Random r, int... dims) {
        Shape s = Shape.of(dims);
        float[] x = new float[s.elements()];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) r.nextGaussian();
        }
        return Value.of(s, x);
    }

    private static double[] doubles(Value v) {
        float[] f = ((Value.Floats) v).data();
        double[] d = new double[f.length];
        Arrays.setAll(d, i -> f[i]);
        return d;
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    /** Row {@code row} of a matrix with n columns, times a vector. */
    private static double dot(double[] matrix, int row, double[] x, int at, int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += matrix[row * n + i] * x[at + i];
        }
        return sum;
    }

    /** The equations of ONNX's RNN, GRU and LSTM with their usual activations, with nothing rounded. */
    private static double[] equations(Recurrent op, int batch, int steps, int in, int hidden, Value... operands) {
        double[][] o = Arrays.stream(operands).map(RecurrentTest::doubles).toArray(double[][]::new);
        boolean lstm = op.cell() == Cell.LSTM;
        int gates = op.cell().gates();
        int width = lstm ? 2 * hidden : hidden;
        double[] y = new double[batch * steps * width];
        for (int b = 0; b < batch; b++) {
            double[] h = Arrays.copyOfRange(o[4], b * hidden, (b + 1) * hidden);
            double[] c = lstm ? Arrays.copyOfRange(o[5], 0, hidden) : new double[hidden];
            for (int s = 0; s < steps; s++) {
                int t = op.reverse() ? steps - 1 - s : s;
                int at = (b * steps + t) * in;
                double[] nextH = new double[hidden];
                double[] nextC = new double[hidden];
                for (int u = 0; u < hidden; u++) {
                    double[] fromX = new double[gates];
                    double[] fromH = new double[gates];
                    for (int g = 0; g < gates; g++) {
                        int row = g * hidden + u;
                        fromX[g] = dot(o[1], row, o[0], at, in) + o[3][row];
                        fromH[g] = dot(o[2], row, h, 0, hidden) + o[3][gates * hidden + row];
                    }
                    switch (op.cell()) {
                        case RNN -> nextH[u] = Math.tanh(fromX[0] + fromH[0]);
                        case GRU -> {
                            double z = sigmoid(fromX[0] + fromH[0]);
                            double[] kept = new double[hidden];
                            for (int j = 0; j < hidden; j++) {
                                int row = hidden + j;
                                kept[j] = h[j]
                                        * sigmoid(dot(o[1], row, o[0], at, in)
                                                + o[3][row]
                                                + dot(o[2], row, h, 0, hidden)
                                                + o[3][gates * hidden + row]);
                            }
                            double r = sigmoid(fromX[1] + fromH[1]);
                            double n = op.linearBeforeReset()
                                    ? Math.tanh(fromX[2] + r * fromH[2])
                                    : Math.tanh(fromX[2]
                                            + dot(o[2], 2 * hidden + u, kept, 0, hidden)
                                            + o[3][gates * hidden + 2 * hidden + u]);
                            nextH[u] = (1 - z) * n + z * h[u];
                        }
                        case LSTM -> {
                            double i = sigmoid(fromX[0] + fromH[0] + o[6][u] * c[u]);
                            double f =
                                    op.coupled() ? 1 - i : sigmoid(fromX[2] + fromH[2] + o[6][2 * hidden + u] * c[u]);
                            nextC[u] = f * c[u] + i * Math.tanh(fromX[3] + fromH[3]);
                            double out = sigmoid(fromX[1] + fromH[1] + o[6][hidden + u] * nextC[u]);
                            nextH[u] = out * Math.tanh(nextC[u]);
                        }
                    }
                }
                h = nextH;
                c = nextC;
                int row = (b * steps + t) * width;
                System.arraycopy(h, 0, y, row, hidden);
                if (lstm) {
                    System.arraycopy(c, 0, y, row + hidden, hidden);
                }
            }
        }
        return y;
    }

    @Property(tries = 200)
    void followsTheEquations(@ForAll Cell cell, @ForAll boolean reverse, @ForAll boolean variant, @ForAll Random r) {
        int batch = 1 + r.nextInt(3);
        int steps = 1 + r.nextInt(4);
        int in = 1 + r.nextInt(3);
        int hidden = 1 + r.nextInt(4);
        int rows = cell.gates() * hidden;
        List<ScalarFn> activations = switch (cell) {
            case RNN -> List.of(TANH);
            case GRU -> List.of(SIGMOID, TANH);
            case LSTM -> List.of(SIGMOID, TANH, TANH);
        };
        Recurrent op =
                new Recurrent(cell, reverse, activations, 0, cell == Cell.GRU && variant, cell == Cell.LSTM && variant);
        Value x = random(r, batch, steps, in);
        Value w = random(r, rows, in);
        Value u = random(r, rows, hidden);
        Value b = random(r, 2 * rows);
        Value h = random(r, batch, hidden);
        // One initial cell state for all items.
        Value[] operands = cell == Cell.LSTM
                ? new Value[] {x, w, u, b, h, random(r, 1, hidden), random(r, 3 * hidden)}
                : new Value[] {x, w, u, b, h};
        double[] expected = equations(op, batch, steps, in, hidden, operands);
        float[] found = ((Value.Floats) run(op, operands)).data();
        assertThat(found).hasSize(expected.length);
        for (int i = 0; i < found.length; i++) {
            assertThat((double) found[i]).isCloseTo(expected[i], within(2e-5 * Math.max(1, Math.abs(expected[i]))));
        }
    }

    /** 2^24 + 1 is no single: the whole sum of a gate, both biases included, is in double. */
    @Test
    void aGateIsRoundedOnce() {
        Recurrent op = new Recurrent(Cell.RNN, false, List.of(SAME), 0, false, false);
        Value y = run(
                op,
                Value.of(Shape.of(1, 2, 1), 1f, 1),
                Value.of(Shape.of(1, 1), 16777216f),
                Value.of(Shape.of(1, 1), 1f),
                Value.of(Shape.of(2), 1f, -16777216f),
                Value.of(Shape.of(1, 1), 0f));
        assertThat(y).isEqualTo(Value.of(Shape.of(1, 2, 1), 1f, 2));
    }

    @Test
    void sumsAreClippedInFrontOfTheirActivation() {
        Recurrent op = new Recurrent(Cell.RNN, false, List.of(new ScalarFn.Affine(10, 0)), 2, false, false);
        Value y = run(
                op,
                Value.of(Shape.of(1, 3, 1), 5f, -5, 0.25f),
                Value.of(Shape.of(1, 1), 1f),
                Value.of(Shape.of(1, 1), 0f),
                Value.of(Shape.of(2), 0f, 0),
                Value.of(Shape.of(1, 1), 0f));
        assertThat(y).isEqualTo(Value.of(Shape.of(1, 3, 1), 20f, -20, 2.5f));
    }

    /** All gates the identity: i = 1, o = 2, f = 3, n = 4, so that c' = 3·c + 4 and h' = 2·c'. */
    @Test
    void gatesLieInOnnxOrder() {
        Recurrent op = new Recurrent(Cell.LSTM, false, List.of(SAME, SAME, SAME), 0, false, false);
        Value y = run(
                op,
                Value.of(Shape.of(1, 2, 1), 1f, 1),
                Value.of(Shape.of(4, 1), 1f, 2, 3, 4),
                Value.of(Shape.of(4, 1), 0f, 0, 0, 0),
                Value.of(Shape.of(8), new float[8]),
                Value.of(Shape.of(1, 1), 0f),
                Value.of(Shape.of(1, 1), 10f),
                Value.of(Shape.of(3), 0f, 0, 0));
        assertThat(y).isEqualTo(Value.of(Shape.of(1, 2, 2), 68f, 34, 212, 106));
        // Peepholes of i, o, f: i = 1 + c, o = 2 + 10·c', f = 3 + 100·c.
        Value peeping = run(
                op,
                Value.of(Shape.of(1, 1, 1), 1f),
                Value.of(Shape.of(4, 1), 1f, 2, 3, 4),
                Value.of(Shape.of(4, 1), 0f, 0, 0, 0),
                Value.of(Shape.of(8), new float[8]),
                Value.of(Shape.of(1, 1), 0f),
                Value.of(Shape.of(1, 1), 1f),
                Value.of(Shape.of(3), 1f, 10, 100));
        // c' = 103·1 + 2·4 = 111, h' = (2 + 1110)·111.
        assertThat(peeping).isEqualTo(Value.of(Shape.of(1, 1, 2), 123432f, 111));
    }
}
