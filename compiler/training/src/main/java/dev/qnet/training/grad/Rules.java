package dev.qnet.training.grad;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.FloatOp.Binary.Fn;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Window;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What one node passes back to its operands. */
final class Rules {
    private final Drawing to;
    private final Map<ValueId, Node> definitions;
    private final Node node;
    private final ValueId g;
    private final Set<ValueId> active;
    private final List<Map.Entry<ValueId, ValueId>> results = new ArrayList<>();

    Rules(Drawing to, Map<ValueId, Node> definitions, Node node, ValueId g, Set<ValueId> active) {
        this.to = to;
        this.definitions = definitions;
        this.node = node;
        this.g = g;
        this.active = active;
    }

    /** Hears of an operand and the gradient by it; an operand that is used twice comes twice. */
    @FunctionalInterface
    interface Receiver {
        void accept(ValueId operand, ValueId gradient);
    }

    void results(Receiver receiver) {
        results.forEach(e -> receiver.accept(e.getKey(), e.getValue()));
    }

    /** Whether there is a rule. */
    boolean apply() {
        return switch (node.op()) {
            case DataOp d -> data(d);
            case FloatOp f -> real(f);
            case QuantOp q -> quant(q);
            case TrainOp t -> train(t);
            case NumOp.Reduce r -> r.fn() == NumOp.Reduce.Fn.SUM && give(0, spread(g, r.axes(), r.keepDims()));
            case NumOp _ -> false;
            case dev.qnet.compiler.ir.IntOp _ -> false;
        };
    }

    private boolean wants(int i) {
        return active.contains(node.operand(i));
    }

    private ValueId x(int i) {
        return node.operand(i);
    }

    private Shape shape(int i) {
        return to.shape(x(i));
    }

    private boolean give(int i, ValueId gradient) {
        results.add(Map.entry(x(i), gradient));
        return true;
    }

    private ValueId op(Op op, ValueId... operands) {
        return to.add("grad." + node.id().name(), op, operands);
    }

    private ValueId binary(Fn fn, ValueId a, ValueId b) {
        return op(new FloatOp.Binary(fn), a, b);
    }

    private ValueId reshape(ValueId v, Shape shape) {
        return to.shape(v).equals(shape) ? v : op(new DataOp.Reshape(shape), v);
    }

    private ValueId sumTo(ValueId v, Shape shape) {
        return to.shape(v).equals(shape) ? v : op(new TrainOp.SumTo(shape), v);
    }

    // Moves of elements.

    private boolean data(DataOp op) {
        return switch (op) {
            case DataOp.Reshape _ -> give(0, reshape(g, shape(0)));
            case DataOp.Transpose t -> {
                List<Integer> inverse =
                        new ArrayList<>(Collections.nCopies(t.permutation().size(), 0));
                for (int i = 0; i < inverse.size(); i++) {
                    inverse.set(t.permutation().get(i), i);
                }
                yield give(0, op(new DataOp.Transpose(inverse), g));
            }
            case DataOp.Concat c -> {
                int at = 0;
                for (int i = 0; i < node.operands().size(); i++) {
                    int extent = shape(i).dim(c.axis());
                    if (wants(i)) {
                        Shape s = to.shape(g);
                        give(i, op(slice(s, zeros(s).with(c.axis(), at), s.with(c.axis(), at + extent), 1), g));
                    }
                    at += extent;
                }
                yield true;
            }
            case DataOp.Slice s -> give(0, undoSlice(s));
            case DataOp.Pad p -> {
                List<Integer> end = new ArrayList<>();
                for (int i = 0; i < shape(0).rank(); i++) {
                    end.add(p.before().get(i) + shape(0).dim(i));
                }
                yield give(0, op(new DataOp.Slice(p.before(), end, Collections.nCopies(end.size(), 1)), g));
            }
            case DataOp.Dilate d -> {
                Shape s = to.shape(g);
                yield give(0, op(new DataOp.Slice(Collections.nCopies(s.rank(), 0), s.dims(), d.factors()), g));
            }
            case DataOp.MaxPool p -> give(0, op(new TrainOp.MaxPoolGrad(p.window()), x(0), g));
            case DataOp.ResizeNearest _ ->
                give(0, op(new TrainOp.ResizeNearestGrad(shape(0).dim(1), shape(0).dim(2)), g));
            case DataOp.Broadcast _ -> give(0, sumTo(g, shape(0)));
            case DataOp.Select _ -> {
                ValueId zero = to.constant("grad.zero", Shape.SCALAR, 0);
                if (wants(1)) {
                    give(1, sumTo(op(new DataOp.Select(), x(0), g, zero), shape(1)));
                }
                if (wants(2)) {
                    give(2, sumTo(op(new DataOp.Select(), x(0), zero, g), shape(2)));
                }
                yield true;
            }
            case DataOp.Constant _, DataOp.Gather _ -> false;
        };
    }

