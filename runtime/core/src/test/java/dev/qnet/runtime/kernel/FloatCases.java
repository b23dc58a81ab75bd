package dev.qnet.runtime.kernel;

import static dev.qnet.runtime.kernel.Data.pick;

import java.util.Random;
import java.util.function.DoubleUnaryOperator;

/** Kernels on singles against their definitions. */
final class FloatCases {
    /** Left free on both sides of the results. */
    private static final int MARGIN = 64;

    private FloatCases() {}

    private static float any(Random r) {
        return switch (r.nextInt(16)) {
            case 0 -> -0f;
            case 1 -> 0f;
            case 2 -> Float.intBitsToFloat(r.nextInt());
            default -> (float) r.nextGaussian() * 3;
        };
    }

    private static long bits(double v) {
        return Float.floatToIntBits((float) v);
    }

    private static UnaryKernel inPlace(UnaryKernel kernel, int n) {
        return (b, x, y) -> {
            System.arraycopy(b.floats, x, b.floats, y, n);
            kernel.run(b, y, y);
        };
    }

    /** Products of several batches, y at the very end of its bank or before it. */
    static void matmul(Random r, Backend[] backends) {
        int m = pick(r, 1, 2, 4, 15, 16, 17, 35);
        int k = pick(r, 0, 1, 7, 16, 33);
        int n = pick(r, 1, 3, 7, 8, 15, 16, 17, 33);
        int batches = pick(r, 1, 2, 3);
        int ofX = r.nextInt(4) == 0 ? 1 : batches;
        int ofY = ofX == 1 || r.nextBoolean() ? batches : 1;
        int x = MARGIN + batches * m * n + MARGIN;
        int y = x + ofX * m * k;
        int size = y + ofY * k * n + (r.nextBoolean() ? 0 : r.nextInt(40));
        float[] data = new float[size];
        for (int i = 0; i < size; i++) {
            data[i] = any(r);
        }
        long[] expected = new long[batches * m * n];
        for (int i = 0; i < expected.length; i++) {
            int batch = i / (m * n);
            int row = (ofX == 1 ? 0 : batch) * m + i / n % m;
            double sum = 0;
            for (int j = 0; j < k; j++) {
                sum += (double) data[x + row * k + j] * data[y + ((ofY == 1 ? 0 : batch) * k + j) * n + i % n];
            }
            expected[i] = bits(sum);
        }
        for (Backend backend : backends) {
            Banks b = new Banks(0, 0, 0, 0, size);
            System.arraycopy(data, 0, b.floats, 0, size);
            FloatMatMul kernel = FloatMatMul.of(backend, new int[] {ofX, m, k}, new int[] {ofY, k, n});
            String name = "matmul of " + ofX + "×" + m + "×" + k + " and " + ofY + "×" + k + "×" + n;
            Results.check(
                    name,
                    backend,
                    (banks, from, to) -> kernel.run(banks, from, y, to),
                    b,
                    x,
                    MARGIN,
                    Kind.F32,
                    expected);
        }
    }

    /** All functions of one number, in place and not. */
    static void functions(Random r, Backend[] backends) {
        int n = pick(r, 1, 7, 16, 17, 50, 100, 1025);
        Banks b = new Banks(0, 0, 0, 0, 3 * MARGIN + 2 * n);
        int x = 2 * MARGIN + n;
        boolean wild = r.nextBoolean();
        for (int i = 0; i < n; i++) {
            b.floats[x + i] = wild ? any(r) : (float) r.nextGaussian() * 8;
        }
        float[] special = {-0f, Float.NaN, Float.NEGATIVE_INFINITY, -1e9f, 1e9f, -720f};
        for (int i = 0; i < special.length && wild; i++) {
            b.floats[x + r.nextInt(n)] = special[i];
        }
        for (FloatUnary.Fn fn : FloatUnary.Fn.values()) {
            DoubleUnaryOperator f = definition(fn);
            long[] expected = new long[n];
            for (int i = 0; i < n; i++) {
                expected[i] = bits(f.applyAsDouble(b.floats[x + i]));
            }
            for (Backend backend : backends) {
                FloatUnary kernel = FloatUnary.of(backend, fn, n, -1.5f, 6f);
                Results.check(fn + " of " + n, backend, kernel, b, x, MARGIN, Kind.F32, expected);
                Results.check(fn + " in place", backend, inPlace(kernel, n), b, x, MARGIN, Kind.F32, expected);
            }
        }
    }

