package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.bind.Invocation.Bound;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Window;
import dev.qnet.compiler.source.Diagnostic;
import java.util.ArrayList;
import java.util.List;

/** Reads the arguments of a call that are no tensors; what does not fit is {@link Rejected}. */
final class Attributes {
    private static final int MAX = 1 << 28;

    private Attributes() {}

    /** An int of at least {@code min}; {@code standard} where it is not given. */
    static int integer(Invocation call, String argument, int standard, int min) {
        Bound b = call.argument(argument);
        return b == null ? standard : integer(call, argument, b, b.value(), min);
    }

    private static int integer(Invocation call, String argument, Bound at, Value value, int min) {
        if (!(value instanceof Value.Int i)) {
            throw call.kind(argument, "an int", new Bound(value, at.expr(), at.span()));
        }
        if (i.value() < min || i.value() > MAX) {
            throw call.error(
                    "argument-range",
                    argument,
                    "'" + argument + "' of '" + call.operation().name() + "' must be "
                            + (i.value() < min ? "at least " + min : "at most " + MAX) + ", found " + i.value());
        }
        return (int) i.value();
    }

    /** A single. */
    static float number(Invocation call, String argument, double standard) {
        Bound b = call.argument(argument);
        if (b == null) {
            return (float) standard;
        }
        return switch (b.value()) {
            case Value.Int i -> ConstTensors.single((double) i.value(), b.span());
            case Value.Real r -> ConstTensors.single(r.value(), b.span());
            case Value.Bool _,
                    Value.Text _,
                    Value.Batch _,
                    Value.Range _,
                    Value.ListOf _,
                    Value.Tuple _,
                    Value.Constant _,
                    Value.Computed _,
                    Value.Failed _ -> throw call.kind(argument, "a float", b);
        };
    }

    static boolean bool(Invocation call, String argument, boolean standard) {
        Bound b = call.argument(argument);
        if (b == null) {
            return standard;
        }
        if (b.value() instanceof Value.Bool v) {
            return v.value();
        }
        throw call.kind(argument, "true or false", b);
    }

    /** A window's rows and columns. */
    static int[] kernel(Invocation call) {
        return small(call, "kernel", pair(call, "kernel", new int[] {1, 1}, 1));
    }

    private static int[] small(Invocation call, String argument, int[] extents) {
        for (int e : extents) {
            if (e > Limits.WINDOW) {
                throw call.error(
                        "argument-range",
                        argument,
                        "'" + argument + "' of '" + call.operation().name() + "' is at most " + Limits.WINDOW
                                + ", found " + e);
            }
        }
        return extents;
    }

    /** Two ints of at least {@code min}, height first; one int stands for both. */
    static int[] pair(Invocation call, String argument, int[] standard, int min) {
        Bound b = call.argument(argument);
        if (b == null) {
            return standard;
        }
        if (b.value() instanceof Value.ListOf l) {
            if (l.elements().size() != 2) {
                throw call.kind(argument, "an int or [height, width]", b);
            }
            return new int[] {
                integer(call, argument, b, l.elements().get(0), min),
                integer(call, argument, b, l.elements().get(1), min)
            };
        }
        if (!(b.value() instanceof Value.Int)) {
            throw call.kind(argument, "an int or [height, width]", b);
        }
        int both = integer(call, argument, b, b.value(), min);
        return new int[] {both, both};
    }

    /** A list of ints; one int stands for a list of one. */
    static List<Integer> ints(Invocation call, String argument, int min) {
        Bound b = call.argument(argument);
        List<Integer> all = new ArrayList<>();
        if (b != null) {
            switch (b.value()) {
                case Value.Int i -> all.add(integer(call, argument, b, i, min));
                case Value.ListOf l -> {
                    for (Value v : l.elements()) {
                        all.add(integer(call, argument, b, v, min));
                    }
                }
                case Value.Real _,
                        Value.Bool _,
                        Value.Text _,
                        Value.Batch _,
                        Value.Range _,
                        Value.Tuple _,
                        Value.Constant _,
                        Value.Computed _,
                        Value.Failed _ -> throw call.kind(argument, "a list of ints", b);
            }
        }
        return all;
    }

    /** A list in which N may stand for the batch: it is {@link Shape#BATCH} in the answer only where {@code batch} says so. */
    static List<Integer> extents(Invocation call, String argument, int batch) {
        Bound b = call.argument(argument);
        if (b == null || !(b.value() instanceof Value.ListOf l)) {
            throw call.kind(argument, "a list of ints", b == null ? new Bound(Value.ERROR, null, call.span()) : b);
        }
        List<Integer> all = new ArrayList<>();
        for (Value v : l.elements()) {
            all.add(v instanceof Value.Batch ? batch : integer(call, argument, b, v, -MAX));
        }
        return all;
    }

