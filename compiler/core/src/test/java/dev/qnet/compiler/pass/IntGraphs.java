package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Random small integer graphs of codes, in one rounding contract each, as lowering leaves them: nothing fused. */
final class IntGraphs {
    private static final List<Storage> SMALL =
            List.of(Storage.I8, Storage.U8, Storage.I4, Storage.U4, Storage.I2, Storage.U2);

    private final Random random;
    private final Rounding rounding;
    private final GraphBuilder g = new GraphBuilder();
    private final List<ValueId> values = new ArrayList<>();

    private IntGraphs(long seed) {
        random = new Random(seed);
        rounding = List.of(Rounding.values()).get(random.nextInt(4));
    }

    static Graph random(long seed) {
        return new IntGraphs(seed).build();
    }

    private Graph build() {
        Shape shape = Shape.of(Shape.BATCH, 1 + random.nextInt(3), 1 + random.nextInt(3), 1 + random.nextInt(4));
        values.add(g.param(new Type(quant(), shape)));
        int steps = 2 + random.nextInt(12);
        for (int i = 0; i < steps; i++) {
            ValueId x = random.nextInt(4) > 0 ? values.getLast() : any();
            step(x);
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

    private Quant quant() {
        Storage s = random.nextInt(6) == 0 ? Storage.I16 : SMALL.get(random.nextInt(SMALL.size()));
        int zero = s == Storage.I16 ? 0 : s.min() + random.nextInt(s.max() - s.min() + 1);
        int lo = s.signed() && random.nextInt(3) == 0 && zero > s.min() ? s.min() + 1 : s.min();
        return new Quant(
                s, lo, s.max(), new Scheme.PerTensor(random.nextInt(4) == 0 ? 0.5f : random.nextFloat() + 0.01f, zero));
    }

    private Rescale rescale(Quant q, int scales) {
        List<Rescale.Scale> all =
                IntStream.range(0, scales).mapToObj(i -> scale(-8, 1)).toList();
        return new Rescale(rounding, all, q.perTensor().zero(), q.lo(), q.hi());
    }

    private Rescale.Scale scale(int lowest, int highest) {
        int shift = lowest + random.nextInt(highest - lowest + 1);
        if (!rounding.fixedPoint()) {
            return new Rescale.Scale.Real(random.nextInt(4) == 0 ? 1 : Math.scalb(random.nextFloat() + 0.5f, shift));
        }
        return new Rescale.Scale.Fixed(random.nextBoolean() ? 1 << 30 : (1 << 30) + random.nextInt(1 << 30), shift);
    }

    private void step(ValueId x) {
        Type t = g.type(x);
        Quant q = t.quant();
        int rank = t.shape().rank();
        switch (random.nextInt(12)) {
            case 0, 1 -> accumulated(dense(x), random.nextBoolean());
            case 2 ->
                accumulated(
                        rank == 4 ? conv(x) : g.add(new IntOp.Mul(Element.INT32, null), Element.INT32, x, x), false);
            case 3 ->
                accumulated(
                        g.add(new IntOp.Sum(List.of(rank - 1), true, Element.INT32, null), Element.INT32, x), false);
            case 4, 5 -> {
                int lo = q.lo() + random.nextInt(q.hi() - q.lo() + 1);
                values.add(g.add(new IntOp.Clamp(lo, lo + random.nextInt(q.hi() - lo + 1)), x));
            }
            case 6 -> {
                boolean same = random.nextInt(3) == 0;
                Quant to = same ? q : quant();
                Rescale r = rescale(to, 1);
                boolean fixed = rounding.fixedPoint();
                Rescale.Scale one = fixed ? new Rescale.Scale.Fixed(1 << 30, 1) : new Rescale.Scale.Real(1);
                Rescale by = same ? new Rescale(rounding, List.of(one), r.zero(), r.lo(), r.hi()) : r;
                values.add(g.add(new IntOp.Requantize(by), to, x));
            }
            case 7, 8 -> {
                if (q.storage().bits() <= 8) {
                    Quant to = quant();
                    List<Integer> entries = random.ints(
                                    q.storage().max() - q.storage().min() + 1L, to.lo(), to.hi() + 1)
                            .boxed()
                            .collect(Collectors.toList());
                    values.add(g.add(new IntOp.Table(entries), to, x));
                }
            }
            case 9 -> add(x);
            case 10 -> {
                if (rank == 4) {
                    values.add(g.add(
                            new DataOp.MaxPool(
                                    Window.of(1, Math.min(2, t.shape().dim(2)))),
                            x));
                }
            }
            default ->
                values.add(
                        g.add(new DataOp.Reshape(Shape.of(Shape.BATCH, t.shape().elements(), 1)), x));
        }
    }

    private ValueId dense(ValueId x) {
        int depth = g.type(x).shape().dim(-1);
        int out = 1 + random.nextInt(3);
        return weighted(x, new IntOp.Dense(Element.INT32, null), Shape.of(out, depth));
    }

    private ValueId conv(ValueId x) {
        Shape s = g.type(x).shape();
        int kw = 1 + random.nextInt(Math.min(2, s.dim(2)));
        Window w = new Window(1, kw, 1, 1, 1, 1, 0, random.nextInt(kw), 0, random.nextInt(kw));
        int groups = random.nextBoolean() ? 1 : s.dim(3);
        Shape k = Shape.of(groups * (1 + random.nextInt(2)), 1, kw, s.dim(3) / groups);
        return weighted(x, new IntOp.Conv2d(w, groups, Element.INT32, null), k);
    }

    private ValueId weighted(ValueId x, IntOp op, Shape shape) {
        int out = shape.dim(0);
        int row = shape.elements() / out;
        Storage s = random.nextBoolean() ? Storage.I8 : random.nextBoolean() ? Storage.I16 : Storage.I4;
        Scheme scheme = switch (random.nextInt(3)) {
            case 0 -> new Scheme.PerTensor(0.5f, random.nextInt(8) - 4);
            case 1 ->
                new Scheme.PerAxis(
                        0,
                        IntStream.range(0, out).mapToObj(i -> 0.5f).toList(),
                        IntStream.range(0, out)
                                .mapToObj(i -> random.nextInt(8) - 4)
                                .toList());
            default ->
                new Scheme.PerGroup(
                        2,
                        IntStream.range(0, out).mapToObj(i -> 0.5f).toList(),
                        IntStream.range(0, out * Math.ceilDiv(row, 2))
                                .mapToObj(i -> 1 + random.nextInt(255))
                                .toList());
        };
        int[] codes = random.ints(shape.elements(), s.min(), s.max() + 1).toArray();
        ValueId w = g.constant(new Tensor.OfInt(shape, codes), new Quant(s, s.min(), s.max(), scheme));
        if (random.nextBoolean()) {
            return g.add(op, Element.INT32, x, w);
        }
        int[] bias = random.ints(out, -100_000, 100_000).toArray();
        return g.add(op, Element.INT32, x, w, g.constant(new Tensor.OfInt(Shape.of(out), bias), Element.INT32));
    }

    private void accumulated(ValueId acc, boolean perChannel) {
        int last = g.type(acc).shape().dim(-1);
        int readers = random.nextInt(5) == 0 ? 2 : 1;
        for (int i = 0; i < readers; i++) {
            Quant q = quant();
            values.add(g.add(new IntOp.Requantize(rescale(q, perChannel ? last : 1)), q, acc));
        }
    }

    private void add(ValueId x) {
        Quant q = quant();
        List<Rescale.Scale> scales = rounding.fixedPoint()
                ? List.of(scale(-2, -1), scale(-2, -1), scale(-18, -12))
                : List.of(scale(-2, 0), scale(-2, 0), new Rescale.Scale.Real(1));
        int shift = rounding.fixedPoint() ? 13 : 0;
        values.add(g.add(
                new IntOp.Add(
                        random.nextBoolean(),
                        shift,
                        rounding,
                        scales,
                        q.perTensor().zero(),
                        q.lo(),
                        q.hi()),
                q,
                x,
                x));
    }
}
