package dev.qnet.compiler.pass;

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
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.Codes;
import dev.qnet.compiler.quant.Multipliers;
import dev.qnet.compiler.source.Diagnostics;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Writes the integer operations that {@link Lowering} decides on. A value takes the name of the value in the source that
 * it stands for, as long as that is free.
 */
final class IntegerEmitter {
    /** From here on a fixed-point multiplier saturates. */
    private static final double MAX_MULTIPLIER = 1 << 30;

    private final Rounding rounding;
    private final Diagnostics diagnostics;
    private final Names names;
    private final Set<ValueId> used = new HashSet<>();
    private final List<Node> out = new ArrayList<>();
    private final Map<ValueId, ValueId> accumulators = new HashMap<>();

    IntegerEmitter(Graph graph, Rounding rounding, Diagnostics diagnostics) {
        this.rounding = rounding;
        this.diagnostics = diagnostics;
        this.names = new Names(graph);
    }

    List<Node> nodes() {
        return Collections.unmodifiableList(out);
    }

    /** The name itself the first time, then a new one like it. */
    ValueId claim(ValueId preferred) {
        return used.add(preferred) ? preferred : names.fresh(preferred.name());
    }

    /** A node in the place of another, with its name. */
    ValueId add(Node place, Op op, List<ValueId> operands, Type type) {
        return add(claim(place.id()), op, operands, type, place);
    }

    private ValueId add(ValueId id, Op op, List<ValueId> operands, Type type, Node place) {
        out.add(new Node(id, op, operands, type, place.span()));
        return id;
    }

    /** A float node as it is, with its intent. */
    ValueId keep(Node n, List<ValueId> operands) {
        ValueId id = claim(n.id());
        out.add(n.withOperands(operands).withId(id));
        return id;
    }

    // Between f32 and codes.

    Lowered.OnGrid quantize(Node point, ValueId x, Quant q) {
        Type type = new Type(q, point.type().shape());
        Rounding ties = switch (point.op()) {
            case QuantOp.FakeQuant f -> f.rounding();
            case QuantOp.Quantize z -> z.rounding();
            case DataOp _, FloatOp _, NumOp _, IntOp _, TrainOp _, QuantOp.Dequantize _ -> rounding;
        };
        return new Lowered.OnGrid(add(point, new QuantOp.Quantize(ties), List.of(x), type), type);
    }

    ValueId dequantize(Lowered.OnGrid x, Node place) {
        ValueId id = names.fresh(x.id().name() + ".real");
        return add(id, new QuantOp.Dequantize(), List.of(x.id()), x.type().withElement(Element.FLOAT), place);
    }

    Lowered.OnGrid codes(Node constant, Quant q) {
        Tensor.OfFloat value = (Tensor.OfFloat) ((DataOp.Constant) constant.op()).value();
        Type type = new Type(q, value.shape());
        Op op = new DataOp.Constant(Codes.quantize(value, q, rounding));
        return new Lowered.OnGrid(add(constant, op, List.of(), type), type);
    }

    Lowered.OnGrid requantize(Node point, Lowered.OnGrid x, Quant q) {
        float so = q.perTensor().scale();
        Rescale rescale = rescale(List.of(scale(point, x.scale() / (double) so)), q, List.of());
        Type type = x.type().withElement(q);
        return new Lowered.OnGrid(add(point, new IntOp.Requantize(rescale), List.of(x.id()), type), type);
    }

    /** A clamp of codes on their grid; nothing where all codes pass. */
    Lowered.OnGrid clamp(Node place, Lowered.OnGrid x, List<ScalarFn> fns) {
        int[] bounds = Codes.bounds(x.quant(), fns, rounding);
        if (bounds[0] == x.quant().lo() && bounds[1] == x.quant().hi()) {
            return x;
        }
        Op op = new IntOp.Clamp(bounds[0], bounds[1]);
        return new Lowered.OnGrid(add(place, op, List.of(x.id()), x.type()), x.type());
    }

    // Operations whose result's grid is now known.

