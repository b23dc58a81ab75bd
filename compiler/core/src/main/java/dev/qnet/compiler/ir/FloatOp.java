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
            MUL,
            DIV,
            /** In double, as {@link StrictMath#pow}, rounded once. */
            POW,
            /** NaN if either is; −0 below +0. */
            MIN,
            /** As {@link #MIN}. */
            MAX,
            /** The remainder of the quotient truncated towards 0 (C's fmod): exact. */
            MOD
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

    /**
     * A recurrent layer over a sequence, one direction: x [B,T,I], w [G·H,I], r [G·H,H], b [2·G·H] (of w, then of r),
     * h0 [B,H] or [1,H], and for LSTM c0 [B,H] or [1,H] and peepholes [3·H] (of i, o, f; zeros for none) → [B,T,H]; for LSTM
     * [B,T,2·H], the hidden and the cell state of every step. Gates lie in ONNX's order: LSTM i, o, f, c; GRU z, r, h. With
     * f, g, h the activations:
     *
     * <pre>
     * RNN:  h' = f(Wx + Rh + bw + br)
     * GRU:  z = f(..), r = f(..), n = g(Wx + (r∘h)R + bw + br), or with linearBeforeReset g(Wx + bw + r∘(Rh + br));
     *       h' = (1 − z)∘n + z∘h
     * LSTM: i = f(.. + pi∘c), j = f(.. + pf∘c) (1 − i with coupled), n = g(..), c' = j∘c + i∘n, o = f(.. + po∘c'), h' = o∘h(c')
     * </pre>
     *
     * <p>A gate's sum runs in double: from bw + br, over x, then over h, ascending, then the peephole's product; it is
     * clipped and rounded to single once. The products r∘h are rounded to single in front of their sum. (With
     * linearBeforeReset the sum Rh + br, from br, is rounded apart, and so is its product with r, which is added to the sum
     * of bw and Wx.) 1 − z and 1 − i are taken in double. Activations are as {@link Unary}; each state is computed in double from singles and rounded once.
     *
     * @param reverse whether the sequence runs from its end; results stay in the sequence's order
     * @param activations f for RNN; f, g for GRU; f, g, h for LSTM
     * @param clip the limit of the gates' sums, 0 for none
     * @param linearBeforeReset GRU only
     * @param coupled LSTM only: forget gate 1 − i
     */
    record Recurrent(
            Cell cell,
            boolean reverse,
            List<ScalarFn> activations,
            float clip,
            boolean linearBeforeReset,
            boolean coupled)
            implements FloatOp {
        /** The kinds of cell. */
        public enum Cell {
            RNN(1),
            GRU(3),
            LSTM(4);

            private final int gates;

            Cell(int gates) {
                this.gates = gates;
            }

            /** G: how many gates there are. */
            public int gates() {
                return gates;
            }

            /** How many activations there are. */
            public int activations() {
                return this == RNN ? 1 : this == GRU ? 2 : 3;
            }
        }

        public Recurrent {
            activations = List.copyOf(activations);
            if (activations.size() != cell.activations()) {
                throw new IllegalArgumentException(cell + " has " + cell.activations() + " activations");
            }
        }
    }
}
