package dev.qnet.runtime.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Objects;
import java.util.Random;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** {@link SimdCodes} against {@link Rescale}, one accumulator at a time. */
class SimdCodesTest {
    private static final int ROWS = 12;
    private static final int LEAST_SHIFT = -13;

    @BeforeEach
    void vectors() {
        assumeTrue(Simd.HAS_BYTES, "vectors of 128 bits take another way");
    }

    private static Rescale fixed(Rounding rounding, int m, int s, int zero, boolean signed) {
        return Rescale.fixed(rounding, new int[] {m}, new int[] {s}, zero, signed ? -128 : 0, signed ? 127 : 255);
    }

    private static SimdCodes codes(Rescale r, boolean signed, int channels, long bound) {
        return Objects.requireNonNull(
                SimdCodes.of(Output.codes(Kind.S32, r, signed ? Kind.S8 : Kind.U8), channels, bound));
    }

    /** Checks codes of accumulators, laid out as blocks of 12 rows. */
    private static void check(Rescale r, SimdCodes codes, int[] acc) {
        int n = Simd.LANES;
        float[] c = new float[ROWS * n];
        Banks b = new Banks(ROWS * n, 1, 1, 1, 1);
        for (int from = 0; from < acc.length; from += ROWS * n) {
            int count = Math.min(ROWS * n, acc.length - from);
            for (int i = 0; i < count; i++) {
                c[i] = acc[from + i];
            }
            codes.store(c, 0, n, ROWS, n, 0, b, 0, n);
            for (int i = 0; i < count; i++) {
                if (b.bytes[i] != (byte) r.apply(acc[from + i], 0)) {
                    assertThat(b.bytes[i]).as("accumulator %d", acc[from + i]).isEqualTo((byte)
                            r.apply(acc[from + i], 0));
                }
            }
        }
    }

    /** About as large as the accumulators may be, at this scale. */
    private static int bound(int m, int s) {
        double most = 0.999 * (1 << 21) / Math.scalb((double) m, s - 31);
        return (int) Math.min((1 << 24) - 1, most);
    }

    /** All accumulators near the halves, where the two roundings of singles may differ. */
    private static int[] nearHalves(int m, int s, int bound, int zero) {
        double scale = Math.scalb((double) m, s - 31);
        int[] a = new int[600 * 7];
        int n = 0;
        for (int t = -300; t < 300; t++) {
            for (int d = -3; d <= 3; d++) {
                a[n++] = Math.clamp(Math.round((t - zero % 7 + 0.5) / scale) + d, -bound, bound);
            }
        }
        return a;
    }

    @Property(tries = 400, edgeCases = EdgeCasesMode.MIXIN)
    void nearHalves(
            @ForAll Rounding rounding,
            @ForAll @IntRange(min = 1 << 30, max = Integer.MAX_VALUE) int any,
            @ForAll @IntRange(min = 0, max = 30) int zeros,
            @ForAll @IntRange(min = LEAST_SHIFT + 1, max = -2) int s,
            @ForAll boolean signed,
            @ForAll @IntRange(min = 0, max = 255) int code) {
        // Multipliers with many zeros at the end make exact halves.
        int m = Math.max(1 << 30, any >> zeros << zeros);
        int zero = signed ? code - 128 : code;
        Rescale r = rounding.fixedPoint()
                ? fixed(rounding, m, s, zero, signed)
                : Rescale.real(
                        new float[] {Math.scalb((float) m, s - 31)}, zero, signed ? -128 : 0, signed ? 127 : 255);
        int bound = Math.min(bound(m, s), bound(Integer.MAX_VALUE, s));
        SimdCodes codes = codes(r, signed, 1, bound);
        check(r, codes, nearHalves(m, s, bound, zero));
        Random random = new Random(any);
        int[] far = new int[400];
        for (int i = 0; i < far.length; i++) {
            far[i] = i < 2 ? (i == 0 ? bound : -bound) : random.nextInt(-bound, bound + 1) >> random.nextInt(24);
        }
        check(r, codes, far);
    }

