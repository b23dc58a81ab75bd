package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Window;
import dev.qnet.compiler.quant.Multipliers;
import dev.qnet.formats.Report;
import dev.qnet.formats.onnx.Staircase.Step;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Makes integer operations of float operations between codes: dequantize, operation, quantize becomes one operation on
 * codes, under the {@code onnx} contract; a chain of functions of one value becomes a table or thresholds; data operations
 * move codes. docs/numerics.md, "Quantize and dequantize around float operations", says what that means to the bit. What
 * is not of such a form stays float arithmetic, as the model has it.
 */
final class QdqFusion {
    /** Thresholds and tables are made for results of at most so many codes. */
    private static final int MAX_ENTRIES = 256;
    /** How far a bias may lie from a whole number of the accumulator's units and count as one. */
    private static final double BIAS_SLACK = 1.0 / 256;

    private final Graph graph;
    private final List<Report.Note> notes;
    private final Rewrite to;
    /** The name of the value being rewritten. */
    private String name = "";

    private QdqFusion(Graph graph, List<Report.Note> notes) {
        this.graph = graph;
        this.notes = notes;
        this.to = new Rewrite(graph);
    }

    /**
     * The graph with integer operations.
     *
     * @param notes takes what became of which value
     */
    static Graph run(Graph graph, List<Report.Note> notes) {
        boolean codes = graph.nodes().stream()
                .anyMatch(n -> n.op() instanceof QuantOp
                        || n.op() instanceof IntOp
                        || n.type().isQuant());
        if (!codes) {
            return graph;
        }
        Graph fused = new QdqFusion(graph, notes).fuse();
        Graph products = new QdqFusion(fused, notes).products();
        Graph known = new QdqFusion(products, notes).constants();
        for (Node n : known.nodes()) {
            if (n.op() instanceof FloatOp) {
                notes.add(new Report.Note(
                        Report.Kind.FLOAT,
                        n.id().name(),
                        n.op().getClass().getSimpleName(),
                        "stays in float arithmetic"));
            }
        }
        return known;
    }

    private Graph fuse() {
        for (Node n : graph.nodes()) {
            name = n.id().name();
            ValueId simple = simplified(n.withOperands(to.now(n.operands())));
            if (simple == null) {
                to.keep(n);
            } else {
                to.replace(n.id(), simple);
            }
        }
        return to.finish();
    }

    private void fused(String what) {
        notes.add(new Report.Note(Report.Kind.FUSED, name, "", what));
    }

    private ValueId emit(Op op, Element element, ValueId... operands) {
        return to.emit(name, op, element, operands);
    }

    private @Nullable ValueId simplified(Node n) {
        return switch (n.op()) {
            case NumOp.Reinterpret r -> reinterpreted(n);
            case DataOp.Constant c -> null;
            case DataOp.Concat c -> joined(n);
            case DataOp.Pad p -> padded(n, p);
            case DataOp d -> moved(n, d);
            case NumOp.Reduce r -> reduced(n, r);
            case QuantOp.Quantize q ->
                q.rounding() == Rounding.ONNX && n.type().quant().scheme() instanceof Scheme.PerTensor
                        ? quantized(n.operand(0), n.type().quant())
                        : null;
            case FloatOp.Binary b -> dynamic(n, b);
            default -> null;
        };
    }

    // Moving codes instead of real numbers

    private @Nullable ValueId reinterpreted(Node n) {
        ValueId x = n.operand(0);
        Node d = to.definition(x);
        if (d != null && d.op() instanceof NumOp.Reinterpret) {
            x = d.operand(0);
        }
        if (to.type(x).equals(n.type())) {
            return x;
        }
        Tensor t = to.constant(x);
        if (t != null) {
            return to.constant(name, t, n.type().element());
        }
        return x.equals(n.operand(0)) ? null : emit(n.op(), n.type().element(), x);
    }

    /** What a value is made of without computing: the operand of a dequantize or of a reinterpret, or null. */
    private @Nullable ValueId inside(ValueId id) {
        Node d = to.definition(id);
        return d != null && (d.op() instanceof QuantOp.Dequantize || d.op() instanceof NumOp.Reinterpret)
                ? d.operand(0)
                : null;
    }

    /** The same as was done to the inside, done to the outside. */
    private ValueId outside(Node like, ValueId id, Element element) {
        return emit(like.op(), element, id);
    }

    private @Nullable ValueId moved(Node n, DataOp op) {
        if (n.operands().isEmpty()) {
            return null;
        }
        Node d = to.definition(n.operand(0));
        ValueId x = inside(n.operand(0));
        if (d == null || x == null || op instanceof DataOp.Select) {
            return null;
        }
        Element e = to.type(x).element();
        if (e instanceof Quant q) {
            Quant m = Moves.moved(op, q, to.type(x).shape(), n.type().shape());
            if (m == null) {
                return null;
            }
            e = m;
        }
        List<ValueId> operands = new ArrayList<>(n.operands());
        operands.set(0, x);
        Tensor t = to.constant(x);
        ValueId y = t != null && op instanceof DataOp.Reshape
                ? to.constant(name, t.reshaped(n.type().shape()), e)
                : to.emit(name, op, e, operands);
        return outside(d, y, n.type().element());
    }

