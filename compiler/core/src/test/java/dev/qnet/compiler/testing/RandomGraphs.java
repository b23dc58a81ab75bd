package dev.qnet.compiler.testing;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.ShapeException;
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
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;

/**
 * Random float networks with a random quantization policy: every operation, odd sizes, all storages, granularities and
 * contracts. The same seed gives the same graph. Operations that have no integer form under the policy are kept in f32.
 */
public final class RandomGraphs {
    private static final List<Storage> ACTIVATIONS = List.of(
            Storage.U8,
            Storage.U8,
            Storage.U8,
            Storage.I8,
            Storage.I8,
            Storage.I16,
            Storage.U4,
            Storage.I4,
            Storage.U2,
            Storage.I2,
            Storage.U3,
            Storage.I3,
            Storage.TERNARY,
            Storage.U16);
    private static final List<Storage> WEIGHTS = List.of(
            Storage.I8,
            Storage.I8,
            Storage.I8,
            Storage.U8,
            Storage.I4,
            Storage.U4,
            Storage.I3,
            Storage.I2,
            Storage.BIPOLAR,
            Storage.TERNARY,
            Storage.I16);

    private record Slot(ValueId id, Shape shape) {}

    /** Functions that only imported models have, those that are finite everywhere. */
    private static final List<ScalarFn> IMPORTED = List.of(
            new ScalarFn.GeluErf(),
            new ScalarFn.Elu(0.8f),
            new ScalarFn.Selu(1.6732632f, 1.050701f),
            new ScalarFn.Celu(0.5f),
            new ScalarFn.Mish(),
            new ScalarFn.HardSigmoid(0.2f, 0.5f),
            new ScalarFn.Softplus(),
            new ScalarFn.Softsign(),
            new ScalarFn.ThresholdedRelu(0.4f),
            new ScalarFn.Affine(-0.5f, 0.3f),
            new ScalarFn.ScaledTanh(1.7f, 0.6f),
            new ScalarFn.Silu(),
            new ScalarFn.Erf(),
            new ScalarFn.Sin(),
            new ScalarFn.Cos(),
            new ScalarFn.Abs(),
            new ScalarFn.Neg(),
            new ScalarFn.Sign(),
            new ScalarFn.Floor(),
            new ScalarFn.Ceil(),
            new ScalarFn.Round());

    private final Random random;
    private final boolean imported;
    private final Spec.Policy policy;
    private final List<Graph.Param> params = new ArrayList<>();
    private final List<Node> nodes = new ArrayList<>();
    private final List<Slot> values = new ArrayList<>();

    private RandomGraphs(long seed, boolean imported) {
        this.random = new Random(seed * 0x9E3779B97F4A7C15L);
        this.imported = imported;
        this.policy = new Spec.Policy(weights(), activations(), pick(List.of(Rounding.values())));
    }

    /** A network for a seed. */
    public static Graph of(long seed) {
        return new RandomGraphs(seed, false).build();
    }

    /** A network for a seed, with operations too that no source but only an imported model has. */
    public static Graph imported(long seed) {
        return new RandomGraphs(seed, true).build();
    }

    /** A network for a seed, with dynamic activations. */
    public static Graph dynamic(long seed) {
        Graph g = of(seed);
        Spec.Policy p = Objects.requireNonNull(g.policy());
        Spec a = new Spec(
                seed % 2 == 0 ? Storage.U8 : Storage.I8,
                seed % 4 == 1,
                false,
                new Granularity.PerTensor(),
                new RangeMethod.MinMax(),
                true);
        List<Graph.Param> params = g.params().stream()
                .map(x -> new Graph.Param(x.id(), x.type(), null, x.span()))
                .toList();
        Spec.Policy policy = new Spec.Policy(p.weights(), a, p.rounding());
        return new Graph(g.name(), params, g.nodes(), g.results(), policy, null);
    }

