package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * {@code y = factor[c]·x + shift[c]}, c the index along the last axis: what batch normalization with known statistics does,
 * and multiplication, addition or subtraction of constants.
 *
 * @param input x
 * @param factor one, or one a channel
 * @param shift one, or one a channel
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record ChannelAffine(ValueId input, double[] factor, double[] shift) {
    double factor(int c) {
        return factor[factor.length == 1 ? 0 : c];
    }

    double shift(int c) {
        return shift[shift.length == 1 ? 0 : c];
    }

    boolean shifts() {
        return Arrays.stream(shift).anyMatch(s -> s != 0);
    }

    boolean scales() {
        return Arrays.stream(factor).anyMatch(f -> f != 1);
    }

    boolean isFinite() {
        return Arrays.stream(factor).allMatch(Double::isFinite)
                && Arrays.stream(shift).allMatch(Double::isFinite);
    }

    /** A node of a graph being rewritten as such a function, or null if it is none or its constants are not known. */
    static @Nullable ChannelAffine of(Node n, Rewriter to) {
        if (n.op() instanceof FloatOp.BatchNorm b) {
            return batchNorm(n, b, to);
        }
        return n.op() instanceof FloatOp.Binary b ? binary(n, b, to) : null;
    }

    private static @Nullable ChannelAffine batchNorm(Node n, FloatOp.BatchNorm b, Rewriter to) {
        float[] gamma = to.singles(n.operand(1));
        float[] beta = to.singles(n.operand(2));
        float[] mean = to.singles(n.operand(3));
        float[] variance = to.singles(n.operand(4));
        if (gamma == null || beta == null || mean == null || variance == null) {
            return null;
        }
        double[] factor = new double[gamma.length];
        double[] shift = new double[gamma.length];
        for (int c = 0; c < gamma.length; c++) {
            factor[c] = gamma[c] / Math.sqrt((double) variance[c] + b.epsilon());
            shift[c] = beta[c] - mean[c] * factor[c];
        }
        return new ChannelAffine(n.operand(0), factor, shift);
    }

    private static @Nullable ChannelAffine binary(Node n, FloatOp.Binary b, Rewriter to) {
        double[] left = perChannel(n.operand(0), n.type(), to);
        double[] right = perChannel(n.operand(1), n.type(), to);
        if ((left == null) == (right == null)) {
            return null;
        }
        ValueId x = n.operand(left == null ? 0 : 1);
        double[] k = left == null ? right : left;
        if (k == null || !to.type(x).equals(n.type())) {
            return null;
        }
        double[] one = {1};
        double[] zero = {0};
        return switch (b.fn()) {
            case MUL -> new ChannelAffine(x, k, zero);
            case ADD -> new ChannelAffine(x, one, k);
            case SUB ->
                left == null
                        ? new ChannelAffine(
                                x, one, Arrays.stream(k).map(v -> -v).toArray())
                        : new ChannelAffine(x, new double[] {-1}, k);
            case DIV, POW, MIN, MAX, MOD -> null;
        };
    }

    /** A constant that differs only along the last axis of a result, or null. */
    private static double @Nullable [] perChannel(ValueId id, Type result, Rewriter to) {
        float[] values = to.singles(id);
        if (values == null) {
            return null;
        }
        Shape s = to.type(id).shape();
        boolean alongLast = values.length == 1
                || (s.dim(-1) == values.length && result.shape().dim(-1) == values.length);
        if (!alongLast) {
            return null;
        }
        double[] wide = new double[values.length];
        Arrays.setAll(wide, i -> values[i]);
        return wide;
    }
}