    /** Every accumulator that a single holds. */
    @ParameterizedTest
    @EnumSource(names = {"TOSA", "TFLITE"})
    void everyAccumulator(Rounding rounding) {
        Random random = new Random(5);
        for (int s : new int[] {-5, -9, -12}) {
            int m = s == -9 ? 0x55555555 : random.nextInt(1 << 30, Integer.MAX_VALUE);
            Rescale r = fixed(rounding, m, s, -7, true);
            int bound = bound(m, s);
            SimdCodes codes = codes(r, true, 1, bound);
            // Beyond this the code is limited for sure; the test of halves looks there too.
            int most = (int) Math.min(bound, 200 / Math.scalb((double) m, s - 31));
            int[] acc = new int[ROWS * Simd.LANES * 64];
            for (int from = -most; from <= most; from += acc.length) {
                for (int i = 0; i < acc.length; i++) {
                    acc[i] = Math.min(from + i, most);
                }
                check(r, codes, acc);
            }
        }
    }

    /** Numbers whose rounding to singles cannot be told exact are not taken. */
    @Test
    void limits() {
        Output low = Output.codes(Kind.S32, fixed(Rounding.TOSA, 1 << 30, -16, 0, true), Kind.S8);
        assertThat(SimdCodes.of(low, 1, 1000)).isNull();
        Output high = Output.codes(Kind.S32, fixed(Rounding.TOSA, 1 << 30, -1, 0, true), Kind.S8);
        assertThat(SimdCodes.of(high, 1, 1000)).isNull();
        Output fine = Output.codes(Kind.S32, fixed(Rounding.TFLITE, 1 << 30, -3, 0, true), Kind.S8);
        assertThat(SimdCodes.of(fine, 1, (1 << 24) - 1)).isNotNull();
        assertThat(SimdCodes.of(fine, 1, 1 << 24)).isNull();
        assertThat(SimdCodes.of(fine, 1, -1)).isNull();
        assertThat(SimdCodes.of(Output.accumulator(Kind.S32), 1, 1000)).isNull();
    }

    /** A scale and a zero multiplier a channel, a rest of channels, rows that lie apart. */
    @ParameterizedTest
    @EnumSource
    void channels(Rounding rounding) {
        Random random = new Random(9);
        int n = 2 * Simd.LANES + 5;
        int[] m = new int[n];
        int[] s = new int[n];
        float[] f = new float[n];
        for (int i = 0; i < n; i++) {
            m[i] = i == 3 ? 0 : random.nextInt(1 << 30, Integer.MAX_VALUE);
            s[i] = -3 - i % 9;
            f[i] = Math.scalb(1 + random.nextFloat(), -4 - i % 9);
        }
        Rescale r = rounding.fixedPoint() ? Rescale.fixed(rounding, m, s, 3, 0, 255) : Rescale.real(f, 3, 0, 255);
        SimdCodes codes = codes(r, false, n, 1 << 20);
        int stride = 4 * Simd.LANES;
        float[] c = new float[5 * stride];
        int[] acc = new int[c.length];
        for (int i = 0; i < c.length; i++) {
            acc[i] = random.nextInt(-1 << 20, 1 << 20) >> random.nextInt(12);
            c[i] = acc[i];
        }
        Banks b = new Banks(1000, 1, 1, 1, 1);
        codes.store(c, 0, stride, 5, n, 0, b, 7, n + 2);
        for (int i = 0; i < b.bytes.length; i++) {
            int row = (i - 7) / (n + 2);
            int column = (i - 7) % (n + 2);
            boolean inside = i >= 7 && row < 5 && column < n;
            int expected = inside ? r.apply(acc[row * stride + column], column) : 0;
            assertThat(b.bytes[i]).as("row %d, column %d", row, column).isEqualTo((byte) expected);
        }
    }
}
