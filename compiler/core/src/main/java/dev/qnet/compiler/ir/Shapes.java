package dev.qnet.compiler.ir;

import java.util.ArrayList;
import java.util.List;

/** The shape of each operation's result, from the shapes of its operands. */
public final class Shapes {
    private Shapes() {}

    /**
     * The result's shape.
     *
     * @throws ShapeException if the operands' number or shapes do not fit
     */
    public static Shape infer(Op op, List<Shape> in) {
        try {
            return switch (op) {
                case DataOp d -> data(d, in);
                case FloatOp f -> real(f, in);
                case QuantOp q -> one(q, in);
                case NumOp n -> numbers(n, in);
                case IntOp i -> integer(i, in);
                case TrainOp t -> TrainShapes.infer(t, in);
            };
        } catch (IllegalArgumentException e) {
            throw new ShapeException(String.valueOf(e.getMessage()));
        }
    }

    private static Shape data(DataOp op, List<Shape> in) {
        return switch (op) {
            case DataOp.Constant c -> {
                count(op, in, 0, 0);
                yield c.value().shape();
            }
            case DataOp.Reshape r -> reshape(one(op, in), r.shape());
            case DataOp.Transpose t -> transpose(one(op, in), t.permutation());
            case DataOp.Concat c -> concat(in, c.axis());
            case DataOp.Slice s -> slice(one(op, in), s);
            case DataOp.Pad p -> pad(one(op, in), p);
            case DataOp.MaxPool p -> pool(one(op, in), p.window());
            case DataOp.ResizeNearest r -> {
                Shape x = one(op, in);
                rank(x, 4, "resize");
                yield x.with(1, r.height()).with(2, r.width());
            }
            case DataOp.Gather g -> gather(in, g.axis());
            case DataOp.Broadcast b -> {
                Shape to = broadcast(one(op, in), b.shape());
                if (!to.equals(b.shape())) {
                    throw new ShapeException(in.getFirst() + " does not broadcast to " + b.shape());
                }
                yield to;
            }
            case DataOp.Dilate d -> dilate(one(op, in), d.factors());
            case DataOp.Select s -> {
                count(op, in, 3, 3);
                yield broadcast(in.get(0), broadcast(in.get(1), in.get(2)));
            }
        };
    }

    private static Shape gather(List<Shape> in, int axis) {
        if (in.size() != 2) {
            throw new ShapeException("gather takes two operands, found " + in.size());
        }
        Shape x = axis(in.get(0), axis, "gather");
        Shape indices = in.get(1);
        if (indices.hasBatch()) {
            throw new ShapeException("the indices of gather have no N, found " + indices);
        }
        List<Integer> dims = new ArrayList<>(x.dims().subList(0, axis));
        dims.addAll(indices.dims());
        dims.addAll(x.dims().subList(axis + 1, x.rank()));
        return new Shape(dims);
    }

    private static Shape dilate(Shape x, List<Integer> factors) {
        if (factors.size() != x.rank()) {
            throw new ShapeException("dilate of " + x + " needs a factor for each of its " + x.rank() + " axes");
        }
        Shape y = x;
        for (int i = 0; i < x.rank(); i++) {
            int f = factors.get(i);
            if (f < 1 || (f > 1 && (x.dim(i) == Shape.BATCH || x.dim(i) == 0))) {
                throw new ShapeException("dilate by " + f + " is not possible at axis " + i + " of " + x);
            }
            if (f > 1) {
                y = y.with(i, Math.addExact(Math.multiplyExact(x.dim(i) - 1, f), 1));
            }
        }
        return y;
    }

    private static Shape numbers(NumOp op, List<Shape> in) {
        return switch (op) {
            case NumOp.Binary b -> {
                count(op, in, 2, 2);
                yield broadcast(in.get(0), in.get(1));
            }
            case NumOp.Compare c -> {
                count(op, in, 2, 2);
                yield broadcast(in.get(0), in.get(1));
            }
            case NumOp.Unary u -> one(op, in);
            case NumOp.Cast c -> one(op, in);
            case NumOp.Reinterpret r -> one(op, in);
            case NumOp.Reduce r -> reduce(one(op, in), r.axes(), r.keepDims());
            case NumOp.TopK t -> {
                Shape x = axis(one(op, in), t.axis(), "top_k");
                if (t.k() > x.dim(t.axis())) {
                    throw new ShapeException("top_k takes " + t.k() + " of the " + x.dim(t.axis())
                            + " elements along axis " + t.axis() + " of " + x);
                }
                yield x.with(t.axis(), t.k());
            }
        };
    }