    private static Shape zeros(Shape s) {
        return new Shape(Collections.nCopies(s.rank(), 0));
    }

    private static DataOp.Slice slice(Shape s, Shape begin, Shape end, int step) {
        return new DataOp.Slice(begin.dims(), end.dims(), Collections.nCopies(s.rank(), step));
    }

    private ValueId undoSlice(DataOp.Slice s) {
        Shape from = shape(0);
        Shape to = node.type().shape();
        List<Integer> before = new ArrayList<>();
        List<Integer> after = new ArrayList<>();
        for (int i = 0; i < from.rank(); i++) {
            int n = to.dim(i) == 0 ? 0 : (to.dim(i) - 1) * s.step().get(i) + 1;
            before.add(s.begin().get(i));
            after.add(from.dim(i) - s.begin().get(i) - n);
        }
        boolean strided = s.step().stream().anyMatch(d -> d > 1);
        ValueId wide = strided ? op(new DataOp.Dilate(s.step(), 0), g) : g;
        return op(new DataOp.Pad(before, after, 0), wide);
    }

    /** A reduced gradient as large as what was reduced. */
    private ValueId spread(ValueId v, List<Integer> axes, boolean keepDims) {
        Shape kept = shape(0);
        for (int a : axes) {
            kept = kept.with(a, 1);
        }
        ValueId wide = keepDims ? v : reshape(v, kept);
        return kept.equals(shape(0)) ? wide : op(new DataOp.Broadcast(shape(0)), wide);
    }

    // Float arithmetic.

    private boolean real(FloatOp op) {
        return switch (op) {
            case FloatOp.Conv2d c -> conv(c.window(), c.groups());
            case FloatOp.Dense _ -> dense();
            case FloatOp.MatMul _ -> {
                if (wants(0)) {
                    give(0, sumTo(op(new FloatOp.MatMul(), g, swapped(x(1))), shape(0)));
                }
                if (wants(1)) {
                    give(1, sumTo(op(new FloatOp.MatMul(), swapped(x(0)), g), shape(1)));
                }
                yield true;
            }
            case FloatOp.Binary b -> binary(b.fn());
            case FloatOp.Unary u ->
                switch (u.fn()) {
                    case ScalarFn.Sign _, ScalarFn.Floor _, ScalarFn.Ceil _, ScalarFn.Round _ -> false;
                    case ScalarFn.Neg _ -> give(0, op(new FloatOp.Unary(new ScalarFn.Neg()), g));
                    case ScalarFn.Affine a -> give(0, op(new FloatOp.Unary(new ScalarFn.Affine(a.alpha(), 0)), g));
                    case ScalarFn _ -> give(0, op(new TrainOp.UnaryGrad(u.fn()), x(0), g));
                };
            case FloatOp.AvgPool p ->
                give(0, op(new TrainOp.AvgPoolGrad(p.window(), shape(0).dim(1), shape(0).dim(2)), g));
            case FloatOp.Mean m -> {
                float share = node.type().shape().elements() / (float) Math.max(1, shape(0).elements());
                ValueId shared = op(new FloatOp.Unary(new ScalarFn.Affine(share, 0)), g);
                yield give(0, spread(shared, m.axes(), m.keepDims()));
            }
            case FloatOp.BatchNorm b -> batchNorm(b.epsilon());
            case FloatOp.Softmax s -> give(0, op(new TrainOp.SoftmaxGrad(s.axis()), node.id(), g));
            case FloatOp.Recurrent _ -> false;
        };
    }

