package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.TrainOp;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;

/** Operations of training, plainly: sums in double, rounded once. */
final class TrainKernels {
    private TrainKernels() {}

    static Kernel of(TrainOp op) {
        return switch (op) {
            case TrainOp.ConvInputGrad c -> convInput(c);
            case TrainOp.ConvWeightGrad c -> convWeight(c);
            case TrainOp.UnaryGrad u -> unary(Derivatives.of(u.fn()));
            case TrainOp.MaxPoolGrad p -> maxPool(p);
            case TrainOp.AvgPoolGrad p -> avgPool(p);
            case TrainOp.ResizeNearestGrad r -> resize(r);
            case TrainOp.SoftmaxGrad s -> softmax(s);
            case TrainOp.SumTo s -> sumTo(s.shape());
            case TrainOp.Moments m -> v -> moments(v.getFirst());
            case TrainOp.Normalize n -> normalize(n);
            case TrainOp.NormalizeScaleGrad n -> normalizeScale(n);
            case TrainOp.NormalizeInputGrad n -> normalizeInput(n);
            case TrainOp.CrossEntropy c -> TrainKernels::crossEntropy;
            case TrainOp.CrossEntropyGrad c -> TrainKernels::crossEntropyGrad;
            case TrainOp.Quantized q -> v -> LearnedRules.forward(q, v);
            case TrainOp.QuantizedInputGrad q -> v -> LearnedRules.byInput(q, v);
            case TrainOp.QuantizedParameterGrad q -> v -> LearnedRules.byParameters(q, v);
        };
    }

    private static Value round(Shape shape, double[] sums) {
        float[] y = new float[sums.length];
        for (int i = 0; i < y.length; i++) {
            y[i] = (float) sums[i];
        }
        return new Value.Floats(shape, y);
    }

    private static Kernel convInput(TrainOp.ConvInputGrad op) {
        return v -> {
            float[] g = Kernel.floats(v.get(0));
            float[] w = Kernel.floats(v.get(1));
            Shape ws = v.get(1).shape();
            int out = ws.dim(0);
            int in = ws.dim(3);
            int taps = ws.dim(1) * ws.dim(2);
            int outPerGroup = out / op.groups();
            Shape xs = Shape.of(v.get(0).shape().dim(0), op.height(), op.width(), in * op.groups());
            ConvLoop loop = ConvLoop.of(op.window(), xs);
            double[] dx = new double[xs.elements()];
            for (int p = 0; p < loop.pixels(); p++) {
                int from = p * out;
                loop.taps(p, (pixel, tap) -> {
                    for (int o = 0; o < out; o++) {
                        int base = pixel + o / outPerGroup * in;
                        for (int i = 0; i < in; i++) {
                            dx[base + i] += (double) g[from + o] * w[(o * taps + tap) * in + i];
                        }
                    }
                });
            }
            return round(xs, dx);
        };
    }

    private static Kernel convWeight(TrainOp.ConvWeightGrad op) {
        return v -> {
            float[] x = Kernel.floats(v.get(0));
            float[] g = Kernel.floats(v.get(1));
            int out = v.get(1).shape().dim(3);
            int in = v.get(0).shape().dim(3) / op.groups();
            int taps = op.window().kernelH() * op.window().kernelW();
            int outPerGroup = out / op.groups();
            ConvLoop loop = ConvLoop.of(op.window(), v.get(0).shape());
            double[] dw = new double[out * taps * in];
            for (int p = 0; p < loop.pixels(); p++) {
                int from = p * out;
                loop.taps(p, (pixel, tap) -> {
                    for (int o = 0; o < out; o++) {
                        int base = pixel + o / outPerGroup * in;
                        for (int i = 0; i < in; i++) {
                            dw[(o * taps + tap) * in + i] += (double) g[from + o] * x[base + i];
                        }
                    }
                });
            }
            return round(Shape.of(out, op.window().kernelH(), op.window().kernelW(), in), dw);
        };
    }

    private static Kernel unary(DoubleUnaryOperator derivative) {
        return v -> {
            float[] x = Kernel.floats(v.get(0));
            float[] g = Kernel.floats(v.get(1));
            float[] y = new float[x.length];
            for (int i = 0; i < y.length; i++) {
                y[i] = (float) (g[i] * derivative.applyAsDouble(x[i]));
            }
            return new Value.Floats(v.get(0).shape(), y);
        };
    }