    private static Shape recurrent(FloatOp.Recurrent op, List<Shape> in) {
        boolean lstm = op.cell() == FloatOp.Recurrent.Cell.LSTM;
        count(op, in, lstm ? 7 : 5, lstm ? 7 : 5);
        Shape x = in.get(0);
        Shape r = in.get(2);
        rank(x, 3, "the input of a recurrent layer");
        rank(r, 2, "the recurrent weight");
        int hidden = r.dim(1);
        int rows = op.cell().gates() * hidden;
        expect("the input weight [G·H, I]", in.get(1), Shape.of(rows, x.dim(2)));
        expect("the recurrent weight [G·H, H]", r, Shape.of(rows, hidden));
        expect("the bias [2·G·H]", in.get(3), Shape.of(2 * rows));
        state(in.get(4), x, hidden);
        if (lstm) {
            state(in.get(5), x, hidden);
            expect("the peepholes [3·H]", in.get(6), Shape.of(3 * hidden));
        }
        return x.with(2, lstm ? 2 * hidden : hidden);
    }

    private static void state(Shape s, Shape x, int hidden) {
        if (s.rank() != 2 || s.dim(1) != hidden || (s.dim(0) != 1 && s.dim(0) != x.dim(0))) {
            throw new ShapeException("the initial state of a recurrent layer is [1, H] or one an item, H = " + hidden
                    + ", found " + s + " for an input " + x);
        }
    }

    static void expect(String what, Shape found, Shape expected) {
        if (!found.equals(expected)) {
            throw new ShapeException(what + ": expected " + expected + ", found " + found);
        }
    }

    private static Shape real(FloatOp op, List<Shape> in) {
        return switch (op) {
            case FloatOp.Conv2d c -> conv(in, c.window(), c.groups());
            case FloatOp.Dense d -> dense(in);
            case FloatOp.MatMul m -> matmul(in);
            case FloatOp.Binary b -> {
                count(op, in, 2, 2);
                yield broadcast(in.get(0), in.get(1));
            }
            case FloatOp.Unary u -> one(op, in);
            case FloatOp.AvgPool p -> pool(one(op, in), p.window());
            case FloatOp.Mean m -> reduce(one(op, in), m.axes(), m.keepDims());
            case FloatOp.BatchNorm b -> {
                count(op, in, 5, 5);
                for (int i = 1; i < 5; i++) {
                    channels(
                            in.get(i),
                            in.getFirst(),
                            List.of("gamma", "beta", "mean", "variance").get(i - 1));
                }
                yield in.getFirst();
            }
            case FloatOp.Softmax s -> axis(one(op, in), s.axis(), "softmax");
            case FloatOp.Recurrent r -> recurrent(r, in);
        };
    }

