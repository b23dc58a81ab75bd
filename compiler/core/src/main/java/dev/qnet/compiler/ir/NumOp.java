package dev.qnet.compiler.ir;

import java.util.List;

/**
 * Operations on plain numbers, f32 or {@link Element.Int}, that imported models use beside their layers. Integers wrap
 * around at their width, as in Java and C, unless an operation says otherwise.
 */
public sealed interface NumOp extends Op {
    /** x, y of one plain integer element, broadcast as in NumPy; the result has that element. */
    record Binary(Binary.Fn fn) implements NumOp {
        /** The functions of two integers. */
        public enum Fn {
            ADD,
            SUB,
            MUL,
            /** The quotient truncated towards 0; division by 0 is an error at run time. */
            DIV,
            /** Also of two quantized operands with the result's storage: raw codes are compared. */
            MIN,
            /** As {@link #MIN}. */
            MAX,
            /** x to the power y ≥ 0; 0 for y &lt; 0 unless x is 1 or −1. */
            POW,
            /** {@code x − y·⌊x/y⌋}, with the sign of y; an error for y = 0. */
            MOD,
            /** Bitwise, which for truth values is logical. */
            AND,
            OR,
            XOR
        }
    }

    /** x of a plain integer element; the result has that element. */
    record Unary(Unary.Fn fn) implements NumOp {
        /** The functions of one integer. */
        public enum Fn {
            NEG,
            ABS,
            /** −1, 0 or 1. */
            SIGN,
            /** Truth values: 1 − x. Others: every bit inverted. */
            NOT
        }
    }

    /** x, y of one element, f32 or plain integers, broadcast → bool. NaN is unequal to all and in no order; −0 equals 0. */
    record Compare(Compare.Fn fn) implements NumOp {
        /** The relations. */
        public enum Fn {
            EQ,
            NE,
            LT,
            LE,
            GT,
            GE
        }
    }

    /**
     * x, f32 or plain integers → the node's element, f32 or plain. f32 to integers truncates towards 0 and saturates, NaN is
     * 0; integers to integers keep the low bits; anything to bool is {@code x ≠ 0}; integers to f32 round to even.
     */
    record Cast() implements NumOp {}

    /**
     * x, plain integers or codes → codes or plain integers of the same width and signedness: the same bits, called
     * otherwise. Costs nothing.
     */
    record Reinterpret() implements NumOp {}

    /**
     * x, f32 or plain integers, reduced over axes (not the batch axis); the result has x's element. f32: sums and products in
     * double, ascending row-major, rounded once; NaN wins in MIN and MAX, and −0 is below 0. Of nothing: 0, 1, and for MIN
     * and MAX the highest and the lowest number, ±∞ for f32.
     *
     * @param axes ascending, at least one
     * @param keepDims whether reduced axes stay with extent 1
     */
    record Reduce(Reduce.Fn fn, List<Integer> axes, boolean keepDims) implements NumOp {
        /** The functions of many numbers. */
        public enum Fn {
            SUM,
            PROD,
            MIN,
            MAX
        }

        public Reduce {
            axes = List.copyOf(axes);
        }
    }

    /**
     * x, f32 or plain integers: its k largest (or smallest) along an axis (not the batch axis), in order; of equals the one
     * with the lower index comes first. NaN counts as larger than all numbers and equal to itself, −0 as equal to 0.
     *
     * @param indices whether the result is their indices (i64) instead of the elements
     */
    record TopK(int axis, int k, boolean largest, boolean indices) implements NumOp {
        public TopK {
            if (k < 1) {
                throw new IllegalArgumentException("top_k takes at least one element, not " + k);
            }
        }
    }
}
