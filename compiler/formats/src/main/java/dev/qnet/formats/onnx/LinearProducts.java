package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.ValueId;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Integer forms of products of codes with known weights. */
final class LinearProducts {
    private final Rewrite to;

    LinearProducts(Rewrite to) {
        this.to = to;
    }

    /** The codes of a product after a chain of functions, or null where there is no such form. */
    @Nullable ValueId quantized(Chain c, LinearProduct l, Quant q) {
        long[] whole = l.whole();
        if (c.clamps() && whole != null && q.storage() != Storage.BIPOLAR) {
            return rescaled(c, l, whole, q);
        }
        if (!Staircase.fits(q)) {
            return null;
        }
        long[] least = l.bound(false);
        long[] most = l.bound(true);
        double[] bias = l.bias();
        Staircase.Thresholds t = new Staircase(c.steps(), q, l.channels()).thresholds(least, most, (n, channel) ->
                (float) ((bias == null ? 0 : bias[channel]) + n * l.unit()[channel]));
        if (t == null) {
            return null;
        }
        ValueId w = t.anyFalls() ? l.negated(t.falls(), to) : l.w();
        if (w == null) {
            return null;
        }
        ValueId acc = to.emit(l.integer(Element.INT32, null), Element.INT32, l.x(), w);
        return t.of(acc, q, to);
    }

    private @Nullable ValueId rescaled(Chain c, LinearProduct l, long[] whole, Quant q) {
        List<Rescale.Scale> scales = new ArrayList<>();
        for (int channel = 0; channel < l.channels(); channel++) {
            Rescale.Scale m = Accumulators.product(
                    l.input().perTensor().scale(),
                    l.weight().scheme().channelScale(channel),
                    q.perTensor().scale());
            if (m == null) {
                return null;
            }
            scales.add(m);
        }
        if (scales.stream().distinct().count() == 1) {
            scales = scales.subList(0, 1);
        }
        Rescale rescale = new Rescale(Rounding.ONNX, scales, q.perTensor().zero(), c.least(q), c.most(q));
        Element.Int acc = l.accumulator(whole);
        if (acc == null) {
            return null;
        }
        to.fused("an integer " + (l.op() instanceof FloatOp.Dense ? "dense layer" : "convolution"));
        List<ValueId> operands = new ArrayList<>(List.of(l.x(), l.w()));
        l.biasOperand(whole, to).ifPresent(operands::add);
        return to.emit(l.integer(acc, rescale), q, operands);
    }

    /** A product of codes that nothing quantizes: integers, scaled as real numbers. Null for all else. */
    @Nullable ValueId real(Node n) {
        LinearProduct l =
                n.op() instanceof FloatOp.Conv2d || n.op() instanceof FloatOp.Dense ? LinearProduct.of(n, to) : null;
        return l == null ? null : scaled(l);
    }

    private @Nullable ValueId scaled(LinearProduct l) {
        long[] whole = l.whole();
        Element.Int acc = l.accumulator(whole == null ? new long[l.channels()] : whole);
        if (acc == null) {
            return null;
        }
        List<ValueId> operands = new ArrayList<>(List.of(l.x(), l.w()));
        if (whole != null) {
            l.biasOperand(whole, to).ifPresent(operands::add);
        }
        to.fused("an integer product, scaled as a real number");
        ValueId sum = to.emit(l.integer(acc, null), acc, operands);
        ValueId y = to.emit(new NumOp.Cast(), Element.FLOAT, sum);
        float[] units = new float[l.channels()];
        for (int c = 0; c < units.length; c++) {
            units[c] = (float) l.unit()[c];
        }
        if (!allOnes(units)) {
            y = to.emit(new FloatOp.Binary(FloatOp.Binary.Fn.MUL), Element.FLOAT, y, to.vector(units));
        }
        double[] bias = l.bias();
        if (whole == null && bias != null) {
            float[] b = new float[bias.length];
            for (int c = 0; c < b.length; c++) {
                b[c] = (float) bias[c];
            }
            y = to.emit(new FloatOp.Binary(FloatOp.Binary.Fn.ADD), Element.FLOAT, y, to.vector(b));
        }
        return y;
    }

    private static boolean allOnes(float[] v) {
        for (float f : v) {
            if (f != 1) {
                return false;
            }
        }
        return true;
    }
}