    private boolean conv(Window window, int groups) {
        if (wants(0)) {
            Shape x = shape(0);
            give(0, op(new TrainOp.ConvInputGrad(window, groups, x.dim(1), x.dim(2)), g, x(1)));
        }
        if (wants(1)) {
            give(1, op(new TrainOp.ConvWeightGrad(window, groups), x(0), g));
        }
        return bias();
    }

    private boolean bias() {
        if (node.operands().size() > 2 && wants(2)) {
            give(2, sumTo(g, shape(2)));
        }
        return true;
    }

    private boolean dense() {
        Shape x = shape(0);
        int in = x.dim(-1);
        int rows = x.elements() / Math.max(1, in);
        ValueId flat = reshape(g, Shape.of(rows, shape(1).dim(0)));
        if (wants(0)) {
            give(0, reshape(op(new FloatOp.MatMul(), flat, x(1)), x));
        }
        if (wants(1)) {
            give(1, op(new FloatOp.MatMul(), swapped(flat), reshape(x(0), Shape.of(rows, in))));
        }
        return bias();
    }

    /** A value with its last two axes exchanged. */
    private ValueId swapped(ValueId v) {
        int rank = to.shape(v).rank();
        List<Integer> permutation = new ArrayList<>();
        for (int i = 0; i < rank; i++) {
            permutation.add(i);
        }
        Collections.swap(permutation, rank - 1, rank - 2);
        return op(new DataOp.Transpose(permutation), v);
    }

    private boolean binary(Fn fn) {
        Map<Integer, ValueId> by = new LinkedHashMap<>();
        switch (fn) {
            case ADD -> {
                by.put(0, g);
                by.put(1, g);
            }
            case SUB -> {
                by.put(0, g);
                if (wants(1)) {
                    by.put(1, op(new FloatOp.Unary(new ScalarFn.Neg()), g));
                }
            }
            case MUL -> {
                if (wants(0)) {
                    by.put(0, binary(Fn.MUL, g, x(1)));
                }
                if (wants(1)) {
                    by.put(1, binary(Fn.MUL, g, x(0)));
                }
            }
            case DIV -> {
                if (wants(0)) {
                    by.put(0, binary(Fn.DIV, g, x(1)));
                }
                if (wants(1)) {
                    ValueId product = binary(Fn.DIV, binary(Fn.MUL, g, node.id()), x(1));
                    by.put(1, op(new FloatOp.Unary(new ScalarFn.Neg()), product));
                }
            }
            case MIN, MAX -> {
                // Of equals the first takes all.
                NumOp.Compare.Fn first = fn == Fn.MIN ? NumOp.Compare.Fn.LE : NumOp.Compare.Fn.GE;
                ValueId c = to.add(new Node(
                        to.fresh("grad." + node.id().name()),
                        new NumOp.Compare(first),
                        node.operands(),
                        node.type().withElement(dev.qnet.compiler.ir.Element.BOOL),
                        node.span()));
                ValueId zero = to.constant("grad.zero", Shape.SCALAR, 0);
                by.put(0, op(new DataOp.Select(), c, g, zero));
                by.put(1, op(new DataOp.Select(), c, zero, g));
            }
            case POW, MOD -> {
                return false;
            }
        }
        by.forEach((i, v) -> {
            if (wants(i)) {
                give(i, sumTo(v, shape(i)));
            }
        });
        return true;
    }

    /** With fixed statistics: {@code y = (x − mean)·f + beta}, {@code f = gamma/√(variance + epsilon)}. */
    private boolean batchNorm(float epsilon) {
        if (wants(3) || wants(4)) {
            return false;
        }
        ValueId spread = op(
                new FloatOp.Unary(new ScalarFn.Sqrt()), op(new FloatOp.Unary(new ScalarFn.Affine(1, epsilon)), x(4)));
        if (wants(0)) {
            give(0, binary(Fn.MUL, g, binary(Fn.DIV, x(1), spread)));
        }
        if (wants(1)) {
            ValueId normal = binary(Fn.DIV, binary(Fn.SUB, x(0), x(3)), spread);
            give(1, sumTo(binary(Fn.MUL, g, normal), shape(1)));
        }
        if (wants(2)) {
            give(2, sumTo(g, shape(2)));
        }
        return true;
    }

