package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.source.Diagnostics;

/** Biases as accumulators see them: i32 with scale s_x·s_w[c] and zero point 0. */
final class Biases {
    /** Relative difference up to which a given scale is s_x·s_w: that of two roundings to single. */
    private static final double SAME_SCALE = 0x1p-22;

    private final Diagnostics diagnostics;

    Biases(Diagnostics diagnostics) {
        this.diagnostics = diagnostics;
    }

    /**
     * The codes of a bias: rounded half away from zero in double, or as given, if with the right scale.
     *
     * @param user the conv2d or dense
     * @param bias its constant, f32 or codes
     */
    int[] codes(Node user, Node bias, float sx, Scheme weights) {
        return switch (((DataOp.Constant) bias.op()).value()) {
            case Tensor.OfFloat f -> quantize(user, bias, f.values(), sx, weights);
            case Tensor.OfInt i -> {
                if (bias.type().element() instanceof Quant q) {
                    compare(user, bias, q, sx, weights, i.values().length);
                }
                yield i.values();
            }
            case Tensor.OfLong _ ->
                throw new IllegalStateException("an i64 bias belongs to integer graphs: " + bias.id());
        };
    }

    private int[] quantize(Node user, Node bias, float[] values, float sx, Scheme weights) {
        int[] codes = new int[values.length];
        for (int c = 0; c < values.length; c++) {
            double scale = (double) sx * weights.channelScale(c);
            double code = Math.copySign(Math.floor(Math.abs(values[c] / scale) + 0.5), values[c]);
            if (!(Math.abs(code) <= Integer.MAX_VALUE)) {
                diagnostics.add(QuantDiagnostics.biasOverflow(user, bias, c, values[c], scale));
                return new int[values.length];
            }
            codes[c] = (int) code;
        }
        return codes;
    }

    private void compare(Node user, Node bias, Quant q, float sx, Scheme weights, int channels) {
        for (int c = 0; c < channels; c++) {
            double expected = (double) sx * weights.channelScale(c);
            double found = q.scheme().channelScale(c);
            if (Math.abs(found - expected) > expected * SAME_SCALE || q.scheme().channelZero(c) != 0) {
                diagnostics.add(QuantDiagnostics.biasScale(
                        user, bias, c, found, q.scheme().channelZero(c), sx, weights.channelScale(c)));
                return;
            }
        }
    }
}
