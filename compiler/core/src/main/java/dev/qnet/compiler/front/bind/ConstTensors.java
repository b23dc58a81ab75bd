package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntUnaryOperator;

/** Tensors at compile time: from literals, and through the operations that a weight may pass before its use. */
final class ConstTensors {
    private static final String INLINE = "the inline tensor";

    private ConstTensors() {}

    /** A number as a tensor of one element. */
    static ConstTensor ofNumber(double value, Span span) {
        return ConstTensor.of(new Tensor.OfFloat(Shape.of(1), new float[] {single(value, span)}), INLINE);
    }

    /** The nearest single. Throws {@link Rejected} if there is none. */
    static float single(double value, Span span) {
        float f = (float) value;
        if (Float.isInfinite(f) && !Double.isInfinite(value)) {
            throw new Rejected(Diagnostic.error("argument-range", span, value + " does not fit an f32"));
        }
        return f;
    }

    /** A list of numbers, nested as deep as its rank. Throws {@link Rejected} if it is ragged or holds something else. */
    static ConstTensor ofList(Session session, Value.ListOf list, Span span) {
        Shape shape = shapeOf(list, span);
        session.allocate(span, shape.elements());
        float[] values = new float[shape.elements()];
        double[] wide = numbers(list, shape, span);
        for (int i = 0; i < values.length; i++) {
            values[i] = single(wide[i], span);
        }
        return ConstTensor.of(new Tensor.OfFloat(shape, values), INLINE);
    }

    /** The extents of a nested list, as its first elements have them. */
    static Shape shapeOf(Value.ListOf list, Span span) {
        List<Integer> dims = new ArrayList<>();
        Value v = list;
        while (v instanceof Value.ListOf l) {
            dims.add(l.elements().size());
            if (dims.size() > Shape.MAX_RANK) {
                throw new Rejected(Diagnostic.error(
                        "shape-mismatch", span, "a tensor has at most " + Shape.MAX_RANK + " dimensions"));
            }
            if (l.elements().isEmpty()) {
                break;
            }
            v = l.elements().getFirst();
        }
        try {
            return new Shape(dims);
        } catch (IllegalArgumentException e) {
            throw new Rejected(Diagnostic.error("shape-mismatch", span, String.valueOf(e.getMessage())));
        }
    }

    /** The elements of a nested list of a shape. Throws {@link Rejected} if it is ragged. */
    static double[] numbers(Value.ListOf list, Shape shape, Span span) {
        double[] values = new double[shape.elements()];
        int n = fill(list, shape, 0, values, 0, span);
        assert n == values.length;
        return values;
    }

    /** The ints of a nested list that {@link #numbers} takes, exactly; what is no int is cut off. */
    static long[] integers(Value.ListOf list, Shape shape) {
        long[] values = new long[shape.elements()];
        int n = integers(list, values, 0);
        assert n == values.length;
        return values;
    }

    private static int integers(Value.ListOf list, long[] to, int at) {
        int n = at;
        for (Value v : list.elements()) {
            if (v instanceof Value.ListOf inner) {
                n = integers(inner, to, n);
            } else {
                to[n++] = v instanceof Value.Int i ? i.value() : v instanceof Value.Real r ? (long) r.value() : 0;
            }
        }
        return n;
    }

    private static int fill(Value.ListOf list, Shape shape, int axis, double[] to, int at, Span span) {
        if (axis >= shape.rank() || list.elements().size() != shape.dim(axis)) {
            throw ragged(span);
        }
        int n = at;
        for (Value v : list.elements()) {
            boolean leaf = axis == shape.rank() - 1;
            switch (v) {
                case Value.ListOf inner -> n = fill(inner, shape, axis + 1, to, n, span);
                case Value.Int i when leaf -> to[n++] = i.value();
                case Value.Real r when leaf -> to[n++] = r.value();
                case Value.Int _, Value.Real _ -> throw ragged(span);
                case Value.Bool _,
                        Value.Text _,
                        Value.Batch _,
                        Value.Range _,
                        Value.Tuple _,
                        Value.Constant _,
                        Value.Computed _,
                        Value.Failed _ ->
                    throw new Rejected(Diagnostic.error(
                            "argument-type", span, "a tensor holds numbers, found " + v.describe() + " in the list"));
            }
        }
        return n;
    }

    private static Rejected ragged(Span span) {
        return new Rejected(Diagnostic.error(
                        "shape-mismatch", span, "the rows of this list have different lengths, so it is no tensor")
                .withFix("give each nested list as many elements as the first one beside it"));
    }

