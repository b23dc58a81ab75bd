package dev.qnet.training.grad;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Window;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Evaluates the forward operations of a graph in double throughout, so that differences of it are derivatives. */
final class DoubleGraph {
    private final Graph graph;
    private final Map<ValueId, Type> types;

    DoubleGraph(Graph graph) {
        this.graph = graph;
        this.types = graph.types();
    }

    /** The value of one number. */
    double number(ValueId id, Map<ValueId, double[]> inputs) {
        Map<ValueId, double[]> values = new HashMap<>(inputs);
        for (Node n : graph.nodes()) {
            values.computeIfAbsent(n.id(), k -> node(n, values));
        }
        return Objects.requireNonNull(values.get(id))[0];
    }

    private Shape shape(ValueId id) {
        return Objects.requireNonNull(types.get(id)).shape();
    }

    private double[] node(Node n, Map<ValueId, double[]> values) {
        List<double[]> in = n.operands().stream()
                .map(o -> Objects.requireNonNull(values.get(o)))
                .toList();
        List<Shape> shapes = n.operands().stream().map(this::shape).toList();
        Shape out = n.type().shape();
        return switch (n.op()) {
            case DataOp.Constant(Tensor.OfFloat t) -> {
                double[] d = new double[t.values().length];
                Arrays.setAll(d, i -> t.values()[i]);
                yield d;
            }
            case DataOp.Reshape _ -> in.getFirst();
            case DataOp.Transpose t -> {
                double[] y = new double[out.elements()];
                for (int i = 0; i < y.length; i++) {
                    int[] at = at(out, i);
                    int[] from = new int[at.length];
                    for (int a = 0; a < at.length; a++) {
                        from[t.permutation().get(a)] = at[a];
                    }
                    y[i] = in.getFirst()[index(shapes.getFirst(), from)];
                }
                yield y;
            }
            case DataOp.Concat c -> {
                double[] y = new double[out.elements()];
                for (int i = 0; i < y.length; i++) {
                    int[] at = at(out, i);
                    int k = 0;
                    while (at[c.axis()] >= shapes.get(k).dim(c.axis())) {
                        at[c.axis()] -= shapes.get(k++).dim(c.axis());
                    }
                    y[i] = in.get(k)[index(shapes.get(k), at)];
                }
                yield y;
            }
            case DataOp.Slice s -> {
                double[] y = new double[out.elements()];
                for (int i = 0; i < y.length; i++) {
                    int[] at = at(out, i);
                    for (int a = 0; a < at.length; a++) {
                        at[a] = s.begin().get(a) + at[a] * s.step().get(a);
                    }
                    y[i] = in.getFirst()[index(shapes.getFirst(), at)];
                }
                yield y;
            }
            case DataOp.Pad p -> {
                double[] y = new double[out.elements()];
                Arrays.fill(y, p.value());
                for (int i = 0; i < in.getFirst().length; i++) {
                    int[] at = at(shapes.getFirst(), i);
                    for (int a = 0; a < at.length; a++) {
                        at[a] += p.before().get(a);
                    }
                    y[index(out, at)] = in.getFirst()[i];
                }
                yield y;
            }
            case DataOp.Broadcast _ -> {
                double[] y = new double[out.elements()];
                for (int i = 0; i < y.length; i++) {
                    y[i] = in.getFirst()[broadcast(shapes.getFirst(), out, i)];
                }
                yield y;
            }
            case DataOp.ResizeNearest r -> {
                Shape x = shapes.getFirst();
                double[] y = new double[out.elements()];
                for (int i = 0; i < y.length; i++) {
                    int[] at = at(out, i);
                    at[1] = at[1] * x.dim(1) / r.height();
                    at[2] = at[2] * x.dim(2) / r.width();
                    y[i] = in.getFirst()[index(x, at)];
                }
                yield y;
            }
            case DataOp.MaxPool p -> pool(in.getFirst(), shapes.getFirst(), out, p.window(), true);
            case FloatOp.AvgPool p -> pool(in.getFirst(), shapes.getFirst(), out, p.window(), false);
            case FloatOp.Conv2d c -> conv(in, shapes, out, c);
            case FloatOp.Dense _ -> {
                int k = shapes.get(0).dim(-1);
                int o = out.dim(-1);
                double[] y = new double[out.elements()];
                for (int i = 0; i < y.length; i++) {
                    y[i] = in.size() > 2 ? in.get(2)[i % o] : 0;
                    for (int j = 0; j < k; j++) {
                        y[i] += in.get(0)[i / o * k + j] * in.get(1)[i % o * k + j];
                    }
                }
                yield y;
            }
            case FloatOp.MatMul _ -> {
                Shape a = shapes.get(0);
                Shape b = shapes.get(1);
                double[] y = new double[out.elements()];
                for (int i = 0; i < y.length; i++) {
                    int[] at = at(out, i);
                    for (int k = 0; k < a.dim(-1); k++) {
                        y[i] += in.get(0)[index(a, matrix(at, a, at[at.length - 2], k))]
                                * in.get(1)[index(b, matrix(at, b, k, at[at.length - 1]))];
                    }
                }
                yield y;
            }
            case FloatOp.Binary b -> {
                double[] y = new double[out.elements()];
                for (int i = 0; i < y.length; i++) {
                    double x0 = in.get(0)[broadcast(shapes.get(0), out, i)];
                    double x1 = in.get(1)[broadcast(shapes.get(1), out, i)];
                    y[i] = switch (b.fn()) {
                        case ADD -> x0 + x1;
                        case SUB -> x0 - x1;
                        case MUL -> x0 * x1;
                        case DIV -> x0 / x1;
                        case MIN -> Math.min(x0, x1);
                        case MAX -> Math.max(x0, x1);
                        case POW, MOD -> throw new IllegalArgumentException(b.toString());
                    };
                }
                yield y;
            }
            case FloatOp.Unary u ->
                Arrays.stream(in.getFirst()).map(x -> unary(u.fn(), x)).toArray();
            case FloatOp.Mean m -> {
                double[] y = new double[out.elements()];
                Shape kept = shapes.getFirst();
                for (int a : m.axes()) {
                    kept = kept.with(a, 1);
                }
                double share = y.length / (double) in.getFirst().length;
                for (int i = 0; i < in.getFirst().length; i++) {
                    y[broadcast(kept, shapes.getFirst(), i)] += in.getFirst()[i] * share;
                }
                yield y;
            }
            case FloatOp.BatchNorm b -> {
                double[] y = new double[out.elements()];
                int c = out.dim(-1);
                for (int i = 0; i < y.length; i++) {
                    y[i] = (in.get(0)[i] - in.get(3)[i % c])
                                    * in.get(1)[i % c]
                                    / Math.sqrt(in.get(4)[i % c] + b.epsilon())
                            + in.get(2)[i % c];
                }
                yield y;
            }
            case FloatOp.Softmax s -> {
                double[] y = new double[out.elements()];
                double[] sums = new double[y.length];
                Shape kept = out.with(s.axis(), 1);
                for (int i = 0; i < y.length; i++) {
                    sums[broadcast(kept, out, i)] += Math.exp(in.getFirst()[i]);
                }
                for (int i = 0; i < y.length; i++) {
                    y[i] = Math.exp(in.getFirst()[i]) / sums[broadcast(kept, out, i)];
                }
                yield y;
            }
            case NumOp.Reduce r -> {
                double[] y = new double[out.elements()];
                Shape kept = shapes.getFirst();
                for (int a : r.axes()) {
                    kept = kept.with(a, 1);
                }
                for (int i = 0; i < in.getFirst().length; i++) {
                    y[broadcast(kept, shapes.getFirst(), i)] += in.getFirst()[i];
                }
                yield y;
            }
            case TrainOp.SumTo s -> {
                double[] y = new double[out.elements()];
                for (int i = 0; i < in.getFirst().length; i++) {
                    y[broadcast(out, shapes.getFirst(), i)] += in.getFirst()[i];
                }
                yield y;
            }
            case TrainOp.Moments _ -> {
                int c = shapes.getFirst().dim(-1);
                double[] m = new double[2 * c];
                double[] x = in.getFirst();
                double count = x.length / (double) c;
                for (int i = 0; i < x.length; i++) {
                    m[i % c] += x[i] / count;
                }
                for (int i = 0; i < x.length; i++) {
                    m[c + i % c] += (x[i] - m[i % c]) * (x[i] - m[i % c]) / count;
                }
                yield m;
            }
            case TrainOp.Normalize b -> {
                double[] y = new double[out.elements()];
                int c = out.dim(-1);
                double[] m = in.get(3);
                for (int i = 0; i < y.length; i++) {
                    y[i] = (in.get(0)[i] - m[i % c]) * in.get(1)[i % c] / Math.sqrt(m[c + i % c] + b.epsilon())
                            + in.get(2)[i % c];
                }
                yield y;
            }
            case TrainOp.CrossEntropy _ -> {
                int k = shapes.getFirst().dim(1);
                double loss = 0;
                for (int i = 0; i < in.getFirst().length; i++) {
                    double sum = 0;
                    for (int j = 0; j < k; j++) {
                        sum += Math.exp(in.getFirst()[i / k * k + j] - in.getFirst()[i]);
                    }
                    loss += in.get(1)[i] * Math.log(sum);
                }
                yield new double[] {loss / shapes.getFirst().dim(0)};
            }
            case TrainOp.Quantized q
            when q.quantizer() instanceof Quantizer.Qn -> {
                double[] x = in.getFirst();
                int k = shapes.get(1).dim(1);
                double[] y = new double[x.length];
                for (int i = 0; i < y.length; i++) {
                    double[] p =
                            Arrays.copyOfRange(in.get(1), i * shapes.get(1).dim(0) / x.length * k, in.get(1).length);
                    double count = q.lo();
                    for (int j = 2; j < k; j++) {
                        count += 1 / (1 + Math.exp(-in.get(2)[0] * (p[1] * x[i] - p[j])));
                    }
                    y[i] = p[0] * count;
                }
                yield y;
            }
            default -> throw new IllegalArgumentException("not evaluated here: " + n.op());
        };
    }

