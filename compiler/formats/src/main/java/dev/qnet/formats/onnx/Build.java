package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Shapes;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Window;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Builds a graph operation by operation. What depends on constants alone is computed at once (by the oracle), so that
 * arithmetic on shapes leaves no trace. All methods take logical axes and give values of any layout.
 */
final class Build {
    /** Stands for N in constants of shapes. It moves with the elements; arithmetic refuses it. */
    static final long BATCH = Long.MIN_VALUE + 78;

    /** Numbers that come of a few in the file (indices, fills) are at most this many. */
    static final int MAX_MADE = 1 << 24;

    private final List<Node> nodes = new ArrayList<>();
    private final Set<String> names = new HashSet<>();
    private String hint = "v";

    Build() {}

    /** The name that the next values are given. */
    void hint(String name) {
        hint = name;
    }

    /** The nodes so far. */
    List<Node> nodes() {
        return nodes;
    }

    /** A name like {@code base} that is free, of letters, digits, dots and underscores. */
    String fresh(String base) {
        String clean = base.codePoints()
                .mapToObj(c ->
                        c < 128 && (Character.isLetterOrDigit(c) || c == '_' || c == '.') ? Character.toString(c) : "_")
                .collect(Collectors.joining());
        if (clean.isEmpty() || (!Character.isLetter(clean.charAt(0)) && clean.charAt(0) != '_')) {
            clean = "v" + clean;
        }
        String name = clean;
        for (int i = 2; !names.add(name); i++) {
            name = clean + "." + i;
        }
        return name;
    }

    // Constants

    Val constant(Tensor value, Element element) {
        return Val.of(value, element, false);
    }

    Val scalar(double value) {
        return constant(new Tensor.OfFloat(Shape.SCALAR, new float[] {(float) value}), Element.FLOAT);
    }

    Val floats(List<Integer> dims, float... values) {
        return constant(new Tensor.OfFloat(new Shape(dims), values), Element.FLOAT);
    }

    Val ints(Element element, List<Integer> dims, long... values) {
        boolean symbolic = Arrays.stream(values).anyMatch(v -> v == BATCH);
        return Val.of(Tensor.OfLong.of(new Shape(dims), values), element, symbolic);
    }

    /** A vector of i64. */
    Val longs(long... values) {
        return ints(Element.INT64, List.of(values.length), values);
    }

    /** One number of any element. */
    Val number(Element element, double value) {
        return element instanceof Element.F32 ? scalar(value) : ints(element, List.of(), (long) value);
    }

    /** A constant of one number throughout. */
    Val filled(Element element, Shape shape, double value) {
        made(shape.elements());
        if (element instanceof Element.F32) {
            float[] v = new float[shape.elements()];
            Arrays.fill(v, (float) value);
            return floats(shape.dims(), v);
        }
        int[] v = new int[shape.elements()];
        Arrays.fill(v, (int) value);
        return constant(new Tensor.OfInt(shape, v), element);
    }

    // Operations on what is held

    /** An operation on values as they are held; the result is plain. */
    Val emit(Op op, Element element, List<Val> operands) {
        Shape shape =
                Shapes.infer(op, operands.stream().map(v -> v.type().shape()).toList());
        Type type = new Type(element, shape);
        Val folded = Folding.of(op, type, operands);
        if (folded != null) {
            return folded;
        }
        if (!shape.hasBatch() && shape.elements() == 0) {
            return Folding.empty(type);
        }
        List<ValueId> ids = new ArrayList<>();
        for (Val v : operands) {
            ids.add(id(v));
        }
        ValueId id = new ValueId(fresh(hint));
        nodes.add(new Node(id, op, ids, type, Span.NONE));
        return Val.of(id, type);
    }

    /** Refuses to make more elements than a small file should ask for. */
    static int made(long count) {
        if (count > MAX_MADE) {
            throw new Refusal("makes a constant of " + count + " elements; at most " + MAX_MADE + " are supported");
        }
        return (int) count;
    }

    Val emit(Op op, Element element, Val... operands) {
        return emit(op, element, List.of(operands));
    }