    /** Whether {@link #evaluate} knows an operation. */
    static boolean folds(Op op) {
        return switch (op) {
            case DataOp.Reshape _, DataOp.Transpose _, DataOp.Slice _, DataOp.Concat _, DataOp.Pad _ -> true;
            case FloatOp.Binary b ->
                switch (b.fn()) {
                    case ADD, SUB, MUL, DIV, MIN, MAX -> true;
                    case POW, MOD -> false;
                };
            case DataOp _, FloatOp _, QuantOp _, NumOp _, IntOp _, TrainOp _ -> false;
        };
    }

    /**
     * An operation on constants.
     *
     * @param shape the result's
     * @throws Rejected if it is too large, or would tear a per-channel scheme from its axis
     */
    static ConstTensor evaluate(Session session, Op op, List<ConstTensor> in, Shape shape, Span span) {
        ConstTensor x = in.getFirst();
        if (op instanceof DataOp.Reshape) {
            return whole(x, span).reshaped(shape);
        }
        session.allocate(span, shape.elements());
        return switch (op) {
            case DataOp.Transpose t -> gather(whole(x, span), shape, transpose(x.shape(), shape, t.permutation()));
            case DataOp.Slice s -> gather(whole(x, span), shape, slice(x.shape(), shape, s));
            case DataOp.Pad p -> pad(whole(x, span), shape, p);
            case DataOp.Concat c -> concat(in, shape, c.axis(), span);
            case FloatOp.Binary b -> binary(b.fn(), in, shape, span);
            case DataOp _, FloatOp _, QuantOp _, NumOp _, IntOp _, TrainOp _ ->
                throw new IllegalArgumentException("does not fold: " + op);
        };
    }

    private static ConstTensor whole(ConstTensor x, Span span) {
        if (x.type().element() instanceof Quant q && !(q.scheme() instanceof Scheme.PerTensor)) {
            throw new Rejected(Diagnostic.error(
                            "constant-layout",
                            span,
                            "'" + x.origin() + "' has a scale for each channel, so its layout cannot be changed")
                    .withFix("write the constant in the layout in which it is used"));
        }
        return x;
    }

    private static ConstTensor gather(ConstTensor x, Shape shape, IntUnaryOperator source) {
        return new ConstTensor(
                switch (x.value()) {
                    case Tensor.OfFloat f -> {
                        float[] v = new float[shape.elements()];
                        for (int i = 0; i < v.length; i++) {
                            v[i] = f.values()[source.applyAsInt(i)];
                        }
                        yield new Tensor.OfFloat(shape, v);
                    }
                    case Tensor.OfInt f -> {
                        int[] v = new int[shape.elements()];
                        for (int i = 0; i < v.length; i++) {
                            v[i] = f.values()[source.applyAsInt(i)];
                        }
                        yield new Tensor.OfInt(shape, v);
                    }
                    case Tensor.OfLong f -> {
                        long[] v = new long[shape.elements()];
                        for (int i = 0; i < v.length; i++) {
                            v[i] = f.values()[source.applyAsInt(i)];
                        }
                        yield new Tensor.OfLong(shape, v);
                    }
                },
                x.type().withShape(shape),
                x.origin());
    }

    /** Distances between neighbours along each axis, row-major. */
    private static int[] strides(Shape shape) {
        int[] strides = new int[shape.rank()];
        int n = 1;
        for (int i = shape.rank() - 1; i >= 0; i--) {
            strides[i] = n;
            n *= shape.dim(i);
        }
        return strides;
    }

    /** The offset {@code Σ index_i · step_i} of each element of a shape, by its row-major number. */
    private static IntUnaryOperator affine(Shape shape, int start, int[] steps) {
        int[] strides = strides(shape);
        return n -> {
            int rest = n;
            int at = start;
            for (int i = 0; i < strides.length; i++) {
                at += rest / strides[i] * steps[i];
                rest %= strides[i];
            }
            return at;
        };
    }

    private static IntUnaryOperator transpose(Shape from, Shape to, List<Integer> permutation) {
        int[] strides = strides(from);
        return affine(to, 0, permutation.stream().mapToInt(p -> strides[p]).toArray());
    }

    private static IntUnaryOperator slice(Shape from, Shape to, DataOp.Slice s) {
        int[] strides = strides(from);
        int start = 0;
        int[] steps = new int[strides.length];
        for (int i = 0; i < strides.length; i++) {
            start += s.begin().get(i) * strides[i];
            steps[i] = s.step().get(i) * strides[i];
        }
        return affine(to, start, steps);
    }