    /** Typical values for a shape: mostly around 1, with an outlier now and then. */
    public static float[] values(Random random, int size) {
        float[] v = new float[size];
        for (int i = 0; i < size; i++) {
            v[i] = (float) (random.nextGaussian() * (random.nextInt(20) == 0 ? 4 : 1));
        }
        return v;
    }

    private Graph build() {
        int inputs = 1 + random.nextInt(2);
        for (int i = 0; i < inputs; i++) {
            Shape s = random.nextInt(4) == 0
                    ? Shape.of(Shape.BATCH, size(9))
                    : Shape.of(Shape.BATCH, size(7), size(7), size(5));
            ValueId id = new ValueId("x" + i);
            Spec fixed =
                    random.nextInt(3) == 0 ? policy.activations().withRange(new RangeMethod.Fixed(-2, 2.5f)) : null;
            params.add(new Graph.Param(id, new Type(Element.FLOAT, s), fixed, Span.NONE));
            values.add(new Slot(id, s));
        }
        int steps = 1 + random.nextInt(12);
        for (int i = 0; i < steps; i++) {
            int before = nodes.size();
            try {
                step();
            } catch (IllegalArgumentException | ShapeException e) {
                // The draw does not fit the shapes at hand: what it had put in the graph goes again.
                while (nodes.size() > before) {
                    nodes.removeLast();
                }
            }
        }
        List<Graph.Result> results = new ArrayList<>();
        results.add(new Graph.Result("last", values.getLast().id()));
        if (random.nextBoolean()) {
            results.add(new Graph.Result("other", pick(values).id()));
        }
        return new Graph("random", params, nodes, results, policy, null);
    }

    private void step() {
        // Mostly go on from the last value, so that chains grow.
        Slot x = random.nextInt(3) > 0 ? values.getLast() : pick(values);
        Shape s = x.shape();
        int axis = s.rank() > 1 ? 1 + random.nextInt(s.rank() - 1) : 0;
        if (imported && random.nextInt(3) == 0) {
            importedStep(x, axis);
            return;
        }
        switch (random.nextInt(20)) {
            case 0, 1, 2 -> {
                if (s.rank() == 4) {
                    conv(x);
                } else {
                    dense(x);
                }
            }
            case 3 -> dense(x);
            case 4, 5 -> {
                FloatOp.Binary op = new FloatOp.Binary(
                        pick(List.of(FloatOp.Binary.Fn.ADD, FloatOp.Binary.Fn.SUB, FloatOp.Binary.Fn.MUL)));
                Slot y = random.nextInt(3) == 0 ? elements(s) : pick(values);
                boolean swap = random.nextBoolean();
                add(op, swap ? y : x, swap ? x : y);
            }
            case 6, 7, 8 ->
                add(
                        new FloatOp.Unary(
                                random.nextBoolean()
                                        ? new ScalarFn.Relu()
                                        : new ScalarFn.Clip(-0.5f, random.nextFloat() * 3)),
                        x);
            case 9, 10 -> table(x);
            case 11 -> add(new DataOp.MaxPool(window(true)), x);
            case 12 -> add(new FloatOp.AvgPool(window(true)), x);
            case 13 -> add(new FloatOp.Mean(List.of(axis), random.nextBoolean()), x);
            case 14 -> softmax(x, axis);
            case 15 -> {
                Slot y = pick(values);
                add(new DataOp.Concat(axis), x, y, pick(List.of(x, y)));
            }
            case 16 -> slice(x, axis);
            case 17 ->
                add(new DataOp.Pad(one(s, axis, 1), one(s, axis, size(2)), random.nextInt(3) == 0 ? 0.7f : 0), x);
            case 18 -> {
                if (random.nextBoolean()) {
                    add(new DataOp.Reshape(Shape.of(Shape.BATCH, s.elements())), x);
                } else {
                    add(new DataOp.ResizeNearest(size(6), size(6)), x);
                }
            }
            default -> matmul(x);
        }
    }