    /**
     * The integer form of an operation, on the grid of the fake quantization that closes it.
     *
     * @param x its first operand
     * @param y its second, or the first again
     * @param bias its bias as written, or null
     */
    Lowered.OnGrid close(
            Node point, Lowered.Open open, Lowered.OnGrid x, Lowered.OnGrid y, @Nullable Node bias, Quant q) {
        Node root = open.root();
        Type type = new Type(q, root.type().shape());
        Node place = new Node(point.operand(0), root.op(), root.operands(), root.type(), root.span());
        float so = q.perTensor().scale();
        List<ScalarFn> clamps = open.clamps();
        ValueId id = switch (root.op()) {
            case FloatOp.Conv2d c ->
                weighted(
                        place,
                        root,
                        new IntOp.Conv2d(c.window(), c.groups(), Element.INT32, null),
                        x,
                        y,
                        bias,
                        q,
                        clamps);
            case FloatOp.Dense d -> weighted(place, root, new IntOp.Dense(Element.INT32, null), x, y, bias, q, clamps);
            case FloatOp.MatMul m -> {
                ValueId acc = accumulator(root, new IntOp.MatMul(Element.INT32, null), List.of(x.id(), y.id()));
                yield product(place, acc, x, y, q, clamps);
            }
            case FloatOp.Binary b ->
                switch (b.fn()) {
                    case ADD, SUB -> sum(place, b.fn() == FloatOp.Binary.Fn.SUB, x, y, q, clamps);
                    case MUL -> {
                        ValueId acc = accumulator(root, new IntOp.Mul(Element.INT32, null), List.of(x.id(), y.id()));
                        yield product(place, acc, x, y, q, clamps);
                    }
                    case DIV, POW, MIN, MAX, MOD -> throw new IllegalStateException(root.id() + " is not left open");
                };
            case FloatOp.Mean m -> {
                long n = 1;
                for (int axis : m.axes()) {
                    n *= x.type().shape().dim(axis);
                }
                ValueId acc =
                        accumulator(root, new IntOp.Sum(m.axes(), m.keepDims(), Element.INT32, null), List.of(x.id()));
                n = Math.max(1, n);
                double m1 = x.scale() / ((double) so * n);
                Rescale.Scale scale =
                        m1 >= MAX_MULTIPLIER ? scale(place, m1) : Multipliers.mean(rounding, x.scale(), so, n);
                yield add(place, new IntOp.Requantize(rescale(List.of(scale), q, clamps)), List.of(acc), type);
            }
            case FloatOp.Softmax s -> {
                yield softmax(point, place, s, x, q, clamps);
            }
            case FloatOp.Unary u -> table(place, u.fn(), x, q, clamps);
            case FloatOp.AvgPool _, FloatOp.BatchNorm _, FloatOp.Recurrent _ ->
                throw new IllegalStateException(root.id() + " is not left open");
            case DataOp _, QuantOp _, NumOp _, IntOp _, TrainOp _ ->
                throw new IllegalStateException(root.id() + " is not left open");
        };
        return new Lowered.OnGrid(id, type);
    }

    /**
     * As {@link #close}, where a staircase closes the operation: an accumulator is compared with its thresholds, a table has its levels;
     * sums and functions of 16-bit codes get 16-bit codes first.
     */
    Lowered.OnGrid closeBySteps(
            Node point,
            Lowered.Open open,
            Lowered.OnGrid x,
            Lowered.OnGrid y,
            @Nullable Node bias,
            Quant q,
            Spec.Steps steps) {
        Node root = open.root();
        Node place = new Node(point.operand(0), root.op(), root.operands(), root.type(), root.span());
        if (root.op() instanceof FloatOp.Conv2d c) {
            IntOp op = new IntOp.Conv2d(c.window(), c.groups(), Element.INT32, null);
            return thresholds(place, weightedSum(root, op, x, y, bias), Staircases.units(x, y), 1, open, steps, q);
        }
        if (root.op() instanceof FloatOp.Dense) {
            ValueId sum = weightedSum(root, new IntOp.Dense(Element.INT32, null), x, y, bias);
            return thresholds(place, sum, Staircases.units(x, y), 1, open, steps, q);
        }
        if (root.op() instanceof FloatOp.MatMul) {
            ValueId sum = accumulator(root, new IntOp.MatMul(Element.INT32, null), List.of(x.id(), y.id()));
            return thresholds(place, sum, Staircases.units(x, y), 1, open, steps, q);
        }
        if (root.op() instanceof FloatOp.Mean m) {
            long n = 1;
            for (int axis : m.axes()) {
                n *= x.type().shape().dim(axis);
            }
            IntOp op = new IntOp.Sum(m.axes(), m.keepDims(), Element.INT32, null);
            ValueId sum = accumulator(root, op, List.of(x.id()));
            return thresholds(place, sum, Staircases.units(x), Math.max(1, n), open, steps, q);
        }
        if (root.op() instanceof FloatOp.Unary u && x.quant().storage().bits() <= 8) {
            // Each code's level is known.
            List<ScalarFn> clamps = open.clamps();
            Op op = new IntOp.Table(Codes.table(u.fn(), clamps, x.quant(), steps));
            Type type = new Type(q, place.type().shape());
            return new Lowered.OnGrid(add(place, op, List.of(x.id()), type), type);
        }
        if (root.op() instanceof FloatOp.Binary b && b.fn() == FloatOp.Binary.Fn.MUL) {
            ValueId product = accumulator(root, new IntOp.Mul(Element.INT32, null), List.of(x.id(), y.id()));
            return thresholds(place, product, Staircases.units(x, y), 1, open, steps, q);
        }
        Quant grid = root.op() instanceof FloatOp.Binary
                ? Staircases.sum(steps, q, x.quant(), y.quant())
                : Staircases.fine(steps, q);
        Node finer = point.withOperands(List.of(names.fresh(point.operand(0).name() + ".fine")));
        Lowered.OnGrid fine = close(finer, new Lowered.Open(root, List.of()), x, y, bias, grid);
        return thresholds(place, fine.id(), Staircases.units(fine), 1, open, steps, q);
    }

