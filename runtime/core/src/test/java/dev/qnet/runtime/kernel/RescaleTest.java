package dev.qnet.runtime.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.Random;
import java.util.function.IntFunction;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** {@link Rescale}, in plain Java and in vectors, against {@link Definitions}. */
class RescaleTest {
    private static final int LEAST = Integer.MIN_VALUE;
    private static final int MOST = Integer.MAX_VALUE;

    /** Accumulators that are hard: extremes, ties of every shift, and their neighbours. */
    private static int[] hard() {
        int[] a = new int[31 * 12 + 8];
        int n = 0;
        for (int s = 0; s < 31; s++) {
            for (int odd : new int[] {1, 3}) {
                for (int d = -1; d <= 1; d++) {
                    a[n++] = (odd << s) + d;
                    a[n++] = -(odd << s) + d;
                }
            }
        }
        for (int v : new int[] {0, 1, -1, LEAST, LEAST + 1, MOST, MOST - 1, 1 << 24}) {
            a[n++] = v;
        }
        return a;
    }

    private static int[] random(Random r, int n) {
        int[] a = new int[n];
        for (int i = 0; i < n; i++) {
            a[i] = r.nextInt() >> r.nextInt(32);
        }
        return a;
    }

    /** Checks the codes of accumulators, one by one and as a row, in both backends. */
    private static void check(Rescale r, int[] a, IntFunction<BigInteger> exact, int zero, int lo, int hi) {
        int[] scalar = a.clone();
        int[] vector = a.clone();
        ScalarLoops.INSTANCE.rescale(r, scalar, 0, a.length, 0);
        Backend.VECTOR.loops().rescale(r, vector, 0, a.length, 0);
        for (int i = 0; i < a.length; i++) {
            int expected = (int) Definitions.clamp(exact.apply(a[i]), zero, lo, hi);
            assertThat(r.apply(a[i], 0)).as("accumulator %d", a[i]).isEqualTo(expected);
            assertThat(scalar[i]).as("accumulator %d, row", a[i]).isEqualTo(expected);
            assertThat(vector[i]).as("accumulator %d, vector", a[i]).isEqualTo(expected);
        }
    }

    @Property(tries = 100, edgeCases = EdgeCasesMode.MIXIN)
    void tflite(
            @ForAll @IntRange(min = 1 << 30, max = MOST) int m,
            @ForAll @IntRange(min = -31, max = 30) int s,
            @ForAll @IntRange(min = -128, max = 255) int zero,
            @ForAll long seed) {
        int lo = seed % 2 == 0 ? LEAST : -128;
        int hi = seed % 2 == 0 ? MOST : 127;
        Rescale r = Rescale.fixed(Rounding.TFLITE, new int[] {m}, new int[] {s}, zero, lo, hi);
        check(r, hard(), a -> Definitions.tflite(a, m, s), zero, lo, hi);
        check(r, random(new Random(seed), 67), a -> Definitions.tflite(a, m, s), zero, lo, hi);
    }

    @Property(tries = 100, edgeCases = EdgeCasesMode.MIXIN)
    void tosa(
            @ForAll @IntRange(min = 1 << 30, max = MOST) int m,
            @ForAll @IntRange(min = -31, max = 30) int s,
            @ForAll @IntRange(min = -128, max = 255) int zero,
            @ForAll long seed) {
        int lo = seed % 2 == 0 ? LEAST : -128;
        int hi = seed % 2 == 0 ? MOST : 127;
        Rescale r = Rescale.fixed(Rounding.TOSA, new int[] {m}, new int[] {s}, zero, lo, hi);
        check(r, hard(), a -> Definitions.tosa(a, m, s), zero, lo, hi);
        check(r, random(new Random(seed), 67), a -> Definitions.tosa(a, m, s), zero, lo, hi);
    }

    @Property(tries = 100, edgeCases = EdgeCasesMode.MIXIN)
    void real(
            @ForAll @IntRange(min = -30, max = 6) int exponent,
            @ForAll @IntRange(min = -32768, max = 65535) int zero,
            @ForAll long seed) {
        Random random = new Random(seed);
        float factor = Math.scalb(seed % 3 == 0 ? 1f : 1 + random.nextFloat(), exponent);
        int lo = seed % 2 == 0 ? LEAST : -128;
        int hi = seed % 2 == 0 ? MOST : 127;
        Rescale r = Rescale.real(new float[] {factor}, zero, lo, hi);
        check(r, hard(), a -> Definitions.real(a, factor), zero, lo, hi);
        check(r, random(random, 67), a -> Definitions.real(a, factor), zero, lo, hi);
    }

