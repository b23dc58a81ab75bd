package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Window;
import dev.qnet.compiler.pass.Simplification.Step;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Moves of elements: what moves nothing goes, two in a row become one. */
final class MoveRules {
    /** A concat that takes in others stays below this, so that chains of them take linear time. */
    private static final int MAX_CONCAT = 64;

    private MoveRules() {}

    static @Nullable Step apply(Node n, Rewriter to) {
        if (!(n.op() instanceof DataOp op) || n.operands().isEmpty()) {
            return null;
        }
        Type x = to.type(n.operand(0));
        if (n.operands().size() == 1
                && Simplification.free(n)
                && movesNothing(op, x.shape(), n.type().shape())) {
            return new Step.Same(n.operand(0));
        }
        Node inner = op instanceof DataOp.Concat ? null : Simplification.inner(n, to);
        return switch (op) {
            case DataOp.Reshape _ ->
                inner != null && inner.op() instanceof DataOp.Reshape ? skip(n, inner, op, to) : null;
            case DataOp.Transpose t -> transpose(n, t, x, inner, to);
            case DataOp.Slice s ->
                inner != null && inner.op() instanceof DataOp.Slice first
                        ? skip(n, inner, composed(first, s), to)
                        : null;
            case DataOp.Pad p ->
                inner != null && inner.op() instanceof DataOp.Pad first && Float.compare(first.value(), p.value()) == 0
                        ? skip(n, inner, composed(first, p), to)
                        : null;
            case DataOp.Concat c -> concat(n, c, to);
            case DataOp.Constant _, DataOp.MaxPool _, DataOp.ResizeNearest _ -> null;
            case DataOp.Gather _, DataOp.Broadcast _, DataOp.Dilate _, DataOp.Select _ -> null;
        };
    }

    /** Whether a move of one operand gives that operand. */
    static boolean movesNothing(DataOp op, Shape from, Shape to) {
        if (!from.equals(to)) {
            return false;
        }
        return switch (op) {
            case DataOp.Constant _ -> false;
            case DataOp.Reshape _, DataOp.Concat _, DataOp.Slice _, DataOp.Pad _, DataOp.ResizeNearest _ -> true;
            case DataOp.Broadcast _, DataOp.Dilate _ -> true;
            case DataOp.Gather _, DataOp.Select _ -> false;
            case DataOp.Transpose t -> keepsOrder(t.permutation(), from);
            case DataOp.MaxPool p -> isPoint(p.window());
        };
    }

    /** A window of one element that moves by one. */
    static boolean isPoint(Window w) {
        return w.equals(Window.of(1, 1))
                || (w.kernelH() == 1
                        && w.kernelW() == 1
                        && w.strideH() == 1
                        && w.strideW() == 1
                        && w.top() + w.left() + w.bottom() + w.right() == 0);
    }

    /** Whether the axes longer than 1 stay in their order, so that a transpose only moves ones about. */
    private static boolean keepsOrder(List<Integer> permutation, Shape from) {
        int last = -1;
        for (int axis : permutation) {
            if (from.dim(axis) != 1) {
                if (axis < last) {
                    return false;
                }
                last = axis;
            }
        }
        return true;
    }

    /** The outer of two moves, changed so that it does the work of both. */
    private static Step skip(Node n, Node inner, DataOp both, Rewriter to) {
        Simplification.merge(n, to);
        return new Step.Instead(n.withOp(both).withOperands(inner.operands()));
    }

    private static @Nullable Step transpose(Node n, DataOp.Transpose t, Type x, @Nullable Node inner, Rewriter to) {
        if (keepsOrder(t.permutation(), x.shape())) {
            // A reshape costs nothing: it has no memory of its own.
            return new Step.Instead(n.withOp(new DataOp.Reshape(n.type().shape())));
        }
        if (inner != null && inner.op() instanceof DataOp.Transpose first) {
            List<Integer> both =
                    t.permutation().stream().map(first.permutation()::get).toList();
            return skip(n, inner, new DataOp.Transpose(both), to);
        }
        return null;
    }

    private static DataOp.Slice composed(DataOp.Slice first, DataOp.Slice second) {
        List<Integer> begin = new ArrayList<>();
        List<Integer> end = new ArrayList<>();
        List<Integer> step = new ArrayList<>();
        for (int i = 0; i < first.begin().size(); i++) {
            int count = Math.ceilDiv(
                    second.end().get(i) - second.begin().get(i), second.step().get(i));
            int from = first.begin().get(i)
                    + (count > 0 ? second.begin().get(i) * first.step().get(i) : 0);
            int by = count > 1 ? first.step().get(i) * second.step().get(i) : 1;
            begin.add(from);
            end.add(count > 0 ? from + (count - 1) * by + 1 : from);
            step.add(by);
        }
        return new DataOp.Slice(begin, end, step);
    }

    private static DataOp.Pad composed(DataOp.Pad first, DataOp.Pad second) {
        return new DataOp.Pad(
                sums(first.before(), second.before()), sums(first.after(), second.after()), first.value());
    }

    private static List<Integer> sums(List<Integer> a, List<Integer> b) {
        return IntStream.range(0, a.size()).mapToObj(i -> a.get(i) + b.get(i)).toList();
    }

    private static @Nullable Step concat(Node n, DataOp.Concat c, Rewriter to) {
        if (n.intent().keepFloat()
                || new HashSet<>(n.operands()).size() < n.operands().size()) {
            return null;
        }
        List<ValueId> flat = new ArrayList<>();
        for (ValueId o : n.operands()) {
            Node x = to.definition(o);
            boolean takes = x != null
                    && x.op().equals(c)
                    && Simplification.free(x)
                    && to.soleUse(o)
                    // What was just taken may have read it too.
                    && !flat.contains(o)
                    && flat.size() + x.operands().size() + n.operands().size() <= MAX_CONCAT;
            flat.addAll(takes ? to.take(o).operands() : List.of(o));
        }
        return flat.size() == n.operands().size() ? null : new Step.Instead(n.withOperands(flat));
    }
}