    private @Nullable ValueId joined(Node n) {
        Node d = to.definition(n.operand(0));
        ValueId first = inside(n.operand(0));
        if (d == null || first == null) {
            return null;
        }
        List<ValueId> parts = new ArrayList<>();
        for (ValueId o : n.operands()) {
            Node p = to.definition(o);
            ValueId x = inside(o);
            if (p == null
                    || x == null
                    || !p.op().equals(d.op())
                    || !to.type(x).element().equals(to.type(first).element())
                    || !oneScale(to.type(x).element())) {
                return null;
            }
            parts.add(x);
        }
        ValueId y = to.emit(name, n.op(), to.type(first).element(), parts);
        return outside(d, y, n.type().element());
    }

    private static boolean oneScale(Element e) {
        return !(e instanceof Quant q) || q.scheme() instanceof Scheme.PerTensor;
    }

    private @Nullable ValueId padded(Node n, DataOp.Pad p) {
        Node d = to.definition(n.operand(0));
        ValueId x = inside(n.operand(0));
        if (d == null || x == null || !oneScale(to.type(x).element())) {
            return null;
        }
        float value = p.value();
        if (d.op() instanceof QuantOp.Dequantize) {
            Quant q = to.type(x).quant();
            int code = new Staircase(List.of(), q, 1).code(p.value());
            float back = Staircase.dequantize(q, new Tensor.OfInt(Shape.of(1), new int[] {code}))[0];
            if (back != p.value()) {
                return null;
            }
            value = code;
        }
        ValueId y =
                emit(new DataOp.Pad(p.before(), p.after(), value), to.type(x).element(), x);
        return outside(d, y, n.type().element());
    }

    /** The largest of dequantized codes is the largest code dequantized. */
    private @Nullable ValueId reduced(Node n, NumOp.Reduce r) {
        ValueId x = to.codes(n.operand(0));
        boolean order = r.fn() == NumOp.Reduce.Fn.MAX || r.fn() == NumOp.Reduce.Fn.MIN;
        if (x == null || !order || !oneScale(to.type(x).element())) {
            return null;
        }
        Quant q = to.type(x).quant();
        ValueId plain = emit(new NumOp.Reinterpret(), Coding.plain(q), x);
        ValueId y = emit(new NumOp.Reinterpret(), q, emit(r, Coding.plain(q), plain));
        return emit(new QuantOp.Dequantize(), Element.FLOAT, y);
    }

    // Quantizing

    /** The codes of a value, by integer operations, or null where there is no such form. */
    private @Nullable ValueId quantized(ValueId x, Quant q) {
        if (to.type(x).shape().elements() == 0) {
            return null;
        }
        return form(new Chain(List.of(), x), q, q.lo(), q.hi());
    }

    /**
     * Functions of one value that lie between it and a quantizer.
     *
     * @param steps from the value on
     */
    private record Chain(List<Step> steps, ValueId from) {
        boolean uniform() {
            return steps.stream().allMatch(Step::uniform);
        }

        boolean clamps() {
            return steps.stream().allMatch(Step::clamps);
        }

        /** What clamps make of a code at one end. */
        int limit(Quant q, int code) {
            Staircase plain = new Staircase(List.of(), q, 1);
            int limited = code;
            for (Step s : steps) {
                if (s.op() instanceof FloatOp.Unary u) {
                    limited = switch (u.fn()) {
                        case ScalarFn.Relu r -> Math.max(limited, plain.code(0));
                        case ScalarFn.Clip k -> Math.min(Math.max(limited, plain.code(k.lo())), plain.code(k.hi()));
                        default -> throw new IllegalArgumentException("no clamp: " + u.fn());
                    };
                }
            }
            return limited;
        }

        Chain before(Step s, ValueId operand) {
            List<Step> all = new ArrayList<>(List.of(s));
            all.addAll(steps);
            return new Chain(all, operand);
        }

        Chain on(ValueId operand) {
            return new Chain(steps, operand);
        }
    }

    /** The last axis of a value, or 1 of a scalar. */
    private int channels(ValueId x) {
        Shape s = to.type(x).shape();
        return s.rank() == 0 ? 1 : s.dim(-1);
    }

    private @Nullable ValueId form(Chain c, Quant q, int lo, int hi) {
        Node d = to.definition(c.from());
        if (d == null) {
            return null;
        }
        ValueId codes = to.codes(c.from());
        if (codes != null) {
            return ofCodes(c, codes, q, lo, hi);
        }
        Step s = step(d);
        if (s != null && c.uniform() && ofOneCode(d)) {
            return form(c.before(s, d.operand(s.variable())), q, lo, hi);
        }
        ValueId base = base(c, d, q, lo, hi);
        if (base != null) {
            return base;
        }
        if (s != null) {
            return form(c.before(s, d.operand(s.variable())), q, lo, hi);
        }
        return d.op() instanceof DataOp op ? throughData(c, d, op, q, lo, hi) : null;
    }

