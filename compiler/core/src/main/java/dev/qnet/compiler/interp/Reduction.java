package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * Which result element each element of a tensor is reduced into.
 *
 * @param shape the result's
 * @param from the operand's
 * @param strides of the result, an operand axis each; 0 for reduced axes
 * @param count elements reduced into one
 */
record Reduction(Shape shape, Shape from, List<Integer> strides, int count) {
    static Reduction of(Shape from, List<Integer> axes, boolean keepDims) {
        List<Integer> dims = new ArrayList<>();
        Integer[] strides = new Integer[from.rank()];
        int stride = 1;
        int count = 1;
        for (int axis = from.rank() - 1; axis >= 0; axis--) {
            boolean reduced = axes.contains(axis);
            strides[axis] = reduced ? 0 : stride;
            stride *= reduced ? 1 : from.dim(axis);
            count *= reduced ? from.dim(axis) : 1;
            if (!reduced || keepDims) {
                dims.addFirst(reduced ? 1 : from.dim(axis));
            }
        }
        return new Reduction(new Shape(dims), from, List.of(strides), count);
    }

    /** The result element of operand element i, row-major. */
    int target(int i) {
        int rest = i;
        int at = 0;
        for (int axis = from.rank() - 1; axis >= 0; axis--) {
            at += rest % from.dim(axis) * strides.get(axis);
            rest /= from.dim(axis);
        }
        return at;
    }
}