    /** Codes of a staircase from codes of a grid. */
    Lowered.OnGrid thresholds(Node point, Lowered.OnGrid x, Spec.Steps steps, Quant q) {
        return thresholds(point, x.id(), Staircases.units(x), 1, new Lowered.Open(point, List.of()), steps, q);
    }

    /** @param units what integers count in, a channel or all; divided by n */
    private Lowered.OnGrid thresholds(
            Node place, ValueId x, List<BigDecimal> units, long n, Lowered.Open open, Spec.Steps steps, Quant q) {
        Staircases.Integers t = Staircases.integers(steps, units, n, open.clamps());
        Type type = new Type(q, place.type().shape());
        ValueId limits = add(
                names.fresh(place.id().name() + ".thresholds"),
                new DataOp.Constant(t.thresholds()),
                List.of(),
                new Type(t.element(), t.thresholds().shape()),
                place);
        Op op = new IntOp.Thresholds(t.levels());
        return new Lowered.OnGrid(add(place, op, List.of(x, limits), type), type);
    }

    private ValueId weighted(
            Node place,
            Node root,
            IntOp op,
            Lowered.OnGrid x,
            Lowered.OnGrid w,
            @Nullable Node bias,
            Quant q,
            List<ScalarFn> clamps) {
        return product(place, weightedSum(root, op, x, w, bias), x, w, q, clamps);
    }

    private ValueId weightedSum(Node root, IntOp op, Lowered.OnGrid x, Lowered.OnGrid w, @Nullable Node bias) {
        List<ValueId> operands = new ArrayList<>(List.of(x.id(), w.id()));
        if (bias != null && !accumulators.containsKey(root.id())) {
            int[] codes = new Biases(diagnostics)
                    .codes(root, bias, x.scale(), w.quant().scheme());
            operands.add(add(
                    bias,
                    new DataOp.Constant(new Tensor.OfInt(Shape.of(codes.length), codes)),
                    List.of(),
                    new Type(Element.INT32, Shape.of(codes.length))));
        }
        return accumulator(root, op, operands);
    }

    private ValueId accumulator(Node root, IntOp op, List<ValueId> operands) {
        return accumulators.computeIfAbsent(
                root.id(),
                k -> add(
                        names.fresh(root.id().name() + ".acc"),
                        op,
                        operands,
                        root.type().withElement(Element.INT32),
                        root));
    }

    /** Scales an accumulator of products by s_x·s_w/s_y. */
    private ValueId product(
            Node place, ValueId acc, Lowered.OnGrid x, Lowered.OnGrid w, Quant q, List<ScalarFn> clamps) {
        float so = q.perTensor().scale();
        Scheme weights = w.quant().scheme();
        int channels = switch (weights) {
            case Scheme.PerTensor t -> 1;
            case Scheme.PerAxis a -> a.scales().size();
            case Scheme.PerGroup g -> g.scales().size();
        };
        List<Rescale.Scale> scales = IntStream.range(0, channels)
                .mapToObj(c -> {
                    double m = (double) x.scale() * weights.channelScale(c) / so;
                    return m >= MAX_MULTIPLIER
                            ? scale(place, m)
                            : Multipliers.product(rounding, x.scale(), weights.channelScale(c), so);
                })
                .toList();
        Type type = new Type(q, place.type().shape());
        return add(place, new IntOp.Requantize(rescale(scales, q, clamps)), List.of(acc), type);
    }

    private ValueId sum(
            Node place, boolean subtract, Lowered.OnGrid x, Lowered.OnGrid y, Quant q, List<ScalarFn> clamps) {
        float so = q.perTensor().scale();
        int bits = Math.max(x.quant().storage().bits(), y.quant().storage().bits());
        int shift = Multipliers.addLeftShift(rounding, bits);
        long widest = Math.max(Staircases.widest(x.quant()), Staircases.widest(y.quant()));
        while (shift > 0 && widest << shift > 1L << 30) {
            shift--;
        }
        int[] b = Codes.bounds(q, clamps, rounding);
        List<Rescale.Scale> scales = Multipliers.add(rounding, x.scale(), y.scale(), so, shift);
        Op op = new IntOp.Add(subtract, shift, rounding, scales, q.perTensor().zero(), b[0], b[1]);
        return add(place, op, List.of(x.id(), y.id()), new Type(q, place.type().shape()));
    }