    /** A node as a step, if all its operands but one are known and mean the same for all but the last axis. */
    private @Nullable Step step(Node d) {
        boolean fits = d.op() instanceof FloatOp.Unary
                || d.op() instanceof FloatOp.Binary
                || d.op() instanceof FloatOp.BatchNorm;
        if (!fits) {
            return null;
        }
        int variable = -1;
        List<float[]> known = new ArrayList<>();
        for (int i = 0; i < d.operands().size(); i++) {
            float[] k = to.reals(d.operand(i));
            if (k == null) {
                if (variable >= 0) {
                    return null;
                }
                variable = i;
                continue;
            }
            known.add(k);
        }
        if (variable < 0
                || !to.type(d.operand(variable)).shape().equals(d.type().shape())) {
            return null;
        }
        int last = channels(d.id());
        int next = 0;
        for (int i = 0; i < d.operands().size(); i++) {
            if (i != variable) {
                Shape s = to.type(d.operand(i)).shape();
                int n = known.get(next++).length;
                if (n != 1 && (n != last || s.dim(-1) != last)) {
                    return null;
                }
            }
        }
        if (d.op() instanceof FloatOp.BatchNorm && variable != 0) {
            return null;
        }
        return new Step(d.op(), variable, known);
    }

    /** Whether a node is a function of one activation's codes, the same for all, that a table can hold. */
    private boolean ofOneCode(Node d) {
        Node at = d;
        while (at != null) {
            Step s = step(at);
            if (s == null || !s.uniform()) {
                return false;
            }
            ValueId x = at.operand(s.variable());
            Quant q = activation(x);
            if (q != null) {
                return q.storage().bits() <= 16 && to.constant(codes(x)) == null;
            }
            at = to.definition(x);
        }
        return false;
    }

    /** Whether a reshape leaves the last axis whole. */
    private boolean lastKept(Node d) {
        Shape from = to.type(d.operand(0)).shape();
        Shape s = d.type().shape();
        return s.rank() > 0 && from.rank() > 0 && s.dim(-1) == from.dim(-1) && s.dim(-1) != Shape.BATCH;
    }

    private boolean isOne(ValueId x) {
        return to.type(x).shape().elements() == 1 && !to.type(x).shape().hasBatch();
    }

    /** Functions of every element alike change places with what moves elements. */
    private @Nullable ValueId throughData(Chain c, Node d, DataOp op, Quant q, int lo, int hi) {
        boolean lastKept = op instanceof DataOp.Reshape && lastKept(d);
        boolean rising = c.steps().stream().allMatch(Step::rising);
        if (!c.uniform() && !lastKept) {
            return null;
        }
        return switch (op) {
            case DataOp.Reshape r -> thenMoved(c, d, q, lo, hi);
            case DataOp.Transpose t -> thenMoved(c, d, q, lo, hi);
            case DataOp.Slice s -> thenMoved(c, d, q, lo, hi);
            case DataOp.ResizeNearest r -> thenMoved(c, d, q, lo, hi);
            case DataOp.Gather g -> thenMoved(c, d, q, lo, hi);
            case DataOp.Broadcast b -> thenMoved(c, d, q, lo, hi);
            case DataOp.MaxPool p -> rising ? thenMoved(c, d, q, lo, hi) : null;
            case DataOp.Concat j -> {
                List<ValueId> parts = new ArrayList<>();
                for (ValueId o : d.operands()) {
                    ValueId part = form(c.on(o), q, lo, hi);
                    if (part == null) {
                        yield null;
                    }
                    parts.add(part);
                }
                yield to.emit(name, j, q, parts);
            }
            case DataOp.Pad p -> {
                ValueId x = form(c.on(d.operand(0)), q, lo, hi);
                int value = clamp(new Staircase(c.steps(), q, 1).code(p.value()), lo, hi);
                yield x == null ? null : emit(new DataOp.Pad(p.before(), p.after(), value), q, x);
            }
            case DataOp.Constant k -> null;
            case DataOp.Dilate k -> null;
            case DataOp.Select k -> null;
        };
    }

    private @Nullable ValueId thenMoved(Chain c, Node d, Quant q, int lo, int hi) {
        ValueId x = form(c.on(d.operand(0)), q, lo, hi);
        if (x == null) {
            return null;
        }
        List<ValueId> operands = new ArrayList<>(d.operands());
        operands.set(0, x);
        return to.emit(name, d.op(), q, operands);
    }

    private static int clamp(int code, int lo, int hi) {
        return Math.max(lo, Math.min(code, hi));
    }

    // Functions of codes

    private @Nullable ValueId ofCodes(Chain c, ValueId codes, Quant q, int lo, int hi) {
        Quant from = to.type(codes).quant();
        if (!(from.scheme() instanceof Scheme.PerTensor scheme) || to.constant(codes) != null) {
            return null;
        }
        boolean all = lo == q.lo() && hi == q.hi();
        if (c.steps().isEmpty() && from.equals(q) && all) {
            return codes;
        }
        if (from.equals(q) && c.clamps() && q.storage() != Storage.BIPOLAR) {
            fused("a clamp of codes");
            return emit(
                    new IntOp.Clamp(clamp(c.limit(q, q.lo()), lo, hi), clamp(c.limit(q, q.hi()), lo, hi)), q, codes);
        }
        if (c.uniform()) {
            if (from.storage().bits() > 16) {
                return null;
            }
            List<Integer> entries = new Staircase(c.steps(), q, 1)
                    .table(from).stream().map(e -> clamp(e, lo, hi)).toList();
            fused("a table of " + entries.size() + " codes");
            return emit(new IntOp.Table(entries), q, codes);
        }
        if (q.hi() - q.lo() >= MAX_ENTRIES) {
            return null;
        }
        int channels = channels(c.from());
        long[] least = new long[channels];
        long[] most = new long[channels];
        Arrays.fill(least, (long) from.lo() - scheme.zero());
        Arrays.fill(most, (long) from.hi() - scheme.zero());
        Staircase.Thresholds t = new Staircase(c.steps(), q, channels)
                .thresholds(least, most, (n, channel) -> (float) n * scheme.scale());
        if (t == null || anyOf(t.falls())) {
            return null;
        }
        return thresholds(codes, t, q, lo, hi);
    }

