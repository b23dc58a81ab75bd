package dev.qnet.target.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Window;
import dev.qnet.runtime.ModelException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Operations that imported models use, on random shapes, elements and numbers: compiled against the oracle. */
final class RandomOperationsTest {
    private static final int SEEDS = Integer.getInteger("qnet.random.graphs", 40);

    /** How a case is made. */
    private interface Maker {
        OneOperation.Case make(OneOperation o);
    }

    enum Sort {
        INT_BINARY(RandomOperationsTest::intBinary),
        INT_UNARY(RandomOperationsTest::intUnary),
        ORDER_OF_CODES(RandomOperationsTest::orderOfCodes),
        COMPARE(RandomOperationsTest::compare),
        CAST(RandomOperationsTest::cast),
        REINTERPRET(RandomOperationsTest::reinterpret),
        REDUCE(RandomOperationsTest::reduce),
        TOP_K(RandomOperationsTest::topK),
        GATHER(RandomOperationsTest::gather),
        BROADCAST(RandomOperationsTest::broadcast),
        DILATE(RandomOperationsTest::dilate),
        SELECT(RandomOperationsTest::select),
        FLOAT_BINARY(RandomOperationsTest::floatBinary),
        SCALAR_FN(RandomOperationsTest::scalarFn),
        RECURRENT(RandomOperationsTest::recurrent),
        TABLE_16(RandomOperationsTest::table),
        SOFTMAX(RandomOperationsTest::softmax),
        SOFTMAX_16(RandomOperationsTest::softmax16),
        RESIZE_BILINEAR(RandomOperationsTest::resizeBilinear),
        THRESHOLDS(RandomOperationsTest::thresholds),
        LSTM_GATE(RandomOperationsTest::lstmGate),
        LSTM_CELL(RandomOperationsTest::lstmCell),
        IMAGES(RandomOperationsTest::images),
        FLOAT_IMAGES(RandomOperationsTest::floatImages),
        LONG_BIAS(RandomOperationsTest::longBias);

        @SuppressWarnings("ImmutableEnumChecker") // a method reference
        private final Maker maker;

        Sort(Maker maker) {
            this.maker = maker;
        }
    }

