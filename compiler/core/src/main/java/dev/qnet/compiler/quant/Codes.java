package dev.qnet.compiler.quant;

import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What the compiler itself computes of codes: those of constants, of clamp bounds and of tables. The rules are those of
 * {@link dev.qnet.compiler.ir.QuantOp}.
 */
public final class Codes {
    private Codes() {}

    /** The code of a real number under one scale and zero point: {@code clamp(round(x / s) + z, lo, hi)}. */
    public static int quantize(float x, float scale, int zero, Quant q, Rounding rounding) {
        if (q.storage() == Storage.BIPOLAR) {
            return x < 0 ? -1 : 1;
        }
        if (Float.isNaN(x)) {
            return zero;
        }
        float quotient = x / scale;
        // A single's half is exact in double, and so is its sum with 1/2 wherever that can matter.
        double rounded = rounding == Rounding.TFLITE
                ? Math.copySign(Math.floor(Math.abs((double) quotient) + 0.5), quotient)
                : Math.rint(quotient);
        return Math.clamp((long) Math.clamp(rounded, -0x1p40, 0x1p40) + zero, q.lo(), q.hi());
    }

    /** The code of a real number under per-tensor parameters. */
    public static int quantize(float x, Quant q, Rounding rounding) {
        return quantize(x, q.perTensor().scale(), q.perTensor().zero(), q, rounding);
    }

    /** The codes of a constant. Group scales and multipliers are multiplied in f32. */
    public static Tensor.OfInt quantize(Tensor.OfFloat x, Quant q, Rounding rounding) {
        Parts parts = Parts.of(q.scheme(), x.shape());
        int[] codes = new int[x.values().length];
        for (int i = 0; i < codes.length; i++) {
            int p = parts.part(i);
            codes[i] = quantize(x.values()[i], parts.scales[p], parts.zeros[p], q, rounding);
        }
        return new Tensor.OfInt(x.shape(), codes);
    }

    /** The real number of a code: {@code (float) (q − z) · s}. */
    public static float dequantize(int code, float scale, int zero) {
        return (float) ((long) code - zero) * scale;
    }

    /** The real numbers of a constant's codes. */
    public static Tensor.OfFloat dequantize(Tensor.OfInt codes, Scheme scheme) {
        Parts parts = Parts.of(scheme, codes.shape());
        float[] values = new float[codes.values().length];
        for (int i = 0; i < values.length; i++) {
            int p = parts.part(i);
            values[i] = dequantize(codes.values()[i], parts.scales[p], parts.zeros[p]);
        }
        return new Tensor.OfFloat(codes.shape(), values);
    }

    /**
     * The codes that clamps let pass: quantization is monotone, so clamping codes is quantizing the clamped.
     *
     * @param clamps relus and clips, in the order in which they act; other functions let all pass
     * @return the lowest and the highest
     */
    public static int[] bounds(Quant q, List<ScalarFn> clamps, Rounding rounding) {
        int lo = q.lo();
        int hi = q.hi();
        for (ScalarFn fn : clamps) {
            int from = q.lo();
            int to = q.hi();
            if (fn instanceof ScalarFn.Clip c) {
                from = quantize(c.lo(), q, rounding);
                to = quantize(c.hi(), q, rounding);
            } else if (fn instanceof ScalarFn.Relu) {
                from = quantize(0, q, rounding);
            }
            lo = Math.min(Math.max(lo, from), to);
            hi = Math.min(Math.max(hi, from), to);
        }
        return new int[] {lo, hi};
    }

