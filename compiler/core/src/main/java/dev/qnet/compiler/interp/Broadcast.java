package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.Shape;

/**
 * Where the elements of a broadcast shape come from, as in NumPy: axes are aligned at the back, and an extent of 1 repeats.
 *
 * @param from the operand's shape
 * @param to the common shape
 */
record Broadcast(Shape from, Shape to) {
    /** The operand's element under row-major element i of the common shape. */
    int index(int i) {
        int rest = i;
        int stride = 1;
        int at = 0;
        for (int axis = 1; axis <= to.rank(); axis++) {
            int extent = to.dim(-axis);
            int position = rest % extent;
            rest /= extent;
            if (axis <= from.rank()) {
                at += from.dim(-axis) == 1 ? 0 : position * stride;
                stride *= from.dim(-axis);
            }
        }
        return at;
    }

    /** Whether {@link #index} is the identity. */
    boolean trivial() {
        return from.equals(to);
    }
}
