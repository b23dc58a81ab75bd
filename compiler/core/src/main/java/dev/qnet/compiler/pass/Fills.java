package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Op;

/** The operations that put constant elements among those that they move, which change with what elements mean. */
final class Fills {
    private Fills() {}

    /** What a filling becomes. */
    @FunctionalInterface
    interface Change {
        float of(float filling);
    }

    /** The filling, or 0 where there is none. */
    static float of(Op op) {
        return op instanceof DataOp.Pad p ? p.value() : op instanceof DataOp.Dilate d ? d.value() : 0;
    }

    /** The operation with another filling, or itself if it fills nothing. */
    static DataOp map(DataOp op, Change change) {
        if (op instanceof DataOp.Pad p) {
            return new DataOp.Pad(p.before(), p.after(), change.of(p.value()));
        }
        return op instanceof DataOp.Dilate d ? new DataOp.Dilate(d.factors(), change.of(d.value())) : op;
    }
}
