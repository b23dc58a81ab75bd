package dev.qnet.training.grad;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.compiler.ir.GraphPrinter;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Verifier;
import dev.qnet.compiler.ir.Window;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Span;
import dev.qnet.training.run.Crew;
import dev.qnet.training.run.Program;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Gradient graphs on the oracle against central differences in double. */
class GradientsTest {
    private static final double H = 1e-4;

    /** A graph under test: inputs, one operation or more, and the sum of its result weighted at random. */
    private static final class Case {
        final Random random;
        final Drawing drawing = new Drawing();
        final Map<ValueId, float[]> values = new LinkedHashMap<>();
        final List<Graph.Param> params = new ArrayList<>();

        Case(long seed) {
            random = new Random(seed);
        }

        int between(int lo, int hi) {
            return lo + random.nextInt(hi - lo + 1);
        }

        /** Elements between lo and hi, at least a tenth apart from each other's neighbours and from 0: off every kink. */
        ValueId input(String name, float lo, float hi, int... dims) {
            Type t = Type.f32(dims);
            float[] v = new float[t.shape().elements()];
            for (int i = 0; i < v.length; i++) {
                do {
                    v[i] = lo + (hi - lo) * random.nextFloat();
                } while (Math.abs(v[i]) < 0.01);
            }
            ValueId id = drawing.input(new ValueId(name), t);
            params.add(new Graph.Param(id, t, null, Span.NONE));
            values.put(id, v);
            return id;
        }

        ValueId input(String name, int... dims) {
            return input(name, -2, 2, dims);
        }

        /** Elements of which no two are close: so no difference changes which is the largest. */
        ValueId distinct(String name, int... dims) {
            ValueId id = input(name, dims);
            float[] v = Objects.requireNonNull(values.get(id));
            List<Integer> order = new ArrayList<>();
            for (int i = 0; i < v.length; i++) {
                order.add(i);
            }
            java.util.Collections.shuffle(order, random);
            for (int i = 0; i < v.length; i++) {
                v[i] = 0.01f * order.get(i) - 0.5f;
            }
            return id;
        }

        ValueId op(Op op, ValueId... in) {
            return drawing.add("y", op, in);
        }

        Graph graph(ValueId loss) {
            return new Graph("case", params, drawing.nodes(), List.of(new Graph.Result("loss", loss)));
        }

        void check(ValueId y) {
            Shape shape = drawing.shape(y);
            float[] weights = new float[shape.elements()];
            for (int i = 0; i < weights.length; i++) {
                weights[i] = 2 * random.nextFloat() - 1;
            }
            ValueId w = drawing.constant("mix", shape, weights);
            ValueId mixed = op(new FloatOp.Binary(FloatOp.Binary.Fn.MUL), y, w);
            checkLoss(op(new TrainOp.SumTo(Shape.SCALAR), mixed), List.copyOf(values.keySet()));
        }

        void checkLoss(ValueId loss, List<ValueId> by) {
            Graph forward = graph(loss);
            Verifier.verify(forward);
            Graph g = ReverseMode.gradients(forward, loss, by);
            Verifier.verify(g);
            assertThat(GraphParser.parse(GraphPrinter.print(g))).isEqualTo(g);
            Map<String, Value> in = new HashMap<>();
            Map<ValueId, double[]> doubles = new HashMap<>();
            values.forEach((id, v) -> {
                in.put(id.name(), Value.of(drawing.shape(id), v));
                double[] d = new double[v.length];
                Arrays.setAll(d, i -> v[i]);
                doubles.put(id, d);
            });
            Map<String, Value> out = Interpreter.run(g, in);
            compareWithProgram(g, out);
            DoubleGraph evaluator = new DoubleGraph(forward);
            assertThat((double) floats(out.get("loss"))[0])
                    .isCloseTo(evaluator.number(loss, doubles), within(1e-3 + 1e-4 * size(out.get("loss"))));
            for (ValueId id : by) {
                float[] found = floats(out.get(ReverseMode.resultName(id)));
                double[] x = Objects.requireNonNull(doubles.get(id));
                for (int k = 0; k < Math.min(x.length, 30); k++) {
                    int i = x.length <= 30 ? k : random.nextInt(x.length);
                    double at = x[i];
                    x[i] = at + H;
                    double up = evaluator.number(loss, doubles);
                    x[i] = at - H;
                    double down = evaluator.number(loss, doubles);
                    x[i] = at;
                    double expected = (up - down) / (2 * H);
                    assertThat((double) found[i])
                            .as("gradient by element %d of %s %s", i, id, drawing.shape(id))
                            .isCloseTo(expected, within(1e-4 + 1e-4 * Math.abs(expected)));
                }
            }
        }