    private static boolean anyOf(boolean[] flags) {
        for (boolean f : flags) {
            if (f) {
                return true;
            }
        }
        return false;
    }

    private ValueId thresholds(ValueId x, Staircase.Thresholds t, Quant q, int lo, int hi) {
        int count = t.entries().size() - 1;
        boolean same = Arrays.stream(t.limits()).allMatch(row -> Arrays.equals(row, t.limits()[0]));
        int rows = same ? 1 : t.limits().length;
        int[] flat = new int[rows * count];
        for (int c = 0; c < rows; c++) {
            System.arraycopy(t.limits()[c], 0, flat, c * count, count);
        }
        ValueId limits = to.constant(name, new Tensor.OfInt(Shape.of(rows, count), flat), Element.INT32);
        fused(count + " thresholds" + (same ? "" : " for each of " + rows + " channels"));
        return emit(
                new IntOp.Thresholds(
                        t.entries().stream().map(e -> clamp(e, lo, hi)).toList()),
                q,
                x,
                limits);
    }

    // Operations on codes

    /** An operation of dequantized codes, then clamps or steps, as one integer operation. */
    private @Nullable ValueId base(Chain c, Node d, Quant q, int lo, int hi) {
        Linear l = linear(d);
        if (l != null) {
            return ofProduct(c, l, q, lo, hi);
        }
        if (!c.clamps() || q.storage() == Storage.BIPOLAR) {
            return null;
        }
        int low = clamp(c.limit(q, q.lo()), lo, hi);
        int high = clamp(c.limit(q, q.hi()), lo, hi);
        return switch (d.op()) {
            case FloatOp.Binary b -> binary(d, b, q, low, high);
            case FloatOp.Mean m -> mean(d, m, q, low, high);
            case FloatOp.AvgPool p -> average(d, p, q, low, high);
            case FloatOp.MatMul m -> matmul(d, q, low, high);
            default -> null;
        };
    }

    private @Nullable Quant activation(ValueId x) {
        ValueId codes = to.codes(x);
        return codes != null && to.type(codes).quant().scheme() instanceof Scheme.PerTensor
                ? to.type(codes).quant()
                : null;
    }

    private ValueId codes(ValueId x) {
        ValueId codes = to.codes(x);
        if (codes == null) {
            throw new IllegalStateException(x + " is not dequantized");
        }
        return codes;
    }

    private static long reach(Quant q) {
        int z = q.perTensor().zero();
        return Math.max(Math.abs((long) q.lo() - z), Math.abs((long) q.hi() - z));
    }

    private static Element.@Nullable Int accumulator(double bound) {
        return bound <= Integer.MAX_VALUE ? Element.INT32 : bound < 0x1p62 ? Element.INT64 : null;
    }

    private static Rescale rescale(Rescale.Scale m, Quant q, int lo, int hi) {
        return new Rescale(Rounding.ONNX, List.of(m), q.perTensor().zero(), lo, hi);
    }

    /** What scales an accumulator, or null where a single does not hold it. */
    private static Rescale.@Nullable Scale product(float sx, float sw, float so) {
        return Float.isFinite(sx * sw / so) ? Multipliers.product(Rounding.ONNX, sx, sw, so) : null;
    }

    private static Rescale.@Nullable Scale mean(float sx, float so, long n) {
        return Float.isFinite(sx / (so * n)) ? Multipliers.mean(Rounding.ONNX, sx, so, n) : null;
    }

    private @Nullable ValueId binary(Node d, FloatOp.Binary op, Quant q, int lo, int hi) {
        Quant x = activation(d.operand(0));
        Quant y = activation(d.operand(1));
        if (x == null || y == null) {
            return null;
        }
        float sx = x.perTensor().scale();
        float sy = y.perTensor().scale();
        float so = q.perTensor().scale();
        ValueId left = codes(d.operand(0));
        ValueId right = codes(d.operand(1));
        return switch (op.fn()) {
            case ADD, SUB -> {
                boolean subtract = op.fn() == FloatOp.Binary.Fn.SUB;
                if (!Float.isFinite(sx / so) || !Float.isFinite(sy / so)) {
                    yield null;
                }
                fused(subtract ? "an integer difference" : "an integer sum");
                yield emit(
                        new IntOp.Add(
                                subtract,
                                0,
                                Rounding.ONNX,
                                Multipliers.add(Rounding.ONNX, sx, sy, so, 0),
                                q.perTensor().zero(),
                                lo,
                                hi),
                        q,
                        left,
                        right);
            }
            case MUL -> {
                Element.Int acc = accumulator((double) reach(x) * reach(y));
                Rescale.Scale m = product(sx, sy, so);
                if (acc == null || m == null) {
                    yield null;
                }
                fused("an integer product");
                yield emit(new IntOp.Mul(acc, rescale(m, q, lo, hi)), q, left, right);
            }
            case DIV, POW, MIN, MAX, MOD -> null;
        };
    }