    /** The name of a value as it is held; a constant gets a node when it is first used. */
    ValueId id(Val v) {
        ValueId id = v.id();
        if (id == null) {
            Tensor t = v.constant();
            if (t == null) {
                throw new IllegalStateException("a value has neither a name nor elements");
            }
            if (v.symbolic()) {
                throw new Refusal("needs the batch size as a number, but the model leaves it open");
            }
            Val codes = v.codes();
            if (codes == null) {
                id = new ValueId(fresh(hint + ".const"));
                nodes.add(new Node(id, new DataOp.Constant(t), List.of(), v.type(), Span.NONE));
            } else {
                ValueId from = id(codes);
                id = new ValueId(fresh(hint + ".const"));
                nodes.add(new Node(id, new QuantOp.Dequantize(), List.of(from), v.type(), Span.NONE));
            }
            v.id(id);
        }
        return id;
    }

    static Tensor tensor(Val v) {
        Tensor t = v.constant();
        if (t == null) {
            throw new IllegalStateException("not a constant");
        }
        return t;
    }

    /** A constant's integers, as they are held. */
    static long[] longs(Val v) {
        return switch (tensor(v)) {
            case Tensor.OfInt i -> Arrays.stream(i.values()).asLongStream().toArray();
            case Tensor.OfLong l -> l.values();
            case Tensor.OfFloat f -> throw new Refusal("needs integers where it was given real numbers");
        };
    }

    // Layouts

    /** The value with its axes as ONNX orders them. */
    Val plain(Val v) {
        return as(v, IntStream.range(0, v.rank()).boxed().toList());
    }

    /** The value held in a given layout. */
    Val as(Val v, List<Integer> layout) {
        if (v.layout().equals(layout)) {
            return v;
        }
        Val known = v.forms().get(layout);
        if (known != null) {
            return known;
        }
        Integer[] permutation = new Integer[v.rank()];
        for (int i = 0; i < v.rank(); i++) {
            permutation[layout.get(i)] = v.layout().get(i);
        }
        Val made = move(v.held(), List.of(permutation)).in(layout).declared(v.dataType());
        v.forms().put(layout, made);
        made.forms().put(v.layout(), v);
        return made;
    }

    /** A transpose of what is held; a reshape where only extents of 1 move. */
    private Val move(Val held, List<Integer> permutation) {
        Shape s = held.type().shape();
        int last = -1;
        boolean still = true;
        for (int axis : permutation) {
            if (s.dim(axis) != 1) {
                still &= axis > last;
                last = axis;
            }
        }
        boolean front = !s.hasBatch() || permutation.getFirst() == 0;
        if (still && front) {
            List<Integer> dims = permutation.stream().map(s::dim).toList();
            return dims.equals(s.dims()) ? held : emit(new DataOp.Reshape(new Shape(dims)), held.element(), held);
        }
        return emit(new DataOp.Transpose(permutation), held.element(), held);
    }

    /** The layout of channels last for tensors [N, C, ...]. */
    static List<Integer> channelsLast(int rank) {
        List<Integer> layout = new ArrayList<>();
        layout.add(0);
        layout.add(rank - 1);
        for (int i = 1; i < rank - 1; i++) {
            layout.add(i);
        }
        return layout;
    }

    /** Operands of an elementwise operation in one layout; the first that is not plain and of full rank decides. */
    private List<Val> aligned(List<Val> in) {
        int rank = in.stream().mapToInt(Val::rank).max().orElse(0);
        List<Integer> layout = in.stream()
                .filter(v -> v.rank() == rank && !v.isPlain())
                .map(Val::layout)
                .findFirst()
                .orElse(null);
        if (layout == null) {
            return in;
        }
        return in.stream()
                .map(v -> v.elements() == 1 && v.isConstant() && v.rank() < rank ? v : as(raise(v, rank), layout))
                .toList();
    }

    /** The value with extents of 1 put in front up to a rank. */
    private Val raise(Val v, int rank) {
        if (v.rank() == rank) {
            return v;
        }
        List<Integer> dims = new ArrayList<>(Collections.nCopies(rank - v.rank(), 1));
        dims.addAll(v.shape().dims());
        return reshape(v, dims);
    }