    private static double unary(ScalarFn fn, double x) {
        return switch (fn) {
            case ScalarFn.Relu _ -> Math.max(x, 0);
            case ScalarFn.LeakyRelu l -> x > 0 ? x : l.alpha() * x;
            case ScalarFn.Clip c -> Math.clamp(x, c.lo(), c.hi());
            case ScalarFn.Sigmoid _ -> 1 / (1 + Math.exp(-x));
            case ScalarFn.Tanh _ -> Math.tanh(x);
            case ScalarFn.HardSwish _ -> x * Math.clamp(x + 3, 0.0, 6.0) / 6;
            case ScalarFn.Gelu _ -> x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
            case ScalarFn.GeluErf _ -> x / 2 * (1 + erf(x / Math.sqrt(2)));
            case ScalarFn.Elu e -> x > 0 ? x : e.alpha() * Math.expm1(x);
            case ScalarFn.Selu s -> x > 0 ? s.gamma() * x : (double) s.gamma() * s.alpha() * Math.expm1(x);
            case ScalarFn.Celu c -> Math.max(0, x) + Math.min(0, c.alpha() * Math.expm1(x / c.alpha()));
            case ScalarFn.Mish _ -> x * Math.tanh(Math.log1p(Math.exp(x)));
            case ScalarFn.HardSigmoid h -> Math.clamp(h.alpha() * x + h.beta(), 0.0, 1.0);
            case ScalarFn.Softplus _ -> Math.log1p(Math.exp(x));
            case ScalarFn.Softsign _ -> x / (1 + Math.abs(x));
            case ScalarFn.ThresholdedRelu t -> x > t.alpha() ? x : 0;
            case ScalarFn.Affine a -> a.alpha() * x + a.beta();
            case ScalarFn.ScaledTanh t -> t.alpha() * Math.tanh(t.beta() * x);
            case ScalarFn.Silu _ -> x / (1 + Math.exp(-x));
            case ScalarFn.Erf _ -> erf(x);
            case ScalarFn.Sqrt _ -> Math.sqrt(x);
            case ScalarFn.Exp _ -> Math.exp(x);
            case ScalarFn.Log _ -> Math.log(x);
            case ScalarFn.Sin _ -> Math.sin(x);
            case ScalarFn.Cos _ -> Math.cos(x);
            case ScalarFn.Abs _ -> Math.abs(x);
            case ScalarFn.Neg _ -> -x;
            case ScalarFn.Reciprocal _ -> 1 / x;
            case ScalarFn.Sign _, ScalarFn.Floor _, ScalarFn.Ceil _, ScalarFn.Round _ ->
                throw new IllegalArgumentException("a step: " + fn);
        };
    }