    private static DoubleUnaryOperator definition(FloatUnary.Fn fn) {
        return switch (fn) {
            case RELU -> x -> Math.max(x, 0.0);
            case LEAKY_RELU -> x -> x >= 0 ? x : -1.5f * x;
            case CLIP -> x -> Math.min(Math.max(x, -1.5f), 6f);
            case SIGMOID -> x -> 1 / (1 + StrictMath.exp(-x));
            case TANH -> StrictMath::tanh;
            case HARD_SWISH -> x -> x * Math.min(Math.max(x + 3, 0.0), 6.0) / 6;
            case GELU ->
                x -> x / 2 * (1 + StrictMath.tanh(StrictMath.sqrt(2 / Math.PI) * (x + 0.044715 * (x * x * x))));
            case GELU_ERF -> x -> x / 2 * (1 + Erf.erf(x / StrictMath.sqrt(2)));
            case ELU -> x -> x >= 0 ? x : -1.5f * (StrictMath.exp(x) - 1);
            case SELU -> x -> x > 0 ? 6f * x : 6.0 * -1.5 * (StrictMath.exp(x) - 1);
            case CELU -> x -> Math.max(0, x) + Math.min(0, -1.5f * (StrictMath.exp(x / -1.5f) - 1));
            case MISH -> x -> x * StrictMath.tanh(softplus(x));
            case HARD_SIGMOID -> x -> Math.min(Math.max(-1.5f * x + 6f, 0), 1);
            case SOFTPLUS -> FloatCases::softplus;
            case SOFTSIGN -> x -> x / (1 + Math.abs(x));
            case THRESHOLDED_RELU -> x -> x > -1.5f ? x : 0;
            case AFFINE -> x -> -1.5f * x + 6f;
            case SCALED_TANH -> x -> -1.5f * StrictMath.tanh(6f * x);
            case SILU -> x -> x / (1 + StrictMath.exp(-x));
            case ERF -> Erf::erf;
            case SQRT -> StrictMath::sqrt;
            case EXP -> StrictMath::exp;
            case LOG -> StrictMath::log;
            case SIN -> StrictMath::sin;
            case COS -> StrictMath::cos;
            case ABS -> Math::abs;
            case NEG -> x -> -x;
            case SIGN -> Math::signum;
            case FLOOR -> Math::floor;
            case CEIL -> Math::ceil;
            case ROUND -> Math::rint;
            case RECIPROCAL -> x -> 1 / x;
        };
    }

    private static double softplus(double x) {
        return Math.max(x, 0) + StrictMath.log1p(StrictMath.exp(-Math.abs(x)));
    }

    /** Along the middle axis, in place and not; often with numbers masked out. */
    static void softmax(Random r, Backend[] backends) {
        int n = pick(r, 1, 3, 10, 16, 17, 100, 1025);
        int inner = pick(r, 1, 1, 4);
        int all = 2 * n * inner;
        Banks b = new Banks(0, 0, 0, 0, 3 * MARGIN + 2 * all);
        int x = 2 * MARGIN + all;
        float masked = pick(r, Float.NEGATIVE_INFINITY, -1e9f, -746f, -720f, 1f);
        boolean wild = r.nextInt(3) == 0;
        for (int i = 0; i < all; i++) {
            float v = wild ? any(r) : (float) r.nextGaussian() * 20;
            b.floats[x + i] = r.nextInt(3) == 0 ? masked : v;
        }
        long[] expected = new long[all];
        for (int i = 0; i < all; i++) {
            int line = x + i / (n * inner) * n * inner + i % inner;
            double max = Double.NEGATIVE_INFINITY;
            double sum = 0;
            for (int j = 0; j < n; j++) {
                max = Math.max(max, b.floats[line + j * inner]);
            }
            for (int j = 0; j < n; j++) {
                sum += StrictMath.exp(b.floats[line + j * inner] - max);
            }
            expected[i] = bits(StrictMath.exp(b.floats[x + i] - max) / sum);
        }
        for (Backend backend : backends) {
            FloatSoftmax kernel = FloatSoftmax.of(backend, new int[] {2, n, inner}, 1);
            Results.check("softmax of " + n, backend, kernel, b, x, MARGIN, Kind.F32, expected);
            Results.check("softmax in place", backend, inPlace(kernel, all), b, x, MARGIN, Kind.F32, expected);
        }
    }
}