    /** An elementwise operation of values of any layout. */
    Val pointwise(Op op, Element element, Val... operands) {
        List<Val> in = aligned(List.of(operands));
        Val result = emit(op, element, in.stream().map(Val::held).toList());
        return in.stream()
                .filter(v -> v.rank() == result.rank() && !v.isPlain())
                .findFirst()
                .map(v -> result.in(v.layout()))
                .orElse(result);
    }

    // Elementwise operations

    Val unary(ScalarFn fn, Val x) {
        real(x);
        return pointwise(new FloatOp.Unary(fn), Element.FLOAT, x);
    }

    Val binary(FloatOp.Binary.Fn fn, Val x, Val y) {
        real(x);
        real(y);
        return pointwise(new FloatOp.Binary(fn), Element.FLOAT, x, y);
    }

    private static void real(Val x) {
        if (!x.isFloat()) {
            throw new Refusal("takes real numbers, found " + x.type());
        }
    }

    Val add(Val x, Val y) {
        return binary(FloatOp.Binary.Fn.ADD, x, y);
    }

    Val sub(Val x, Val y) {
        return binary(FloatOp.Binary.Fn.SUB, x, y);
    }

    Val mul(Val x, Val y) {
        return binary(FloatOp.Binary.Fn.MUL, x, y);
    }

    Val div(Val x, Val y) {
        return binary(FloatOp.Binary.Fn.DIV, x, y);
    }

    Val integer(NumOp.Binary.Fn fn, Val x, Val y) {
        return pointwise(new NumOp.Binary(fn), x.element(), x, y);
    }

    Val compare(NumOp.Compare.Fn fn, Val x, Val y) {
        return pointwise(new NumOp.Compare(fn), Element.BOOL, x, y);
    }

    Val cast(Val x, Element to) {
        return x.element().equals(to) ? x : pointwise(new NumOp.Cast(), to, x);
    }

    Val select(Val condition, Val x, Val y) {
        return pointwise(new DataOp.Select(), x.element(), condition, x, y);
    }

    // Shapes

    /** The same elements under other extents; the identity where they are equal. */
    Val reshape(Val v, List<Integer> dims) {
        Shape to = new Shape(dims);
        if (v.shape().equals(to)) {
            return v;
        }
        Val p = plain(v);
        Val r = emit(new DataOp.Reshape(to), p.element(), p);
        boolean flat = !v.isPlain() && !v.isConstant() && to.rank() == 2 && to.dim(0) == v.dim(0);
        return flat && v.layout().getFirst() == 0 ? r.flattened(v) : r;
    }

    /** Result axis i is operand axis {@code permutation[i]}; nothing moves yet. */
    Val transpose(Val v, List<Integer> permutation) {
        List<Integer> layout = permutation.stream().map(v.layout()::get).toList();
        if (v.type().shape().hasBatch() && layout.getFirst() != 0) {
            throw new Refusal("moves the batch axis, which the model leaves open");
        }
        return v.in(layout).declared(v.dataType());
    }

    Val concat(int axis, List<Val> parts) {
        List<Val> full = parts.stream().filter(v -> v.dim(axis) != 0).toList();
        if (full.isEmpty()) {
            return parts.getFirst();
        }
        if (full.size() == 1) {
            return full.getFirst();
        }
        List<Val> in = aligned(full);
        List<Integer> layout = in.getFirst().layout();
        return emit(
                        new DataOp.Concat(layout.get(axis)),
                        in.getFirst().element(),
                        in.stream().map(Val::held).toList())
                .in(layout);
    }