    // Quantization.

    private boolean quant(QuantOp op) {
        if (!(op instanceof QuantOp.FakeQuant f)) {
            return false;
        }
        Quant q = f.chosen();
        if (q == null) {
            return give(0, g);
        }
        float[] p = switch (q.scheme()) {
            case Scheme.PerTensor t -> new float[] {t.scale(), t.zero()};
            case Scheme.PerAxis a -> {
                float[] all = new float[2 * a.scales().size()];
                for (int c = 0; c < a.scales().size(); c++) {
                    all[2 * c] = a.scales().get(c);
                    all[2 * c + 1] = a.zeros().get(c);
                }
                yield all;
            }
            case Scheme.PerGroup _ -> new float[0];
        };
        if (p.length == 0 || (q.scheme() instanceof Scheme.PerAxis a && a.axis() != 0)) {
            return false;
        }
        ValueId parameters = to.constant("grad." + node.id().name() + ".parameters", Shape.of(p.length / 2, 2), p);
        return give(0, op(new TrainOp.QuantizedInputGrad(new Quantizer.Affine(), q.lo(), q.hi()), x(0), parameters, g));
    }

    // Operations of training.

    private boolean train(TrainOp op) {
        return switch (op) {
            case TrainOp.SumTo _ -> give(0, op(new DataOp.Broadcast(shape(0)), g));
            // Normalize accounts for them.
            case TrainOp.Moments _ -> false;
            case TrainOp.Normalize n -> normalize(n.epsilon());
            case TrainOp.CrossEntropy _ -> !wants(1) && give(0, op(new TrainOp.CrossEntropyGrad(), x(0), x(1), g));
            case TrainOp.Quantized q -> quantized(q);
            case TrainOp.ConvInputGrad _, TrainOp.ConvWeightGrad _, TrainOp.UnaryGrad _, TrainOp.MaxPoolGrad _ -> false;
            case TrainOp.AvgPoolGrad _, TrainOp.ResizeNearestGrad _, TrainOp.SoftmaxGrad _ -> false;
            case TrainOp.NormalizeScaleGrad _, TrainOp.NormalizeInputGrad _, TrainOp.CrossEntropyGrad _ -> false;
            case TrainOp.QuantizedInputGrad _, TrainOp.QuantizedParameterGrad _ -> false;
        };
    }

    private boolean normalize(float epsilon) {
        Node moments = definitions.get(x(3));
        if (moments == null
                || !(moments.op() instanceof TrainOp.Moments)
                || !moments.operand(0).equals(x(0))) {
            return false;
        }
        ValueId sums = op(new TrainOp.NormalizeScaleGrad(epsilon), x(0), x(3), g);
        if (wants(0)) {
            give(0, op(new TrainOp.NormalizeInputGrad(epsilon), x(0), x(1), x(3), sums, g));
        }
        for (int i = 1; i < 3; i++) {
            if (wants(i)) {
                int c = shape(i).dim(0);
                ValueId row = op(new DataOp.Slice(List.of(i - 1, 0), List.of(i, c), List.of(1, 1)), sums);
                give(i, reshape(row, shape(i)));
            }
        }
        return true;
    }

    private boolean quantized(TrainOp.Quantized q) {
        List<ValueId> operands = new ArrayList<>(node.operands());
        operands.add(g);
        ValueId[] in = operands.toArray(ValueId[]::new);
        if (wants(0)) {
            give(0, op(new TrainOp.QuantizedInputGrad(q.quantizer(), q.lo(), q.hi()), in));
        }
        if (wants(1)) {
            give(1, op(new TrainOp.QuantizedParameterGrad(q.quantizer(), q.lo(), q.hi(), q.factor()), in));
        }
        return !q.quantizer().hasTemperature() || !wants(2);
    }
}
