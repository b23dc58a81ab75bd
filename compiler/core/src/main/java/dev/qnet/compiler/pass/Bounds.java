package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.ScalarFn;
import org.jspecify.annotations.Nullable;

/** The ranges that operations keep to whatever their input. */
final class Bounds {
    private Bounds() {}

    /** The lowest and highest value that an operation can give, or null where there are none. */
    static float @Nullable [] of(Op op) {
        if (!(op instanceof FloatOp.Unary u)) {
            return null;
        }
        return switch (u.fn()) {
            case ScalarFn.Clip c ->
                Float.isFinite(c.lo()) && Float.isFinite(c.hi()) && c.lo() <= c.hi()
                        ? new float[] {c.lo(), c.hi()}
                        : null;
            case ScalarFn.Sigmoid s -> new float[] {0, 1};
            case ScalarFn.Tanh t -> new float[] {-1, 1};
            case ScalarFn.HardSigmoid h -> new float[] {0, 1};
            case ScalarFn.Softsign s -> new float[] {-1, 1};
            case ScalarFn.Erf e -> new float[] {-1, 1};
            case ScalarFn.Sin s -> new float[] {-1, 1};
            case ScalarFn.Cos c -> new float[] {-1, 1};
            case ScalarFn.Sign s -> new float[] {-1, 1};
            case ScalarFn _ -> null;
        };
    }
}