    /** Elements {@code begin, begin + step, … < end} of one axis. */
    Val slice(Val v, int axis, int begin, int end, int step) {
        if (begin == 0 && end == v.dim(axis) && step == 1) {
            return v;
        }
        int rank = v.rank();
        Shape held = v.type().shape();
        List<Integer> from = new ArrayList<>(Collections.nCopies(rank, 0));
        List<Integer> to = new ArrayList<>();
        for (int d : held.dims()) {
            to.add(d == Shape.BATCH ? 0 : d);
        }
        List<Integer> by = new ArrayList<>(Collections.nCopies(rank, 1));
        int at = v.layout().get(axis);
        if (held.dim(at) == Shape.BATCH) {
            throw new Refusal("takes a part of the batch axis, which the model leaves open");
        }
        from.set(at, begin);
        to.set(at, Math.max(begin, end));
        by.set(at, step);
        return emit(new DataOp.Slice(from, to, by), v.element(), v.held()).in(v.layout());
    }

    /** Constant elements around the value, an axis each. */
    Val pad(Val v, List<Integer> before, List<Integer> after, float value) {
        if (before.stream().allMatch(x -> x == 0) && after.stream().allMatch(x -> x == 0)) {
            return v;
        }
        Integer[] b = new Integer[v.rank()];
        Integer[] a = new Integer[v.rank()];
        for (int i = 0; i < v.rank(); i++) {
            b[v.layout().get(i)] = before.get(i);
            a[v.layout().get(i)] = after.get(i);
        }
        if (v.type().shape().hasBatch() && (b[0] != 0 || a[0] != 0)) {
            throw new Refusal("pads the batch axis, which the model leaves open");
        }
        if (v.elements() == 0) {
            List<Integer> dims = new ArrayList<>();
            for (int i = 0; i < v.rank(); i++) {
                dims.add(v.dim(i) + before.get(i) + after.get(i));
            }
            return filled(v.element(), new Shape(dims), value);
        }
        return emit(new DataOp.Pad(List.of(b), List.of(a), value), v.element(), v.held())
                .in(v.layout());
    }

    /** {@code factor - 1} zeros between neighbours along each axis. */
    Val dilate(Val v, List<Integer> factors) {
        if (factors.stream().allMatch(f -> f == 1)) {
            return v;
        }
        Integer[] f = new Integer[v.rank()];
        for (int i = 0; i < v.rank(); i++) {
            f[v.layout().get(i)] = factors.get(i);
        }
        return emit(new DataOp.Dilate(List.of(f), 0), v.element(), v.held()).in(v.layout());
    }

    /** Elements of an axis by number; indices of any rank. */
    Val gather(Val v, int axis, Val indices) {
        if (v.dim(axis) == Shape.BATCH) {
            throw new Refusal("gathers along the batch axis, which the model leaves open");
        }
        if (indices.rank() == 1) {
            return emit(new DataOp.Gather(v.layout().get(axis)), v.element(), v.held(), plain(indices))
                    .in(v.layout());
        }
        Val p = plain(v);
        return emit(new DataOp.Gather(axis), p.element(), p, plain(indices));
    }

    /** Elements of an axis by known numbers; the identity where all come in order. */
    Val pick(Val v, int axis, int... indices) {
        boolean same = indices.length == v.dim(axis);
        boolean run = true;
        for (int i = 0; i < indices.length; i++) {
            same &= indices[i] == i;
            run &= indices[i] == indices[0] + i;
        }
        if (same) {
            return v;
        }
        if (run && indices.length > 0) {
            return slice(v, axis, indices[0], indices[0] + indices.length, 1);
        }
        return gather(v, axis, constant(new Tensor.OfInt(Shape.of(indices.length), indices), Element.INT32));
    }

    /** The value repeated along extents of 1, by NumPy's rules. */
    Val broadcast(Val v, Shape to) {
        if (v.shape().equals(to)) {
            return v;
        }
        Val p = plain(v);
        return emit(new DataOp.Broadcast(to), p.element(), p);
    }

    // Products, windows, reductions

    /** x [.., M, K] · y [.., K, N]. */
    Val matmul(Val x, Val y) {
        return emit(new FloatOp.MatMul(), Element.FLOAT, plain(x), plain(y));
    }