    private static Kernel maxPool(TrainOp.MaxPoolGrad op) {
        return v -> {
            float[] x = Kernel.floats(v.get(0));
            float[] g = Kernel.floats(v.get(1));
            ConvLoop loop = ConvLoop.of(op.window(), v.get(0).shape());
            int channels = loop.channels();
            double[] dx = new double[x.length];
            int[] best = new int[channels];
            for (int p = 0; p < loop.pixels(); p++) {
                Arrays.fill(best, -1);
                loop.taps(p, (pixel, tap) -> {
                    for (int c = 0; c < channels; c++) {
                        if (best[c] < 0 || x[pixel + c] > x[best[c]]) {
                            best[c] = pixel + c;
                        }
                    }
                });
                for (int c = 0; c < channels; c++) {
                    dx[best[c]] += g[p * channels + c];
                }
            }
            return round(v.get(0).shape(), dx);
        };
    }

    private static Kernel avgPool(TrainOp.AvgPoolGrad op) {
        return v -> {
            float[] g = Kernel.floats(v.getFirst());
            Shape xs = v.getFirst().shape().with(1, op.height()).with(2, op.width());
            ConvLoop loop = ConvLoop.of(op.window(), xs);
            int channels = loop.channels();
            double[] dx = new double[xs.elements()];
            int[] count = new int[1];
            for (int p = 0; p < loop.pixels(); p++) {
                int from = p * channels;
                count[0] = 0;
                loop.taps(p, (pixel, tap) -> count[0]++);
                loop.taps(p, (pixel, tap) -> {
                    for (int c = 0; c < channels; c++) {
                        dx[pixel + c] += (double) g[from + c] / count[0];
                    }
                });
            }
            return round(xs, dx);
        };
    }

    private static Kernel resize(TrainOp.ResizeNearestGrad op) {
        return v -> {
            float[] g = Kernel.floats(v.getFirst());
            Shape gs = v.getFirst().shape();
            Shape xs = gs.with(1, op.height()).with(2, op.width());
            int channels = gs.dim(3);
            double[] dx = new double[xs.elements()];
            for (int i = 0; i < g.length; i++) {
                int column = i / channels % gs.dim(2) * op.width() / gs.dim(2);
                int row = i / channels / gs.dim(2) % gs.dim(1) * op.height() / gs.dim(1);
                int image = i / channels / gs.dim(2) / gs.dim(1);
                dx[((image * op.height() + row) * op.width() + column) * channels + i % channels] += g[i];
            }
            return round(xs, dx);
        };
    }

