package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.ValueId;
import java.util.ArrayList;
import java.util.List;

/**
 * Functions of one value that lie between it and a quantizer.
 *
 * @param steps from the value on
 */
record Chain(List<Step> steps, ValueId from) {
    boolean uniform() {
        return steps.stream().allMatch(Step::uniform);
    }

    boolean clamps() {
        return steps.stream().allMatch(Step::clamps);
    }

    /** The least code that clamps leave. */
    int least(Quant q) {
        return limit(q, q.lo());
    }

    /** The greatest code that clamps leave. */
    int most(Quant q) {
        return limit(q, q.hi());
    }

    private int limit(Quant q, int code) {
        Staircase plain = new Staircase(List.of(), q, 1);
        int limited = code;
        for (Step s : steps) {
            if (s.op() instanceof FloatOp.Unary u) {
                limited = switch (u.fn()) {
                    case ScalarFn.Relu r -> Math.max(limited, plain.code(0));
                    case ScalarFn.Clip k -> Math.min(Math.max(limited, plain.code(k.lo())), plain.code(k.hi()));
                    default -> throw new IllegalArgumentException("no clamp: " + u.fn());
                };
            }
        }
        return limited;
    }

    Chain before(Step s, ValueId operand) {
        List<Step> all = new ArrayList<>(List.of(s));
        all.addAll(steps);
        return new Chain(all, operand);
    }

    Chain on(ValueId operand) {
        return new Chain(steps, operand);
    }
}
