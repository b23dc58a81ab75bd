package dev.qnet.runtime.kernel;

/**
 * A real function of each element. x is widened to double, the formula is evaluated there with {@link StrictMath},
 * and the result is rounded to single once. May run in place.
 */
public final class FloatUnary implements UnaryKernel {
    /** The functions; a and b are their parameters. */
    public enum Fn {
        /** max(x, 0). */
        RELU,
        /** x for x ≥ 0, else a·x. */
        LEAKY_RELU,
        /** min(max(x, a), b). */
        CLIP,
        /** 1 / (1 + exp(−x)). */
        SIGMOID,
        TANH,
        /** x · min(max(x + 3, 0), 6) / 6. */
        HARD_SWISH,
        /** x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))), Hendrycks and Gimpel's tanh form. */
        GELU,
        /** x/2 · (1 + erf(x/√2)). */
        GELU_ERF,
        /** x for x ≥ 0, else a·(exp(x) − 1). */
        ELU,
        /** b·x for x &gt; 0, else b·a·(exp(x) − 1). */
        SELU,
        /** max(0, x) + min(0, a·(exp(x/a) − 1)). */
        CELU,
        /** x·tanh(softplus(x)). */
        MISH,
        /** min(max(a·x + b, 0), 1). */
        HARD_SIGMOID,
        /** max(x, 0) + log1p(exp(−|x|)). */
        SOFTPLUS,
        /** x/(1 + |x|). */
        SOFTSIGN,
        /** x for x &gt; a, else 0. */
        THRESHOLDED_RELU,
        /** a·x + b. */
        AFFINE,
        /** a·tanh(b·x). */
        SCALED_TANH,
        /** x/(1 + exp(−x)). */
        SILU,
        ERF,
        SQRT,
        EXP,
        LOG,
        SIN,
        COS,
        ABS,
        NEG,
        /** −1, 0 or 1, a zero as it is; NaN stays. */
        SIGN,
        FLOOR,
        CEIL,
        /** Ties to even. */
        ROUND,
        /** 1/x. */
        RECIPROCAL
    }

    private final Loops loops;
    private final Scalar scalar;
    private final int n;

    private FloatUnary(Loops loops, Scalar scalar, int n) {
        this.loops = loops;
        this.scalar = scalar;
        this.n = n;
    }

    /** Plans for n elements; a and b are 0 where the function has no parameters. */
    public static FloatUnary of(Backend backend, Fn fn, int n, float a, float b) {
        return new FloatUnary(backend.loops(), new Scalar(fn, a, b), n);
    }

    @Override
    public void run(Banks banks, int x, int y) {
        float[] f = banks.floats;
        switch (scalar.fn()) {
            // What follows is the same in single as in double, or rounds alike.
            case RELU -> loops.limit(f, x, y, n, 0, Float.POSITIVE_INFINITY);
            case CLIP -> loops.limit(f, x, y, n, scalar.a(), scalar.b());
            case ABS -> {
                for (int i = 0; i < n; i++) {
                    f[y + i] = Math.abs(f[x + i]);
                }
            }
            case NEG -> {
                for (int i = 0; i < n; i++) {
                    f[y + i] = -f[x + i];
                }
            }
            case SQRT -> {
                for (int i = 0; i < n; i++) {
                    f[y + i] = (float) Math.sqrt(f[x + i]);
                }
            }
            case FLOOR -> {
                for (int i = 0; i < n; i++) {
                    f[y + i] = (float) Math.floor(f[x + i]);
                }
            }
            case CEIL -> {
                for (int i = 0; i < n; i++) {
                    f[y + i] = (float) Math.ceil(f[x + i]);
                }
            }
            case ROUND -> {
                for (int i = 0; i < n; i++) {
                    f[y + i] = (float) Math.rint(f[x + i]);
                }
            }
            case SIGMOID, TANH, SILU, EXP -> {
                for (int i = 0; i < n; i += Rows.CHUNK) {
                    int length = Math.min(Rows.CHUNK, n - i);
                    scalar.apply(loops, banks, f, x + i, y + i, length);
                }
            }
            case LEAKY_RELU, HARD_SWISH, GELU, GELU_ERF, ELU, SELU, CELU, MISH -> all(f, x, y);
            case HARD_SIGMOID, SOFTPLUS, SOFTSIGN, THRESHOLDED_RELU, AFFINE, SCALED_TANH -> all(f, x, y);
            case ERF, LOG, SIN, COS, SIGN, RECIPROCAL -> all(f, x, y);
        }
    }

    private void all(float[] f, int x, int y) {
        for (int i = 0; i < n; i++) {
            f[y + i] = (float) scalar.apply(f[x + i]);
        }
    }
}