    private void importedStep(Slot x, int axis) {
        Shape s = x.shape();
        boolean tables = policy.activations().storage().bits() <= 8
                || policy.activations().storage() == Storage.I16;
        switch (random.nextInt(7)) {
            case 0, 1, 2 -> add(!tables, new FloatOp.Unary(pick(IMPORTED)), x);
            case 3 -> {
                List<Integer> factors = new ArrayList<>(Collections.nCopies(s.rank(), 1));
                factors.set(axis, 1 + size(2));
                add(new DataOp.Dilate(factors, random.nextInt(3) == 0 ? 0.7f : 0), x);
            }
            case 4 -> {
                Slot mean = add(new FloatOp.Mean(List.of(axis), true), x);
                add(new DataOp.Broadcast(s.with(axis, size(4))), mean);
            }
            case 5 -> {
                FloatOp.Binary.Fn fn = pick(List.of(FloatOp.Binary.Fn.MIN, FloatOp.Binary.Fn.MAX));
                add(true, new FloatOp.Binary(fn), x, pick(values));
            }
            default -> add(true, new NumOp.Reduce(pick(List.of(NumOp.Reduce.Fn.values())), List.of(axis), true), x);
        }
    }

    private void conv(Slot x) {
        int channels = x.shape().dim(3);
        int groups = random.nextInt(3) == 0 ? channels : 1;
        int filters = groups * size(4);
        Window w = window(false);
        Slot weight = constant(Shape.of(filters, w.kernelH(), w.kernelW(), channels / groups), 0.5f);
        List<Slot> in = new ArrayList<>(List.of(x, weight));
        if (random.nextBoolean()) {
            in.add(constant(Shape.of(filters), 0.5f));
        }
        add(new FloatOp.Conv2d(w, groups), in.toArray(Slot[]::new));
    }

    private void dense(Slot x) {
        int units = size(6);
        Slot weight = constant(Shape.of(units, x.shape().dim(-1)), 0.5f);
        if (random.nextBoolean()) {
            add(new FloatOp.Dense(), x, weight, constant(Shape.of(units), 0.5f));
        } else {
            add(new FloatOp.Dense(), x, weight);
        }
    }

    private void matmul(Slot x) {
        if (x.shape().rank() < 3) {
            throw new ShapeException("matmul wants a matrix an item");
        }
        if (random.nextBoolean()) {
            add(new FloatOp.MatMul(), x, constant(Shape.of(x.shape().dim(-1), size(4)), 0.5f));
            return;
        }
        int rank = x.shape().rank();
        List<Integer> swap = new ArrayList<>();
        for (int i = 0; i < rank; i++) {
            swap.add(i < rank - 2 ? i : 2 * rank - 3 - i);
        }
        Slot t = add(new DataOp.Transpose(swap), x);
        add(new FloatOp.MatMul(), x, t);
    }

    private void table(Slot x) {
        ScalarFn fn = switch (random.nextInt(5)) {
            case 0 -> new ScalarFn.LeakyRelu(0.1f);
            case 1 -> new ScalarFn.Sigmoid();
            case 2 -> new ScalarFn.Tanh();
            case 3 -> new ScalarFn.HardSwish();
            default -> new ScalarFn.Gelu();
        };
        Storage s = policy.activations().storage();
        add(s.bits() > 8 && s != Storage.I16, new FloatOp.Unary(fn), x);
    }

    private void softmax(Slot x, int axis) {
        add(policy.activations().storage().bits() > 8, new FloatOp.Softmax(axis), x);
    }

    private void slice(Slot x, int axis) {
        int extent = x.shape().dim(axis);
        int begin = random.nextInt(extent);
        int step = size(2);
        List<Integer> zeros = one(x.shape(), axis, begin);
        List<Integer> ends = new ArrayList<>();
        List<Integer> steps = new ArrayList<>();
        for (int i = 0; i < x.shape().rank(); i++) {
            int d = x.shape().dim(i);
            ends.add(d == Shape.BATCH ? 0 : d);
            steps.add(i == axis ? step : 1);
        }
        add(new DataOp.Slice(zeros, ends, steps), x);
    }