        /** The kernels that train, on one thread and on two, against the oracle. */
        private void compareWithProgram(Graph g, Map<String, Value> expected) {
            Map<String, float[]> alone = new HashMap<>();
            for (int threads = 1; threads <= 2; threads++) {
                try (Crew crew = new Crew(threads)) {
                    Program program = new Program(g, crew);
                    values.forEach((id, v) -> System.arraycopy(v, 0, program.input(id.name()), 0, v.length));
                    program.run();
                    program.run();
                    expected.forEach((name, value) -> {
                        float[] found = program.result(name).clone();
                        float[] oracle = floats(value);
                        for (int i = 0; i < oracle.length; i++) {
                            assertThat((double) found[i])
                                    .as("%s[%d] on the oracle and in the program", name, i)
                                    .isCloseTo(oracle[i], within(1e-5 + 2e-5 * largest(oracle)));
                        }
                        float[] before = alone.putIfAbsent(name, found);
                        assertThat(before == null || Arrays.equals(before, found))
                                .as("%s is the same to the bit on one thread and on two", name)
                                .isTrue();
                    });
                }
            }
        }

        private static double largest(float[] v) {
            double max = 0;
            for (float x : v) {
                max = Math.max(max, Math.abs(x));
            }
            return max;
        }

        private static double size(@Nullable Value v) {
            return Math.abs(floats(v)[0]);
        }
    }

    private static float[] floats(@Nullable Value v) {
        return ((Value.Floats) Objects.requireNonNull(v)).data();
    }

    private static Window window(Case c, int height, int width) {
        int kh = c.between(1, Math.min(3, height));
        int kw = c.between(1, Math.min(3, width));
        int dh = kh > 1 && (kh - 1) * 2 + 1 <= height ? c.between(1, 2) : 1;
        int dw = kw > 1 && (kw - 1) * 2 + 1 <= width ? c.between(1, 2) : 1;
        return new Window(
                kh,
                kw,
                c.between(1, 2),
                c.between(1, 2),
                dh,
                dw,
                c.between(0, kh - 1),
                c.between(0, kw - 1),
                c.between(0, kh - 1),
                c.between(0, kw - 1));
    }

    @Property(tries = 60, shrinking = ShrinkingMode.OFF)
    void convolutions(@ForAll long seed) {
        Case c = new Case(seed);
        int groups = c.between(1, 3);
        int in = c.between(1, 3);
        boolean depthwise = c.random.nextInt(3) == 0;
        int out = groups * c.between(1, 3);
        int h = c.between(1, 5);
        int w = c.between(1, 5);
        Window win = window(c, h, w);
        ValueId x = c.input("x", c.between(1, 3), h, w, depthwise ? out : groups * in);
        ValueId k = c.input("w", out, win.kernelH(), win.kernelW(), depthwise ? 1 : in);
        Op op = new FloatOp.Conv2d(win, depthwise ? out : groups);
        c.check(c.random.nextBoolean() ? c.op(op, x, k) : c.op(op, x, k, c.input("b", out)));
    }

