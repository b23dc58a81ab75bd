package dev.qnet.runtime.kernel;

/** A rounding contract: how an integer accumulator becomes a code. {@link Rescale} holds the rules. */
public enum Rounding {
    /**
     * gemmlowp double rounding: saturating rounding doubling high multiply, then a rounding divide, ties away from
     * zero.
     */
    TFLITE,
    /** Single rounding in 64 bits, ties up: TOSA RESCALE without double rounding. */
    TOSA,
    /** {@code round_half_even((float) a · factor)}. */
    ONNX,
    /** As {@link #ONNX}; only how the compiler finds the factor differs. */
    XNNPACK;

    /** Whether accumulators are scaled by a Q31 multiplier and a shift (true), or by a single (false). */
    public boolean fixedPoint() {
        return this == TFLITE || this == TOSA;
    }
}