    /** The error function by Simpson's rule. */
    private static double erf(double x) {
        int n = 400;
        double sum = 0;
        for (int i = 0; i <= n; i++) {
            double t = x * i / n;
            sum += Math.exp(-t * t) * (i == 0 || i == n ? 1 : i % 2 == 1 ? 4 : 2);
        }
        return 2 / Math.sqrt(Math.PI) * sum * x / (3 * n);
    }

    private static double[] pool(double[] x, Shape from, Shape out, Window w, boolean max) {
        double[] y = new double[out.elements()];
        for (int i = 0; i < y.length; i++) {
            int[] at = at(out, i);
            double best = Double.NEGATIVE_INFINITY;
            double sum = 0;
            int count = 0;
            for (int k = 0; k < w.kernelH() * w.kernelW(); k++) {
                int r = at[1] * w.strideH() - w.top() + k / w.kernelW() * w.dilationH();
                int c = at[2] * w.strideW() - w.left() + k % w.kernelW() * w.dilationW();
                if (r >= 0 && r < from.dim(1) && c >= 0 && c < from.dim(2)) {
                    double v = x[index(from, new int[] {at[0], r, c, at[3]})];
                    best = Math.max(best, v);
                    sum += v;
                    count++;
                }
            }
            y[i] = max ? best : sum / count;
        }
        return y;
    }

