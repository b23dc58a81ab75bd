package dev.qnet.runtime.kernel;

/**
 * A real function of one number and its parameters, evaluated in double with {@link StrictMath}. (Its sines may allocate
 * while they reduce a large argument.)
 *
 * @param fn which
 * @param a the first parameter, 0 where the function has none
 * @param b the second parameter, 0 where the function has none
 */
public record Scalar(FloatUnary.Fn fn, float a, float b) {
    private static final double SQRT_2 = StrictMath.sqrt(2);
    private static final double SQRT_2_OVER_PI = StrictMath.sqrt(2 / Math.PI);

    private static final int SCRATCH = 3;

    /** The function; for generated code. */
    public static Scalar of(FloatUnary.Fn fn, float a, float b) {
        return new Scalar(fn, a, b);
    }

    /** Its value at x. */
    double apply(double x) {
        return switch (fn) {
            case RELU -> Math.max(x, 0);
            case LEAKY_RELU -> x >= 0 ? x : a * x;
            case CLIP -> Math.min(Math.max(x, a), b);
            case SIGMOID -> 1 / (1 + StrictMath.exp(-x));
            case TANH -> StrictMath.tanh(x);
            case HARD_SWISH -> x * Math.min(Math.max(x + 3, 0), 6) / 6;
            case GELU -> x / 2 * (1 + StrictMath.tanh(SQRT_2_OVER_PI * (x + 0.044715 * (x * x * x))));
            case GELU_ERF -> x / 2 * (1 + Erf.erf(x / SQRT_2));
            case ELU -> x >= 0 ? x : a * (StrictMath.exp(x) - 1);
            case SELU -> x > 0 ? b * x : (double) b * a * (StrictMath.exp(x) - 1);
            case CELU -> Math.max(0, x) + Math.min(0, a * (StrictMath.exp(x / a) - 1));
            case MISH -> x * StrictMath.tanh(softplus(x));
            case HARD_SIGMOID -> Math.min(Math.max(a * x + b, 0), 1);
            case SOFTPLUS -> softplus(x);
            case SOFTSIGN -> x / (1 + Math.abs(x));
            case THRESHOLDED_RELU -> x > a ? x : 0;
            case AFFINE -> a * x + b;
            case SCALED_TANH -> a * StrictMath.tanh(b * x);
            case SILU -> x / (1 + StrictMath.exp(-x));
            case ERF -> Erf.erf(x);
            case SQRT -> Math.sqrt(x);
            case EXP -> StrictMath.exp(x);
            case LOG -> StrictMath.log(x);
            case SIN -> StrictMath.sin(x);
            case COS -> StrictMath.cos(x);
            case ABS -> Math.abs(x);
            case NEG -> -x;
            case SIGN -> Math.signum(x);
            case FLOOR -> Math.floor(x);
            case CEIL -> Math.ceil(x);
            case ROUND -> Math.rint(x);
            case RECIPROCAL -> 1 / x;
        };
    }

    /** Its values at n singles, rounded to singles; may run in place. Uses double scratch {@value #SCRATCH}. */
    void apply(Loops loops, Banks b, float[] a, int x, int y, int n) {
        double[] t = b.doubles(SCRATCH, n + RescaleLanes.PAD);
        switch (fn) {
            case SIGMOID -> {
                for (int i = 0; i < n; i++) {
                    t[i] = -(double) a[x + i];
                }
                loops.exp(t, n);
                for (int i = 0; i < n; i++) {
                    a[y + i] = (float) (1 / (1 + t[i]));
                }
            }
            case SILU -> {
                for (int i = 0; i < n; i++) {
                    t[i] = -(double) a[x + i];
                }
                loops.exp(t, n);
                for (int i = 0; i < n; i++) {
                    a[y + i] = (float) (a[x + i] / (1 + t[i]));
                }
            }
            case EXP, TANH -> {
                for (int i = 0; i < n; i++) {
                    t[i] = a[x + i];
                }
                if (fn == FloatUnary.Fn.EXP) {
                    loops.exp(t, n);
                } else {
                    loops.tanh(t, n);
                }
                for (int i = 0; i < n; i++) {
                    a[y + i] = (float) t[i];
                }
            }
            default -> {
                for (int i = 0; i < n; i++) {
                    a[y + i] = (float) apply(a[x + i]);
                }
            }
        }
    }

    private static double softplus(double x) {
        return Math.max(x, 0) + StrictMath.log1p(StrictMath.exp(-Math.abs(x)));
    }
}