    /**
     * Multiplies an axis by a constant matrix: result element o along the axis is {@code Σ matrix[o][i]·x[i]}.
     *
     * @param matrix a row for each element of the result
     */
    Val alongAxis(Val x, int axis, float[][] matrix) {
        int rank = x.rank();
        float[] flat = new float[matrix.length * matrix[0].length];
        for (int o = 0; o < matrix.length; o++) {
            System.arraycopy(matrix[o], 0, flat, o * matrix[0].length, matrix[0].length);
        }
        Val weights = floats(List.of(matrix.length, matrix[0].length), flat);
        int at = x.layout().get(axis);
        if (x.type().shape().dim(at) == Shape.BATCH) {
            throw new Refusal("computes along the batch axis, which the model leaves open");
        }
        // A layout in which the axis is innermost; the others keep their order.
        List<Integer> layout = x.layout().stream()
                .map(l -> l == at ? rank - 1 : l > at ? l - 1 : l)
                .toList();
        Val inner = as(x, layout);
        return emit(new FloatOp.Dense(), Element.FLOAT, inner.held(), weights).in(layout);
    }

    /** x held as [N,H,W,C], w [O,KH,KW,C/groups] → held as [N,H',W',O]. */
    Val conv(Val x, Val w, @Nullable Val bias, Window window, int groups) {
        return bias == null
                ? emit(new FloatOp.Conv2d(window, groups), Element.FLOAT, x, w)
                : emit(new FloatOp.Conv2d(window, groups), Element.FLOAT, x, w, bias);
    }

    /** Mean over logical axes. */
    Val mean(Val x, List<Integer> axes, boolean keep) {
        return reduced(x, axes, keep, held -> new FloatOp.Mean(held, keep));
    }

    Val reduce(NumOp.Reduce.Fn fn, Val x, List<Integer> axes, boolean keep) {
        return reduced(x, axes, keep, held -> new NumOp.Reduce(fn, held, keep));
    }

    private Val reduced(Val x, List<Integer> axes, boolean keep, java.util.function.Function<List<Integer>, Op> op) {
        if (axes.isEmpty()) {
            return x;
        }
        List<Integer> held = axes.stream().map(x.layout()::get).sorted().toList();
        if (x.type().shape().hasBatch() && held.getFirst() == 0) {
            throw new Refusal("reduces the batch axis, which the model leaves open");
        }
        Op operation = op.apply(held);
        Val r = x.elements() == 0 ? none(operation, x) : emit(operation, x.element(), x.held());
        if (keep) {
            return r.in(x.layout());
        }
        // The axes that remain, in ONNX's order, by their place among those that remain held.
        List<Integer> left = new ArrayList<>();
        for (int i = 0; i < x.rank(); i++) {
            if (!axes.contains(i)) {
                int at = x.layout().get(i);
                left.add(at - (int) held.stream().filter(h -> h < at).count());
            }
        }
        return r.in(left);
    }

    /** What a reduction makes of nothing. */
    private Val none(Op op, Val x) {
        Shape shape = Shapes.infer(op, List.of(x.type().shape()));
        double low = x.element() instanceof Element.Int i ? i.min() : Double.NEGATIVE_INFINITY;
        double high = x.element() instanceof Element.Int i ? i.max() : Double.POSITIVE_INFINITY;
        double value = op instanceof NumOp.Reduce r
                ? switch (r.fn()) {
                    case SUM -> 0;
                    case PROD -> 1;
                    case MAX -> low;
                    case MIN -> high;
                }
                : Double.NaN;
        return filled(x.element(), shape, value);
    }

    Val softmax(Val x, int axis) {
        if (x.dim(axis) == Shape.BATCH) {
            throw new Refusal("computes along the batch axis, which the model leaves open");
        }
        return emit(new FloatOp.Softmax(x.layout().get(axis)), Element.FLOAT, x.held())
                .in(x.layout());
    }

    Val topK(Val x, int axis, int k, boolean largest, boolean indices) {
        if (x.dim(axis) == Shape.BATCH) {
            throw new Refusal("computes along the batch axis, which the model leaves open");
        }
        Element element = indices ? Element.INT64 : x.element();
        return emit(new NumOp.TopK(x.layout().get(axis), k, largest, indices), element, x.held())
                .in(x.layout());
    }
}
