package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Sums of products of singles: kept in double, added in ascending order of the reduced axes from the bias, rounded once. The
 * inner loops run over output channels, with weights transposed so that these are consecutive: the order of the additions to
 * any one output is the same, and the compiler can vectorize.
 */
final class FloatProducts {
    private FloatProducts() {}

    /** @param weights the weights where they are constant, so that they are transposed once */
    static Kernel conv(FloatOp.Conv2d op, @Nullable Value weights) {
        Function<Value, double[]> transposed = memo(weights, FloatProducts::outputsLast);
        return v -> conv(
                op,
                (Value.Floats) v.get(0),
                v.get(1).shape(),
                transposed.apply(v.get(1)),
                bias(v, v.get(1).shape().dim(0)));
    }

    private static Value conv(FloatOp.Conv2d op, Value.Floats x, Shape w, double[] weights, double[] bias) {
        ConvLoop loop = ConvLoop.of(op.window(), x.shape());
        int out = w.dim(0);
        int in = w.dim(3);
        int outPerGroup = out / op.groups();
        float[] xs = x.data();
        float[] y = new float[loop.pixels() * out];
        double[] acc = new double[out];
        for (int p = 0; p < loop.pixels(); p++) {
            System.arraycopy(bias, 0, acc, 0, out);
            loop.taps(p, (pixel, tap) -> {
                int row = tap * in * out;
                if (outPerGroup == 1) {
                    // Depthwise: a group has one output, and the loop over groups is the long one.
                    for (int i = 0; i < in; i++) {
                        strided(acc, xs, pixel + i, in, weights, row + i * out, out);
                    }
                    return;
                }
                for (int i = 0; i < in; i++) {
                    for (int g = 0; g < op.groups(); g++) {
                        multiplyAdd(
                                acc,
                                g * outPerGroup,
                                xs[pixel + g * in + i],
                                weights,
                                row + i * out + g * outPerGroup,
                                outPerGroup);
                    }
                }
            });
            store(acc, y, p * out);
        }
        return new Value.Floats(loop.outShape(out), y);
    }

    /** @param weights the weights where they are constant */
    static Kernel dense(@Nullable Value weights) {
        Function<Value, double[]> transposed = memo(weights, FloatProducts::outputsLast);
        return v -> {
            Value.Floats x = (Value.Floats) v.get(0);
            int out = v.get(1).shape().dim(0);
            int in = v.get(1).shape().dim(1);
            double[] w = transposed.apply(v.get(1));
            double[] bias = bias(v, out);
            Shape shape = x.shape().with(-1, out);
            float[] y = new float[shape.elements()];
            double[] acc = new double[out];
            for (int row = 0; row * out < y.length; row++) {
                System.arraycopy(bias, 0, acc, 0, out);
                for (int i = 0; i < in; i++) {
                    multiplyAdd(acc, 0, x.data()[row * in + i], w, i * out, out);
                }
                store(acc, y, row * out);
            }
            return new Value.Floats(shape, y);
        };
    }

    static Kernel matmul() {
        return v -> {
            Value.Floats a = (Value.Floats) v.get(0);
            Value.Floats b = (Value.Floats) v.get(1);
            MatMulLoop loop = MatMulLoop.of(a.shape(), b.shape());
            double[] right = widen(b.data());
            float[] y = new float[loop.shape().elements()];
            double[] acc = new double[loop.n()];
            for (int p = 0; p < loop.pairs(); p++) {
                for (int m = 0; m < loop.m(); m++) {
                    Arrays.fill(acc, 0);
                    for (int k = 0; k < loop.k(); k++) {
                        multiplyAdd(acc, 0, a.data()[loop.left(p, m, k)], right, loop.right(p, k), loop.n());
                    }
                    store(acc, y, loop.out(p, m));
                }
            }
            return new Value.Floats(loop.shape(), y);
        };
    }

    /** acc[at + j] += x·w[from + j]: a product of two singles is exact in double. */
    private static void multiplyAdd(double[] acc, int at, float x, double[] w, int from, int n) {
        double wide = x;
        for (int j = 0; j < n; j++) {
            acc[at + j] += wide * w[from + j];
        }
    }

    /** acc[j] += x[at + j·step]·w[from + j]. */
    private static void strided(double[] acc, float[] x, int at, int step, double[] w, int from, int n) {
        if (step == 1) {
            for (int j = 0; j < n; j++) {
                acc[j] += (double) x[at + j] * w[from + j];
            }
        } else {
            for (int j = 0; j < n; j++) {
                acc[j] += (double) x[at + j * step] * w[from + j];
            }
        }
    }

    private static void store(double[] acc, float[] y, int at) {
        for (int j = 0; j < acc.length; j++) {
            y[at + j] = (float) acc[j];
        }
    }

    private static double[] bias(List<Value> operands, int out) {
        return operands.size() < 3 ? new double[out] : widen(Kernel.floats(operands.get(2)));
    }

    private static double[] widen(float[] x) {
        double[] wide = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            wide[i] = x[i];
        }
        return wide;
    }

    /** [O, rest] → [rest, O], widened. */
    private static double[] outputsLast(Value w) {
        float[] from = Kernel.floats(w);
        int out = w.shape().dim(0);
        int rest = out == 0 ? 0 : from.length / out;
        double[] to = new double[from.length];
        for (int o = 0; o < out; o++) {
            for (int r = 0; r < rest; r++) {
                to[r * out + o] = from[o * rest + r];
            }
        }
        return to;
    }

    /** The function, evaluated now for a known argument. */
    static <T> Function<Value, T> memo(@Nullable Value known, Function<Value, T> f) {
        if (known == null) {
            return f;
        }
        T result = f.apply(known);
        return v -> result;
    }
}