    private static ConstTensor pad(ConstTensor x, Shape shape, DataOp.Pad p) {
        int[] strides = strides(shape);
        int start = 0;
        for (int i = 0; i < strides.length; i++) {
            start += p.before().get(i) * strides[i];
        }
        IntUnaryOperator target = affine(x.shape(), start, strides);
        return new ConstTensor(
                switch (x.value()) {
                    case Tensor.OfFloat f -> {
                        float[] v = new float[shape.elements()];
                        Arrays.fill(v, p.value());
                        for (int i = 0; i < f.values().length; i++) {
                            v[target.applyAsInt(i)] = f.values()[i];
                        }
                        yield new Tensor.OfFloat(shape, v);
                    }
                    case Tensor.OfInt f -> {
                        int[] v = new int[shape.elements()];
                        Arrays.fill(v, (int) p.value());
                        for (int i = 0; i < f.values().length; i++) {
                            v[target.applyAsInt(i)] = f.values()[i];
                        }
                        yield new Tensor.OfInt(shape, v);
                    }
                    case Tensor.OfLong f -> {
                        long[] v = new long[shape.elements()];
                        Arrays.fill(v, (long) p.value());
                        for (int i = 0; i < f.values().length; i++) {
                            v[target.applyAsInt(i)] = f.values()[i];
                        }
                        yield new Tensor.OfLong(shape, v);
                    }
                },
                x.type().withShape(shape),
                x.origin());
    }

    private static ConstTensor concat(List<ConstTensor> in, Shape shape, int axis, Span span) {
        float[] v = new float[shape.elements()];
        int[] strides = strides(shape);
        int begin = 0;
        for (ConstTensor t : in) {
            float[] from = singles(t, span);
            IntUnaryOperator target = affine(t.shape(), begin * strides[axis], strides);
            for (int i = 0; i < from.length; i++) {
                v[target.applyAsInt(i)] = from[i];
            }
            begin += t.shape().dim(axis);
        }
        return ConstTensor.of(new Tensor.OfFloat(shape, v), in.getFirst().origin());
    }

    private static ConstTensor binary(FloatOp.Binary.Fn fn, List<ConstTensor> in, Shape shape, Span span) {
        float[] a = singles(in.get(0), span);
        float[] b = singles(in.get(1), span);
        IntUnaryOperator ia = broadcast(in.get(0).shape(), shape);
        IntUnaryOperator ib = broadcast(in.get(1).shape(), shape);
        float[] v = new float[shape.elements()];
        for (int i = 0; i < v.length; i++) {
            float x = a[ia.applyAsInt(i)];
            float y = b[ib.applyAsInt(i)];
            v[i] = switch (fn) {
                case ADD -> x + y;
                case SUB -> x - y;
                case MUL -> x * y;
                case DIV -> x / y;
                case MIN -> Math.min(x, y);
                case MAX -> Math.max(x, y);
                case POW, MOD -> throw new IllegalArgumentException("does not fold: " + fn);
            };
        }
        return ConstTensor.of(new Tensor.OfFloat(shape, v), in.getFirst().origin());
    }

    private static IntUnaryOperator broadcast(Shape from, Shape to) {
        int[] strides = strides(from);
        int[] steps = new int[to.rank()];
        int lead = to.rank() - from.rank();
        for (int i = 0; i < from.rank(); i++) {
            steps[lead + i] = from.dim(i) == 1 ? 0 : strides[i];
        }
        return affine(to, 0, steps);
    }

    private static float[] singles(ConstTensor t, Span span) {
        return switch (t.value()) {
            case Tensor.OfFloat f -> f.values();
            case Tensor.OfInt _, Tensor.OfLong _ ->
                throw new Rejected(Diagnostic.error(
                                "element-type",
                                span,
                                "'" + t.origin() + "' is " + t.type() + ", and quantized constants take no part in"
                                        + " arithmetic at compile time")
                        .withFix("write it as f32"));
        };
    }

    /** A tensor of one number. */
    static ConstTensor filled(Session session, Shape shape, double value, Span span) {
        session.allocate(span, shape.elements());
        float[] v = new float[shape.elements()];
        Arrays.fill(v, single(value, span));
        return ConstTensor.of(new Tensor.OfFloat(shape, v), INLINE);
    }
}
