package dev.qnet.training.run;

import dev.qnet.compiler.ir.Shape;

/**
 * Where elements of a shape lie in another array: a step for each axis.
 *
 * @param extents of the shape, outermost first
 * @param steps in the other array
 * @param start where the first element lies
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Strides(int[] extents, int[] steps, int start) {
    /** Where elements of {@code to} come from in an operand that broadcasts to it. */
    static Strides of(Shape from, Shape to) {
        int rank = to.rank();
        int[] steps = new int[rank];
        int step = 1;
        for (int a = 1; a <= from.rank(); a++) {
            steps[rank - a] = from.dim(-a) == 1 ? 0 : step;
            step *= from.dim(-a);
        }
        return new Strides(to.toArray(), steps, 0);
    }

    /** The steps of a shape's own axes, row-major. */
    static int[] rowMajor(Shape s) {
        int[] steps = new int[s.rank()];
        int step = 1;
        for (int a = s.rank() - 1; a >= 0; a--) {
            steps[a] = step;
            step *= s.dim(a);
        }
        return steps;
    }

    /** The place of row-major element i. */
    int index(int i) {
        int rest = i;
        int at = start;
        for (int a = extents.length - 1; a >= 0; a--) {
            at += rest % extents[a] * steps[a];
            rest /= extents[a];
        }
        return at;
    }

    /** All places, row-major. */
    int[] indices() {
        int n = 1;
        for (int e : extents) {
            n *= e;
        }
        int[] all = new int[n];
        for (int i = 0; i < n; i++) {
            all[i] = index(i);
        }
        return all;
    }
}