    private static List<Integer> one(Shape s, int axis, int value) {
        List<Integer> all = new ArrayList<>();
        for (int i = 0; i < s.rank(); i++) {
            all.add(i == axis ? value : 0);
        }
        return all;
    }

    private Window window(boolean pool) {
        int kh = size(3);
        int kw = size(3);
        int dilation = pool ? 1 : size(2);
        boolean padded = random.nextBoolean();
        return new Window(
                kh,
                kw,
                size(2),
                size(2),
                dilation,
                dilation,
                padded ? random.nextInt(kh) : 0,
                padded ? random.nextInt(kw) : 0,
                padded ? random.nextInt(kh) : 0,
                padded ? random.nextInt(kw) : 0);
    }

    private Slot elements(Shape s) {
        return switch (random.nextInt(3)) {
            case 0 -> constant(Shape.of(1), 2);
            case 1 -> constant(Shape.of(s.dim(-1)), 2);
            default -> constant(s.item(), 2);
        };
    }

    private Slot constant(Shape s, float scale) {
        float[] v = values(random, s.elements());
        int dead = random.nextInt(8) == 0 ? v.length / 2 : 0;
        for (int i = 0; i < v.length; i++) {
            v[i] = i < dead ? 0 : v[i] * scale;
        }
        ValueId id = new ValueId("k" + nodes.size());
        nodes.add(new Node(
                id, new DataOp.Constant(new Tensor.OfFloat(s, v)), List.of(), new Type(Element.FLOAT, s), Span.NONE));
        return new Slot(id, s);
    }

    private Slot add(Op op, Slot... in) {
        return add(random.nextInt(25) == 0, op, in);
    }

    private Slot add(boolean keepFloat, Op op, Slot... in) {
        List<Slot> operands = List.of(in);
        Shape s = Shapes.infer(op, operands.stream().map(Slot::shape).toList());
        if (s.elements() > 2000 || s.rank() > 5 || s.dims().contains(0)) {
            throw new ShapeException("too large for a quick test, or empty");
        }
        ValueId id = new ValueId("v" + nodes.size());
        Spec.Intent intent = new Spec.Intent(null, null, keepFloat);
        nodes.add(new Node(
                id, op, operands.stream().map(Slot::id).toList(), new Type(Element.FLOAT, s), intent, Span.NONE));
        Slot slot = new Slot(id, s);
        values.add(slot);
        return slot;
    }

    private Spec activations() {
        Storage s = pick(ACTIVATIONS);
        boolean symmetric = s.signed() ? random.nextBoolean() || s == Storage.TERNARY : random.nextInt(4) == 0;
        return new Spec(s, symmetric, random.nextInt(4) == 0, new Granularity.PerTensor(), range(), false);
    }

    private Spec weights() {
        Storage s = pick(WEIGHTS);
        boolean symmetric = s.signed() && (s.bits() <= 2 || random.nextInt(4) > 0);
        Granularity g = switch (random.nextInt(symmetric ? 4 : 3)) {
            case 0 -> new Granularity.PerTensor();
            case 1, 2 -> new Granularity.PerChannel(0);
            default -> new Granularity.PerGroup(size(6));
        };
        boolean coded = s == Storage.BIPOLAR || s == Storage.TERNARY;
        return new Spec(
                s,
                symmetric,
                random.nextBoolean(),
                coded && g instanceof Granularity.PerGroup ? new Granularity.PerChannel(0) : g,
                range(),
                false);
    }

    private RangeMethod range() {
        return switch (random.nextInt(5)) {
            case 0 -> new RangeMethod.MovingAverage(0.9);
            case 1 -> new RangeMethod.Percentile(99);
            case 2 -> new RangeMethod.Mse();
            default -> new RangeMethod.MinMax();
        };
    }

    private int size(int max) {
        return 1 + random.nextInt(max);
    }

    private <T> T pick(List<T> from) {
        return from.get(random.nextInt(from.size()));
    }
}
