package dev.qnet.runtime.kernel;

import java.util.Arrays;

/**
 * A shape around one of its axes.
 *
 * @param outer product of the extents in front
 * @param extent of the axis
 * @param inner product of the extents behind
 */
record Axis(int outer, int extent, int inner) {
    /**
     * Around an axis that has so many scales and zero points.
     *
     * @throws IllegalArgumentException if it has another extent
     */
    static Axis of(int[] shape, int axis, int scales, int zeros) {
        Axis a = of(shape, axis);
        if (a.extent != scales || scales != zeros) {
            throw new IllegalArgumentException(scales + " scales and " + zeros + " zero points for axis " + axis
                    + " of " + Arrays.toString(shape));
        }
        return a;
    }

    static Axis of(int[] shape, int axis) {
        if (axis < 0 || axis >= shape.length) {
            throw new IllegalArgumentException("axis " + axis + " of " + Arrays.toString(shape));
        }
        int outer = 1;
        int inner = 1;
        for (int d = 0; d < shape.length; d++) {
            outer = Math.multiplyExact(outer, d < axis ? shape[d] : 1);
            inner = Math.multiplyExact(inner, d > axis ? shape[d] : 1);
        }
        return new Axis(outer, shape[axis], inner);
    }
}
