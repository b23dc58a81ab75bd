package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.ScalarFn;
import java.util.function.DoubleUnaryOperator;

/** Real functions in double, operations in the order in which docs/numerics.md writes them. */
final class Functions {
    private Functions() {}

    static DoubleUnaryOperator of(ScalarFn fn) {
        return switch (fn) {
            case ScalarFn.Relu r -> x -> Math.max(x, 0.0);
            case ScalarFn.LeakyRelu l -> x -> x >= 0 ? x : l.alpha() * x;
            case ScalarFn.Clip c -> x -> Math.min(Math.max(x, c.lo()), c.hi());
            case ScalarFn.Sigmoid s -> x -> 1 / (1 + StrictMath.exp(-x));
            case ScalarFn.Tanh t -> StrictMath::tanh;
            case ScalarFn.HardSwish h -> x -> x * Math.min(Math.max(x + 3, 0.0), 6.0) / 6;
            case ScalarFn.Gelu g -> {
                double c = StrictMath.sqrt(2 / Math.PI);
                yield x -> x / 2 * (1 + StrictMath.tanh(c * (x + 0.044715 * (x * x * x))));
            }
            case ScalarFn.GeluErf g -> {
                double root = StrictMath.sqrt(2);
                yield x -> x / 2 * (1 + erf(x / root));
            }
            case ScalarFn.Elu e -> x -> x >= 0 ? x : e.alpha() * (StrictMath.exp(x) - 1);
            case ScalarFn.Selu s ->
                x -> x > 0 ? s.gamma() * x : s.gamma() * (double) s.alpha() * (StrictMath.exp(x) - 1);
            case ScalarFn.Celu c ->
                x -> Math.max(0.0, x) + Math.min(0.0, c.alpha() * (StrictMath.exp(x / c.alpha()) - 1));
            case ScalarFn.Mish m -> x -> x * StrictMath.tanh(softplus(x));
            case ScalarFn.HardSigmoid h -> x -> Math.min(Math.max(h.alpha() * x + h.beta(), 0.0), 1.0);
            case ScalarFn.Softplus s -> Functions::softplus;
            case ScalarFn.Softsign s -> x -> x / (1 + Math.abs(x));
            case ScalarFn.ThresholdedRelu t -> x -> x > t.alpha() ? x : 0;
            case ScalarFn.Affine a -> x -> a.alpha() * x + a.beta();
            case ScalarFn.ScaledTanh t -> x -> t.alpha() * StrictMath.tanh(t.beta() * x);
            case ScalarFn.Silu s -> x -> x / (1 + StrictMath.exp(-x));
            case ScalarFn.Erf e -> Functions::erf;
            case ScalarFn.Sqrt s -> StrictMath::sqrt;
            case ScalarFn.Exp e -> StrictMath::exp;
            case ScalarFn.Log l -> StrictMath::log;
            case ScalarFn.Sin s -> StrictMath::sin;
            case ScalarFn.Cos c -> StrictMath::cos;
            case ScalarFn.Abs a -> Math::abs;
            case ScalarFn.Neg n -> x -> -x;
            case ScalarFn.Sign s -> Math::signum;
            case ScalarFn.Floor f -> Math::floor;
            case ScalarFn.Ceil c -> Math::ceil;
            case ScalarFn.Round r -> Math::rint;
            case ScalarFn.Reciprocal r -> x -> 1 / x;
        };
    }

    private static double softplus(double x) {
        return Math.max(x, 0.0) + StrictMath.log1p(StrictMath.exp(-Math.abs(x)));
    }

    // The error function of FreeBSD's msun s_erf.c (Sun Microsystems 1993), as fdlibm has it: five intervals of |x|, a
    // rational approximation on each, coefficients from the lowest power upwards.

    private static final double TINY = 0x1p-28;
    private static final double NEAR_0 = 0.84375;
    private static final double NEAR_1 = 1.25;
    private static final double MIDDLE = 1 / 0.35;
    private static final double FAR = 6;
    /** 2/√π − 1. */
    private static final double EFX = Double.parseDouble("1.28379167095512586316e-01");
    /** About erf(1). */
    private static final double ERX = Double.parseDouble("8.45062911510467529297e-01");

