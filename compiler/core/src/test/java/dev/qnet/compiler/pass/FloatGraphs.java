package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Window;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Random small float graphs, rich in what {@link Canonicalize} and {@link FoldBatchNorm} look for. */
final class FloatGraphs {
    private final Random random;
    private final GraphBuilder g = new GraphBuilder();
    private final List<ValueId> values = new ArrayList<>();

    private FloatGraphs(long seed) {
        random = new Random(seed);
    }

    static Graph random(long seed) {
        return new FloatGraphs(seed).build();
    }

    private Graph build() {
        values.add(g.param(new Type(
                Element.FLOAT,
                Shape.of(Shape.BATCH, 1 + random.nextInt(4), 1 + random.nextInt(4), 1 + random.nextInt(4)))));
        values.add(constant(1 + random.nextInt(3), 1 + random.nextInt(3)));
        int steps = 3 + random.nextInt(12);
        for (int i = 0; i < steps; i++) {
            // Mostly the newest value, so that rows of operations arise; sometimes an older one, so that they branch.
            ValueId x = random.nextInt(4) > 0 ? values.getLast() : any();
            values.add(shape(x).rank() == 4 && random.nextInt(3) > 0 ? image(x) : step(x));
        }
        g.result(values.getLast());
        for (int i = random.nextInt(3); i > 0; i--) {
            g.result(any());
        }
        return g.graph();
    }

    private ValueId any() {
        return values.get(random.nextInt(values.size()));
    }

    private Shape shape(ValueId v) {
        return g.type(v).shape();
    }

    private ValueId constant(int... dims) {
        return g.constant(dims, GraphBuilder.singles(Shape.of(dims).elements(), random));
    }

    /** 1, 0 or −0 throughout. */
    private ValueId neutral(int... dims) {
        float[] values = new float[Shape.of(dims).elements()];
        float[] choices = {1f, 0f, -0f};
        java.util.Arrays.fill(values, choices[random.nextInt(3)]);
        return g.constant(new Tensor.OfFloat(Shape.of(dims), values), Element.FLOAT);
    }

    private ValueId image(ValueId x) {
        Shape s = shape(x);
        int c = s.dim(3);
        return switch (random.nextInt(7)) {
            case 0, 1 -> conv(x);
            case 2 -> {
                Window w = window(s);
                yield random.nextBoolean() ? g.add(new DataOp.MaxPool(w), x) : g.add(new FloatOp.AvgPool(w), x);
            }
            case 3 -> batchNorm(x, c);
            case 4 -> g.add(new DataOp.ResizeNearest(1 + random.nextInt(4), random.nextBoolean() ? s.dim(2) : 2), x);
            case 5 ->
                g.add(
                        new DataOp.Pad(
                                List.of(0, random.nextInt(2), random.nextInt(2), 0),
                                List.of(0, random.nextInt(2), random.nextInt(2), 0),
                                random.nextInt(3) == 0 ? 1f : 0f),
                        x);
            default -> clamp(x);
        };
    }

    /** A window that fits, sometimes of one element. */
    private Window window(Shape s) {
        int kh = 1 + random.nextInt(Math.min(2, s.dim(1)));
        int kw = 1 + random.nextInt(Math.min(2, s.dim(2)));
        return new Window(
                kh,
                kw,
                1 + random.nextInt(2),
                1 + random.nextInt(2),
                1,
                1,
                random.nextInt(kh),
                random.nextInt(kw),
                random.nextInt(kh),
                random.nextInt(kw));
    }

    private ValueId conv(ValueId x) {
        Shape s = shape(x);
        int c = s.dim(3);
        int groups = random.nextBoolean() ? 1 : c;
        int out = groups * (1 + random.nextInt(3));
        Window w = window(s);
        ValueId k = constant(out, w.kernelH(), w.kernelW(), c / groups);
        FloatOp op = new FloatOp.Conv2d(w, groups);
        ValueId y = random.nextBoolean() ? g.add(op, x, k) : g.add(op, x, k, constant(out));
        return random.nextInt(3) > 0 ? y : batchNorm(y, out);
    }