    @Property(tries = 40, shrinking = ShrinkingMode.OFF)
    void dense(@ForAll long seed) {
        Case c = new Case(seed);
        int k = c.between(1, 5);
        int o = c.between(1, 5);
        ValueId x = c.random.nextBoolean() ? c.input("x", c.between(1, 4), k) : c.input("x", 2, c.between(1, 3), k);
        c.check(
                c.random.nextBoolean()
                        ? c.op(new FloatOp.Dense(), x, c.input("w", o, k))
                        : c.op(new FloatOp.Dense(), x, c.input("w", o, k), c.input("b", o)));
    }

    @Property(tries = 40, shrinking = ShrinkingMode.OFF)
    void matmul(@ForAll long seed) {
        Case c = new Case(seed);
        int m = c.between(1, 4);
        int k = c.between(1, 4);
        int n = c.between(1, 4);
        int b = c.between(1, 3);
        switch (c.random.nextInt(3)) {
            case 0 -> c.check(c.op(new FloatOp.MatMul(), c.input("x", m, k), c.input("z", k, n)));
            case 1 -> c.check(c.op(new FloatOp.MatMul(), c.input("x", b, m, k), c.input("z", k, n)));
            default -> c.check(c.op(new FloatOp.MatMul(), c.input("x", 1, m, k), c.input("z", b, k, n)));
        }
    }

    @Property(tries = 60, shrinking = ShrinkingMode.OFF)
    void arithmeticThatBroadcasts(@ForAll long seed) {
        Case c = new Case(seed);
        FloatOp.Binary.Fn[] fns = {
            FloatOp.Binary.Fn.ADD,
            FloatOp.Binary.Fn.SUB,
            FloatOp.Binary.Fn.MUL,
            FloatOp.Binary.Fn.DIV,
            FloatOp.Binary.Fn.MIN,
            FloatOp.Binary.Fn.MAX
        };
        FloatOp.Binary op = new FloatOp.Binary(fns[c.random.nextInt(fns.length)]);
        int a = c.between(1, 3);
        int b = c.between(1, 3);
        ValueId x = c.input("x", 0.5f, 1.5f, a, c.random.nextBoolean() ? b : 1);
        // Apart from x, and from 0.
        ValueId y = c.random.nextBoolean() ? c.input("z", 1.6f, 3, b) : c.input("z", -3, -0.5f, 2, 1, b);
        c.check(c.random.nextBoolean() ? c.op(op, x, y) : c.op(op, y, x));
    }

    @Property(tries = 20, shrinking = ShrinkingMode.OFF)
    void aValueThatIsUsedTwice(@ForAll long seed) {
        Case c = new Case(seed);
        ValueId x = c.input("x", 2, 3);
        ValueId squared = c.op(new FloatOp.Binary(FloatOp.Binary.Fn.MUL), x, x);
        c.check(c.op(new FloatOp.Binary(FloatOp.Binary.Fn.ADD), squared, x));
    }

    @Property(tries = 10, shrinking = ShrinkingMode.OFF)
    void functionsOfOneVariable(@ForAll long seed) {
        Case c = new Case(seed);
        List<ScalarFn> fns = List.of(
                new ScalarFn.Relu(),
                new ScalarFn.LeakyRelu(0.2f),
                new ScalarFn.Clip(-0.005f, 0.995f),
                new ScalarFn.Sigmoid(),
                new ScalarFn.Tanh(),
                new ScalarFn.HardSwish(),
                new ScalarFn.Gelu(),
                new ScalarFn.GeluErf(),
                new ScalarFn.Elu(0.7f),
                new ScalarFn.Selu(1.6f, 1.05f),
                new ScalarFn.Celu(0.8f),
                new ScalarFn.Mish(),
                new ScalarFn.Softplus(),
                new ScalarFn.Softsign(),
                new ScalarFn.Affine(1.5f, -0.25f),
                new ScalarFn.ScaledTanh(1.7f, 0.6f),
                new ScalarFn.Silu(),
                new ScalarFn.Erf(),
                new ScalarFn.Exp(),
                new ScalarFn.Sin(),
                new ScalarFn.Cos(),
                new ScalarFn.Abs(),
                new ScalarFn.Neg(),
                new ScalarFn.HardSigmoid(0.2f, 0.5f),
                new ScalarFn.ThresholdedRelu(0.005f));
        for (ScalarFn fn : fns) {
            Case one = new Case(c.random.nextLong());
            one.check(one.op(new FloatOp.Unary(fn), one.input("x", -1.9f, 0.99f, 2, 3)));
        }
        for (ScalarFn fn : List.of(new ScalarFn.Sqrt(), new ScalarFn.Log(), new ScalarFn.Reciprocal())) {
            Case one = new Case(c.random.nextLong());
            one.check(one.op(new FloatOp.Unary(fn), one.input("x", 0.5f, 3, 2, 3)));
        }
    }

