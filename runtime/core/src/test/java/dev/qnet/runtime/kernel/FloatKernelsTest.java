package dev.qnet.runtime.kernel;

import static dev.qnet.runtime.kernel.Data.RESULT;
import static dev.qnet.runtime.kernel.Data.pick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** The kernels on singles, bit for bit: sums in double in ascending order, rounded once. */
class FloatKernelsTest {
    private static final Backend[] BACKENDS = Backend.values();
    private static final int Y = 1 << 15;

    private static Banks banks(Random r) {
        Banks b = Data.banks(r);
        for (int i = 0; i < RESULT; i++) {
            // Sums that overflow or are NaN say nothing about their order.
            b.floats[i] = Math.abs(b.floats[i]) < 1e9f ? b.floats[i] : 1;
        }
        return b;
    }

    private static float[] floats(Random r, int n) {
        float[] a = new float[n];
        for (int i = 0; i < n; i++) {
            a[i] = (float) r.nextGaussian() * (r.nextInt(9) == 0 ? 1e6f : 1);
        }
        return a;
    }

    private static void check(String name, UnaryKernel kernel, Banks b, long[] expected) {
        Results.check(name, Backend.SCALAR, kernel, b, 5, RESULT, Kind.F32, expected);
    }

    private static long bits(double v) {
        return Float.floatToIntBits((float) v);
    }

    @Property(tries = 60, edgeCases = EdgeCasesMode.NONE)
    void conv(@ForAll long seed) {
        Random r = new Random(seed);
        int groups = pick(r, 1, 1, 2, 3);
        int cg = pick(r, 1, 2, 5);
        int og = pick(r, 1, 3, 17, 40);
        Window w = new Window(
                pick(r, 1, 3), pick(r, 1, 2, 3), pick(r, 1, 2), 1, 1, pick(r, 1, 2), r.nextInt(3), 1, 1, r.nextInt(3));
        int h = 3 + r.nextInt(4);
        int width = 5 + r.nextInt(4);
        int c = groups * cg;
        int o = groups * og;
        float[] weights = floats(r, o * w.kernelH() * w.kernelW() * cg);
        float[] bias = r.nextBoolean() ? floats(r, o) : null;
        // Sums that padding would change if it were added as 0.
        if (r.nextInt(8) == 0) {
            weights[r.nextInt(weights.length)] = pick(r, Float.NaN, Float.NEGATIVE_INFINITY);
        }
        if (r.nextInt(8) == 0) {
            bias = new float[o];
            Arrays.fill(bias, -0f);
            Arrays.fill(weights, 0f);
        }
        Banks b = banks(r);
        int ow = w.outWidth(width);
        long[] expected = new long[w.outHeight(h) * ow * o];
        for (int i = 0; i < expected.length; i++) {
            int f = i % o;
            double sum = bias == null ? 0 : bias[f];
            for (int ky = 0; ky < w.kernelH(); ky++) {
                for (int kx = 0; kx < w.kernelW(); kx++) {
                    int iy = i / o / ow * w.strideH() - w.top() + ky * w.dilationH();
                    int ix = i / o % ow * w.strideW() - w.left() + kx * w.dilationW();
                    for (int j = 0; j < cg && iy >= 0 && iy < h && ix >= 0 && ix < width; j++) {
                        float x = b.floats[5 + (iy * width + ix) * c + f / og * cg + j];
                        sum += (double) x * weights[((f * w.kernelH() + ky) * w.kernelW() + kx) * cg + j];
                    }
                }
            }
            expected[i] = bits(sum);
        }
        for (Backend backend : BACKENDS) {
            check("conv", FloatConv2d.of(backend, h, width, c, o, w, groups, weights, bias), b, expected);
        }
    }

    @Property(tries = 30, edgeCases = EdgeCasesMode.NONE)
    void denseAndMatmul(@ForAll long seed) {
        Random r = new Random(seed);
        int m = pick(r, 1, 2, 7);
        int k = pick(r, 1, 5, 64);
        int n = pick(r, 1, 10, 33);
        Banks b = banks(r);
        float[] w = new float[n * k];
        long[] expected = new long[m * n];
        for (int i = 0; i < expected.length; i++) {
            double sum = 0;
            for (int j = 0; j < k; j++) {
                float y = b.floats[Y + j * n + i % n];
                w[i % n * k + j] = y;
                sum += (double) b.floats[5 + i / n * k + j] * y;
            }
            expected[i] = bits(sum);
        }
        for (Backend backend : BACKENDS) {
            check("dense", FloatDense.of(backend, m, k, n, w, null), b, expected);
            FloatMatMul product = FloatMatMul.of(backend, new int[] {m, k}, new int[] {k, n});
            check("matmul", (banks, x, y) -> product.run(banks, x, Y, y), b, expected);
        }
    }

