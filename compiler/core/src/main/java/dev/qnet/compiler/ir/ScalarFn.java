package dev.qnet.compiler.ir;

/**
 * A real function of one real variable, applied to each element. As f32 arithmetic: x is widened to double, the formula
 * is evaluated in double with {@link StrictMath}, and the result is rounded to single once.
 */
public sealed interface ScalarFn {
    /** max(x, 0). */
    record Relu() implements ScalarFn {}

    /** x for x ≥ 0, else {@code alpha}·x. */
    record LeakyRelu(float alpha) implements ScalarFn {}

    /** min(max(x, lo), hi); relu6 is clip(0, 6). */
    record Clip(float lo, float hi) implements ScalarFn {}

    /** 1 / (1 + exp(−x)). */
    record Sigmoid() implements ScalarFn {}

    record Tanh() implements ScalarFn {}

    /** x · min(max(x + 3, 0), 6) / 6. */
    record HardSwish() implements ScalarFn {}

    /**
     * x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))), Hendrycks and Gimpel's tanh form.
     */
    record Gelu() implements ScalarFn {}
}
