package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.ScalarFn;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Reductions, and what finds the largest. */
final class ReduceOps {
    private ReduceOps() {}

    static void register(Operators ops) {
        ops.add("ReduceSum", c -> c.out(sum(c, c.need(0))));
        ops.add("ReduceProd", c -> c.out(reduce(c, NumOp.Reduce.Fn.PROD, c.need(0))));
        ops.add("ReduceMax", c -> c.out(reduce(c, NumOp.Reduce.Fn.MAX, c.need(0))));
        ops.add("ReduceMin", c -> c.out(reduce(c, NumOp.Reduce.Fn.MIN, c.need(0))));
        ops.add("ReduceMean", ReduceOps::mean);
        ops.add("ReduceL1", c -> c.out(sum(c, magnitude(c))));
        ops.add("ReduceSumSquare", c -> c.out(sum(c, square(c))));
        ops.add("ReduceL2", c -> {
            c.real(0);
            c.out(c.build().unary(new ScalarFn.Sqrt(), sum(c, square(c))));
        });
        ops.add("ReduceLogSum", c -> c.out(c.build().unary(new ScalarFn.Log(), sum(c, c.real(0)))));
        ops.add("ReduceLogSumExp", ReduceOps::logSumExp);
        ops.add("ArgMax", c -> extreme(c, true));
        ops.add("ArgMin", c -> extreme(c, false));
        ops.add("TopK", ReduceOps::topK);
    }

    /** The axes of a reduction: an attribute, later an operand; all where none are given, unless that means none. */
    private static List<Integer> axes(Call c) {
        int rank = c.need(0).rank();
        long[] given = ShapeOps.axes(c, c.op().equals("ReduceSum") ? 13 : 18, 1);
        if (given == null || given.length == 0) {
            return c.flag("noop_with_empty_axes", false)
                    ? List.of()
                    : IntStream.range(0, rank).boxed().toList();
        }
        return c.axes(given, rank);
    }

    private static Val reduce(Call c, NumOp.Reduce.Fn fn, Val x) {
        return c.build().reduce(fn, x, axes(c), c.flag("keepdims", true));
    }

    private static Val sum(Call c, Val x) {
        return reduce(c, NumOp.Reduce.Fn.SUM, x);
    }

    private static Val magnitude(Call c) {
        Val x = c.need(0);
        return x.isFloat()
                ? c.build().unary(new ScalarFn.Abs(), x)
                : c.build().pointwise(new NumOp.Unary(NumOp.Unary.Fn.ABS), x.element(), x);
    }

    private static Val square(Call c) {
        Val x = c.need(0);
        return x.isFloat() ? c.build().mul(x, x) : c.build().integer(NumOp.Binary.Fn.MUL, x, x);
    }

    private static void mean(Call c) {
        Build b = c.build();
        Val x = c.need(0);
        List<Integer> axes = axes(c);
        boolean keep = c.flag("keepdims", true);
        if (x.isFloat()) {
            c.out(b.mean(x, axes, keep));
            return;
        }
        long count = axes.stream().mapToLong(x::dim).reduce(1, Math::multiplyExact);
        Val sum = b.reduce(NumOp.Reduce.Fn.SUM, b.cast(x, Element.INT64), axes, keep);
        c.out(b.cast(b.integer(NumOp.Binary.Fn.DIV, sum, b.ints(Element.INT64, List.of(), count)), x.element()));
    }

    private static void logSumExp(Call c) {
        Build b = c.build();
        Val x = c.real(0);
        List<Integer> axes = axes(c);
        boolean keep = c.flag("keepdims", true);
        if (axes.isEmpty()) {
            c.out(x);
            return;
        }
        if (x.elements() == 0) {
            c.out(b.unary(new ScalarFn.Log(), b.reduce(NumOp.Reduce.Fn.SUM, x, axes, keep)));
            return;
        }
        Val max = b.reduce(NumOp.Reduce.Fn.MAX, x, axes, true);
        // Infinity less infinity would be no number.
        Val finite = b.binary(
                dev.qnet.compiler.ir.FloatOp.Binary.Fn.MAX,
                b.binary(dev.qnet.compiler.ir.FloatOp.Binary.Fn.MIN, max, b.scalar(Float.MAX_VALUE)),
                b.scalar(-Float.MAX_VALUE));
        Val sum = b.reduce(NumOp.Reduce.Fn.SUM, b.unary(new ScalarFn.Exp(), b.sub(x, finite)), axes, true);
        Val y = b.add(b.unary(new ScalarFn.Log(), sum), finite);
        List<Integer> dims = new ArrayList<>();
        for (int i = 0; i < x.rank(); i++) {
            if (!axes.contains(i)) {
                dims.add(x.dim(i));
            }
        }
        c.out(keep ? y : b.reshape(y, dims));
    }

    private static void extreme(Call c, boolean largest) {
        Build b = c.build();
        Val x = c.need(0);
        int axis = c.axis(c.integer("axis", 0), x.rank());
        int n = x.dim(axis);
        boolean last = c.flag("select_last_index", false);
        Val searched = last
                ? b.pick(
                        x,
                        axis,
                        IntStream.range(0, Math.max(0, n)).map(i -> n - 1 - i).toArray())
                : x;
        Val index = b.topK(searched, axis, 1, largest, true);
        if (last) {
            index = b.integer(NumOp.Binary.Fn.SUB, b.number(Element.INT64, n - 1.0), index);
        }
        if (!c.flag("keepdims", true)) {
            List<Integer> dims = new ArrayList<>(x.shape().dims().subList(0, axis));
            dims.addAll(x.shape().dims().subList(axis + 1, x.rank()));
            index = b.reshape(index, dims);
        }
        c.out(index);
    }

    private static void topK(Call c) {
        Build b = c.build();
        Val x = c.need(0);
        int axis = c.axis(c.integer("axis", -1), x.rank());
        int k = Math.toIntExact(c.opset() < 10 ? c.integer("k", 0) : c.numbers(1)[0]);
        boolean largest = c.flag("largest", true);
        c.out(0, b.topK(x, axis, k, largest, false));
        if (c.wants(1)) {
            c.out(1, b.topK(x, axis, k, largest, true));
        }
    }
}