    private ValueId batchNorm(ValueId x, int c) {
        float[] variance = new float[c];
        for (int i = 0; i < c; i++) {
            variance[i] = 0.1f + random.nextFloat();
        }
        return g.add(
                new FloatOp.BatchNorm(0.01f),
                x,
                constant(c),
                constant(c),
                constant(c),
                g.constant(new int[] {c}, variance));
    }

    private ValueId clamp(ValueId x) {
        float lo = random.nextInt(3) - 1.5f;
        return g.add(
                new FloatOp.Unary(
                        switch (random.nextInt(4)) {
                            case 0 -> new ScalarFn.Clip(lo, lo + random.nextInt(3));
                            case 1 -> new ScalarFn.Clip(Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY);
                            default -> new ScalarFn.Relu();
                        }),
                x);
    }

    private ValueId step(ValueId x) {
        Shape s = shape(x);
        int rank = s.rank();
        int last = rank == 0 || s.dim(-1) == Shape.BATCH ? 1 : s.dim(-1);
        return switch (random.nextInt(11)) {
            case 0 -> clamp(x);
            case 1 -> g.add(new FloatOp.Unary(random.nextBoolean() ? new ScalarFn.Sigmoid() : new ScalarFn.Tanh()), x);
            case 2 -> g.add(new DataOp.Reshape(reshaped(s)), x);
            case 3 -> g.add(new DataOp.Transpose(permutation(s)), x);
            case 4 -> slice(x);
            case 5 -> {
                FloatOp.Binary.Fn fn = List.of(FloatOp.Binary.Fn.values()).get(random.nextInt(3));
                ValueId k = random.nextInt(4) == 0 ? neutral(last) : random.nextBoolean() ? constant(last) : x;
                yield random.nextBoolean() ? g.add(new FloatOp.Binary(fn), x, k) : g.add(new FloatOp.Binary(fn), k, x);
            }
            case 6 -> last > 0 && rank > 1 ? g.add(new FloatOp.Dense(), x, constant(2, last)) : clamp(x);
            case 7 -> rank > 2 ? g.add(new FloatOp.MatMul(), x, constant(last, 2)) : clamp(x);
            case 8 -> rank > 1 ? g.add(new FloatOp.Mean(List.of(rank - 1), random.nextBoolean()), x) : clamp(x);
            case 9 -> rank > 1 ? concat(x) : clamp(x);
            default -> rank > 1 ? batchNorm(x, last) : clamp(x);
        };
    }

    private ValueId concat(ValueId x) {
        int axis = shape(x).rank() - 1;
        return switch (random.nextInt(3)) {
            case 0 -> g.add(new DataOp.Concat(axis), x);
            case 1 -> g.add(new DataOp.Concat(axis), x, x);
            default -> g.add(new DataOp.Concat(axis), g.add(new DataOp.Concat(axis), x, x), x);
        };
    }

    private ValueId slice(ValueId x) {
        Shape s = shape(x);
        List<Integer> begin = new ArrayList<>();
        List<Integer> end = new ArrayList<>();
        List<Integer> step = new ArrayList<>();
        for (int d : s.dims()) {
            int from = d > 1 && random.nextBoolean() ? random.nextInt(d) : 0;
            begin.add(d == Shape.BATCH ? 0 : from);
            end.add(d == Shape.BATCH ? 0 : from < d && random.nextBoolean() ? d : Math.min(d, from + 1));
            step.add(d == Shape.BATCH ? 1 : 1 + random.nextInt(2));
        }
        return g.add(new DataOp.Slice(begin, end, step), x);
    }

    private Shape reshaped(Shape s) {
        List<Integer> dims = new ArrayList<>(s.hasBatch() ? List.of(Shape.BATCH) : List.of());
        int n = s.elements();
        switch (random.nextInt(3)) {
            case 0 -> dims.add(n);
            case 1 -> dims.addAll(n % 2 == 0 ? List.of(2, n / 2) : List.of(1, n));
            default -> dims.addAll(n % 2 == 0 ? List.of(2, 1, n / 2) : List.of(n, 1, 1));
        }
        return new Shape(dims);
    }

    private List<Integer> permutation(Shape s) {
        List<Integer> axes =
                new ArrayList<>(IntStream.range(0, s.rank()).boxed().toList());
        Collections.shuffle(s.hasBatch() ? axes.subList(1, axes.size()) : axes, random);
        return axes;
    }
}