    private @Nullable ValueId mean(Node d, FloatOp.Mean op, Quant q, int lo, int hi) {
        Quant x = activation(d.operand(0));
        if (x == null) {
            return null;
        }
        long n = 1;
        for (int axis : op.axes()) {
            n *= to.type(d.operand(0)).shape().dim(axis);
        }
        Element.Int acc = accumulator((double) n * reach(x));
        Rescale.Scale m = mean(x.perTensor().scale(), q.perTensor().scale(), n);
        if (acc == null || n < 1 || m == null) {
            return null;
        }
        fused("an integer mean");
        return emit(new IntOp.Sum(op.axes(), op.keepDims(), acc, rescale(m, q, lo, hi)), q, codes(d.operand(0)));
    }

    private @Nullable ValueId average(Node d, FloatOp.AvgPool op, Quant q, int lo, int hi) {
        Quant x = activation(d.operand(0));
        if (x == null) {
            return null;
        }
        ValueId in = codes(d.operand(0));
        if (x.equals(q)) {
            fused("an integer average pool");
            ValueId y = emit(new IntOp.AvgPool(op.window(), Rounding.ONNX), q, in);
            return lo == q.lo() && hi == q.hi() ? y : emit(new IntOp.Clamp(lo, hi), q, y);
        }
        Window w = op.window();
        if (w.top() + w.left() + w.bottom() + w.right() != 0) {
            return null;
        }
        // Every window has the same count: a depthwise convolution with ones, the count in its scale.
        int n = w.kernelH() * w.kernelW();
        int channels = channels(d.operand(0));
        Element.Int acc = accumulator((double) n * reach(x));
        Rescale.Scale m = mean(x.perTensor().scale(), q.perTensor().scale(), n);
        if (acc == null || m == null) {
            return null;
        }
        int[] ones = new int[n * channels];
        Arrays.fill(ones, 1);
        Shape shape = Shape.of(channels, w.kernelH(), w.kernelW(), 1);
        ValueId k = to.constant(name, new Tensor.OfInt(shape, ones), Quant.of(Storage.I8, 1, 0));
        fused("an integer average pool");
        return emit(new IntOp.Conv2d(w, channels, acc, rescale(m, q, lo, hi)), q, in, k);
    }

    private @Nullable ValueId matmul(Node d, Quant q, int lo, int hi) {
        Quant x = activation(d.operand(0));
        Quant y = activation(d.operand(1));
        if (x == null || y == null) {
            return null;
        }
        Element.Int acc = accumulator((double) channels(d.operand(0)) * reach(x) * reach(y));
        Rescale.Scale m = product(
                x.perTensor().scale(), y.perTensor().scale(), q.perTensor().scale());
        if (acc == null || m == null) {
            return null;
        }
        fused("an integer matrix product");
        return emit(new IntOp.MatMul(acc, rescale(m, q, lo, hi)), q, codes(d.operand(0)), codes(d.operand(1)));
    }

    // Products with known weights

    /**
     * A convolution or a dense layer of codes and known codes, with its bias.
     *
     * @param op the float operation
     * @param x codes
     * @param w known codes, channels first
     * @param weights their numbers, centred, [channels][products]
     * @param unit what 1 of an accumulator stands for in each channel
     * @param bias real numbers, one a channel, or null
     */
    @SuppressWarnings("ArrayRecordComponent") // made and read at once, never compared
    private record Linear(
            Op op,
            ValueId x,
            Quant input,
            ValueId w,
            Quant weight,
            long[][] weights,
            double[] unit,
            double @Nullable [] bias) {
        int channels() {
            return weights.length;
        }

        /** The bias in units of the accumulator, or null where it is no whole number of them. */
        long @Nullable [] whole() {
            long[] whole = new long[channels()];
            if (bias != null) {
                for (int c = 0; c < whole.length; c++) {
                    double units = bias[c] / unit[c];
                    if (!(Math.abs(units - Math.rint(units)) <= BIAS_SLACK) || Math.abs(units) > 1L << 40) {
                        return null;
                    }
                    whole[c] = (long) Math.rint(units);
                }
            }
            return whole;
        }

        /** The least (or the most) that an accumulator can be, without its bias. */
        long[] bound(boolean most) {
            int z = input.perTensor().zero();
            long lo = (long) input.lo() - z;
            long hi = (long) input.hi() - z;
            long[] bound = new long[channels()];
            boolean padded = op instanceof FloatOp.Conv2d k
                    && k.window().top()
                                    + k.window().left()
                                    + k.window().bottom()
                                    + k.window().right()
                            > 0;
            if (padded) {
                lo = Math.min(lo, 0);
                hi = Math.max(hi, 0);
            }
            for (int c = 0; c < bound.length; c++) {
                for (long v : weights[c]) {
                    bound[c] += most ? Math.max(v * lo, v * hi) : Math.min(v * lo, v * hi);
                }
            }
            return bound;
        }

        Op integer(Element.Int acc, @Nullable Rescale rescale) {
            return switch (op) {
                case FloatOp.Conv2d k -> new IntOp.Conv2d(k.window(), k.groups(), acc, rescale);
                case FloatOp.Dense k -> new IntOp.Dense(acc, rescale);
                default -> throw new IllegalStateException("no product: " + op);
            };
        }
    }

