package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Shapes;
import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;

/** Operations on singles that are no sums of products. */
final class FloatKernels {
    private FloatKernels() {}

    static Kernel binary(FloatOp.Binary op) {
        return v -> {
            float[] a = Kernel.floats(v.get(0));
            float[] b = Kernel.floats(v.get(1));
            Shape shape = Shapes.broadcast(v.get(0).shape(), v.get(1).shape());
            Broadcast left = new Broadcast(v.get(0).shape(), shape);
            Broadcast right = new Broadcast(v.get(1).shape(), shape);
            boolean same = left.trivial() && right.trivial();
            float[] y = new float[shape.elements()];
            for (int i = 0; i < y.length; i++) {
                float x0 = a[same ? i : left.index(i)];
                float x1 = b[same ? i : right.index(i)];
                y[i] = switch (op.fn()) {
                    case ADD -> x0 + x1;
                    case SUB -> x0 - x1;
                    case MUL -> x0 * x1;
                    case DIV -> x0 / x1;
                    case POW -> (float) StrictMath.pow(x0, x1);
                    case MIN -> Math.min(x0, x1);
                    case MAX -> Math.max(x0, x1);
                    case MOD -> x0 % x1;
                };
            }
            return new Value.Floats(shape, y);
        };
    }

    static Kernel unary(ScalarFn fn) {
        DoubleUnaryOperator f = Functions.of(fn);
        return v -> {
            float[] x = Kernel.floats(v.getFirst());
            float[] y = new float[x.length];
            for (int i = 0; i < y.length; i++) {
                y[i] = (float) f.applyAsDouble(x[i]);
            }
            return new Value.Floats(v.getFirst().shape(), y);
        };
    }

    static Kernel avgPool(FloatOp.AvgPool op) {
        return v -> {
            float[] x = Kernel.floats(v.getFirst());
            ConvLoop loop = ConvLoop.of(op.window(), v.getFirst().shape());
            int channels = loop.channels();
            float[] y = new float[loop.pixels() * channels];
            double[] sum = new double[channels];
            int[] count = new int[1];
            for (int p = 0; p < loop.pixels(); p++) {
                Arrays.fill(sum, 0);
                count[0] = 0;
                loop.taps(p, (pixel, tap) -> {
                    count[0]++;
                    for (int c = 0; c < channels; c++) {
                        sum[c] += x[pixel + c];
                    }
                });
                for (int c = 0; c < channels; c++) {
                    y[p * channels + c] = (float) (sum[c] / count[0]);
                }
            }
            return new Value.Floats(loop.outShape(channels), y);
        };
    }

    static Kernel mean(FloatOp.Mean op) {
        return v -> {
            float[] x = Kernel.floats(v.getFirst());
            Reduction reduction = Reduction.of(v.getFirst().shape(), op.axes(), op.keepDims());
            double[] sum = new double[reduction.shape().elements()];
            for (int i = 0; i < x.length; i++) {
                sum[reduction.target(i)] += x[i];
            }
            float[] y = new float[sum.length];
            for (int i = 0; i < y.length; i++) {
                y[i] = (float) (sum[i] / reduction.count());
            }
            return new Value.Floats(reduction.shape(), y);
        };
    }

    static Kernel batchNorm(FloatOp.BatchNorm op) {
        return v -> {
            float[] x = Kernel.floats(v.get(0));
            float[] gamma = Kernel.floats(v.get(1));
            float[] beta = Kernel.floats(v.get(2));
            float[] mean = Kernel.floats(v.get(3));
            float[] variance = Kernel.floats(v.get(4));
            float[] y = new float[x.length];
            for (int i = 0; i < y.length; i++) {
                int c = i % gamma.length;
                double centred = (double) x[i] - mean[c];
                y[i] = (float) (centred * gamma[c] / Math.sqrt((double) variance[c] + op.epsilon()) + beta[c]);
            }
            return new Value.Floats(v.getFirst().shape(), y);
        };
    }

    static Kernel softmax(FloatOp.Softmax op) {
        return v -> {
            float[] x = Kernel.floats(v.getFirst());
            float[] y = new float[x.length];
            double[] e = new double[v.getFirst().shape().dim(op.axis())];
            for (Lines.Line line : Lines.along(v.getFirst().shape(), op.axis())) {
                double max = Double.NEGATIVE_INFINITY;
                for (int i = 0; i < e.length; i++) {
                    max = Math.max(max, x[line.at(i)]);
                }
                double sum = 0;
                for (int i = 0; i < e.length; i++) {
                    e[i] = StrictMath.exp(x[line.at(i)] - max);
                    sum += e[i];
                }
                for (int i = 0; i < e.length; i++) {
                    y[line.at(i)] = (float) (e[i] / sum);
                }
            }
            return new Value.Floats(v.getFirst().shape(), y);
        };
    }
}
