package dev.qnet.compiler.ir;

import java.util.Locale;

/**
 * A rounding contract: how an integer accumulator becomes a code (docs/numerics.md). Chosen by name in a scheme
 * ({@code rounding tosa}), recorded in the graph and in every artifact.
 */
public enum Rounding {
    /** gemmlowp double rounding: saturating rounding doubling high multiply, then a rounding divide, ties away. */
    TFLITE,
    /** Single rounding in 64 bits, ties up: TOSA RESCALE without double rounding. */
    TOSA,
    /** {@code round_half_even((float) acc · M)}, with M computed stepwise in singles. */
    ONNX,
    /** The same arithmetic, under the name of the other library that has it. */
    XNNPACK;

    /** Whether accumulators are scaled by a Q31 multiplier and a shift (true), or by a single (false). */
    public boolean fixedPoint() {
        return this == TFLITE || this == TOSA;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
