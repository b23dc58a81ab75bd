package dev.qnet.compiler.ir;

import java.util.List;

/**
 * Operations whose result holds only elements of their operands, so that they mean the same for singles, codes and plain
 * integers. The result's element equals the operands', which must all be equal. Activations are NHWC.
 */
public sealed interface DataOp extends Op {
    /** No operand. The value; codes where the node's type is quantized. */
    record Constant(Tensor value) implements DataOp {}

    /** x. The same elements, row-major, under another shape; N stays in front. */
    record Reshape(Shape shape) implements DataOp {}

    /**
     * x. Result axis i is operand axis {@code permutation[i]}; a batch axis stays in front.
     *
     * @param permutation each axis once
     */
    record Transpose(List<Integer> permutation) implements DataOp {
        public Transpose {
            permutation = List.copyOf(permutation);
        }
    }

    /** One operand or more, joined along an axis (not the batch axis); other extents equal. */
    record Concat(int axis) implements DataOp {}

    /**
     * x. Along each axis the elements {@code begin, begin + step, … < end}; the batch axis, if any, is taken whole and its
     * entries are ignored (written 0, 0, 1).
     *
     * @param begin the first index, an axis each, 0 ≤ begin ≤ end
     * @param end after the last index, at most the extent
     * @param step at least 1
     */
    record Slice(List<Integer> begin, List<Integer> end, List<Integer> step) implements DataOp {
        public Slice {
            begin = List.copyOf(begin);
            end = List.copyOf(end);
            step = List.copyOf(step);
        }
    }

    /**
     * x, surrounded by a constant.
     *
     * @param before elements added in front, an axis each; 0 for a batch axis
     * @param after elements added behind
     * @param value the element added, in the operand's own terms: a real number for f32, a code for quantized (the zero
     *     point for real 0) and plain integers
     */
    record Pad(List<Integer> before, List<Integer> after, float value) implements DataOp {
        public Pad {
            before = List.copyOf(before);
            after = List.copyOf(after);
        }
    }

    /** x [N,H,W,C]. The largest element under each window; padding is never the largest. For codes: the largest code. */
    record MaxPool(Window window) implements DataOp {}

    /**
     * x [N,H,W,C]. Nearest neighbour: result (y, x) is operand ({@code y·H/height}, {@code x·W/width}), integer division
     * truncating.
     */
    record ResizeNearest(int height, int width) implements DataOp {}

    /**
     * x, indices (plain integers) → x.shape[..axis] + indices.shape + x.shape[axis+1..]: the slices of x that the indices
     * name. A negative index counts from the back; one out of range is an error at run time.
     *
     * @param axis not the batch axis of x; indices have no N
     */
    record Gather(int axis) implements DataOp {}

    /** x, repeated along axes of extent 1 as NumPy broadcasts, to the given shape; N stays in front. */
    record Broadcast(Shape shape) implements DataOp {}

    /**
     * x, with {@code factor − 1} constant elements between neighbours along each axis: an extent n becomes
     * {@code (n − 1)·factor + 1}. A transposed convolution is a convolution of it.
     *
     * @param factors an axis each, at least 1; 1 for a batch axis
     * @param value as in {@link Pad}
     */
    record Dilate(List<Integer> factors, float value) implements DataOp {
        public Dilate {
            factors = List.copyOf(factors);
        }
    }

    /** c (bool), x, y of one element, broadcast: x where c, else y. */
    record Select() implements DataOp {}
}