    @Property(tries = 60, shrinking = ShrinkingMode.OFF)
    void pools(@ForAll long seed) {
        Case c = new Case(seed);
        int h = c.between(1, 5);
        int w = c.between(1, 5);
        Window win = window(c, h, w);
        ValueId x = c.distinct("x", c.between(1, 2), h, w, c.between(1, 3));
        c.check(c.op(c.random.nextBoolean() ? new DataOp.MaxPool(win) : new FloatOp.AvgPool(win), x));
    }

    @Property(tries = 60, shrinking = ShrinkingMode.OFF)
    void batchNormWhileTraining(@ForAll long seed) {
        Case c = new Case(seed);
        int ch = c.between(1, 3);
        ValueId x = c.random.nextBoolean() ? c.input("x", c.between(2, 6), ch) : c.input("x", 2, 2, 3, ch);
        ValueId m = c.op(new TrainOp.Moments(), x);
        c.check(c.op(new TrainOp.Normalize(0.5f), x, c.input("gamma", ch), c.input("beta", ch), m));
    }

    @Property(tries = 30, shrinking = ShrinkingMode.OFF)
    void batchNormWithFixedStatistics(@ForAll long seed) {
        Case c = new Case(seed);
        int ch = c.between(1, 3);
        ValueId x = c.input("x", 2, 2, 1, ch);
        ValueId gamma = c.input("gamma", ch);
        ValueId beta = c.input("beta", ch);
        ValueId mean = c.drawing.constant("mean", Shape.of(ch), new float[ch]);
        float[] ones = new float[ch];
        Arrays.fill(ones, 1.7f);
        ValueId variance = c.drawing.constant("variance", Shape.of(ch), ones);
        c.check(c.op(new FloatOp.BatchNorm(0.01f), x, gamma, beta, mean, variance));
    }

    @Property(tries = 60, shrinking = ShrinkingMode.OFF)
    void movesOfElements(@ForAll long seed) {
        Case c = new Case(seed);
        int a = c.between(1, 3);
        int b = c.between(2, 4);
        int d = c.between(1, 3);
        ValueId x = c.input("x", a, b, d);
        ValueId y = switch (c.random.nextInt(8)) {
            case 0 -> c.op(new DataOp.Reshape(Shape.of(b * a, d)), x);
            case 1 -> c.op(new DataOp.Transpose(List.of(2, 0, 1)), x);
            case 2 -> c.op(new DataOp.Concat(1), x, c.input("z", a, 2, d), x);
            case 3 -> c.op(new DataOp.Slice(List.of(0, 1, 0), List.of(a, b, d), List.of(1, c.between(1, 3), 1)), x);
            case 4 -> c.op(new DataOp.Pad(List.of(0, 1, 2), List.of(1, 0, 1), 0.5f), x);
            case 5 -> c.op(new DataOp.Broadcast(Shape.of(2, a, b, d)), x);
            case 6 -> c.op(new NumOp.Reduce(NumOp.Reduce.Fn.SUM, List.of(1), c.random.nextBoolean()), x);
            default -> c.op(new FloatOp.Mean(List.of(c.between(0, 1), 2), c.random.nextBoolean()), x);
        };
        c.check(y);
    }