    /** A product, or a product plus a known number for each channel. */
    private @Nullable Linear linear(Node d) {
        if (d.op() instanceof FloatOp.Binary b && b.fn() == FloatOp.Binary.Fn.ADD) {
            Step s = step(d);
            Node p = s == null ? null : to.definition(d.operand(s.variable()));
            if (s == null || p == null || p.operands().size() != 2) {
                return null;
            }
            Linear l = linear(p);
            // The bias has to be the product's own kind of number: adding anything else rounds in between.
            if (l == null || l.bias() != null) {
                return null;
            }
            double[] bias = biasOf(s.known().getFirst(), d.operand(1 - s.variable()), l);
            Linear sum = new Linear(l.op(), l.x(), l.input(), l.w(), l.weight(), l.weights(), l.unit(), bias);
            return sum.whole() == null ? null : sum;
        }
        if (!(d.op() instanceof FloatOp.Conv2d) && !(d.op() instanceof FloatOp.Dense)) {
            return null;
        }
        Quant x = activation(d.operand(0));
        ValueId w = to.codes(d.operand(1));
        if (x == null || w == null || !(to.constant(w) instanceof Tensor.OfInt t)) {
            return null;
        }
        ValueId in = codes(d.operand(0));
        Quant q = to.type(w).quant();
        boolean fits = switch (q.scheme()) {
            case Scheme.PerTensor s -> true;
            case Scheme.PerAxis a -> a.axis() == 0;
            case Scheme.PerGroup g -> false;
        };
        if (!fits || q.storage().bits() > 16 || to.constant(in) != null) {
            return null;
        }
        int channels = t.shape().dim(0);
        int row = channels == 0 ? 0 : t.values().length / channels;
        long[][] weights = new long[channels][row];
        double[] unit = new double[channels];
        for (int c = 0; c < channels; c++) {
            for (int i = 0; i < row; i++) {
                weights[c][i] = (long) t.values()[c * row + i] - q.scheme().channelZero(c);
            }
            unit[c] = (double) x.perTensor().scale() * q.scheme().channelScale(c);
        }
        Linear l = new Linear(d.op(), in, x, w, q, weights, unit, null);
        if (d.operands().size() < 3) {
            return l;
        }
        float[] bias = to.reals(d.operand(2));
        return bias == null ? null : new Linear(d.op(), in, x, w, q, weights, unit, biasOf(bias, d.operand(2), l));
    }

    /** A bias; exact where it is i32 codes in the accumulator's own scale. */
    private double[] biasOf(float[] bias, ValueId from, Linear l) {
        double[] b = new double[l.channels()];
        ValueId codes = to.codes(from);
        Quant q = codes == null ? null : to.type(codes).quant();
        int[] given = codes != null && to.constant(codes) instanceof Tensor.OfInt t ? t.values() : null;
        for (int c = 0; c < b.length; c++) {
            int i = bias.length == 1 ? 0 : c;
            b[c] = bias[i];
            if (q != null && given != null && q.storage() == Storage.I32) {
                int z = q.scheme().channelZero(q.scheme() instanceof Scheme.PerTensor ? 0 : i);
                float s = q.scheme().channelScale(q.scheme() instanceof Scheme.PerTensor ? 0 : i);
                // A scale that is the product of the others, but for its rounding, is that product.
                boolean own = Math.abs(s / l.unit()[c] - 1) < 0x1p-20;
                b[c] = ((double) given[i] - z) * (own ? l.unit()[c] : s);
            }
        }
        return b;
    }

    private @Nullable ValueId ofProduct(Chain c, Linear l, Quant q, int lo, int hi) {
        long[] whole = l.whole();
        if (c.clamps() && whole != null && q.storage() != Storage.BIPOLAR) {
            return rescaled(c, l, whole, q, lo, hi);
        }
        if (q.hi() - q.lo() >= MAX_ENTRIES) {
            return null;
        }
        long[] least = l.bound(false);
        long[] most = l.bound(true);
        double[] bias = l.bias();
        Staircase.Thresholds t = new Staircase(c.steps(), q, l.channels()).thresholds(least, most, (n, channel) ->
                (float) ((bias == null ? 0 : bias[channel]) + n * l.unit()[channel]));
        if (t == null) {
            return null;
        }
        ValueId w = weights(l, t.falls());
        if (w == null) {
            return null;
        }
        ValueId acc = emit(l.integer(Element.INT32, null), Element.INT32, l.x(), w);
        return thresholds(acc, t, q, lo, hi);
    }

