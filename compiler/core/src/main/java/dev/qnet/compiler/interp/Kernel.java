package dev.qnet.compiler.interp;

import java.util.List;

/** What computes one node for one item: operands in, result out, both without N. Stateless and safe to share. */
@FunctionalInterface
interface Kernel {
    Value run(List<Value> operands);

    /** The elements of a value of singles. */
    static float[] floats(Value v) {
        return ((Value.Floats) v).data();
    }

    /** The elements of a value of integers. */
    static long[] ints(Value v) {
        return ((Value.Ints) v).data();
    }
}