    private static Shape integer(IntOp op, List<Shape> in) {
        return switch (op) {
            case IntOp.Conv2d c -> conv(in, c.window(), c.groups());
            case IntOp.Dense d -> dense(in);
            case IntOp.MatMul m -> matmul(in);
            case IntOp.Mul m -> {
                count(op, in, 2, 2);
                yield broadcast(in.get(0), in.get(1));
            }
            case IntOp.Add a -> {
                count(op, in, 2, 2);
                yield broadcast(in.get(0), in.get(1));
            }
            case IntOp.Sum s -> reduce(one(op, in), s.axes(), s.keepDims());
            case IntOp.Requantize r -> one(op, in);
            case IntOp.AvgPool p -> pool(one(op, in), p.window());
            case IntOp.Clamp c -> one(op, in);
            case IntOp.Table t -> one(op, in);
            case IntOp.InterpolatedTable t -> one(op, in);
            case IntOp.Softmax s -> axis(one(op, in), s.axis(), "softmax");
            case IntOp.DynamicParams p -> {
                count(op, in, 1, 1);
                yield in.getFirst().hasBatch() ? Shape.of(Shape.BATCH, 2) : Shape.of(2);
            }
            case IntOp.DynamicQuantize q -> {
                count(op, in, 2, 2);
                yield in.getFirst();
            }
            case IntOp.DynamicDequantize d -> {
                count(op, in, 3, 4);
                yield in.getFirst();
            }
            case IntOp.Softmax16 s -> axis(one(op, in), s.axis(), "softmax");
            case IntOp.ResizeBilinear r -> {
                Shape x = one(op, in);
                rank(x, 4, "resize");
                yield x.with(1, r.height()).with(2, r.width());
            }
            case IntOp.Thresholds t -> {
                count(op, in, 2, 2);
                Shape x = in.getFirst();
                int channels = x.rank() == 0 ? 1 : x.dim(-1);
                Shape w = in.get(1);
                int count = t.entries().size() - 1;
                if (w.rank() != 2 || (w.dim(0) != 1 && w.dim(0) != channels) || w.dim(1) != count) {
                    throw new ShapeException("thresholds are [channels or 1, entries - 1]: expected [" + channels + "x"
                            + count + "] for " + x + ", found " + w);
                }
                yield x;
            }
            case IntOp.LstmGate g -> {
                count(op, in, 4, 5);
                Shape left = dense(
                        in.size() == 5 ? List.of(in.get(0), in.get(2), in.get(4)) : List.of(in.get(0), in.get(2)));
                Shape right = dense(List.of(in.get(1), in.get(3)));
                expect("the products of a gate have one shape", right, left);
                yield left;
            }
            case IntOp.LstmCell c -> {
                count(op, in, 4, 4);
                in.forEach(s -> expect("the operands of a cell have one shape", s, in.getFirst()));
                yield in.getFirst();
            }
        };
    }

    /** The common shape of two operands, as NumPy broadcasts. */
    public static Shape broadcast(Shape a, Shape b) {
        int rank = Math.max(a.rank(), b.rank());
        List<Integer> dims = new ArrayList<>();
        for (int i = 0; i < rank; i++) {
            int da = i < rank - a.rank() ? 1 : a.dim(i - (rank - a.rank()));
            int db = i < rank - b.rank() ? 1 : b.dim(i - (rank - b.rank()));
            if (da != db && da != 1 && db != 1) {
                throw new ShapeException("shapes " + a + " and " + b + " do not broadcast: " + text(da) + " against "
                        + text(db) + " at axis " + i);
            }
            if (da != db && (da == Shape.BATCH || db == Shape.BATCH) && i != 0) {
                throw new ShapeException("shapes " + a + " and " + b + " do not broadcast: N must stay in front");
            }
            dims.add(da == 1 ? db : da);
        }
        return new Shape(dims);
    }

    static Shape conv(List<Shape> in, Window w, int groups) {
        if (in.size() < 2 || in.size() > 3) {
            throw new ShapeException(
                    "conv2d takes an input, a weight and at most a bias, found " + in.size() + " operands");
        }
        Shape x = in.get(0);
        Shape k = in.get(1);
        rank(x, 4, "the input of conv2d");
        rank(k, 4, "the weight of conv2d");
        int channels = x.dim(3);
        int out = k.dim(0);
        if (groups < 1 || channels % groups != 0 || out % groups != 0) {
            throw new ShapeException("conv2d with " + groups + " groups needs input channels (" + channels
                    + ") and filters (" + out + ") divisible by " + groups);
        }
        Shape expected = Shape.of(out, w.kernelH(), w.kernelW(), channels / groups);
        if (!k.equals(expected)) {
            throw new ShapeException("the weight of conv2d is [filters, height, width, channels/groups]: expected "
                    + expected + " for an input " + x + ", found " + k);
        }
        bias(in, out, "conv2d");
        return window(x, w, "conv2d").with(3, out);
    }

    private static Shape window(Shape x, Window w, String what) {
        int h = w.outHeight(x.dim(1));
        int wd = w.outWidth(x.dim(2));
        if (h < 1 || wd < 1) {
            throw new ShapeException("the " + w.kernelH() + "x" + w.kernelW() + " window of " + what + " (dilation "
                    + w.dilationH()
                    + "x" + w.dilationW() + ", padding " + w.top() + "," + w.left() + "," + w.bottom() + "," + w.right()
                    + ") does not fit an input of " + x.dim(1) + "x" + x.dim(2));
        }
        return x.with(1, h).with(2, wd);
    }

