package dev.qnet.target.tvm.lower.math;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.bitAnd;
import static dev.qnet.target.tvm.tir.Tir.bitOr;
import static dev.qnet.target.tvm.tir.Tir.div;
import static dev.qnet.target.tvm.tir.Tir.f64;
import static dev.qnet.target.tvm.tir.Tir.i64;
import static dev.qnet.target.tvm.tir.Tir.let;
import static dev.qnet.target.tvm.tir.Tir.lt;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.reinterpret;
import static dev.qnet.target.tvm.tir.Tir.rounded;
import static dev.qnet.target.tvm.tir.Tir.select;
import static dev.qnet.target.tvm.tir.Tir.sub;

import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import java.util.Arrays;
import java.util.function.Function;

/**
 * The error function in double, to the bit of the oracle's: fdlibm's s_erf.c (Sun Microsystems, 1993), five intervals of |x| with a
 * rational approximation on each. Every product is rounded in front of its sum.
 */
final class Erf {
    private static final double TINY = 0x1p-28;
    private static final double NEAR_0 = 0.84375;
    private static final double NEAR_1 = 1.25;
    private static final double MIDDLE = 1 / 0.35;
    private static final double FAR = 6;

    /** 2/√π − 1. */
    private static final double EFX = Double.parseDouble("1.28379167095512586316e-01");
    /** About erf(1). */
    private static final double ERX = Double.parseDouble("8.45062911510467529297e-01");

    // Numerators and denominators, from the lowest power on: of x², of |x| − 1, and of 1/x² twice.

    private static final double[] P0 =
            numbers("1.28379167095512558561e-01 -3.25042107247001499370e-01 -2.84817495755985104766e-02"
                    + " -5.77027029648944159157e-03 -2.37630166566501626084e-05");
    private static final double[] Q0 =
            numbers("1 3.97917223959155352819e-01 6.50222499887672944485e-02 5.08130628187576562776e-03"
                    + " 1.32494738004321644526e-04 -3.96022827877536812320e-06");
    private static final double[] P1 =
            numbers("-2.36211856075265944077e-03 4.14856118683748331666e-01 -3.72207876035701323847e-01"
                    + " 3.18346619901161753674e-01 -1.10894694282396677476e-01 3.54783043256182359371e-02"
                    + " -2.16637559486879084300e-03");
    private static final double[] Q1 =
            numbers("1 1.06420880400844228286e-01 5.40397917702171048937e-01 7.18286544141962662868e-02"
                    + " 1.26171219808761642112e-01 1.36370839120290507362e-02 1.19844998467991074170e-02");
    private static final double[] P2 =
            numbers("-9.86494403484714822705e-03 -6.93858572707181764372e-01 -1.05586262253232909814e+01"
                    + " -6.23753324503260060396e+01 -1.62396669462573470355e+02 -1.84605092906711035994e+02"
                    + " -8.12874355063065934246e+01 -9.81432934416914548592e+00");
    private static final double[] Q2 =
            numbers("1 1.96512716674392571292e+01 1.37657754143519042600e+02 4.34565877475229228821e+02"
                    + " 6.45387271733267880336e+02 4.29008140027567833386e+02 1.08635005541779435134e+02"
                    + " 6.57024977031928170135e+00 -6.04244152148580987438e-02");
    private static final double[] P3 =
            numbers("-9.86494292470009928597e-03 -7.99283237680523006574e-01 -1.77579549177547519889e+01"
                    + " -1.60636384855821916062e+02 -6.37566443368389627722e+02 -1.02509513161107724954e+03"
                    + " -4.83519191608651397019e+02");
    private static final double[] Q3 =
            numbers("1 3.03380607434824582924e+01 3.25792512996573918826e+02 1.53672958608443695994e+03"
                    + " 3.19985821950859553908e+03 2.55305040643316442583e+03 4.74528541206955367215e+02"
                    + " -2.24409524465858183362e+01");

    private Erf() {}

    private static double[] numbers(String text) {
        return Arrays.stream(text.split(" ", -1))
                .mapToDouble(Double::parseDouble)
                .toArray();
    }

    /** erf x of a double, for the statement that uses it. */
    static Stmt of(Expr given, Function<Expr, Stmt> body) {
        return let(
                "x",
                given,
                x -> let(
                        "magnitude",
                        reinterpret(DataType.FLOAT64, bitAnd(bits(x), i64(Long.MAX_VALUE))),
                        m -> tail(m, far -> {
                            Expr square = rounded(mul(x, x));
                            Expr tiny = add(x, rounded(mul(f64(EFX), x)));
                            Expr near = add(x, rounded(mul(x, div(horner(P0, square), horner(Q0, square)))));
                            Expr offset = sub(m, f64(1));
                            Expr one = add(f64(ERX), div(horner(P1, offset), horner(Q1, offset)));
                            Expr end = select(lt(m, f64(FAR)), far, f64(1));
                            Expr signed = withSign(select(lt(m, f64(NEAR_1)), one, end), x);
                            Expr start = select(lt(m, f64(TINY)), tiny, near);
                            Expr y = select(lt(m, f64(NEAR_0)), start, signed);
                            return let("erf", select(Reals.nan64(x), x, y), body);
                        })));
    }

    /** {@code 1 − erfc x} of an x that is not small. */
    private static Stmt tail(Expr m, Function<Expr, Stmt> body) {
        return let("s", div(f64(1), rounded(mul(m, m))), s -> {
            Expr ratio =
                    select(lt(m, f64(MIDDLE)), div(horner(P2, s), horner(Q2, s)), div(horner(P3, s), horner(Q3, s)));
            // The square of a number with a short significand is exact.
            Expr head = reinterpret(DataType.FLOAT64, bitAnd(bits(m), i64(~0xFFFFFFFFL)));
            Expr coarse = sub(sub(f64(0), rounded(mul(head, head))), f64(0.5625));
            Expr fine = add(rounded(mul(sub(head, m), add(head, m))), ratio);
            return Exponential.of(
                    coarse, a -> Exponential.of(fine, b -> body.apply(sub(f64(1), div(rounded(mul(a, b)), m)))));
        });
    }

    private static Expr bits(Expr x) {
        return reinterpret(DataType.INT64, x);
    }

    private static Expr withSign(Expr x, Expr sign) {
        return reinterpret(DataType.FLOAT64, bitOr(bits(x), bitAnd(bits(sign), i64(Long.MIN_VALUE))));
    }

    private static Expr horner(double[] coefficients, Expr x) {
        Expr sum = f64(coefficients[coefficients.length - 1]);
        for (int i = coefficients.length - 2; i >= 0; i--) {
            sum = add(f64(coefficients[i]), rounded(mul(x, sum)));
        }
        return sum;
    }
}