    private @Nullable ValueId rescaled(Chain c, Linear l, long[] whole, Quant q, int lo, int hi) {
        int low = clamp(c.limit(q, q.lo()), lo, hi);
        int high = clamp(c.limit(q, q.hi()), lo, hi);
        List<Rescale.Scale> scales = new ArrayList<>();
        for (int channel = 0; channel < l.channels(); channel++) {
            Rescale.Scale m = product(
                    l.input().perTensor().scale(),
                    l.weight().scheme().channelScale(channel),
                    q.perTensor().scale());
            if (m == null) {
                return null;
            }
            scales.add(m);
        }
        if (scales.stream().distinct().count() == 1) {
            scales = scales.subList(0, 1);
        }
        Rescale rescale = new Rescale(Rounding.ONNX, scales, q.perTensor().zero(), low, high);
        Element.Int acc = accumulatorFor(l, whole);
        ValueId w = weights(l, new boolean[l.channels()]);
        if (acc == null || w == null) {
            return null;
        }
        fused("an integer " + (l.op() instanceof FloatOp.Dense ? "dense layer" : "convolution"));
        List<ValueId> operands = new ArrayList<>(List.of(l.x(), w));
        bias(l, whole).ifPresent(operands::add);
        return to.emit(name, l.integer(acc, rescale), q, operands);
    }

    private java.util.Optional<ValueId> bias(Linear l, long[] whole) {
        if (l.bias() == null || Arrays.stream(whole).allMatch(b -> b == 0)) {
            return java.util.Optional.empty();
        }
        Tensor t = Tensor.OfLong.of(Shape.of(whole.length), whole);
        Element e = t instanceof Tensor.OfLong ? Element.INT64 : Element.INT32;
        return java.util.Optional.of(to.constant(name, t, e));
    }

    private static Element.@Nullable Int accumulatorFor(Linear l, long[] whole) {
        long[] least = l.bound(false);
        long[] most = l.bound(true);
        double bound = 0;
        for (int c = 0; c < whole.length; c++) {
            bound = Math.max(bound, Math.max(most[c], -least[c]) + (double) Math.abs(whole[c]));
        }
        return accumulator(bound);
    }

    /** The weights, with the rows of some channels negated, or null where no storage holds those. */
    private @Nullable ValueId weights(Linear l, boolean[] negated) {
        if (!anyOf(negated)) {
            return l.w();
        }
        Quant q = l.weight();
        int[] v = new int[l.weights().length == 0 ? 0 : l.channels() * l.weights()[0].length];
        int row = v.length / l.channels();
        int lo = 0;
        int hi = 0;
        boolean zero = false;
        for (int i = 0; i < v.length; i++) {
            long w = l.weights()[i / row][i % row];
            v[i] = (int) (negated[i / row] ? -w : w);
            lo = Math.min(lo, v[i]);
            hi = Math.max(hi, v[i]);
            zero |= v[i] == 0;
        }
        for (Storage s : List.of(q.storage(), Storage.I2, Storage.I3, Storage.I4, Storage.I8, Storage.I16)) {
            boolean narrower = s.bits() < q.storage().bits();
            if (!narrower && lo >= s.min() && hi <= s.max() && !(s == Storage.BIPOLAR && zero)) {
                Scheme symmetric = switch (q.scheme()) {
                    case Scheme.PerTensor t -> new Scheme.PerTensor(t.scale(), 0);
                    case Scheme.PerAxis a ->
                        new Scheme.PerAxis(
                                a.axis(),
                                a.scales(),
                                Collections.nCopies(a.scales().size(), 0));
                    case Scheme.PerGroup g -> g;
                };
                Shape shape = to.type(l.w()).shape();
                return to.constant(name, new Tensor.OfInt(shape, v), new Quant(s, s.min(), s.max(), symmetric));
            }
        }
        return null;
    }

    // Products whose results stay real numbers

    /** Products of codes that nothing quantizes: integers, scaled as real numbers. */
    private Graph products() {
        for (Node n : graph.nodes()) {
            name = n.id().name();
            Node now = n.withOperands(to.now(n.operands()));
            Linear l = now.op() instanceof FloatOp.Conv2d || now.op() instanceof FloatOp.Dense ? linear(now) : null;
            ValueId y = l == null ? null : scaled(l);
            if (y == null) {
                to.keep(n);
            } else {
                to.replace(n.id(), y);
            }
        }
        return to.finish();
    }

    private @Nullable ValueId scaled(Linear l) {
        long[] whole = l.whole();
        Element.Int acc = accumulatorFor(l, whole == null ? new long[l.channels()] : whole);
        ValueId w = weights(l, new boolean[l.channels()]);
        if (acc == null || w == null) {
            return null;
        }
        List<ValueId> operands = new ArrayList<>(List.of(l.x(), w));
        if (whole != null) {
            bias(l, whole).ifPresent(operands::add);
        }
        fused("an integer product, scaled as a real number");
        ValueId sum = to.emit(name, l.integer(acc, null), acc, operands);
        ValueId y = emit(new NumOp.Cast(), Element.FLOAT, sum);
        float[] units = new float[l.channels()];
        for (int c = 0; c < units.length; c++) {
            units[c] = (float) l.unit()[c];
        }
        if (!all(units, 1)) {
            y = emit(new FloatOp.Binary(FloatOp.Binary.Fn.MUL), Element.FLOAT, y, vector(units));
        }
        double[] bias = l.bias();
        if (whole == null && bias != null) {
            float[] b = new float[bias.length];
            for (int c = 0; c < b.length; c++) {
                b[c] = (float) bias[c];
            }
            y = emit(new FloatOp.Binary(FloatOp.Binary.Fn.ADD), Element.FLOAT, y, vector(b));
        }
        return y;
    }

