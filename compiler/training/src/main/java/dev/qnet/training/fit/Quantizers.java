package dev.qnet.training.fit;

import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.TrainOp;

/** Which quantizer a spec asks for while training. */
final class Quantizers {
    private Quantizers() {}

    /**
     * How an activation is quantized.
     *
     * @param input whether it is an input, which enters by a scale: who calls the model has no thresholds
     */
    static Quantizer of(Spec spec, boolean input) {
        Quantizer q = of(spec);
        return input && (q instanceof Quantizer.Qil || q instanceof Quantizer.Qn) ? new Quantizer.Lsq() : q;
    }

    /** How weights are quantized, or an activation that is no input. */
    static Quantizer of(Spec spec) {
        Quantizer asked = spec.quantizer();
        return spec.storage() == Storage.TERNARY
                ? new Quantizer.Ternary()
                : spec.storage() == Storage.BIPOLAR
                        ? new Quantizer.Bipolar()
                        : asked == null ? new Quantizer.Affine(spec.range() instanceof RangeMethod.Mse) : asked;
    }

    /**
     * The operation of a quantizer, with the scale of its parameters' gradient.
     *
     * @param elements that share parameters
     */
    static TrainOp.Quantized operation(Quantizer q, Spec spec, int elements) {
        boolean scaled = q instanceof Quantizer.Lsq || q instanceof Quantizer.LsqPlus;
        float factor = scaled ? (float) (1 / Math.sqrt((double) Math.max(1, elements) * spec.hi())) : 1;
        return new TrainOp.Quantized(q, spec.lo(), spec.hi(), factor);
    }
}
