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

    /** x/2 · (1 + erf(x/√2)). */
    record GeluErf() implements ScalarFn {}

    /** x for x ≥ 0, else alpha·(exp(x) − 1). */
    record Elu(float alpha) implements ScalarFn {}

    /** gamma·x for x &gt; 0, else gamma·alpha·(exp(x) − 1). */
    record Selu(float alpha, float gamma) implements ScalarFn {}

    /** max(0, x) + min(0, alpha·(exp(x/alpha) − 1)). */
    record Celu(float alpha) implements ScalarFn {}

    /** x·tanh(ln(1 + exp x)). */
    record Mish() implements ScalarFn {}

    /** min(max(alpha·x + beta, 0), 1). */
    record HardSigmoid(float alpha, float beta) implements ScalarFn {}

    /** ln(1 + exp x), without overflow: max(x, 0) + log1p(exp(−|x|)). */
    record Softplus() implements ScalarFn {}

    /** x/(1 + |x|). */
    record Softsign() implements ScalarFn {}

    /** x for x &gt; alpha, else 0. */
    record ThresholdedRelu(float alpha) implements ScalarFn {}

    /** alpha·x + beta (recurrent cells' "Affine"). */
    record Affine(float alpha, float beta) implements ScalarFn {}

    /** alpha·tanh(beta·x). */
    record ScaledTanh(float alpha, float beta) implements ScalarFn {}

    /** x/(1 + exp(−x)), also called swish. */
    record Silu() implements ScalarFn {}

    /** The error function, to double's precision within 2^-50. */
    record Erf() implements ScalarFn {}

    record Sqrt() implements ScalarFn {}

    record Exp() implements ScalarFn {}

    record Log() implements ScalarFn {}

    record Sin() implements ScalarFn {}

    record Cos() implements ScalarFn {}

    record Abs() implements ScalarFn {}

    record Neg() implements ScalarFn {}

    /** −1, 0 or 1; NaN stays. */
    record Sign() implements ScalarFn {}

    record Floor() implements ScalarFn {}

    record Ceil() implements ScalarFn {}

    /** To the nearest integer, ties to even. */
    record Round() implements ScalarFn {}

    /** 1/x. */
    record Reciprocal() implements ScalarFn {}
}