    static Shape pool(Shape x, Window w) {
        rank(x, 4, "the input of a pool");
        if (w.top() >= (w.kernelH() - 1) * w.dilationH() + 1
                || w.left() >= (w.kernelW() - 1) * w.dilationW() + 1
                || w.bottom() >= (w.kernelH() - 1) * w.dilationH() + 1
                || w.right() >= (w.kernelW() - 1) * w.dilationW() + 1) {
            throw new ShapeException(
                    "the padding of a pool is smaller than its window, so that no window is all padding");
        }
        return window(x, w, "a pool");
    }

    private static Shape dense(List<Shape> in) {
        if (in.size() < 2 || in.size() > 3) {
            throw new ShapeException(
                    "dense takes an input, a weight and at most a bias, found " + in.size() + " operands");
        }
        Shape x = in.get(0);
        Shape w = in.get(1);
        if (x.rank() < 1 || x.dim(-1) == Shape.BATCH) {
            throw new ShapeException("dense needs an input [.., features], found " + x);
        }
        rank(w, 2, "the weight of dense");
        if (w.dim(1) != x.dim(-1)) {
            throw new ShapeException("the weight of dense is [units, features]: expected [" + w.dim(0) + "x" + x.dim(-1)
                    + "] for an input " + x + ", found " + w);
        }
        bias(in, w.dim(0), "dense");
        return x.with(-1, w.dim(0));
    }

    private static Shape matmul(List<Shape> in) {
        if (in.size() != 2) {
            throw new ShapeException("matmul takes two operands, found " + in.size());
        }
        Shape a = in.get(0);
        Shape b = in.get(1);
        if (a.rank() < 2 || b.rank() < 2 || a.dim(-2) == Shape.BATCH || b.dim(-2) == Shape.BATCH) {
            throw new ShapeException("matmul needs operands [.., M, K] and [.., K, N], found " + a + " and " + b);
        }
        if (a.dim(-1) != b.dim(-2)) {
            throw new ShapeException("matmul needs the columns of the left operand (" + a.dim(-1) + " of " + a
                    + ") to be the rows of the right (" + b.dim(-2) + " of " + b + ")");
        }
        Shape lead = broadcast(
                new Shape(a.dims().subList(0, a.rank() - 2)), new Shape(b.dims().subList(0, b.rank() - 2)));
        List<Integer> dims = new ArrayList<>(lead.dims());
        dims.add(a.dim(-2));
        dims.add(b.dim(-1));
        return new Shape(dims);
    }

    private static void bias(List<Shape> in, int out, String what) {
        if (in.size() == 3 && !in.get(2).equals(Shape.of(out))) {
            throw new ShapeException("the bias of " + what + " is one number an output channel: expected [" + out
                    + "], found " + in.get(2));
        }
    }

    private static Shape reshape(Shape x, Shape to) {
        if (x.hasBatch() != to.hasBatch() || x.elements() != to.elements()) {
            throw new ShapeException("cannot reshape " + x + " (" + x.elements() + " elements) to " + to + " ("
                    + to.elements() + ")" + (x.hasBatch() && !to.hasBatch() ? ": N must stay in front" : ""));
        }
        return to;
    }

    private static Shape transpose(Shape x, List<Integer> permutation) {
        boolean[] seen = new boolean[x.rank()];
        for (int p : permutation) {
            if (p < 0 || p >= x.rank() || seen[p]) {
                throw new ShapeException("transpose of " + x + " needs each axis 0 to " + (x.rank() - 1)
                        + " once, found " + permutation);
            }
            seen[p] = true;
        }
        if (permutation.size() != x.rank()) {
            throw new ShapeException("transpose of " + x + " needs " + x.rank() + " axes, found " + permutation);
        }
        if (x.hasBatch() && permutation.getFirst() != 0) {
            throw new ShapeException(
                    "transpose cannot move N: the permutation must begin with 0, found " + permutation);
        }
        return new Shape(permutation.stream().map(x::dim).toList());
    }

