package dev.qnet.compiler.ir;

import java.util.List;

/**
 * Operations on f32. Their arithmetic is fixed, so that every backend gives the same bits: sums of products are kept in
 * double (a product of two singles is exact there), added in ascending row-major order of the reduced axes starting from
 * the bias (or 0), and rounded to single once at the end. (A fused multiply-add gives the same bits, since the product is
 * exact.) Padding contributes nothing.
 */
public sealed interface FloatOp extends Op {
    /**
     * x [N,H,W,C], w [O,KH,KW,C/groups], optional bias [O] → [N,H',W',O]. Output channel o reads the input channels of
     * group {@code o / (O/groups)}. Depthwise is {@code groups = C}.
     */
    record Conv2d(Window window, int groups) implements FloatOp {}

    /** x [..,K], w [O,K], optional bias [O] → [..,O]. */
    record Dense() implements FloatOp {}

    /** x [..,M,K], y [..,K,N] → [..,M,N]; leading axes broadcast. */
    record MatMul() implements FloatOp {}

    /** x, y, broadcast to a common shape as in NumPy; one f32 operation an element. */
    record Binary(Fn fn) implements FloatOp {
        /** The functions of two numbers. */
        public enum Fn {
            ADD,
            SUB,
            MUL
        }
    }

    /** x. */
    record Unary(ScalarFn fn) implements FloatOp {}

    /** x [N,H,W,C]. Sum under the window / number of elements under it that are not padding, divided in double. */
    record AvgPool(Window window) implements FloatOp {}

    /**
     * x. Mean over axes (not the batch axis): sum in double, divided in double, rounded once.
     *
     * @param axes ascending
     * @param keepDims whether reduced axes stay with extent 1
     */
    record Mean(List<Integer> axes, boolean keepDims) implements FloatOp {
        public Mean {
            axes = List.copyOf(axes);
        }
    }

    /**
     * x [..,C], gamma, beta, mean, variance [C]: {@code (x − mean)·gamma/√(variance + epsilon) + beta}, evaluated in double,
     * rounded once.
     */
    record BatchNorm(float epsilon) implements FloatOp {}

    /** x. {@code exp(x − max) / Σ exp(x − max)} along an axis (not the batch axis), in double, rounded once. */
    record Softmax(int axis) implements FloatOp {}
}
