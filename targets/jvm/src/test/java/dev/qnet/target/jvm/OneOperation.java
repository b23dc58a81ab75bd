package dev.qnet.target.jvm;

import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Shapes;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;

/** Builds a graph of one operation with random operands, and inputs for it. */
final class OneOperation {
    /** Every element of plain numbers. */
    static final List<Element> PLAIN = List.of(
            Element.FLOAT,
            Element.BOOL,
            Element.INT8,
            Element.UINT8,
            Element.INT16,
            Element.UINT16,
            Element.INT32,
            Element.INT64);

    static final List<Element> INTEGERS = PLAIN.subList(1, PLAIN.size());

    final Random random;
    final int items;
    private final boolean batch;
    private final List<Graph.Param> params = new ArrayList<>();
    private final List<Node> nodes = new ArrayList<>();
    private final Map<ValueId, Type> types = new LinkedHashMap<>();
    private final Map<String, Value> inputs = new LinkedHashMap<>();

    /** A graph and a value for each of its parameters. */
    record Case(Graph graph, Map<String, Value> inputs) {}

    OneOperation(long seed) {
        random = new Random(seed * 0x9E3779B97F4A7C15L);
        items = 1 + random.nextInt(3);
        batch = random.nextInt(3) == 0;
    }

    int size(int most) {
        return 1 + random.nextInt(most);
    }

    boolean flip() {
        return random.nextBoolean();
    }

    <T> T pick(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    /** A shape of so many axes, N in front now and then, small on the whole, now and then with a long last axis. */
    Shape shape(int rank) {
        Integer[] dims = new Integer[rank];
        for (int i = 0; i < rank; i++) {
            dims[i] = size(5);
        }
        if (rank > 0 && random.nextInt(6) == 0) {
            dims[rank - 1] = 1000 + size(100);
        }
        return batched(new Shape(List.of(dims)));
    }

    /** The shape with N in front, where this case has an N. */
    Shape batched(Shape s) {
        return batch && s.rank() > 0 ? s.with(0, Shape.BATCH) : s;
    }

    /** One that broadcasts against a shape: some axes of 1, some leading ones missing. */
    Shape like(Shape s) {
        Shape t = s;
        for (int i = 0; i < s.rank(); i++) {
            t = random.nextInt(4) == 0 ? t.with(i, 1) : t;
        }
        int from = random.nextInt(3) == 0 && s.rank() > 0 ? random.nextInt(s.rank()) : 0;
        return new Shape(t.dims().subList(from, s.rank()));
    }

    /** Codes of 8 bits or fewer, or of up to 16. */
    Quant codes(boolean narrow) {
        Storage s = pick(
                narrow
                        ? List.of(Storage.I8, Storage.U8, Storage.U4, Storage.I3, Storage.TERNARY)
                        : List.of(Storage.I8, Storage.U8, Storage.I16, Storage.U16, Storage.I4));
        int zero = s.min() + random.nextInt(s.max() - s.min() + 1);
        return Quant.of(s, (float) Math.exp(random.nextGaussian()) / 16, zero);
    }

    Element any() {
        return random.nextInt(3) == 0 ? codes(false) : pick(PLAIN);
    }

    ValueId param(Type t) {
        return param(t, value(t.element(), items(t.shape())));
    }

    ValueId param(Type t, Value v) {
        ValueId id = new ValueId("x" + params.size());
        params.add(new Graph.Param(id, t, null, Span.NONE));
        types.put(id, t);
        inputs.put(id.name(), v);
        return id;
    }

    ValueId constant(Type t) {
        return constant(t, tensor(t.element(), t.shape()));
    }

    ValueId constant(Type t, Tensor v) {
        return node(new DataOp.Constant(v), t.element());
    }

    /** A parameter, or now and then a constant. */
    ValueId operand(Type t) {
        return !t.shape().hasBatch() && random.nextInt(5) == 0 ? constant(t) : param(t);
    }

    ValueId node(Op op, Element element, ValueId... operands) {
        ValueId id = new ValueId("v" + nodes.size());
        List<Shape> shapes = java.util.Arrays.stream(operands)
                .map(o -> Objects.requireNonNull(types.get(o)).shape())
                .toList();
        Type t = new Type(element, Shapes.infer(op, shapes));
        nodes.add(new Node(id, op, List.of(operands), t, Span.NONE));
        types.put(id, t);
        return id;
    }

    Case done(ValueId... results) {
        List<Graph.Result> out = IntStream.range(0, results.length)
                .mapToObj(i -> new Graph.Result("y" + i, results[i]))
                .toList();
        return new Case(new Graph("one", params, nodes, out), inputs);
    }

    Shape items(Shape s) {
        return s.hasBatch() ? s.with(0, items) : s;
    }

    Value value(Element element, Shape shape) {
        return Value.of(tensor(element, shape));
    }

    /** Ordinary numbers, and all that are special. */
    Tensor tensor(Element element, Shape shape) {
        int n = shape.elements();
        if (element instanceof Element.F32) {
            float[] f = new float[n];
            for (int i = 0; i < n; i++) {
                f[i] = real();
            }
            return new Tensor.OfFloat(shape, f);
        }
        long[] v = new long[n];
        for (int i = 0; i < n; i++) {
            v[i] = integer(element);
        }
        return Tensor.OfLong.of(shape, v);
    }

    /** Ordinary numbers alone. */
    Tensor ordinary(Shape shape) {
        float[] f = new float[shape.elements()];
        for (int i = 0; i < f.length; i++) {
            f[i] = (float) random.nextGaussian();
        }
        return new Tensor.OfFloat(shape, f);
    }

    /** Integers from lo to hi. */
    Tensor between(Shape shape, long lo, long hi) {
        long[] v = new long[shape.elements()];
        for (int i = 0; i < v.length; i++) {
            v[i] = random.nextLong(lo, hi + 1);
        }
        return Tensor.OfLong.of(shape, v);
    }

    private float real() {
        return switch (random.nextInt(12)) {
            case 0 ->
                pick(List.of(
                        0f,
                        -0f,
                        0.5f,
                        2.5f,
                        -1.5f,
                        Float.NaN,
                        Float.POSITIVE_INFINITY,
                        Float.NEGATIVE_INFINITY,
                        Float.MIN_VALUE,
                        Float.MAX_VALUE,
                        1e10f,
                        -1e20f));
            case 1 -> random.nextInt(7) - 3;
            case 2 -> (float) (random.nextGaussian() * 1000);
            default -> (float) random.nextGaussian();
        };
    }

    private long integer(Element element) {
        long lo;
        long hi;
        if (element instanceof Quant q) {
            lo = q.lo();
            hi = q.hi();
        } else {
            lo = ((Element.Int) element).min();
            hi = ((Element.Int) element).max();
        }
        return switch (random.nextInt(8)) {
            case 0 -> lo;
            case 1 -> hi;
            case 2 -> Math.clamp((long) random.nextInt(5) - 2, lo, hi);
            case 3, 4 -> Math.clamp((long) random.nextInt(200) - 100, lo, hi);
            default -> hi == Long.MAX_VALUE ? random.nextLong() : random.nextLong(lo, hi + 1);
        };
    }

    static int zero(Quant q) {
        return ((Scheme.PerTensor) q.scheme()).zero();
    }
}