    @Property(tries = 60, edgeCases = EdgeCasesMode.NONE)
    void functions(@ForAll long seed) {
        FloatCases.functions(new Random(seed), BACKENDS);
    }

    @Property(tries = 100, edgeCases = EdgeCasesMode.NONE)
    void recurrent(@ForAll long seed) {
        RecurrentCases.check(new Random(seed), BACKENDS);
    }

    @Property(tries = 100, edgeCases = EdgeCasesMode.NONE)
    void matmulOfBatches(@ForAll long seed) {
        FloatCases.matmul(new Random(seed), BACKENDS);
    }

    @Example
    void errorFunction() {
        assertThat(new double[] {Erf.erf(1e-12), Erf.erf(0.5), Erf.erf(-1), Erf.erf(2), Erf.erf(-3.5), Erf.erf(7)})
                .containsExactly(
                        new double[] {
                            1.1283791670955126e-12,
                            0.5204998778130465,
                            -0.8427007929497149,
                            0.9953222650189527,
                            -0.9999992569016276,
                            1
                        },
                        within(0x1p-53));
        assertThat(Erf.erf(Double.NaN)).isNaN();
        assertThat(Erf.erf(-0.0)).isEqualTo(-0.0);
    }

    @Property(tries = 30, edgeCases = EdgeCasesMode.NONE)
    void binary(@ForAll long seed) {
        Random r = new Random(seed);
        Banks b = banks(r);
        int c = pick(r, 1, 7, 16);
        for (FloatBinary.Fn fn : FloatBinary.Fn.values()) {
            long[] expected = new long[12 * c];
            for (int i = 0; i < expected.length; i++) {
                float x = b.floats[5 + i];
                float y = b.floats[Y + i % c];
                expected[i] = bits(
                        switch (fn) {
                            case ADD -> x + y;
                            case SUB -> x - y;
                            case MUL -> x * y;
                            case DIV -> x / y;
                            case POW -> StrictMath.pow(x, y);
                            case MIN -> Math.min(x, y);
                            case MAX -> Math.max(x, y);
                            case MOD -> x % y;
                        });
            }
            FloatBinary kernel = FloatBinary.of(Backend.SCALAR, fn, new int[] {3, 4, c}, new int[] {c});
            check(fn.name(), (banks, x, y) -> kernel.run(banks, x, Y, y), b, expected);
        }
    }

    @Property(tries = 30, edgeCases = EdgeCasesMode.NONE)
    void meanOverTheImage(@ForAll long seed) {
        Random r = new Random(seed);
        int c = pick(r, 1, 5, 17);
        Banks b = banks(r);
        long[] expected = new long[c];
        for (int i = 0; i < c; i++) {
            double sum = 0;
            for (int p = 0; p < 20; p++) {
                sum += b.floats[5 + p * c + i];
            }
            expected[i] = bits(sum / 20);
        }
        check("mean", FloatMean.of(Backend.SCALAR, new int[] {4, 5, c}, new int[] {0, 1}), b, expected);
        check("pool", FloatAvgPool.of(Backend.SCALAR, 4, 5, c, new Window(4, 5, 1, 1, 1, 1, 0, 0, 0, 0)), b, expected);
    }

    @Property(tries = 30, edgeCases = EdgeCasesMode.NONE)
    void batchNorm(@ForAll long seed) {
        Random r = new Random(seed);
        int c = pick(r, 1, 5, 17);
        float[] gamma = floats(r, c);
        float[] beta = floats(r, c);
        float[] mean = floats(r, c);
        float[] variance = floats(r, c);
        for (int i = 0; i < c; i++) {
            variance[i] = Math.abs(variance[i]);
        }
        Banks b = banks(r);
        long[] expected = new long[6 * c];
        for (int i = 0; i < expected.length; i++) {
            double centred = (double) b.floats[5 + i] - mean[i % c];
            expected[i] = bits(centred * gamma[i % c] / Math.sqrt((double) variance[i % c] + 1e-3f) + beta[i % c]);
        }
        check("norm", FloatBatchNorm.of(Backend.SCALAR, 6, gamma, beta, mean, variance, 1e-3f), b, expected);
    }

    @Property(tries = 60, edgeCases = EdgeCasesMode.NONE)
    void softmaxAlongTheMiddle(@ForAll long seed) {
        FloatCases.softmax(new Random(seed), BACKENDS);
    }
}
