package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One operation.
 *
 * @param op of one variable; the other operands are known
 * @param variable which operand varies
 * @param known the others in order, each one number or one a channel
 */
record Step(Op op, int variable, List<float[]> known) {
    /** A node as a step, if all its operands but one are known and mean the same for all but the last axis; else null. */
    static @Nullable Step of(Node d, Rewrite to) {
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
        int last = to.channels(d.id());
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

    /** Whether it means the same for every channel. */
    boolean uniform() {
        return !(op instanceof FloatOp.BatchNorm) && known.stream().allMatch(k -> k.length == 1);
    }

    /** A limit that does not round: what a clamp of codes can do. */
    boolean clamps() {
        return op instanceof FloatOp.Unary u && (u.fn() instanceof ScalarFn.Relu || u.fn() instanceof ScalarFn.Clip);
    }

    /** Whether it is known to never turn back: rising or falling throughout in each channel. */
    boolean monotone() {
        return switch (op) {
            case FloatOp.Unary u -> monotone(u.fn());
            case FloatOp.BatchNorm b -> variable == 0;
            case FloatOp.Binary b ->
                switch (b.fn()) {
                    case ADD, SUB, MUL, MIN, MAX -> true;
                    case DIV -> variable == 0;
                    case POW, MOD -> false;
                };
            default -> false;
        };
    }

    /** Whether it is known to never fall. */
    boolean rising() {
        return monotone()
                && switch (op) {
                    case FloatOp.Unary u -> !(u.fn() instanceof ScalarFn.Neg);
                    case FloatOp.Binary b ->
                        switch (b.fn()) {
                            case ADD, MIN, MAX -> true;
                            case SUB -> variable == 0;
                            case MUL, DIV -> {
                                boolean positive = true;
                                for (float k : known.getFirst()) {
                                    positive &= k >= 0;
                                }
                                yield positive;
                            }
                            case POW, MOD -> false;
                        };
                    default -> false;
                };
    }

    private static boolean monotone(ScalarFn fn) {
        return switch (fn) {
            case ScalarFn.Relu f -> true;
            case ScalarFn.LeakyRelu f -> f.alpha() >= 0;
            case ScalarFn.Clip f -> true;
            case ScalarFn.Sigmoid f -> true;
            case ScalarFn.Tanh f -> true;
            case ScalarFn.Elu f -> f.alpha() >= 0;
            case ScalarFn.Selu f -> f.alpha() >= 0 && f.gamma() >= 0;
            case ScalarFn.Celu f -> f.alpha() > 0;
            case ScalarFn.HardSigmoid f -> f.alpha() >= 0;
            case ScalarFn.Softplus f -> true;
            case ScalarFn.Softsign f -> true;
            case ScalarFn.ThresholdedRelu f -> f.alpha() >= 0;
            case ScalarFn.Erf f -> true;
            case ScalarFn.Exp f -> true;
            case ScalarFn.Neg f -> true;
            case ScalarFn.Sign f -> true;
            case ScalarFn.Floor f -> true;
            case ScalarFn.Ceil f -> true;
            case ScalarFn.Round f -> true;
            default -> false;
        };
    }
}