    private ValueId softmax(
            Node point, Node place, FloatOp.Softmax s, Lowered.OnGrid x, Quant q, List<ScalarFn> clamps) {
        boolean signed = q.storage().signed();
        Quant own = signed ? Quant.of(Storage.I8, 1f / 256, -128) : Quant.of(Storage.U8, 1f / 256, 0);
        Multipliers.Softmax m = Multipliers.softmax(x.scale());
        Op op = new IntOp.Softmax(s.axis(), m.multiplier(), m.leftShift(), m.diffMin());
        Type type = new Type(own, place.type().shape());
        Lowered.OnGrid y = new Lowered.OnGrid(add(place, op, List.of(x.id()), type), type);
        Lowered.OnGrid clamped = clamps.isEmpty() ? y : clamp(place, y, clamps);
        return own.equals(q) ? clamped.id() : requantize(point, clamped, q).id();
    }

    private ValueId table(Node place, ScalarFn fn, Lowered.OnGrid x, Quant q, List<ScalarFn> clamps) {
        int[] b = Codes.bounds(q, clamps, rounding);
        boolean small = x.quant().storage().bits() <= 8 || !Codes.interpolates(fn);
        List<Integer> entries = (small
                        ? Codes.table(fn, x.quant(), q, rounding)
                        : Codes.interpolatedTable(fn, x.quant(), q, rounding))
                .stream().map(e -> Math.min(Math.max(e, b[0]), b[1])).toList();
        Op op = small ? new IntOp.Table(entries) : new IntOp.InterpolatedTable(entries);
        return add(place, op, List.of(x.id()), new Type(q, place.type().shape()));
    }

    // Dynamic activations.

    /** conv2d, dense or matmul with an input quantized at run time; its result is f32. */
    ValueId dynamic(Node root, DynamicInput x, Lowered.OnGrid w, @Nullable ValueId bias) {
        IntOp op = switch (root.op()) {
            case FloatOp.Conv2d c -> new IntOp.Conv2d(c.window(), c.groups(), Element.INT32, null);
            case FloatOp.Dense d -> new IntOp.Dense(Element.INT32, null);
            case FloatOp.MatMul m -> new IntOp.MatMul(Element.INT32, null);
            case FloatOp _, DataOp _, QuantOp _, NumOp _, IntOp _, TrainOp _ ->
                throw new IllegalStateException(root.id() + " has no weights");
        };
        ValueId acc = accumulator(root, op, List.of(x.codes(), w.id()));
        Scheme weights = w.quant().scheme();
        int channels =
                weights instanceof Scheme.PerTensor ? 1 : root.type().shape().dim(-1);
        float[] scales = new float[channels];
        for (int c = 0; c < channels; c++) {
            scales[c] = weights.channelScale(c);
        }
        ValueId s = add(
                names.fresh(w.id().name() + ".scales"),
                new DataOp.Constant(new Tensor.OfFloat(Shape.of(channels), scales)),
                List.of(),
                Type.f32(channels),
                root);
        List<ValueId> operands = new ArrayList<>(List.of(acc, x.parameters(), s));
        if (bias != null) {
            operands.add(bias);
        }
        return add(root, new IntOp.DynamicDequantize(), operands, root.type());
    }

    /** The codes of a value at run time, and their parameters. */
    record DynamicInput(ValueId codes, ValueId parameters) {}

    DynamicInput dynamicInput(Node point, ValueId x, Storage storage, boolean symmetric) {
        String name = point.operand(0).name();
        Shape shape = point.type().shape();
        Shape pair = shape.hasBatch() ? Shape.of(Shape.BATCH, 2) : Shape.of(2);
        ValueId p = add(
                names.fresh(name + ".params"),
                new IntOp.DynamicParams(storage, symmetric),
                List.of(x),
                new Type(Element.FLOAT, pair),
                point);
        ValueId q = add(
                names.fresh(name + ".codes"),
                new IntOp.DynamicQuantize(storage),
                List.of(x, p),
                new Type(Element.INT16, shape),
                point);
        return new DynamicInput(q, p);
    }

    // Scales and bounds.

    private Rescale rescale(List<Rescale.Scale> scales, Quant q, List<ScalarFn> clamps) {
        int[] b = Codes.bounds(q, clamps, rounding);
        return new Rescale(rounding, scales, q.perTensor().zero(), b[0], b[1]);
    }

    private Rescale.Scale scale(Node place, double m) {
        if (m >= MAX_MULTIPLIER) {
            diagnostics.add(QuantDiagnostics.multiplier(place, m));
            return Multipliers.of(rounding, 1);
        }
        return Multipliers.of(rounding, m);
    }
}
