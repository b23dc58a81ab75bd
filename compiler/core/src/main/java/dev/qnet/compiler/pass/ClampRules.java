package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.pass.Simplification.Step;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Relu and clip: two in a row become one, one that changes nothing goes, and one behind max pools or reshapes moves in
 * front of them, next to the arithmetic whose result it clamps, so that this is quantized without what is clamped away.
 */
final class ClampRules {
    /** How far a clamp moves forward: enough for every network, and linear time for every graph. */
    private static final int MAX_MOVES = 8;

    /** min(max(x, lo), hi). */
    private record Range(float lo, float hi) {
        static final Range ALL = new Range(Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY);

        boolean holds(Range other) {
            return lo <= other.lo && other.hi <= hi;
        }

        /** This range first, then another. */
        Range then(Range next) {
            return new Range(Math.clamp(lo, next.lo, next.hi), Math.clamp(hi, next.lo, next.hi));
        }

        FloatOp op() {
            boolean relu = Float.compare(lo, 0) == 0 && hi == Float.POSITIVE_INFINITY;
            return new FloatOp.Unary(relu ? new ScalarFn.Relu() : new ScalarFn.Clip(lo, hi));
        }
    }

    private ClampRules() {}

    static @Nullable Step apply(Node n, Rewriter to) {
        Range range = clamp(n);
        if (range == null) {
            return null;
        }
        if (Simplification.free(n) && range.holds(Range.ALL)) {
            return new Step.Same(n.operand(0));
        }
        Node x = Simplification.inner(n, to);
        if (x == null) {
            return null;
        }
        Range before = clamp(x);
        if (before != null) {
            Simplification.merge(n, to);
            return new Step.Instead(n.withOp(before.then(range).op()).withOperands(x.operands()));
        }
        if (Simplification.free(n) && range.holds(results(x))) {
            return new Step.Same(x.id());
        }
        return Simplification.free(n) ? forward(n, x, to) : null;
    }

    /** The bounds of a relu or clip, or null for other nodes and for clips without order. */
    private static @Nullable Range clamp(Node n) {
        if (!(n.op() instanceof FloatOp.Unary(ScalarFn fn))) {
            return null;
        }
        return switch (fn) {
            case ScalarFn.Relu _ -> new Range(0, Float.POSITIVE_INFINITY);
            case ScalarFn.Clip(float lo, float hi) -> lo <= hi && Float.compare(lo, hi) <= 0 ? new Range(lo, hi) : null;
            case ScalarFn _ -> null;
        };
    }

    /** What an operation can give. */
    private static Range results(Node n) {
        if (n.op() instanceof FloatOp.Softmax) {
            return new Range(0, 1);
        }
        if (!(n.op() instanceof FloatOp.Unary(ScalarFn fn))) {
            return Range.ALL;
        }
        return switch (fn) {
            case ScalarFn.Sigmoid _ -> new Range(0, 1);
            case ScalarFn.Tanh _ -> new Range(-1, 1);
            case ScalarFn _ -> Range.ALL;
        };
    }

    /** Moves a clamp in front of the moves behind which it stands. Its name stays with the last value. */
    private static @Nullable Step forward(Node n, Node x, Rewriter to) {
        List<Node> moves = new ArrayList<>();
        Node at = x;
        while (at != null && commutes(at) && moves.size() < MAX_MOVES) {
            boolean single = moves.isEmpty() ? to.soleUse(at.id()) : to.usedOnce(at.id());
            if (!single || !Simplification.free(at)) {
                return null;
            }
            moves.add(at);
            at = to.definition(at.operand(0));
        }
        if (moves.isEmpty() || at == null || !to.usedOnce(at.id()) || !Simplification.free(at) || !clampable(at)) {
            return null;
        }
        moves.forEach(m -> to.take(m.id()));
        ValueId name = to.fresh(at.id().name() + "." + Role.name(n.op()));
        Node clamp = new Node(name, n.op(), List.of(at.id()), at.type(), n.span());
        for (Node m : moves.reversed()) {
            to.emit(clamp);
            clamp = m.withOperands(List.of(clamp.id()));
        }
        return new Step.Instead(clamp.withId(n.id()));
    }

    private static boolean commutes(Node n) {
        return n.op() instanceof DataOp.MaxPool
                || n.op() instanceof DataOp.Reshape
                || n.op() instanceof DataOp.Transpose;
    }

    /** Whether an operation takes a clamp in when it becomes integers. */
    private static boolean clampable(Node n) {
        return n.op() instanceof FloatOp op
                && switch (op) {
                    case FloatOp.Conv2d _, FloatOp.Dense _, FloatOp.MatMul _, FloatOp.BatchNorm _, FloatOp.Mean _ ->
                        true;
                    case FloatOp.Binary b -> Role.of(b) == Role.ARITHMETIC;
                    case FloatOp.Unary _, FloatOp.AvgPool _, FloatOp.Softmax _, FloatOp.Recurrent _ -> false;
                };
    }
}