    private static Shape concat(List<Shape> in, int axis) {
        if (in.isEmpty()) {
            throw new ShapeException("concat needs an operand");
        }
        Shape first = axis(in.getFirst(), axis, "concat");
        int sum = 0;
        for (Shape s : in) {
            if (s.rank() != first.rank() || !s.with(axis, 1).equals(first.with(axis, 1))) {
                throw new ShapeException("concat along axis " + axis
                        + " needs operands that are equal along the others, found " + first + " and " + s);
            }
            sum = Math.addExact(sum, s.dim(axis));
        }
        return first.with(axis, sum);
    }

    private static Shape slice(Shape x, DataOp.Slice s) {
        if (s.begin().size() != x.rank()
                || s.end().size() != x.rank()
                || s.step().size() != x.rank()) {
            throw new ShapeException(
                    "slice of " + x + " needs a begin, an end and a step for each of its " + x.rank() + " axes");
        }
        List<Integer> dims = new ArrayList<>();
        for (int i = 0; i < x.rank(); i++) {
            int b = s.begin().get(i);
            int e = s.end().get(i);
            int d = s.step().get(i);
            if (x.dim(i) == Shape.BATCH) {
                dims.add(Shape.BATCH);
                continue;
            }
            if (b < 0 || e > x.dim(i) || b > e || d < 1) {
                throw new ShapeException("slice " + b + ".." + e + " step " + d + " is outside axis " + i + " of " + x);
            }
            dims.add((e - b + d - 1) / d);
        }
        return new Shape(dims);
    }

    private static Shape pad(Shape x, DataOp.Pad p) {
        if (p.before().size() != x.rank() || p.after().size() != x.rank()) {
            throw new ShapeException(
                    "pad of " + x + " needs a before and an after for each of its " + x.rank() + " axes");
        }
        Shape y = x;
        for (int i = 0; i < x.rank(); i++) {
            int b = p.before().get(i);
            int a = p.after().get(i);
            if (b < 0 || a < 0 || (x.dim(i) == Shape.BATCH && b + a != 0)) {
                throw new ShapeException("pad by " + b + " and " + a + " is not possible at axis " + i + " of " + x);
            }
            if (b + a != 0) {
                y = y.with(i, Math.addExact(x.dim(i), Math.addExact(a, b)));
            }
        }
        return y;
    }

    private static Shape reduce(Shape x, List<Integer> axes, boolean keepDims) {
        List<Integer> dims = new ArrayList<>();
        for (int i = 0; i < x.rank(); i++) {
            if (!axes.contains(i)) {
                dims.add(x.dim(i));
            } else if (keepDims) {
                dims.add(1);
            }
        }
        axes.forEach(a -> axis(x, a, "mean"));
        return new Shape(dims);
    }

    static Shape axis(Shape x, int axis, String what) {
        if (axis < 0 || axis >= x.rank()) {
            throw new ShapeException(what + " along axis " + axis + ": " + x + " has axes 0 to " + (x.rank() - 1));
        }
        if (x.dim(axis) == Shape.BATCH) {
            throw new ShapeException(what + " cannot run along the batch axis of " + x);
        }
        return x;
    }

    private static void channels(Shape s, Shape x, String what) {
        if (x.rank() < 1 || !s.equals(Shape.of(x.dim(-1)))) {
            throw new ShapeException("the " + what + " of batch_norm is one number a channel: expected [" + x.dim(-1)
                    + "] for an input " + x + ", found " + s);
        }
    }

    static void rank(Shape x, int rank, String what) {
        if (x.rank() != rank) {
            throw new ShapeException(what + " has " + rank + " dimensions"
                    + (rank == 4 ? " (NHWC for activations)" : "") + ", found " + x);
        }
    }

    private static Shape one(Op op, List<Shape> in) {
        count(op, in, 1, 1);
        return in.getFirst();
    }

    static void count(Op op, List<Shape> in, int min, int max) {
        if (in.size() < min || in.size() > max) {
            throw new ShapeException(op.getClass().getSimpleName() + " takes " + min + (min == max ? "" : " to " + max)
                    + " operands, found " + in.size());
        }
    }

    private static String text(int d) {
        return d == Shape.BATCH ? "N" : Integer.toString(d);
    }
}