    private static final double[] PP =
            numbers("1.28379167095512558561e-01 -3.25042107247001499370e-01 -2.84817495755985104766e-02"
                    + " -5.77027029648944159157e-03 -2.37630166566501626084e-05");
    private static final double[] QQ =
            numbers("1 3.97917223959155352819e-01 6.50222499887672944485e-02 5.08130628187576562776e-03"
                    + " 1.32494738004321644526e-04 -3.96022827877536812320e-06");
    private static final double[] PA =
            numbers("-2.36211856075265944077e-03 4.14856118683748331666e-01 -3.72207876035701323847e-01"
                    + " 3.18346619901161753674e-01 -1.10894694282396677476e-01 3.54783043256182359371e-02"
                    + " -2.16637559486879084300e-03");
    private static final double[] QA =
            numbers("1 1.06420880400844228286e-01 5.40397917702171048937e-01 7.18286544141962662868e-02"
                    + " 1.26171219808761642112e-01 1.36370839120290507362e-02 1.19844998467991074170e-02");
    private static final double[] RA =
            numbers("-9.86494403484714822705e-03 -6.93858572707181764372e-01 -1.05586262253232909814e+01"
                    + " -6.23753324503260060396e+01 -1.62396669462573470355e+02 -1.84605092906711035994e+02"
                    + " -8.12874355063065934246e+01 -9.81432934416914548592e+00");
    private static final double[] SA =
            numbers("1 1.96512716674392571292e+01 1.37657754143519042600e+02 4.34565877475229228821e+02"
                    + " 6.45387271733267880336e+02 4.29008140027567833386e+02 1.08635005541779435134e+02"
                    + " 6.57024977031928170135e+00 -6.04244152148580987438e-02");
    private static final double[] RB =
            numbers("-9.86494292470009928597e-03 -7.99283237680523006574e-01 -1.77579549177547519889e+01"
                    + " -1.60636384855821916062e+02 -6.37566443368389627722e+02 -1.02509513161107724954e+03"
                    + " -4.83519191608651397019e+02");
    private static final double[] SB =
            numbers("1 3.03380607434824582924e+01 3.25792512996573918826e+02 1.53672958608443695994e+03"
                    + " 3.19985821950859553908e+03 2.55305040643316442583e+03 4.74528541206955367215e+02"
                    + " -2.24409524465858183362e+01");

    /** {@code 2/√π ∫₀ˣ exp(−t²) dt}, within one unit in double's last place. */
    static double erf(double x) {
        double magnitude = Math.abs(x);
        if (Double.isNaN(x)) {
            return x;
        } else if (magnitude < TINY) {
            return x + EFX * x;
        } else if (magnitude < NEAR_0) {
            double square = x * x;
            return x + x * (horner(PP, square) / horner(QQ, square));
        } else if (magnitude < NEAR_1) {
            double offset = magnitude - 1;
            return Math.copySign(ERX + horner(PA, offset) / horner(QA, offset), x);
        } else if (magnitude < FAR) {
            double s = 1 / (magnitude * magnitude);
            double ratio = magnitude < MIDDLE ? horner(RA, s) / horner(SA, s) : horner(RB, s) / horner(SB, s);
            // exp(−x²) is split, so that the square of a number with a short significand is exact.
            double head = Double.longBitsToDouble(Double.doubleToRawLongBits(magnitude) >>> 32 << 32);
            double erfc = StrictMath.exp(-head * head - 0.5625)
                    * StrictMath.exp((head - magnitude) * (head + magnitude) + ratio)
                    / magnitude;
            return Math.copySign(1 - erfc, x);
        }
        return Math.copySign(1, x);
    }

    private static double horner(double[] coefficients, double x) {
        double sum = coefficients[coefficients.length - 1];
        for (int i = coefficients.length - 2; i >= 0; i--) {
            sum = coefficients[i] + x * sum;
        }
        return sum;
    }

    private static double[] numbers(String published) {
        return java.util.Arrays.stream(published.split(" "))
                .mapToDouble(Double::parseDouble)
                .toArray();
    }
}