    private static Kernel softmax(TrainOp.SoftmaxGrad op) {
        return v -> {
            float[] y = Kernel.floats(v.get(0));
            float[] g = Kernel.floats(v.get(1));
            float[] dx = new float[y.length];
            int n = v.get(0).shape().dim(op.axis());
            for (Lines.Line line : Lines.along(v.get(0).shape(), op.axis())) {
                double sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += (double) g[line.at(i)] * y[line.at(i)];
                }
                for (int i = 0; i < n; i++) {
                    dx[line.at(i)] = (float) (y[line.at(i)] * (g[line.at(i)] - sum));
                }
            }
            return new Value.Floats(v.get(0).shape(), dx);
        };
    }

    private static Kernel sumTo(Shape shape) {
        return v -> {
            float[] g = Kernel.floats(v.getFirst());
            Broadcast broadcast = new Broadcast(shape, v.getFirst().shape());
            double[] sums = new double[shape.elements()];
            for (int i = 0; i < g.length; i++) {
                sums[broadcast.index(i)] += g[i];
            }
            return round(shape, sums);
        };
    }

    private static Value moments(Value v) {
        float[] x = Kernel.floats(v);
        int channels = v.shape().dim(-1);
        int n = Math.max(1, x.length / Math.max(1, channels));
        double[] m = new double[2 * channels];
        for (int i = 0; i < x.length; i++) {
            m[i % channels] += x[i];
        }
        for (int c = 0; c < channels; c++) {
            m[c] /= n;
        }
        for (int i = 0; i < x.length; i++) {
            double d = x[i] - m[i % channels];
            m[channels + i % channels] += d * d;
        }
        for (int c = 0; c < channels; c++) {
            m[channels + c] /= n;
        }
        return round(Shape.of(2, channels), m);
    }

    private static double normal(float x, float[] m, int c, double epsilon) {
        return ((double) x - m[c]) / Math.sqrt(m[m.length / 2 + c] + epsilon);
    }

    private static Kernel normalize(TrainOp.Normalize op) {
        return v -> {
            float[] x = Kernel.floats(v.get(0));
            float[] gamma = Kernel.floats(v.get(1));
            float[] beta = Kernel.floats(v.get(2));
            float[] m = Kernel.floats(v.get(3));
            float[] y = new float[x.length];
            for (int i = 0; i < y.length; i++) {
                int c = i % gamma.length;
                y[i] = (float) (normal(x[i], m, c, op.epsilon()) * gamma[c] + beta[c]);
            }
            return new Value.Floats(v.get(0).shape(), y);
        };
    }

    private static Kernel normalizeScale(TrainOp.NormalizeScaleGrad op) {
        return v -> {
            float[] x = Kernel.floats(v.get(0));
            float[] m = Kernel.floats(v.get(1));
            float[] g = Kernel.floats(v.get(2));
            int channels = m.length / 2;
            double[] s = new double[m.length];
            for (int i = 0; i < x.length; i++) {
                int c = i % channels;
                s[c] += g[i] * normal(x[i], m, c, op.epsilon());
                s[channels + c] += g[i];
            }
            return round(v.get(1).shape(), s);
        };
    }

    private static Kernel normalizeInput(TrainOp.NormalizeInputGrad op) {
        return v -> {
            float[] x = Kernel.floats(v.get(0));
            float[] gamma = Kernel.floats(v.get(1));
            float[] m = Kernel.floats(v.get(2));
            float[] s = Kernel.floats(v.get(3));
            float[] g = Kernel.floats(v.get(4));
            int channels = gamma.length;
            double n = (double) x.length / channels;
            float[] dx = new float[x.length];
            for (int i = 0; i < dx.length; i++) {
                int c = i % channels;
                double factor = gamma[c] / Math.sqrt(m[channels + c] + (double) op.epsilon());
                double inner = g[i] - s[channels + c] / n - normal(x[i], m, c, op.epsilon()) * s[c] / n;
                dx[i] = (float) (factor * inner);
            }
            return new Value.Floats(v.get(0).shape(), dx);
        };
    }

    /** The logarithm of the sum of a row's exponentials. */
    private static double logSum(float[] x, int from, int n) {
        double max = Double.NEGATIVE_INFINITY;
        for (int k = 0; k < n; k++) {
            max = Math.max(max, x[from + k]);
        }
        double sum = 0;
        for (int k = 0; k < n; k++) {
            sum += StrictMath.exp(x[from + k] - max);
        }
        return max + StrictMath.log(sum);
    }

    private static Value crossEntropy(List<Value> v) {
        float[] x = Kernel.floats(v.get(0));
        float[] t = Kernel.floats(v.get(1));
        int items = v.get(0).shape().dim(0);
        int k = v.get(0).shape().dim(1);
        double loss = 0;
        for (int i = 0; i < items; i++) {
            double log = logSum(x, i * k, k);
            for (int j = i * k; j < i * k + k; j++) {
                loss -= t[j] * (x[j] - log);
            }
        }
        return round(Shape.SCALAR, new double[] {loss / items});
    }

    private static Value crossEntropyGrad(List<Value> v) {
        float[] x = Kernel.floats(v.get(0));
        float[] t = Kernel.floats(v.get(1));
        double g = Kernel.floats(v.get(2))[0];
        int items = v.get(0).shape().dim(0);
        int k = v.get(0).shape().dim(1);
        float[] dx = new float[x.length];
        for (int i = 0; i < items; i++) {
            double log = logSum(x, i * k, k);
            double all = 0;
            for (int j = i * k; j < i * k + k; j++) {
                all += t[j];
            }
            for (int j = i * k; j < i * k + k; j++) {
                dx[j] = (float) (g / items * (StrictMath.exp(x[j] - log) * all - t[j]));
            }
        }
        return new Value.Floats(v.get(0).shape(), dx);
    }
}