    /** An axis; negative ones count from the back. */
    static int axis(Invocation call, String argument, int standard, Shape x) {
        int axis = integer(call, argument, standard, -Shape.MAX_RANK);
        return axis(call, argument, axis, axis, x);
    }

    private static int axis(Invocation call, String argument, int axis, int written, Shape x) {
        int at = axis < 0 ? axis + x.rank() : axis;
        if (at < 0 || at >= x.rank()) {
            throw call.error(
                    "axis",
                    argument,
                    x.rank() == 0
                            ? "'" + call.operation().name() + "' needs an axis, and a scalar has none"
                            : "axis " + written + " does not exist: " + x + " has axes 0 to " + (x.rank() - 1));
        }
        if (x.dim(at) == Shape.BATCH) {
            throw call.error(
                    "axis",
                    argument,
                    "'" + call.operation().name() + "' cannot run along axis " + at + ", the batch of " + x);
        }
        return at;
    }

    /** Axes, ascending, each once; negative ones count from the back. */
    static List<Integer> axes(Invocation call, String argument, Shape x) {
        List<Integer> axes = ints(call, argument, -Shape.MAX_RANK).stream()
                .map(a -> axis(call, argument, a, a, x))
                .sorted()
                .toList();
        if (axes.stream().distinct().count() != axes.size()) {
            throw call.error("axis", argument, "'" + argument + "' names an axis twice");
        }
        return axes;
    }

    /**
     * The window of a convolution or a pool: kernel, stride, dilation and padding. {@code same} padding is TensorFlow's: as
     * many windows as the extent divided by the stride, rounded up, with the odd row or column of padding at the end.
     *
     * @param stride what holds where no stride is given
     */
    static Window window(Invocation call, Shape x, int[] kernel, int[] stride) {
        if (x.rank() != 4) {
            Diagnostic wrong = call.wrong(
                    "shape-mismatch",
                    "x",
                    "'" + call.operation().name() + "' needs [N, height, width, channels], found " + x);
            throw new Rejected(call.told(wrong, call.operand("x")));
        }
        int[] s = pair(call, "stride", stride, 1);
        int[] d = small(call, "dilation", pair(call, "dilation", new int[] {1, 1}, 1));
        int[] p = padding(call, x, kernel, s, d);
        Bound written = call.argument("padding");
        if (written != null && !(written.value() instanceof Value.Text)) {
            small(call, "padding", p);
        }
        return new Window(kernel[0], kernel[1], s[0], s[1], d[0], d[1], p[0], p[1], p[2], p[3]);
    }

    private static int[] padding(Invocation call, Shape x, int[] kernel, int[] stride, int[] dilation) {
        Bound b = call.argument("padding");
        if (b == null) {
            return new int[4];
        }
        return switch (b.value()) {
            case Value.Text t when t.value().equals("valid") -> new int[4];
            case Value.Text t
            when t.value().equals("same") -> {
                int[] rows = same(call, x.dim(1), kernel[0], stride[0], dilation[0]);
                int[] columns = same(call, x.dim(2), kernel[1], stride[1], dilation[1]);
                yield new int[] {rows[0], columns[0], rows[1], columns[1]};
            }
            case Value.Int i -> {
                int all = integer(call, "padding", b, i, 0);
                yield new int[] {all, all, all, all};
            }
            case Value.ListOf l
            when l.elements().size() == 2 -> {
                int h = integer(call, "padding", b, l.elements().get(0), 0);
                int w = integer(call, "padding", b, l.elements().get(1), 0);
                yield new int[] {h, w, h, w};
            }
            case Value.ListOf l
            when l.elements().size() == 4 ->
                l.elements().stream()
                        .mapToInt(v -> integer(call, "padding", b, v, 0))
                        .toArray();
            case Value.Real _,
                    Value.Bool _,
                    Value.Text _,
                    Value.Batch _,
                    Value.Range _,
                    Value.ListOf _,
                    Value.Tuple _,
                    Value.Constant _,
                    Value.Computed _,
                    Value.Failed _ -> throw call.kind("padding", Operation.Kind.PADDING.text(), b);
        };
    }

    private static int[] same(Invocation call, int extent, int kernel, int stride, int dilation) {
        long windows = ((long) extent + stride - 1) / stride;
        long total = Math.max(0, (windows - 1) * stride + ((long) kernel - 1) * dilation + 1 - extent);
        if (total > MAX) {
            throw call.error("argument-range", "padding", "this window needs " + total + " rows or columns of padding");
        }
        int before = (int) (total / 2);
        return new int[] {before, (int) (total - before)};
    }
}
