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
        GELU
    }

    private static final double SQRT_2_OVER_PI = StrictMath.sqrt(2 / Math.PI);

    private final Fn fn;
    private final int n;
    private final float a;
    private final float b;

    private FloatUnary(Fn fn, int n, float a, float b) {
        this.fn = fn;
        this.n = n;
        this.a = a;
        this.b = b;
    }

    /** Plans for n elements; a and b are 0 where the function has no parameters. */
    public static FloatUnary of(Backend backend, Fn fn, int n, float a, float b) {
        return new FloatUnary(fn, n, a, b);
    }

    @Override
    public void run(Banks banks, int x, int y) {
        float[] f = banks.floats;
        switch (fn) {
            // Of comparisons alone, the same in single as in double.
            case RELU -> {
                for (int i = 0; i < n; i++) {
                    f[y + i] = Math.max(f[x + i], 0f);
                }
            }
            case CLIP -> {
                for (int i = 0; i < n; i++) {
                    f[y + i] = Math.min(Math.max(f[x + i], a), b);
                }
            }
            case LEAKY_RELU, SIGMOID, TANH, HARD_SWISH, GELU -> {
                for (int i = 0; i < n; i++) {
                    f[y + i] = (float) apply(f[x + i]);
                }
            }
        }
    }

    private double apply(double x) {
        return switch (fn) {
            case RELU -> Math.max(x, 0);
            case LEAKY_RELU -> x >= 0 ? x : a * x;
            case CLIP -> Math.min(Math.max(x, a), b);
            case SIGMOID -> 1 / (1 + StrictMath.exp(-x));
            case TANH -> StrictMath.tanh(x);
            case HARD_SWISH -> x * Math.min(Math.max(x + 3, 0), 6) / 6;
            case GELU -> x / 2 * (1 + StrictMath.tanh(SQRT_2_OVER_PI * (x + 0.044715 * (x * x * x))));
        };
    }
}
