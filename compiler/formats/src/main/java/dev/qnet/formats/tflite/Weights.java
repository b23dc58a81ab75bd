package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.quant.Multipliers;
import dev.qnet.formats.Report;
import dev.qnet.formats.tflite.TfliteFile.QuantDef;
import dev.qnet.formats.tflite.TfliteFile.TensorDef;
import java.util.ArrayList;
import java.util.List;

/** Weights as singles, and how products of them become codes. */
final class Weights {
    private Weights() {}

    /**
     * The weights of float arithmetic. Codes become real numbers.
     */
    static float[] real(Call c, int operand) {
        TensorDef t = c.in(operand);
        TensorType type = t.type();
        if (type == null || type.storage() == null) {
            if (type != TensorType.FLOAT32) {
                c.remark(Report.Kind.REMARK, "weights " + t.name() + " are " + t.typeName() + ", taken as f32");
            }
            return c.floats(operand);
        }
        QuantDef q = Call.parameters(t);
        int[] codes = c.codes(operand);
        int axis = q.scales().size() == 1 ? 0 : Call.axis(q.axis(), t.shape().size());
        int inner = 1;
        for (int i = axis + 1; i < t.shape().size(); i++) {
            inner *= t.shape().get(i);
        }
        int channels = q.scales().size();
        if (channels > 1 && channels != t.shape().get(axis)) {
            throw new Unsupported("weights " + t.name() + " have " + channels + " scales for " + t.shape());
        }
        float[] values = new float[codes.length];
        for (int i = 0; i < values.length; i++) {
            int channel = channels == 1 ? 0 : i / inner % channels;
            long zero = q.zeros().isEmpty() ? 0 : q.zeros().get(q.zeros().size() == 1 ? 0 : channel);
            values[i] = (float) (codes[i] - zero) * q.scales().get(channel);
        }
        c.remark(
                Report.Kind.FLOAT,
                "weights " + t.name() + " are " + t.typeName() + " and the activations f32: computed in f32");
        return values;
    }

    /**
     * How sums of products become codes: one multiplier, or one for each channel.
     *
     * @param single whether a single scale's product is taken in f32, as TFLite does for layers that once had one scale only
     */
    static Rescale rescale(Call c, Val x, Quant weights, Quant result, int activation, boolean single) {
        List<Rescale.Scale> scales = new ArrayList<>();
        float sx = x.scale();
        float sy = result.perTensor().scale();
        switch (weights.scheme()) {
            case Scheme.PerTensor t -> {
                boolean inSingles = single || x.quant().storage() == Storage.U8;
                scales.add(
                        Multipliers.fixed(inSingles ? (double) (sx * t.scale()) / sy : (double) sx * t.scale() / sy));
            }
            case Scheme.PerAxis a -> a.scales().forEach(s -> scales.add(Multipliers.fixed((double) sx * s / sy)));
            case Scheme.PerGroup g -> throw new IllegalArgumentException("TFLite has no groups");
        }
        return rescale(c, scales, result, activation);
    }

    static Rescale rescale(Call c, List<Rescale.Scale> scales, Quant result, int activation) {
        int[] range = c.range(activation, result);
        if (range[0] > range[1]) {
            throw new Unsupported("its activation leaves no code of " + result);
        }
        return new Rescale(Rounding.TFLITE, scales, result.perTensor().zero(), range[0], range[1]);
    }
}