    /** A function of one variable as f32 arithmetic defines it (see {@link ScalarFn}). */
    public static float apply(ScalarFn fn, float single) {
        double x = single;
        return (float)
                switch (fn) {
                    case ScalarFn.Relu f -> Math.max(x, 0);
                    case ScalarFn.LeakyRelu f -> x >= 0 ? x : f.alpha() * x;
                    case ScalarFn.Clip f -> Math.min(Math.max(x, f.lo()), f.hi());
                    case ScalarFn.Sigmoid f -> 1 / (1 + StrictMath.exp(-x));
                    case ScalarFn.Tanh f -> StrictMath.tanh(x);
                    case ScalarFn.HardSwish f -> x * Math.min(Math.max(x + 3, 0), 6) / 6;
                    case ScalarFn.Gelu f ->
                        x / 2 * (1 + StrictMath.tanh(StrictMath.sqrt(2 / Math.PI) * (x + 0.044715 * (x * x * x))));
                    case ScalarFn.GeluErf f -> x / 2 * (1 + Erf.erf(x / StrictMath.sqrt(2)));
                    case ScalarFn.Elu f -> x >= 0 ? x : f.alpha() * (StrictMath.exp(x) - 1);
                    case ScalarFn.Selu f ->
                        x > 0 ? f.gamma() * x : (double) f.gamma() * f.alpha() * (StrictMath.exp(x) - 1);
                    case ScalarFn.Celu f ->
                        Math.max(0, x) + Math.min(0, f.alpha() * (StrictMath.exp(x / f.alpha()) - 1));
                    case ScalarFn.Mish f -> x * StrictMath.tanh(softplus(x));
                    case ScalarFn.HardSigmoid f -> Math.min(Math.max(f.alpha() * x + f.beta(), 0), 1);
                    case ScalarFn.Softplus f -> softplus(x);
                    case ScalarFn.Softsign f -> x / (1 + Math.abs(x));
                    case ScalarFn.ThresholdedRelu f -> x > f.alpha() ? x : 0;
                    case ScalarFn.Affine f -> f.alpha() * x + f.beta();
                    case ScalarFn.ScaledTanh f -> f.alpha() * StrictMath.tanh(f.beta() * x);
                    case ScalarFn.Silu f -> x / (1 + StrictMath.exp(-x));
                    case ScalarFn.Erf f -> Erf.erf(x);
                    case ScalarFn.Sqrt f -> Math.sqrt(x);
                    case ScalarFn.Exp f -> StrictMath.exp(x);
                    case ScalarFn.Log f -> StrictMath.log(x);
                    case ScalarFn.Sin f -> StrictMath.sin(x);
                    case ScalarFn.Cos f -> StrictMath.cos(x);
                    case ScalarFn.Abs f -> Math.abs(x);
                    case ScalarFn.Neg f -> -x;
                    case ScalarFn.Sign f -> Math.signum(x);
                    case ScalarFn.Floor f -> Math.floor(x);
                    case ScalarFn.Ceil f -> Math.ceil(x);
                    case ScalarFn.Round f -> Math.rint(x);
                    case ScalarFn.Reciprocal f -> 1 / x;
                };
    }

    private static double softplus(double x) {
        return Math.max(x, 0) + StrictMath.log1p(StrictMath.exp(-Math.abs(x)));
    }

    /** Whether a function on i16 codes may be interpolated between 513 entries: where {@link #interpolationBound} is known. */
    public static boolean interpolates(ScalarFn fn) {
        return switch (fn) {
            case ScalarFn.Relu _, ScalarFn.Clip _, ScalarFn.LeakyRelu _, ScalarFn.Sigmoid _ -> true;
            case ScalarFn.Tanh _, ScalarFn.HardSwish _, ScalarFn.Gelu _ -> true;
            case ScalarFn _ -> false;
        };
    }

    /**
     * The table of a function on codes of 16 bits or fewer: exact by construction, since each entry is computed as float
     * arithmetic would.
     */
    public static List<Integer> table(ScalarFn fn, Quant in, Quant out, Rounding rounding) {
        return IntStream.rangeClosed(in.storage().min(), in.storage().max())
                .map(q -> entry(fn, q, in, out, rounding))
                .boxed()
                .toList();
    }

    /**
     * The table of a function on codes of 16 bits or fewer whose result is compared with thresholds.
     *
     * @param clamps relus and clips behind the function
     */
    public static List<Integer> table(ScalarFn fn, List<ScalarFn> clamps, Quant in, Spec.Steps out) {
        return IntStream.rangeClosed(in.storage().min(), in.storage().max())
                .mapToObj(q -> {
                    float y = apply(
                            fn,
                            dequantize(q, in.perTensor().scale(), in.perTensor().zero()));
                    for (ScalarFn clamp : clamps) {
                        y = apply(clamp, y);
                    }
                    return out.code(y);
                })
                .toList();
    }