    @Property(tries = 30, shrinking = ShrinkingMode.OFF)
    void resizes(@ForAll long seed) {
        Case c = new Case(seed);
        ValueId x = c.input("x", 2, c.between(1, 4), c.between(1, 4), 2);
        c.check(c.op(new DataOp.ResizeNearest(c.between(1, 7), c.between(1, 7)), x));
    }

    @Property(tries = 40, shrinking = ShrinkingMode.OFF)
    void softmaxAndCrossEntropy(@ForAll long seed) {
        Case c = new Case(seed);
        int n = c.between(1, 3);
        int k = c.between(2, 5);
        ValueId x = c.input("x", n, k);
        if (c.random.nextBoolean()) {
            c.check(c.op(new FloatOp.Softmax(c.between(0, 1)), x));
            return;
        }
        ValueId t = c.input("t", 0.1f, 1, n, k);
        c.checkLoss(c.op(new TrainOp.CrossEntropy(), x, t), List.of(x));
    }

    @Property(tries = 60, shrinking = ShrinkingMode.OFF)
    void quantizationNetworksAreSmooth(@ForAll long seed) {
        Case c = new Case(seed);
        int lo = c.between(-2, 0);
        int hi = c.between(1, 2);
        int channels = c.random.nextBoolean() ? 1 : 2;
        ValueId x = c.input("x", 2, 3);
        ValueId p = c.input("p", channels, 2 + hi - lo);
        ValueId t = c.drawing.constant("t", Shape.SCALAR, 1 + 4 * c.random.nextFloat());
        c.check(c.op(new TrainOp.Quantized(new Quantizer.Qn(1, 10), lo, hi, 1), x, p, t));
    }

    @Property(tries = 20, shrinking = ShrinkingMode.OFF)
    void aWholeNetwork(@ForAll long seed) {
        Case c = new Case(seed);
        ValueId x = c.input("x", 3, 4, 4, 2);
        ValueId h = c.op(new FloatOp.Conv2d(new Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1), 1), x, c.input("w1", 3, 3, 3, 2));
        ValueId m = c.op(new TrainOp.Moments(), h);
        h = c.op(new TrainOp.Normalize(0.1f), h, c.input("gamma", 3), c.input("beta", 3), m);
        h = c.op(new FloatOp.Unary(new ScalarFn.Silu()), h);
        h = c.op(new FloatOp.AvgPool(new Window(2, 2, 2, 2, 1, 1, 0, 0, 0, 0)), h);
        h = c.op(new DataOp.Reshape(Shape.of(3, 12)), h);
        h = c.op(new FloatOp.Dense(), h, c.input("w2", 4, 12), c.input("b2", 4));
        ValueId t = c.drawing.constant("t", Shape.of(3, 4), 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0.5f, 0.5f);
        c.checkLoss(c.op(new TrainOp.CrossEntropy(), h, t), List.copyOf(c.values.keySet()));
    }

    @Test
    void whatHasNoGradientIsNamed() {
        Case c = new Case(1);
        ValueId y = c.op(new FloatOp.Unary(new ScalarFn.Floor()), c.input("x", 2));
        ValueId loss = c.op(new TrainOp.SumTo(Shape.SCALAR), y);
        assertThatThrownBy(() -> ReverseMode.gradients(c.graph(loss), loss, List.of(new ValueId("x"))))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining("'y' has no gradient: floor");
    }

    @Test
    void whatTheLossDoesNotDependOnHasZeros() {
        Case c = new Case(1);
        ValueId x = c.input("x", 2);
        ValueId z = c.input("z", 3);
        ValueId loss = c.op(new TrainOp.SumTo(Shape.SCALAR), x);
        c.checkLoss(loss, List.of(x, z));
    }
}
