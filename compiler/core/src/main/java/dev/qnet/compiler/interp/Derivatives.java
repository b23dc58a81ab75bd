package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.ScalarFn;
import java.util.function.DoubleUnaryOperator;

/** The derivatives of real functions in double. Steps have derivative 0; a kink has one of its two, or 0. */
final class Derivatives {
    /** √(2/π) of gelu's tanh form, and its cubic coefficient. */
    private static final double GELU = StrictMath.sqrt(2 / Math.PI);

    private static final double CUBIC = 0.044715;

    private Derivatives() {}

    static DoubleUnaryOperator of(ScalarFn fn) {
        return switch (fn) {
            case ScalarFn.Relu _ -> x -> x > 0 ? 1 : 0;
            case ScalarFn.LeakyRelu l -> x -> x > 0 ? 1 : l.alpha();
            case ScalarFn.Clip c -> x -> x > c.lo() && x < c.hi() ? 1 : 0;
            case ScalarFn.Sigmoid _ -> x -> sigmoid(x) * (1 - sigmoid(x));
            case ScalarFn.Tanh _ -> x -> 1 - square(StrictMath.tanh(x));
            case ScalarFn.HardSwish _ -> x -> x <= -3 ? 0 : x >= 3 ? 1 : (2 * x + 3) / 6;
            case ScalarFn.Gelu _ ->
                x -> {
                    double t = StrictMath.tanh(GELU * (x + CUBIC * x * x * x));
                    return (1 + t) / 2 + x / 2 * (1 - t * t) * GELU * (1 + 3 * CUBIC * x * x);
                };
            case ScalarFn.GeluErf _ -> {
                DoubleUnaryOperator erf = Functions.of(new ScalarFn.Erf());
                yield x -> (1 + erf.applyAsDouble(x / StrictMath.sqrt(2))) / 2
                        + x * StrictMath.exp(-x * x / 2) / StrictMath.sqrt(2 * Math.PI);
            }
            case ScalarFn.Elu e -> x -> x > 0 ? 1 : e.alpha() * StrictMath.exp(x);
            case ScalarFn.Selu s -> x -> x > 0 ? s.gamma() : (double) s.gamma() * s.alpha() * StrictMath.exp(x);
            case ScalarFn.Celu c -> x -> x > 0 ? 1 : StrictMath.exp(x / c.alpha());
            case ScalarFn.Mish _ ->
                x -> {
                    double t = StrictMath.tanh(Math.max(x, 0) + StrictMath.log1p(StrictMath.exp(-Math.abs(x))));
                    return t + x * (1 - t * t) * sigmoid(x);
                };
            case ScalarFn.HardSigmoid h ->
                x -> {
                    double y = h.alpha() * x + h.beta();
                    return y > 0 && y < 1 ? h.alpha() : 0;
                };
            case ScalarFn.Softplus _ -> Derivatives::sigmoid;
            case ScalarFn.Softsign _ -> x -> 1 / square(1 + Math.abs(x));
            case ScalarFn.ThresholdedRelu t -> x -> x > t.alpha() ? 1 : 0;
            case ScalarFn.Affine a -> x -> a.alpha();
            case ScalarFn.ScaledTanh t ->
                x -> (double) t.alpha() * t.beta() * (1 - square(StrictMath.tanh(t.beta() * x)));
            case ScalarFn.Silu _ -> x -> sigmoid(x) * (1 + x * (1 - sigmoid(x)));
            case ScalarFn.Erf _ -> x -> 2 / StrictMath.sqrt(Math.PI) * StrictMath.exp(-x * x);
            case ScalarFn.Sqrt _ -> x -> 0.5 / StrictMath.sqrt(x);
            case ScalarFn.Exp _ -> StrictMath::exp;
            case ScalarFn.Log _ -> x -> 1 / x;
            case ScalarFn.Sin _ -> StrictMath::cos;
            case ScalarFn.Cos _ -> x -> -StrictMath.sin(x);
            case ScalarFn.Abs _ -> Math::signum;
            case ScalarFn.Neg _ -> x -> -1;
            case ScalarFn.Sign _, ScalarFn.Floor _, ScalarFn.Ceil _, ScalarFn.Round _ -> x -> 0;
            case ScalarFn.Reciprocal _ -> x -> -1 / (x * x);
        };
    }

    private static double sigmoid(double x) {
        return 1 / (1 + StrictMath.exp(-x));
    }

    private static double square(double x) {
        return x * x;
    }
}
