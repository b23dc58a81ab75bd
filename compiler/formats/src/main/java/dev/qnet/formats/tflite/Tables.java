package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Storage;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntUnaryOperator;

/** Functions of one code: computed for every code while importing, so that the table is exact by construction. */
final class Tables {
    private Tables() {}

    /**
     * A table of a function.
     *
     * @param f from a code of x to a code of the result, which is limited to the storage
     */
    static Val of(Call c, Val x, Quant result, IntUnaryOperator f) {
        return c.emit(new IntOp.Table(entries(c, x.quant().storage(), result, f)), result, x);
    }

    /** The entries of a table that several nodes may share. */
    static List<Integer> entries(Call c, Storage from, Quant result, IntUnaryOperator f) {
        if (from.bits() > 16) {
            throw new Unsupported("takes codes of 8 or 16 bits, found " + from);
        }
        int size = from.max() - from.min() + 1;
        // Boxed entries.
        c.graph().spend(20L * size);
        List<Integer> entries = new ArrayList<>(size);
        for (int q = from.min(); q <= from.max(); q++) {
            entries.add(FixedPoint.clamp(f.applyAsInt(q), result.lo(), result.hi()));
        }
        return List.copyOf(entries);
    }
}