    /** Every accumulator around zero, for shifts where each contract differs from the others in many of them. */
    @Test
    void everyAccumulatorAroundZero() {
        int n = 6000;
        int[] a = new int[n];
        for (int i = 0; i < n; i++) {
            a[i] = i - n / 2;
        }
        for (int s = -6; s <= 1; s++) {
            int shift = s;
            int m = 1 << 30;
            Rescale twice = Rescale.fixed(Rounding.TFLITE, new int[] {m}, new int[] {s}, 0, LEAST, MOST);
            Rescale once = Rescale.fixed(Rounding.TOSA, new int[] {m}, new int[] {s}, 0, LEAST, MOST);
            check(twice, a, v -> Definitions.tflite(v, m, shift), 0, LEAST, MOST);
            check(once, a, v -> Definitions.tosa(v, m, shift), 0, LEAST, MOST);
            float factor = Math.scalb(1f, s - 1);
            check(Rescale.real(new float[] {factor}, 3, 0, 255), a, v -> Definitions.real(v, factor), 3, 0, 255);
        }
    }

    @Test
    void contractsDiffer() {
        // 1·0.75: half-way after the first of two roundings. 5/2: a tie.
        assertThat(Rescale.scaleTwice(-5, 1 << 30, 0)).isEqualTo(-2);
        assertThat(Rescale.scaleOnce(-5, 1 << 30, 0)).isEqualTo(-2);
        assertThat(Rescale.scaleTwice(-5, MOST, -1)).isEqualTo(-3);
        assertThat(Rescale.scaleOnce(-6, MOST - 1, -2)).isEqualTo(-1);
        assertThat(Rescale.scaleTwice(-6, MOST - 1, -2)).isEqualTo(-2);
        assertThat(Rescale.real(new float[] {0.5f}, 0, -9, 9).apply(5, 0)).isEqualTo(2);
        assertThat(Rescale.real(new float[] {0.5f}, 0, -9, 9).apply(-7, 0)).isEqualTo(-4);
    }

    @Property(tries = 500, edgeCases = EdgeCasesMode.MIXIN)
    void wideAccumulators(
            @ForAll long a,
            @ForAll @IntRange(min = 0, max = 63) int down,
            @ForAll @IntRange(min = 1 << 30, max = MOST) int m,
            @ForAll @IntRange(min = -31, max = 30) int s) {
        for (int multiplier : new int[] {m, MOST, 0x7FFF0000, 0x7FFEFFFF, 0}) {
            Rescale r = Rescale.fixed(Rounding.TOSA, new int[] {multiplier}, new int[] {s}, 5, LEAST, MOST);
            for (long v :
                    new long[] {a, a >> down, Long.MIN_VALUE, Long.MAX_VALUE, 0, -1, 1L << 47, 1L << 48, -1L << 49}) {
                assertThat((long) r.apply(v, 0))
                        .as("%d with %d, %d", v, multiplier, s)
                        .isEqualTo(Definitions.clamp(Definitions.wide(v, multiplier, s), 5, LEAST, MOST));
            }
        }
    }

    @Test
    void channelsHaveTheirOwnScale() {
        int[] m = new int[37];
        int[] s = new int[37];
        int[] a = new int[37];
        for (int c = 0; c < 37; c++) {
            m[c] = (1 << 30) + c * 1_000_003;
            s[c] = -c % 9;
            a[c] = 1_000_000 - c * 77_777;
        }
        for (Rounding rounding : new Rounding[] {Rounding.TFLITE, Rounding.TOSA}) {
            Rescale r = Rescale.fixed(rounding, m, s, 1, LEAST, MOST);
            int[] codes = a.clone();
            Backend.VECTOR.loops().rescale(r, codes, 3, 34, 3);
            for (int c = 0; c < 37; c++) {
                assertThat(codes[c]).as("channel %d", c).isEqualTo(c < 3 ? a[c] : r.apply(a[c], c));
            }
        }
    }

    @Test
    void impossibleScalesAreRefused() {
        assertThatThrownBy(() -> Rescale.fixed(Rounding.TOSA, new int[] {5}, new int[] {0}, 0, 0, 1))
                .hasMessage("not a Q31 multiplier and shift: 5, 0");
        assertThatThrownBy(() -> Rescale.fixed(Rounding.ONNX, new int[] {1 << 30}, new int[] {0}, 0, 0, 1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Rescale.real(new float[] {Float.NaN}, 0, 0, 1)).hasMessage("not a factor: NaN");
        assertThatThrownBy(() -> Rescale.real(new float[] {1}, 0, 2, 1)).isInstanceOf(IllegalArgumentException.class);
    }
}
