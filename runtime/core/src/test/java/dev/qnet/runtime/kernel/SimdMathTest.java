package dev.qnet.runtime.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

/** Functions in vectors against {@link StrictMath}, bit for bit. */
class SimdMathTest {
    private static final int N = 4096;

    /** What masks make of numbers, and their neighbours. */
    private static final double[] MASKED = {Double.NEGATIVE_INFINITY, -1e9, -745.2, -746, -746.5, -1e300};

    private static void check(Backend backend, double[] a, boolean exp) {
        double[] found = new double[a.length + RescaleLanes.PAD];
        System.arraycopy(a, 0, found, 0, a.length);
        DoubleUnaryOperator fn = exp ? StrictMath::exp : StrictMath::tanh;
        if (exp) {
            backend.loops().exp(found, a.length);
        } else {
            backend.loops().tanh(found, a.length);
        }
        for (int i = 0; i < a.length; i++) {
            double expected = fn.applyAsDouble(a[i]);
            long bits = Double.doubleToLongBits(expected);
            if (Double.doubleToLongBits(found[i]) != bits) {
                assertThat(Double.doubleToLongBits(found[i]))
                        .as("%s of %s", expected, a[i])
                        .isEqualTo(bits);
            }
        }
    }

    /** Some of all, for JVMs with other vectors too. */
    static void check(long seed, Backend backend) {
        Random r = new Random(seed);
        for (boolean exp : new boolean[] {true, false}) {
            double[] a = new double[N + r.nextInt(20)];
            for (int i = 0; i < a.length; i++) {
                a[i] = switch (r.nextInt(6)) {
                    case 0 -> r.nextGaussian();
                    case 1 -> r.nextGaussian() * 30;
                    case 2 -> (float) (r.nextGaussian() * 5);
                    case 3 -> Math.scalb(r.nextDouble() - 0.5, -r.nextInt(70));
                    default -> -r.nextDouble() * 20;
                };
            }
            check(backend, a, exp);
            double[] masked = a.clone();
            for (int i = 0; i < a.length; i++) {
                masked[i] = r.nextInt(3) != 0 ? a[i] : MASKED[r.nextInt(MASKED.length)];
            }
            check(backend, masked, exp);
            // Any bits at all, which leave most vectors to plain Java.
            for (int i = 0; i < a.length; i++) {
                a[i] = r.nextInt(8) != 0 ? a[i] : Double.longBitsToDouble(r.nextLong());
            }
            check(backend, a, exp);
        }
    }

    @Test
    void randomNumbers() {
        for (int seed = 0; seed < 500; seed++) {
            check(seed, Backend.VECTOR);
        }
    }

    /** Else one of them takes its whole vector out. */
    @Test
    void masksAreInRange() {
        double[] a = new double[64 + RescaleLanes.PAD];
        for (int i = 0; i < 64; i += 3) {
            a[i] = pick(i % 4, Double.NEGATIVE_INFINITY, -1e9, -746.5, -1e300);
        }
        assertThat(SimdMath.vectors(a, 0, 64)).isEqualTo(64);
        a[40] = Double.NaN;
        assertThat(SimdMath.vectors(a, 0, 64)).isBetween(40 - Simd.BITS / 64 + 1, 40);
    }

    private static double pick(int i, double... of) {
        return of[i];
    }

    /** Where fdlibm goes another way: neighbours of each bound, and of all multiples of a half of ln 2. */
    @Test
    void bounds() {
        double[] bounds = {0, 0x1p-28, 0x1p-54, 0x1p-55, 0.5, 1, 22, 28, 700, 709.78, 745.13, 746, 1e300};
        double[] upper = {0x1.62e42p-2, 0x1.62e43p-2, 0x1.0a2b2p0, 0x1.0a2b1p0, 0x1.3687ap5, Double.POSITIVE_INFINITY};
        double[] all = new double[bounds.length + upper.length + 4 * 1024];
        System.arraycopy(bounds, 0, all, 0, bounds.length);
        System.arraycopy(upper, 0, all, bounds.length, upper.length);
        for (int i = 0; i < 2048; i++) {
            all[bounds.length + upper.length + i] = (i + 1) * Math.log(2) / 2;
            all[bounds.length + upper.length + 2048 + i] = (i + 1) * Math.log(2) / 4;
        }
        for (double v : all) {
            for (double s : new double[] {v, -v}) {
                double[] a = new double[64];
                double next = s;
                for (int i = 0; i < 32; i++) {
                    a[i] = next;
                    next = Math.nextUp(next);
                }
                next = s;
                for (int i = 32; i < 64; i++) {
                    a[i] = next;
                    next = Math.nextDown(next);
                }
                check(Backend.VECTOR, a, true);
                check(Backend.VECTOR, a, false);
            }
        }
        check(Backend.VECTOR, new double[] {Double.NaN, Double.NEGATIVE_INFINITY, -0.0, 1}, true);
        check(Backend.VECTOR, new double[] {Double.NaN, Double.NEGATIVE_INFINITY, -0.0, 1}, false);
    }

    /** All exponents of singles, for models work on those. */
    @Test
    void singles() {
        double[] a = new double[1 << 14];
        for (int step = 0; step < 16; step++) {
            for (int i = 0; i < a.length; i++) {
                a[i] = Float.intBitsToFloat((i << 18) | ((i * 0x9E3779B1 + step) >>> 14));
            }
            check(Backend.VECTOR, a, true);
            check(Backend.VECTOR, a, false);
        }
    }

    @Test
    void largestOfARow() {
        Random r = new Random(1);
        for (int i = 0; i < 2000; i++) {
            int n = r.nextInt(70);
            float[] a = new float[n + 3];
            for (int j = 0; j < a.length; j++) {
                a[j] = r.nextInt(200) == 0 ? Float.NaN : (float) r.nextGaussian() - 1;
            }
            float expected = ScalarLoops.INSTANCE.largest(a, 2, n);
            assertThat(Float.floatToIntBits(Backend.VECTOR.loops().largest(a, 2, n)))
                    .isEqualTo(Float.floatToIntBits(expected));
        }
    }
}
