package dev.qnet.training.run;

import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.quant.Codes;

/** A function of one variable and its slope, in double. */
interface Curve {
    double value(double x);

    double slope(double x);

    /** The curve of a function. Steps have slope 0. */
    static Curve of(ScalarFn fn) {
        return new Curve() {
            @Override
            public double value(double x) {
                return Codes.apply(fn, (float) x);
            }

            @Override
            public double slope(double x) {
                return Curve.slope(fn, x);
            }
        };
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    private static double slope(ScalarFn fn, double x) {
        return switch (fn) {
            case ScalarFn.Relu _ -> x > 0 ? 1 : 0;
            case ScalarFn.LeakyRelu l -> x > 0 ? 1 : l.alpha();
            case ScalarFn.Clip c -> x > c.lo() && x < c.hi() ? 1 : 0;
            case ScalarFn.Sigmoid _ -> {
                double s = sigmoid(x);
                yield s - s * s;
            }
            case ScalarFn.Tanh _ -> {
                double t = Math.tanh(x);
                yield 1 - t * t;
            }
            case ScalarFn.HardSwish _ -> x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5;
            case ScalarFn.Gelu _ -> {
                double k = Math.sqrt(2 / Math.PI);
                double t = Math.tanh(k * (x + 0.044715 * x * x * x));
                yield 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * k * (1 + 0.134145 * x * x);
            }
            case ScalarFn.GeluErf _ -> {
                double erf = Codes.apply(new ScalarFn.Erf(), (float) (x / Math.sqrt(2)));
                yield 0.5 * (1 + erf) + x * Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
            }
            case ScalarFn.Elu e -> x > 0 ? 1 : e.alpha() * Math.exp(x);
            case ScalarFn.Selu s -> x > 0 ? s.gamma() : (double) s.gamma() * s.alpha() * Math.exp(x);
            case ScalarFn.Celu c -> x > 0 ? 1 : Math.exp(x / c.alpha());
            case ScalarFn.Mish _ -> {
                double t = Math.tanh(Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))));
                yield t + x * (1 - t * t) * sigmoid(x);
            }
            case ScalarFn.HardSigmoid h -> {
                double y = h.alpha() * x + h.beta();
                yield y > 0 && y < 1 ? h.alpha() : 0;
            }
            case ScalarFn.Softplus _ -> sigmoid(x);
            case ScalarFn.Softsign _ -> 1 / ((1 + Math.abs(x)) * (1 + Math.abs(x)));
            case ScalarFn.ThresholdedRelu t -> x > t.alpha() ? 1 : 0;
            case ScalarFn.Affine a -> a.alpha();
            case ScalarFn.ScaledTanh s -> {
                double t = Math.tanh(s.beta() * x);
                yield (double) s.alpha() * s.beta() * (1 - t * t);
            }
            case ScalarFn.Silu _ -> {
                double s = sigmoid(x);
                yield s + x * s * (1 - s);
            }
            case ScalarFn.Erf _ -> 2 / Math.sqrt(Math.PI) * Math.exp(-x * x);
            case ScalarFn.Sqrt _ -> 0.5 / Math.sqrt(x);
            case ScalarFn.Exp _ -> Math.exp(x);
            case ScalarFn.Log _ -> 1 / x;
            case ScalarFn.Sin _ -> Math.cos(x);
            case ScalarFn.Cos _ -> -Math.sin(x);
            case ScalarFn.Abs _ -> Math.signum(x);
            case ScalarFn.Neg _ -> -1;
            case ScalarFn.Sign _, ScalarFn.Floor _, ScalarFn.Ceil _, ScalarFn.Round _ -> 0;
            case ScalarFn.Reciprocal _ -> -1 / (x * x);
        };
    }
}