    /** The 513 entries of a function on i16 codes: its value at every 128th code, the last one past the highest. */
    public static List<Integer> interpolatedTable(ScalarFn fn, Quant in, Quant out, Rounding rounding) {
        List<Integer> entries = new ArrayList<>();
        for (int i = 0; i <= 512; i++) {
            entries.add(entry(fn, i * 128 + Short.MIN_VALUE, in, out, rounding));
        }
        return entries;
    }

    /**
     * How many codes the interpolated table of a function can be off, against the function itself rounded to codes. Over a
     * chord of h = 128·s_in a smooth function is off by at most h²·max|f″|/8, and at a kink (of the function, or where its
     * result leaves the range of codes) by at most h/4 times the change of slope; rounding adds 1.5.
     */
    public static double interpolationBound(ScalarFn fn, Quant in, Quant out) {
        double h = 128.0 * in.perTensor().scale();
        double s = out.perTensor().scale();
        // The largest second derivative, the largest kink and the steepest slope.
        double[] f = switch (fn) {
            case ScalarFn.Relu r -> new double[] {0, 1, 1};
            case ScalarFn.Clip c -> new double[] {0, 1, 1};
            case ScalarFn.LeakyRelu l -> {
                double steepest = Math.max(1, Math.abs(l.alpha()));
                yield new double[] {0, Math.abs(1 - l.alpha()), steepest};
            }
            case ScalarFn.Sigmoid g -> new double[] {0.0963, 0, 0.25};
            case ScalarFn.Tanh t -> new double[] {0.77, 0, 1};
            case ScalarFn.HardSwish w -> new double[] {1.0 / 3, 0.5, 1.5};
            case ScalarFn.Gelu g -> new double[] {0.8, 0, 1.13};
            case ScalarFn _ -> throw new IllegalArgumentException("has no bound: " + fn);
        };
        return 1.5 + (h * h * f[0] / 8 + h * Math.max(f[1], f[2]) / 4) / s;
    }

    private static int entry(ScalarFn fn, int code, Quant in, Quant out, Rounding rounding) {
        float x = dequantize(code, in.perTensor().scale(), in.perTensor().zero());
        return quantize(apply(fn, x), out, rounding);
    }

    /** Which scale and zero point each element of a tensor has. */
    @SuppressWarnings("ArrayRecordComponent") // private, never compared
    private record Parts(float[] scales, int[] zeros, int inner, int count, int group, int row) {
        static Parts of(Scheme scheme, Shape shape) {
            return switch (scheme) {
                case Scheme.PerTensor t -> new Parts(new float[] {t.scale()}, new int[] {t.zero()}, 1, 1, 0, 1);
                case Scheme.PerAxis a -> {
                    int inner = 1;
                    for (int i = a.axis() + 1; i < shape.rank(); i++) {
                        inner *= shape.dim(i);
                    }
                    float[] scales = new float[a.scales().size()];
                    int[] zeros = new int[scales.length];
                    for (int i = 0; i < scales.length; i++) {
                        scales[i] = a.scales().get(i);
                        zeros[i] = a.zeros().get(i);
                    }
                    yield new Parts(scales, zeros, Math.max(1, inner), scales.length, 0, 1);
                }
                case Scheme.PerGroup g -> {
                    float[] scales = new float[g.multipliers().size()];
                    for (int i = 0; i < scales.length; i++) {
                        scales[i] =
                                g.scales().get(i / g.groups()) * g.multipliers().get(i);
                    }
                    int row = shape.elements() / g.scales().size();
                    yield new Parts(scales, new int[scales.length], g.groups(), 1, g.size(), Math.max(1, row));
                }
            };
        }

        /** The index of an element's scale. With groups, {@code inner} is the number of groups a row. */
        int part(int i) {
            return group > 0 ? i / row * inner + i % row / group : i / inner % count;
        }
    }
}