    @ParameterizedTest
    @EnumSource
    void equalsTheOracle(Sort sort) {
        for (int seed = 0; seed < SEEDS; seed++) {
            OneOperation.Case c = make(sort, seed);
            try {
                Judge.compare(c.graph(), JvmTarget.compile(c.graph()), c.inputs());
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed + " of " + sort + ": " + c.graph(), e);
            }
        }
    }

    static OneOperation.Case make(Sort sort, int seed) {
        return sort.maker.make(new OneOperation(1000L * sort.name().hashCode() + seed));
    }

    /** A graph of each sort. */
    static Stream<Graph> graphs() {
        return Arrays.stream(Sort.values()).map(s -> make(s, 0).graph());
    }

    private static OneOperation.Case intBinary(OneOperation o) {
        NumOp.Binary.Fn fn = o.pick(List.of(NumOp.Binary.Fn.values()));
        Element e = o.pick(OneOperation.INTEGERS);
        Shape s = o.shape(o.random.nextInt(4));
        boolean divides = fn == NumOp.Binary.Fn.DIV || fn == NumOp.Binary.Fn.MOD;
        ValueId x = o.operand(new Type(e, s));
        Shape t = o.like(s);
        Value y = o.value(e, o.items(t));
        if (divides && y instanceof Value.Ints i) {
            y = Value.of(
                    i.shape(), Arrays.stream(i.data()).map(v -> v == 0 ? 1 : v).toArray());
        }
        ValueId right = o.param(new Type(e, t), y);
        return o.done(o.node(new NumOp.Binary(fn), e, x, right), o.node(new NumOp.Binary(fn), e, right, right));
    }

    private static OneOperation.Case orderOfCodes(OneOperation o) {
        Quant q = o.codes(o.flip());
        Quant other = Quant.of(q.storage(), 3, q.storage().max());
        Shape s = o.shape(o.random.nextInt(4));
        ValueId x = o.operand(new Type(q, s));
        ValueId y = o.operand(new Type(other, o.like(s)));
        return o.done(
                o.node(new NumOp.Binary(NumOp.Binary.Fn.MIN), q, x, y),
                o.node(new NumOp.Binary(NumOp.Binary.Fn.MAX), q, x, y));
    }

    private static OneOperation.Case intUnary(OneOperation o) {
        Element e = o.pick(OneOperation.INTEGERS);
        ValueId x = o.operand(new Type(e, o.shape(o.random.nextInt(4))));
        return o.done(o.node(new NumOp.Unary(o.pick(List.of(NumOp.Unary.Fn.values()))), e, x));
    }

    private static OneOperation.Case compare(OneOperation o) {
        Element e = o.pick(OneOperation.PLAIN);
        Shape s = o.shape(o.random.nextInt(4));
        ValueId x = o.operand(new Type(e, s));
        ValueId y = o.operand(new Type(e, o.like(s)));
        NumOp.Compare op = new NumOp.Compare(o.pick(List.of(NumOp.Compare.Fn.values())));
        return o.done(o.node(op, Element.BOOL, x, y), o.node(op, Element.BOOL, x, x));
    }

    private static OneOperation.Case cast(OneOperation o) {
        ValueId x = o.operand(new Type(o.pick(OneOperation.PLAIN), o.shape(o.random.nextInt(4))));
        return o.done(o.node(new NumOp.Cast(), o.pick(OneOperation.PLAIN), x));
    }

    /** Views of inputs, of results and of views. */
    private static OneOperation.Case reinterpret(OneOperation o) {
        Storage s = o.pick(List.of(Storage.I8, Storage.U8, Storage.I16, Storage.U16, Storage.I32));
        Element plain = java.util.Objects.requireNonNull(Element.plain(s.toString()));
        Quant q = Quant.of(s, 0.5f, 3);
        Shape shape = o.shape(1 + o.random.nextInt(3));
        ValueId x = o.operand(new Type(plain, shape));
        ValueId codes = o.node(new NumOp.Reinterpret(), q, x);
        ValueId limited = o.node(new IntOp.Clamp(0, 100), q, codes);
        ValueId back = o.node(new NumOp.Reinterpret(), plain, limited);
        ValueId other = o.node(new NumOp.Reinterpret(), Quant.of(s, 0.25f, 1), codes);
        return o.done(codes, back, other, o.node(new NumOp.Unary(NumOp.Unary.Fn.NOT), plain, back), x);
    }

    private static OneOperation.Case reduce(OneOperation o) {
        Element e = o.pick(OneOperation.PLAIN);
        Shape s = o.shape(1 + o.random.nextInt(4));
        int first = s.hasBatch() ? 1 : 0;
        List<Integer> axes =
                IntStream.range(first, s.rank()).filter(i -> o.flip()).boxed().toList();
        if (axes.isEmpty()) {
            return reduce(o);
        }
        NumOp.Reduce.Fn fn = o.pick(List.of(NumOp.Reduce.Fn.values()));
        return o.done(o.node(new NumOp.Reduce(fn, axes, o.flip()), e, o.operand(new Type(e, s))));
    }

    private static OneOperation.Case topK(OneOperation o) {
        Element e = o.pick(OneOperation.PLAIN);
        Shape s = o.shape(1 + o.random.nextInt(3));
        if (s.hasBatch() && s.rank() == 1) {
            return topK(o);
        }
        int axis = (s.hasBatch() ? 1 : 0) + o.random.nextInt(s.rank() - (s.hasBatch() ? 1 : 0));
        int k = o.size(s.dim(axis));
        boolean largest = o.flip();
        ValueId x = o.operand(new Type(e, s));
        return o.done(
                o.node(new NumOp.TopK(axis, k, largest, false), e, x),
                o.node(new NumOp.TopK(axis, k, largest, true), Element.INT64, x));
    }

    private static OneOperation.Case gather(OneOperation o) {
        Element e = o.any();
        Shape s = o.shape(1 + o.random.nextInt(3));
        if (s.hasBatch() && s.rank() == 1) {
            return gather(o);
        }
        int axis = (s.hasBatch() ? 1 : 0) + o.random.nextInt(s.rank() - (s.hasBatch() ? 1 : 0));
        Shape indices = new Shape(o.pick(List.of(List.of(), List.of(3), List.of(2, 2), List.of(0))));
        int n = s.dim(axis);
        Element index = o.pick(List.of(Element.INT8, Element.INT16, Element.INT32, Element.INT64, Element.UINT8));
        long most = Math.min(n - 1, index.equals(Element.INT8) ? 127 : 255);
        long least = index.equals(Element.UINT8) ? 0 : Math.max(-n, index.equals(Element.INT8) ? -128 : -n);
        Type t = new Type(index, indices);
        Tensor at = o.between(indices, least, most);
        ValueId y = o.flip() ? o.constant(t, at) : o.param(t, Value.of(at));
        return o.done(o.node(new DataOp.Gather(axis), e, o.operand(new Type(e, s)), y));
    }

    private static OneOperation.Case broadcast(OneOperation o) {
        Element e = o.any();
        Shape to = o.shape(o.random.nextInt(4));
        Shape from = o.like(to);
        // N comes from the operand.
        Shape x = to.hasBatch() ? to : from;
        for (int i = 1; to.hasBatch() && i < to.rank(); i++) {
            x = o.flip() ? x.with(i, 1) : x;
        }
        return o.done(o.node(new DataOp.Broadcast(to), e, o.operand(new Type(e, x))));
    }

    private static OneOperation.Case dilate(OneOperation o) {
        Element e = o.any();
        Shape s = o.shape(1 + o.random.nextInt(3));
        List<Integer> factors = new ArrayList<>();
        for (int i = 0; i < s.rank(); i++) {
            factors.add(i == 0 && s.hasBatch() ? 1 : o.size(3));
        }
        float fill = e instanceof Quant q ? OneOperation.zero(q) : e.equals(Element.BOOL) ? 1 : 7;
        return o.done(o.node(new DataOp.Dilate(factors, fill), e, o.operand(new Type(e, s))));
    }

    private static OneOperation.Case select(OneOperation o) {
        Element e = o.any();
        Shape s = o.shape(o.random.nextInt(5));
        ValueId c = o.operand(new Type(Element.BOOL, o.like(s)));
        ValueId x = o.operand(new Type(e, o.like(s)));
        ValueId y = o.operand(new Type(e, s));
        return o.done(o.node(new DataOp.Select(), e, c, x, y), o.node(new DataOp.Select(), e, c, y, x));
    }

    private static OneOperation.Case floatBinary(OneOperation o) {
        Shape s = o.shape(o.random.nextInt(4));
        ValueId x = o.operand(new Type(Element.FLOAT, s));
        ValueId y = o.operand(new Type(Element.FLOAT, o.like(s)));
        FloatOp.Binary op = new FloatOp.Binary(o.pick(List.of(FloatOp.Binary.Fn.values())));
        return o.done(o.node(op, Element.FLOAT, x, y), o.node(op, Element.FLOAT, y, x));
    }

    private static List<ScalarFn> functions(Random r) {
        float a = (float) Math.exp(r.nextGaussian());
        float b = (float) r.nextGaussian();
        return List.of(
                new ScalarFn.Relu(),
                new ScalarFn.LeakyRelu(b),
                new ScalarFn.Clip(b, b + a),
                new ScalarFn.Sigmoid(),
                new ScalarFn.Tanh(),
                new ScalarFn.HardSwish(),
                new ScalarFn.Gelu(),
                new ScalarFn.GeluErf(),
                new ScalarFn.Elu(a),
                new ScalarFn.Selu(a, b),
                new ScalarFn.Celu(a),
                new ScalarFn.Mish(),
                new ScalarFn.HardSigmoid(a, b),
                new ScalarFn.Softplus(),
                new ScalarFn.Softsign(),
                new ScalarFn.ThresholdedRelu(b),
                new ScalarFn.Affine(a, b),
                new ScalarFn.ScaledTanh(a, b),
                new ScalarFn.Silu(),
                new ScalarFn.Erf(),
                new ScalarFn.Sqrt(),
                new ScalarFn.Exp(),
                new ScalarFn.Log(),
                new ScalarFn.Sin(),
                new ScalarFn.Cos(),
                new ScalarFn.Abs(),
                new ScalarFn.Neg(),
                new ScalarFn.Sign(),
                new ScalarFn.Floor(),
                new ScalarFn.Ceil(),
                new ScalarFn.Round(),
                new ScalarFn.Reciprocal());
    }

    private static OneOperation.Case scalarFn(OneOperation o) {
        return scalarFn(o, functions(o.random));
    }

    /** Those for which the JDK itself allocates nothing; sines need arrays to reduce their argument. */
    static OneOperation.Case withoutSines() {
        OneOperation o = new OneOperation(1);
        return scalarFn(
                o,
                functions(o.random).stream()
                        .filter(f -> !(f instanceof ScalarFn.Sin || f instanceof ScalarFn.Cos))
                        .toList());
    }

    private static OneOperation.Case scalarFn(OneOperation o, List<ScalarFn> functions) {
        ValueId x = o.param(new Type(Element.FLOAT, o.shape(o.size(2))));
        return o.done(functions.stream()
                .map(f -> o.node(new FloatOp.Unary(f), Element.FLOAT, x))
                .toArray(ValueId[]::new));
    }

    private static OneOperation.Case recurrent(OneOperation o) {
        FloatOp.Recurrent.Cell cell = o.pick(List.of(FloatOp.Recurrent.Cell.values()));
        boolean lstm = cell == FloatOp.Recurrent.Cell.LSTM;
        Shape x = o.batched(Shape.of(o.size(3), o.size(4), o.size(5)));
        int hidden = o.size(6);
        int rows = cell.gates() * hidden;
        List<ScalarFn> fns = IntStream.range(0, cell.activations())
                .mapToObj(i -> o.flip()
                        ? new ScalarFn.Tanh()
                        : o.pick(functions(o.random).subList(0, 6)))
                .toList();
        FloatOp.Recurrent op = new FloatOp.Recurrent(
                cell, o.flip(), fns, o.flip() ? 0 : 1.5f, o.flip(), lstm && o.random.nextInt(3) == 0);
        List<ValueId> in = new ArrayList<>();
        in.add(o.param(new Type(Element.FLOAT, x), Value.of(o.ordinary(o.items(x)))));
        for (Shape w : List.of(Shape.of(rows, x.dim(2)), Shape.of(rows, hidden), Shape.of(2 * rows))) {
            in.add(o.constant(new Type(Element.FLOAT, w), o.ordinary(w)));
        }
        for (int i = 0; i < (lstm ? 2 : 1); i++) {
            Shape s = o.flip() ? x.with(1, hidden) : Shape.of(1, hidden);
            Shape state = s.rank() == 3 ? new Shape(s.dims().subList(0, 2)) : s;
            Type t = new Type(Element.FLOAT, state);
            boolean constant = !state.hasBatch() && o.flip();
            in.add(constant ? o.constant(t, o.ordinary(state)) : o.param(t, Value.of(o.ordinary(o.items(state)))));
        }
        if (lstm) {
            Shape p = Shape.of(3 * hidden);
            in.add(o.constant(new Type(Element.FLOAT, p), o.ordinary(p)));
        }
        return o.done(o.node(op, Element.FLOAT, in.toArray(ValueId[]::new)));
    }

    private static OneOperation.Case table(OneOperation o) {
        Quant in = o.codes(false);
        Quant out = o.flip() ? o.codes(o.flip()) : Quant.of(Storage.I32, 1, 0);
        Storage s = in.storage();
        List<Integer> entries = IntStream.rangeClosed(s.min(), s.max())
                .map(i -> (int) o.random.nextLong(out.lo(), out.hi() + 1L))
                .boxed()
                .toList();
        ValueId x = o.operand(new Type(in, o.shape(2)));
        return o.done(o.node(new IntOp.Table(entries), out, x));
    }

    private static OneOperation.Case softmax(OneOperation o) {
        Quant in = o.codes(true);
        Quant out = o.pick(List.of(
                Quant.of(Storage.U8, 1f / 256, 0),
                Quant.of(Storage.I8, 1f / 256, -128),
                Quant.of(Storage.I16, 1f / 65536, -32768)));
        Shape s = Shape.of(o.size(3), o.size(20), o.size(3));
        int shift = 18 + o.random.nextInt(8);
        int radius = (int) ((31L << 26) >> shift);
        IntOp.Softmax op =
                new IntOp.Softmax(o.random.nextInt(3), (1 << 30) + o.random.nextInt(1 << 30), shift, -radius);
        return o.done(o.node(op, out, o.operand(new Type(in, s))));
    }

    private static OneOperation.Case softmax16(OneOperation o) {
        Quant in = Quant.of(Storage.I16, 10f / 65536, 0);
        Shape s = Shape.of(o.size(3), o.size(40), o.size(3));
        List<Integer> exp = IntStream.rangeClosed(0, 512)
                .map(i -> (int) Math.round(32767 * Math.exp(-10 + i * 10 / 512.0)))
                .boxed()
                .toList();
        List<Integer> reciprocal = IntStream.rangeClosed(0, 512)
                .map(i -> (int) Math.min(32767, Math.round(32768 / (1 + i / 512.0))))
                .boxed()
                .toList();
        IntOp.Softmax16 op = new IntOp.Softmax16(
                o.random.nextInt(3), (1 << 30) + o.random.nextInt(1 << 30), o.random.nextInt(5) - 2, exp, reciprocal);
        return o.done(o.node(op, Quant.of(Storage.I16, 1f / 32768, 0), o.operand(new Type(in, s))));
    }

    private static OneOperation.Case resizeBilinear(OneOperation o) {
        Quant q = o.codes(o.flip());
        Shape s = o.batched(Shape.of(o.size(3), o.size(7), o.size(7), o.size(4)));
        boolean corners = o.flip();
        IntOp.ResizeBilinear op = new IntOp.ResizeBilinear(o.size(15), o.size(15), corners, !corners && o.flip());
        return o.done(o.node(op, q, o.operand(new Type(q, s))));
    }

    private static OneOperation.Case thresholds(OneOperation o) {
        Element x = o.flip() ? o.codes(false) : o.pick(List.of(Element.INT32, Element.INT64, Element.INT8));
        Quant y = o.codes(true);
        Shape s = o.shape(1 + o.random.nextInt(3));
        int channels = s.hasBatch() && s.rank() == 1 ? 1 : s.dim(-1);
        int steps = o.random.nextInt(20);
        Shape t = Shape.of(o.flip() ? channels : 1, steps);
        boolean wide = x.equals(Element.INT64) && o.flip();
        long[] limits = new long[t.elements()];
        for (int i = 0; i < t.dim(0); i++) {
            long[] row = o.random
                    .longs(steps, wide ? Long.MIN_VALUE : -300, wide ? Long.MAX_VALUE : 300)
                    .sorted()
                    .toArray();
            System.arraycopy(row, 0, limits, i * steps, steps);
        }
        List<Integer> entries = IntStream.rangeClosed(0, steps)
                .map(i -> (int) o.random.nextLong(y.lo(), y.hi() + 1L))
                .boxed()
                .toList();
        ValueId w = o.constant(new Type(wide ? Element.INT64 : Element.INT32, t), Tensor.OfLong.of(t, limits));
        return o.done(o.node(new IntOp.Thresholds(entries), y, o.operand(new Type(x, s)), w));
    }

    private static Rescale.Scale.Fixed scale(OneOperation o, int shift) {
        return new Rescale.Scale.Fixed((1 << 30) + o.random.nextInt(1 << 30), shift);
    }

    private static OneOperation.Case lstmGate(OneOperation o) {
        Shape x = o.batched(Shape.of(o.size(3), o.size(20)));
        Shape h = x.with(1, o.size(20));
        int units = o.size(7);
        Quant codes = Quant.of(Storage.I8, 0.1f, o.random.nextInt(256) - 128);
        Quant states = Quant.of(Storage.I8, 0.1f, o.random.nextInt(256) - 128);
        Quant weights = Quant.of(Storage.I8, 0.1f, 0);
        List<ValueId> in = new ArrayList<>(List.of(
                o.param(new Type(codes, x)),
                o.param(new Type(states, h)),
                o.constant(new Type(weights, Shape.of(units, x.dim(1)))),
                o.constant(new Type(weights, Shape.of(units, h.dim(1))))));
        if (o.flip()) {
            Shape b = Shape.of(units);
            in.add(o.constant(new Type(Element.INT32, b), o.between(b, -100000, 100000)));
        }
        IntOp.LstmGate op = new IntOp.LstmGate(scale(o, -o.random.nextInt(6)), scale(o, 2 - o.random.nextInt(6)));
        return o.done(o.node(op, Quant.of(Storage.I16, 1f / 4096, 0), in.toArray(ValueId[]::new)));
    }

    private static OneOperation.Case lstmCell(OneOperation o) {
        Shape s = o.shape(o.size(2));
        Quant q = Quant.of(Storage.I16, 1f / 32768, 0);
        Quant c = Quant.of(Storage.I16, 1f / 2048, 0);
        ValueId[] in = {
            o.param(new Type(q, s)), o.param(new Type(c, s)), o.param(new Type(q, s)), o.param(new Type(q, s))
        };
        IntOp.LstmCell op = new IntOp.LstmCell(1 + o.random.nextInt(31), o.flip() ? 0 : o.size(32767));
        return o.done(o.node(op, c, in));
    }

    private static Window window(OneOperation o) {
        int k = o.size(3);
        return new Window(k, k, o.size(2), o.size(2), 1, 1, k / 2, 0, k / 2, k / 2);
    }

    /** A fixed number of images, for all layers of integers that know images. */
    private static OneOperation.Case images(OneOperation o) {
        Quant q = Quant.of(o.pick(List.of(Storage.I8, Storage.U8)), 0.1f, 3);
        int channels = 2 * o.size(3);
        Type x = new Type(q, Shape.of(o.random.nextInt(4), 3 + o.size(4), 3 + o.size(4), channels));
        ValueId image = o.param(x);
        Window w = window(o);
        int groups = o.pick(List.of(1, 2, channels));
        int filters = groups * o.size(2);
        ValueId weights = o.constant(new Type(
                Quant.of(Storage.I8, 0.1f, 0), Shape.of(filters, w.kernelH(), w.kernelW(), channels / groups)));
        return o.done(
                o.node(new IntOp.Conv2d(w, groups, Element.INT32, null), Element.INT32, image, weights),
                o.node(new DataOp.MaxPool(w), q, image),
                o.node(new IntOp.AvgPool(w, o.pick(List.of(Rounding.values()))), q, image),
                o.node(new DataOp.ResizeNearest(o.size(9), o.size(9)), q, image));
    }

    private static OneOperation.Case floatImages(OneOperation o) {
        int channels = 2 * o.size(3);
        Shape s = Shape.of(o.random.nextInt(4), 3 + o.size(4), 3 + o.size(4), channels);
        ValueId image = o.param(new Type(Element.FLOAT, s));
        Window w = window(o);
        int groups = o.pick(List.of(1, 2, channels));
        Shape weights = Shape.of(groups * o.size(2), w.kernelH(), w.kernelW(), channels / groups);
        ValueId k = o.constant(new Type(Element.FLOAT, weights), o.ordinary(weights));
        return o.done(
                o.node(new FloatOp.Conv2d(w, groups), Element.FLOAT, image, k),
                o.node(new DataOp.MaxPool(w), Element.FLOAT, image),
                o.node(new FloatOp.AvgPool(w), Element.FLOAT, image));
    }

    /** Biases beyond 32 bits, with an accumulator of 64. */
    private static OneOperation.Case longBias(OneOperation o) {
        Quant x = Quant.of(Storage.I16, 0.1f, 0);
        Quant weights = Quant.of(Storage.I8, 0.1f, 0);
        int units = o.size(20);
        Shape b = Shape.of(units);
        ValueId bias = o.constant(new Type(Element.INT64, b), o.between(b, -(1L << 40), 1L << 40));
        int channels = o.size(6);
        ValueId row = o.param(new Type(x, o.batched(Shape.of(o.size(3), channels))));
        ValueId dense = o.constant(new Type(weights, Shape.of(units, channels)));
        Shape image = o.batched(Shape.of(o.size(3), 3, 3, channels));
        ValueId conv = o.constant(new Type(weights, Shape.of(units, 2, 2, channels)));
        Rescale rescale = new Rescale(Rounding.TFLITE, List.of(scale(o, -26)), 0, -32768, 32767);
        return o.done(
                o.node(new IntOp.Dense(Element.INT64, null), Element.INT64, row, dense, bias),
                o.node(
                        new IntOp.Conv2d(Window.of(2, 2), 1, Element.INT64, rescale),
                        Quant.of(Storage.I16, 0.1f, 0),
                        o.param(new Type(x, image)),
                        conv,
                        bias));
    }

    @Test
    void wrongIndicesAndDivisorsNameTheValue() {
        CompiledArtifact artifact = JvmTarget.compile(GraphParser.parse("""
                graph @m {
                  param %x : i32[3]
                  param %i : i64[2]
                  %picked = gather %x, %i {axis=0} : i32[2]
                  %quotient = num.div %picked, %picked : i32[2]
                  return y = %quotient
                }
                """));
        assertThatThrownBy(() -> run(artifact, new int[] {1, 2, 3}, 2, 3))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("'picked' gathers index 3 along an axis of 3 elements");
        assertThatThrownBy(() -> run(artifact, new int[] {1, 2, 3}, 2, -4))
                .hasMessageContaining("'picked' gathers index -4");
        assertThatThrownBy(() -> run(artifact, new int[] {1, 0, 3}, 2, 1))
                .hasMessageContaining("'quotient' divides an integer by 0");
        assertThat(run(artifact, new int[] {1, 2, 3}, 2, -3)).containsExactly(1, 1);
    }

    private static int[] run(CompiledArtifact artifact, int[] x, long... indices) {
        return java.util.Objects.requireNonNull(artifact.load()
                        .run(Map.of(
                                "x",
                                dev.qnet.runtime.Tensor.ofInt32(x, 3),
                                "i",
                                dev.qnet.runtime.Tensor.ofInt64(indices, 2)))
                        .get("y"))
                .ints();
    }
}