    private static boolean all(float[] v, float x) {
        for (float f : v) {
            if (f != x) {
                return false;
            }
        }
        return true;
    }

    private ValueId vector(float[] v) {
        boolean one = v.length > 0 && all(v, v[0]);
        float[] kept = one ? new float[] {v[0]} : v;
        return to.constant(name, new Tensor.OfFloat(Shape.of(kept.length), kept), Element.FLOAT);
    }

    // Quantized at run time

    /** {@code (float) acc · (scale of run time · scales) [+ bias]}. */
    private @Nullable ValueId dynamic(Node n, FloatOp.Binary op) {
        for (int i = 0; i < 2; i++) {
            Node d = to.definition(n.operand(i));
            ValueId other = n.operand(1 - i);
            if (d == null) {
                continue;
            }
            if (op.fn() == FloatOp.Binary.Fn.MUL && d.op() instanceof NumOp.Cast) {
                ValueId y = dynamicScaled(n, d.operand(0), other);
                if (y != null) {
                    return y;
                }
            }
            if (op.fn() == FloatOp.Binary.Fn.ADD
                    && d.op() instanceof IntOp.DynamicDequantize
                    && d.operands().size() == 3) {
                ValueId bias = perChannel(other, channels(n.operand(i)), false);
                if (bias != null && d.type().shape().equals(n.type().shape())) {
                    return emit(d.op(), Element.FLOAT, d.operand(0), d.operand(1), d.operand(2), bias);
                }
            }
        }
        return null;
    }

    private @Nullable ValueId dynamicScaled(Node n, ValueId acc, ValueId scale) {
        Type t = to.type(acc);
        Node m = to.definition(scale);
        while (m != null && m.op() instanceof DataOp.Reshape && (isOne(m.id()) || lastKept(m))) {
            m = to.definition(m.operand(0));
        }
        boolean wide = t.element().equals(Element.INT32) || t.element().equals(Element.INT64);
        if (!wide || m == null || !t.shape().equals(n.type().shape())) {
            return null;
        }
        ValueId parameters = scaleOf(scale);
        if (parameters != null) {
            return dequantized(acc, parameters, vector(new float[] {1}));
        }
        if (!(m.op() instanceof FloatOp.Binary b) || b.fn() != FloatOp.Binary.Fn.MUL) {
            return null;
        }
        for (int i = 0; i < 2; i++) {
            parameters = scaleOf(m.operand(i));
            ValueId scales = parameters == null ? null : perChannel(m.operand(1 - i), channels(acc), true);
            if (parameters != null && scales != null) {
                return dequantized(acc, parameters, scales);
            }
        }
        return null;
    }

    private ValueId dequantized(ValueId acc, ValueId parameters, ValueId scales) {
        fused("an integer product of what is quantized at run time");
        return emit(new IntOp.DynamicDequantize(), Element.FLOAT, acc, parameters, scales);
    }

    /** The parameters whose scale a value is, or null. */
    private @Nullable ValueId scaleOf(ValueId x) {
        Node d = to.definition(x);
        while (d != null && d.op() instanceof DataOp.Reshape) {
            d = to.definition(d.operand(0));
        }
        if (d == null
                || !(d.op() instanceof DataOp.Slice s)
                || s.begin().getLast() != 0
                || s.end().getLast() != 1) {
            return null;
        }
        Node p = to.definition(d.operand(0));
        return p != null && p.op() instanceof IntOp.DynamicParams ? p.id() : null;
    }

    /** A known vector along the last axis (or one number for all) as [C] or, if allowed, [1]. */
    private @Nullable ValueId perChannel(ValueId x, int channels, boolean one) {
        float[] v = to.reals(x);
        Shape s = to.type(x).shape();
        if (v == null || (v.length != 1 && (v.length != channels || s.dim(-1) != channels))) {
            return null;
        }
        float[] all = v;
        if (v.length == 1 && !one) {
            all = new float[channels];
            Arrays.fill(all, v[0]);
        }
        return to.constant(name, new Tensor.OfFloat(Shape.of(all.length), all), Element.FLOAT);
    }

    // What is known after all

    /** Codes that are used as real numbers only become those numbers. */
    private Graph constants() {
        for (Node n : graph.nodes()) {
            name = n.id().name();
            float[] v = n.op() instanceof QuantOp.Dequantize && to.constant(to.now(n.operand(0))) != null
                    ? realsOf(to.now(n.operand(0)))
                    : null;
            if (v == null) {
                to.keep(n);
            } else {
                to.replace(n.id(), to.constant(name, new Tensor.OfFloat(n.type().shape(), v), Element.FLOAT));
            }
        }
        return to.finish();
    }

    private float @Nullable [] realsOf(ValueId codes) {
        return to.constant(codes) instanceof Tensor.OfInt t
                ? Staircase.dequantize(to.type(codes).quant(), t)
                : null;
    }
}