    private static double[] conv(List<double[]> in, List<Shape> shapes, Shape out, FloatOp.Conv2d op) {
        Window w = op.window();
        Shape x = shapes.get(0);
        Shape k = shapes.get(1);
        double[] y = new double[out.elements()];
        for (int i = 0; i < y.length; i++) {
            int[] at = at(out, i);
            y[i] = in.size() > 2 ? in.get(2)[at[3]] : 0;
            int first = at[3] / (k.dim(0) / op.groups()) * k.dim(3);
            for (int j = 0; j < k.dim(1) * k.dim(2) * k.dim(3); j++) {
                int[] tap = at(k, j);
                int r = at[1] * w.strideH() - w.top() + tap[1] * w.dilationH();
                int c = at[2] * w.strideW() - w.left() + tap[2] * w.dilationW();
                if (r >= 0 && r < x.dim(1) && c >= 0 && c < x.dim(2)) {
                    tap[0] = at[3];
                    y[i] += in.get(0)[index(x, new int[] {at[0], r, c, first + tap[3]})] * in.get(1)[index(k, tap)];
                }
            }
        }
        return y;
    }

    private static int[] at(Shape s, int i) {
        int[] at = new int[s.rank()];
        int rest = i;
        for (int a = s.rank() - 1; a >= 0; a--) {
            at[a] = rest % s.dim(a);
            rest /= s.dim(a);
        }
        return at;
    }

    private static int index(Shape s, int[] at) {
        int i = 0;
        for (int a = 0; a < s.rank(); a++) {
            i = i * s.dim(a) + at[a];
        }
        return i;
    }

    private static int broadcast(Shape from, Shape to, int i) {
        int[] at = at(to, i);
        int[] mine = new int[from.rank()];
        for (int a = 0; a < mine.length; a++) {
            mine[a] = from.dim(a) == 1 ? 0 : at[to.rank() - from.rank() + a];
        }
        return index(from, mine);
    }

    private static int[] matrix(int[] at, Shape s, int row, int column) {
        int[] mine = new int[s.rank()];
        for (int a = 0; a < mine.length - 2; a++) {
            mine[a] = s.dim(a) == 1 ? 0 : at[at.length - s.rank() + a];
        }
        mine[mine.length - 2] = row;
        mine[mine.length - 1] = column;
        return mine;
    }
}
