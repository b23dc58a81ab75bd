package dev.qnet.conformance;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Shapes;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.Granularity;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Window;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A small network drawn from a seed: every float operation that the language has, odd sizes, any scheme and contract. The
 * same seed gives the same network, so that a failure is reported by its seed alone.
 */
final class RandomNetwork {
    private static final int MAX_ELEMENTS = 600;

    /** Those whose result stays near where their operands do: an error of a code is no error of thousands. */
    private static final FloatOp.Binary.Fn[] BOUNDED = {
        FloatOp.Binary.Fn.ADD,
        FloatOp.Binary.Fn.SUB,
        FloatOp.Binary.Fn.MUL,
        FloatOp.Binary.Fn.MIN,
        FloatOp.Binary.Fn.MAX
    };

    private final Random random;
    private final List<Node> nodes = new ArrayList<>();
    private final List<Value> live = new ArrayList<>();
    private final Spec.Policy policy;
    private int count;

    private record Value(ValueId id, Shape shape) {}

    private RandomNetwork(long seed) {
        this.random = new Random(seed * 0x9E3779B97F4A7C15L);
        this.policy = policy();
    }

    static Graph of(long seed) {
        return new RandomNetwork(seed).graph(seed);
    }

    /** Inputs for a graph of {@link #of}: {@code items} items of noise around zero. */
    static float[] input(Graph graph, long seed, int items) {
        Random r = new Random(seed);
        float[] x = new float[items * graph.params().getFirst().type().shape().elements()];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) (r.nextGaussian() * 1.5 + 0.25);
        }
        return x;
    }

    private Graph graph(long seed) {
        Shape in = random.nextInt(4) == 0
                ? Shape.of(Shape.BATCH, 1 + random.nextInt(40))
                : Shape.of(Shape.BATCH, 2 + random.nextInt(8), 2 + random.nextInt(8), 1 + random.nextInt(7));
        ValueId x = new ValueId("x");
        live.add(new Value(x, in));
        int wanted = 1 + random.nextInt(9);
        for (int tries = 0; count < wanted && tries < 100; tries++) {
            step();
        }
        List<Graph.Result> results =
                new ArrayList<>(List.of(new Graph.Result("y", live.getLast().id())));
        if (random.nextInt(3) == 0) {
            Value other = pick();
            if (!other.id().equals(live.getLast().id()) && !other.id().equals(x)) {
                results.add(new Graph.Result("z", other.id()));
            }
        }
        return new Graph(
                "random_" + seed,
                List.of(new Graph.Param(x, new Type(Element.FLOAT, in), null, Span.NONE)),
                nodes,
                results,
                policy,
                null);
    }

    private Spec.Policy policy() {
        return new Spec.Policy(weights(), activations(), one(Rounding.values()));
    }

    private Spec weights() {
        Storage storage = one(
                Storage.I8,
                Storage.I8,
                Storage.I8,
                Storage.I4,
                Storage.I3,
                Storage.I2,
                Storage.TERNARY,
                Storage.BIPOLAR,
                Storage.U8,
                Storage.I16);
        boolean asymmetric = storage == Storage.U8;
        Granularity granularity = switch (random.nextInt(asymmetric ? 2 : 3)) {
            case 0 -> new Granularity.PerTensor();
            case 1 -> new Granularity.PerChannel(0);
            default -> new Granularity.PerGroup(1 + random.nextInt(9));
        };
        if (storage == Storage.I16 && granularity instanceof Granularity.PerGroup) {
            granularity = new Granularity.PerChannel(0);
        }
        RangeMethod range = random.nextBoolean() ? new RangeMethod.MinMax() : new RangeMethod.Mse();
        return new Spec(storage, !asymmetric, !asymmetric && random.nextBoolean(), granularity, range, false);
    }

    private Spec activations() {
        Storage storage = one(
                Storage.U8,
                Storage.U8,
                Storage.I8,
                Storage.I8,
                Storage.U4,
                Storage.I4,
                Storage.I16,
                Storage.U2,
                Storage.U16);
        RangeMethod range = switch (random.nextInt(4)) {
            case 0 -> new RangeMethod.Percentile(99.0);
            case 1 -> new RangeMethod.Mse();
            case 2 -> new RangeMethod.MovingAverage(0.9);
            default -> new RangeMethod.MinMax();
        };
        boolean dynamic = (storage == Storage.U8 || storage == Storage.I8) && random.nextInt(8) == 0;
        boolean symmetric = storage == Storage.I16 || (storage.signed() && random.nextBoolean());
        return new Spec(storage, symmetric, false, new Granularity.PerTensor(), range, dynamic);
    }

    /** Adds an operation, unless the one drawn does not fit the value drawn. */
    private void step() {
        Value x = random.nextInt(3) > 0 ? live.getLast() : pick();
        switch (random.nextInt(24)) {
            case 0, 1, 2, 3 -> conv(x);
            case 4, 5, 6 -> dense(x);
            case 7, 8 -> add(x, "relu", new FloatOp.Unary(new ScalarFn.Relu()));
            case 9 -> add(x, "clip", new FloatOp.Unary(new ScalarFn.Clip(0, 6)));
            case 10 -> add(x, "fn", new FloatOp.Unary(function()));
            case 11, 12 -> binary(x);
            case 13 -> pool(x);
            case 14 -> mean(x);
            case 15 -> batchNorm(x);
            case 16 -> add(x, "softmax", new FloatOp.Softmax(x.shape().rank() - 1));
            case 17 -> concat(x);
            case 18 -> slice(x);
            case 19 -> pad(x);
            case 20 -> reshape(x);
            case 21 -> transpose(x);
            case 22 -> resize(x);
            default -> matmul(x);
        }
    }

    private void conv(Value x) {
        if (x.shape().rank() != 4) {
            return;
        }
        int channels = x.shape().dim(3);
        int kernelH = 1 + random.nextInt(3);
        int kernelW = 1 + random.nextInt(3);
        Window w = new Window(
                kernelH,
                kernelW,
                1 + random.nextInt(2),
                1 + random.nextInt(2),
                1 + random.nextInt(2),
                1 + random.nextInt(2),
                random.nextInt(2),
                random.nextInt(2),
                random.nextInt(2),
                random.nextInt(2));
        int groups = random.nextInt(3) == 0 ? channels : channels % 2 == 0 && random.nextBoolean() ? 2 : 1;
        int filters = groups * (1 + random.nextInt(groups == channels ? 2 : 6));
        Value weight = constant(0.4, filters, kernelH, kernelW, channels / groups);
        add("conv2d", new FloatOp.Conv2d(w, groups), withBias(x, weight, filters));
    }

    private void dense(Value x) {
        if (x.shape().rank() < 2) {
            return;
        }
        int units = 1 + random.nextInt(20);
        Value weight = constant(0.4, units, x.shape().dim(-1));
        add("dense", new FloatOp.Dense(), withBias(x, weight, units));
    }

    private List<Value> withBias(Value x, Value weight, int channels) {
        return random.nextBoolean() ? List.of(x, weight) : List.of(x, weight, constant(0.5, channels));
    }

    private void matmul(Value x) {
        if (x.shape().rank() < 3) {
            return;
        }
        Value other = random.nextBoolean() ? null : sameShape(x);
        if (other != null && x.shape().dim(-1) == x.shape().dim(-2)) {
            add("matmul", new FloatOp.MatMul(), List.of(x, other));
        } else {
            add(
                    "matmul",
                    new FloatOp.MatMul(),
                    List.of(x, constant(0.4, x.shape().dim(-1), 1 + random.nextInt(6))));
        }
    }

    private void binary(Value x) {
        FloatOp.Binary op = new FloatOp.Binary(one(BOUNDED));
        Value other = sameShape(x);
        int form = random.nextInt(4);
        if (form > 1 && other != null) {
            add("binary", op, List.of(x, other));
        } else if (form == 1 && x.shape().rank() == 4) {
            add(
                    "binary",
                    op,
                    List.of(x, constant(0.7, x.shape().dim(1), 1, x.shape().dim(3))));
        } else {
            add(
                    "binary",
                    op,
                    List.of(
                            x,
                            constant(0.7, x.shape().rank() == 1 ? 1 : x.shape().dim(-1))));
        }
    }

    private void pool(Value x) {
        if (x.shape().rank() != 4) {
            return;
        }
        int k = 1 + random.nextInt(3);
        int p = random.nextInt(k);
        Window w = new Window(
                k, k, 1 + random.nextInt(3), 1 + random.nextInt(3), 1, 1, p, random.nextInt(k), random.nextInt(k), p);
        add(x, "pool", random.nextBoolean() ? new DataOp.MaxPool(w) : new FloatOp.AvgPool(w));
    }

    private void mean(Value x) {
        List<Integer> axes = IntStream.range(1, x.shape().rank())
                .filter(i -> random.nextBoolean())
                .boxed()
                .toList();
        if (!axes.isEmpty()) {
            add(x, "mean", new FloatOp.Mean(axes, random.nextBoolean()));
        }
    }

    private void batchNorm(Value x) {
        if (x.shape().rank() < 2) {
            return;
        }
        int c = x.shape().dim(-1);
        Value variance = constant(0.2, c);
        Tensor.OfFloat v = (Tensor.OfFloat) ((DataOp.Constant) nodes.getLast().op()).value();
        for (int i = 0; i < c; i++) {
            v.values()[i] = Math.abs(v.values()[i]) + 0.5f;
        }
        add(
                "batch_norm",
                new FloatOp.BatchNorm(1e-3f),
                List.of(x, constant(1, c), constant(1, c), constant(1, c), variance));
    }

    private void concat(Value x) {
        Value other = sameShape(x);
        int axis = 1 + random.nextInt(Math.max(1, x.shape().rank() - 1));
        if (other != null && axis < x.shape().rank()) {
            add("concat", new DataOp.Concat(axis), List.of(x, other));
        }
    }

    private void slice(Value x) {
        List<Integer> begin = new ArrayList<>(List.of(0));
        List<Integer> end = new ArrayList<>(List.of(0));
        List<Integer> step = new ArrayList<>(List.of(1));
        for (int i = 1; i < x.shape().rank(); i++) {
            int d = x.shape().dim(i);
            int b = random.nextInt(d);
            begin.add(b);
            end.add(b + 1 + random.nextInt(d - b));
            step.add(1 + random.nextInt(2));
        }
        add(x, "slice", new DataOp.Slice(begin, end, step));
    }

    private void pad(Value x) {
        List<Integer> before = new ArrayList<>(List.of(0));
        List<Integer> after = new ArrayList<>(List.of(0));
        for (int i = 1; i < x.shape().rank(); i++) {
            before.add(random.nextInt(2));
            after.add(random.nextInt(2));
        }
        add(x, "pad", new DataOp.Pad(before, after, 0));
    }

    private void reshape(Value x) {
        int n = x.shape().elements();
        int a = 1 + random.nextInt(4);
        add(x, "reshape", new DataOp.Reshape(n % a == 0 ? Shape.of(Shape.BATCH, a, n / a) : Shape.of(Shape.BATCH, n)));
    }

    private void transpose(Value x) {
        if (x.shape().rank() > 2) {
            List<Integer> axes =
                    new ArrayList<>(IntStream.range(1, x.shape().rank()).boxed().toList());
            java.util.Collections.shuffle(axes, random);
            axes.addFirst(0);
            add(x, "transpose", new DataOp.Transpose(axes));
        }
    }

    private void resize(Value x) {
        if (x.shape().rank() == 4) {
            add(x, "resize", new DataOp.ResizeNearest(1 + random.nextInt(9), 1 + random.nextInt(9)));
        }
    }

    private ScalarFn function() {
        return switch (random.nextInt(7)) {
            case 0 -> new ScalarFn.Sigmoid();
            case 1 -> new ScalarFn.Tanh();
            case 2 -> new ScalarFn.HardSwish();
            case 3 -> new ScalarFn.Gelu();
            case 4 -> new ScalarFn.LeakyRelu(0.1f);
            case 5 -> new ScalarFn.Clip(-1, 1.5f);
            default -> new ScalarFn.Relu();
        };
    }

    private void add(Value x, String name, Op op) {
        add(name, op, List.of(x));
    }

    private void add(String name, Op op, List<Value> operands) {
        Shape shape;
        try {
            shape = Shapes.infer(op, operands.stream().map(Value::shape).toList());
        } catch (dev.qnet.compiler.ir.ShapeException e) {
            return; // the attributes drawn do not fit this value; draw again
        }
        if (shape.elements() > MAX_ELEMENTS || shape.elements() == 0) {
            return;
        }
        ValueId id = new ValueId(name + "_" + ++count);
        nodes.add(new Node(
                id,
                op,
                operands.stream().map(Value::id).toList(),
                new Type(Element.FLOAT, shape),
                needsFloat(op) ? new Spec.Intent(null, null, true) : Spec.Intent.NONE,
                Span.NONE));
        live.add(new Value(id, shape));
    }

    /** What has no integer form: the language wants @float said at it. Softmax and most functions have one for codes of 8 bits only. */
    private boolean needsFloat(Op op) {
        boolean wide = policy.activations().storage().bits() > 8;
        if (op instanceof FloatOp.Binary(FloatOp.Binary.Fn fn)) {
            return fn == FloatOp.Binary.Fn.MIN || fn == FloatOp.Binary.Fn.MAX;
        }
        return wide
                && (op instanceof FloatOp.Softmax
                        || (op instanceof FloatOp.Unary(ScalarFn fn)
                                && !(fn instanceof ScalarFn.Relu)
                                && !(fn instanceof ScalarFn.Clip)
                                && policy.activations().storage() != Storage.I16));
    }

    private Value constant(double spread, int... dims) {
        Shape shape = Shape.of(dims);
        float[] values = new float[shape.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextGaussian() * spread);
        }
        ValueId id = new ValueId("c" + nodes.size());
        nodes.add(new Node(
                id,
                new DataOp.Constant(new Tensor.OfFloat(shape, values)),
                List.of(),
                new Type(Element.FLOAT, shape),
                Span.NONE));
        return new Value(id, shape);
    }

    private Value pick() {
        return live.get(random.nextInt(live.size()));
    }

    private @Nullable Value sameShape(Value x) {
        List<Value> same =
                live.stream().filter(v -> v.shape().equals(x.shape())).toList();
        return same.isEmpty() ? null : same.get(random.nextInt(same.size()));
    }

    @SafeVarargs
    private <T> T one(T... choices) {
        return choices[random.nextInt(choices.length)];
    }
}
