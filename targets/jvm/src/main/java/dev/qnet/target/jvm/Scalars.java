package dev.qnet.target.jvm;

import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.runtime.kernel.FloatUnary.Fn;
import dev.qnet.runtime.kernel.Scalar;

/**
 * The compiler's functions of one number in the runtime's terms.
 *
 * @param fn which
 * @param a the first parameter, 0 where there is none
 * @param b the second parameter, 0 where there is none
 */
record Scalars(Fn fn, float a, float b) {
    static Scalars of(ScalarFn fn) {
        return switch (fn) {
            case ScalarFn.Relu _ -> plain(Fn.RELU);
            case ScalarFn.LeakyRelu f -> new Scalars(Fn.LEAKY_RELU, f.alpha(), 0);
            case ScalarFn.Clip f -> new Scalars(Fn.CLIP, f.lo(), f.hi());
            case ScalarFn.Sigmoid _ -> plain(Fn.SIGMOID);
            case ScalarFn.Tanh _ -> plain(Fn.TANH);
            case ScalarFn.HardSwish _ -> plain(Fn.HARD_SWISH);
            case ScalarFn.Gelu _ -> plain(Fn.GELU);
            case ScalarFn.GeluErf _ -> plain(Fn.GELU_ERF);
            case ScalarFn.Elu f -> new Scalars(Fn.ELU, f.alpha(), 0);
            case ScalarFn.Selu f -> new Scalars(Fn.SELU, f.alpha(), f.gamma());
            case ScalarFn.Celu f -> new Scalars(Fn.CELU, f.alpha(), 0);
            case ScalarFn.Mish _ -> plain(Fn.MISH);
            case ScalarFn.HardSigmoid f -> new Scalars(Fn.HARD_SIGMOID, f.alpha(), f.beta());
            case ScalarFn.Softplus _ -> plain(Fn.SOFTPLUS);
            case ScalarFn.Softsign _ -> plain(Fn.SOFTSIGN);
            case ScalarFn.ThresholdedRelu f -> new Scalars(Fn.THRESHOLDED_RELU, f.alpha(), 0);
            case ScalarFn.Affine f -> new Scalars(Fn.AFFINE, f.alpha(), f.beta());
            case ScalarFn.ScaledTanh f -> new Scalars(Fn.SCALED_TANH, f.alpha(), f.beta());
            case ScalarFn.Silu _ -> plain(Fn.SILU);
            case ScalarFn.Erf _ -> plain(Fn.ERF);
            case ScalarFn.Sqrt _ -> plain(Fn.SQRT);
            case ScalarFn.Exp _ -> plain(Fn.EXP);
            case ScalarFn.Log _ -> plain(Fn.LOG);
            case ScalarFn.Sin _ -> plain(Fn.SIN);
            case ScalarFn.Cos _ -> plain(Fn.COS);
            case ScalarFn.Abs _ -> plain(Fn.ABS);
            case ScalarFn.Neg _ -> plain(Fn.NEG);
            case ScalarFn.Sign _ -> plain(Fn.SIGN);
            case ScalarFn.Floor _ -> plain(Fn.FLOOR);
            case ScalarFn.Ceil _ -> plain(Fn.CEIL);
            case ScalarFn.Round _ -> plain(Fn.ROUND);
            case ScalarFn.Reciprocal _ -> plain(Fn.RECIPROCAL);
        };
    }

    private static Scalars plain(Fn fn) {
        return new Scalars(fn, 0, 0);
    }

    /** Pushes it as the runtime has it. */
    void push(Code code) {
        code.push(fn).push(a).push(b);
        code.callStatic(Scalar.class, "of", Scalar.class, Fn.class, float.class, float.class);
    }
}
