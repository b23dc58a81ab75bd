package dev.qnet.compiler.ir;

import org.jspecify.annotations.Nullable;

/** Operations between real numbers and codes. */
public sealed interface QuantOp extends Op {
    /**
     * x f32 → the node's quantized type: {@code clamp(round(x / s) + z, lo, hi)} with the division in f32 and ties to
     * even, except that {@link Rounding#TFLITE} rounds ties away from zero. NaN becomes z. (A quotient beyond int saturates.)
     * Bipolar codes, which have no 0, are −1 where x is below 0, else 1.
     */
    record Quantize(Rounding rounding) implements QuantOp {}

    /** x quantized → f32: {@code (float) (q − z) · s}, one f32 multiplication; per group {@code · (s·m)}, s·m in f32. */
    record Dequantize() implements QuantOp {}

    /**
     * x f32 → f32: quantize, then dequantize, so that float arithmetic sees what integers will. Undecided while
     * {@code chosen} is null (then it is the identity, and calibration observes what passes).
     *
     * @param spec what was asked for
     * @param rounding ties as in {@link Quantize}
     * @param chosen the decided parameters, or null
     */
    record FakeQuant(Spec spec, Rounding rounding, @Nullable Quant chosen) implements QuantOp {}
}
