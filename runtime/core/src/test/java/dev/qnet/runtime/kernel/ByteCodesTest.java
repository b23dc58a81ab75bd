package dev.qnet.runtime.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Codes of 8 bits in singles, against plain Java. */
class ByteCodesTest {
    private static final int Y = 1 << 16;
    private static final int Z = 1 << 17;

    /** A multiplier of any size; one of four is a simple fraction, so that it makes halves. */
    private static Rescale rescale(Random r, Rounding rounding, int channels, Kind kind) {
        int lo = r.nextInt(3) == 0 ? Data.code(r, (int) kind.min(), (int) kind.max()) : (int) kind.min();
        int zero = Data.code(r, (int) kind.min(), (int) kind.max());
        int mode = r.nextInt(4);
        int[] m = new int[channels];
        int[] s = new int[channels];
        float[] f = new float[channels];
        for (int i = 0; i < channels; i++) {
            m[i] = mode == 0 ? (1 + r.nextInt(15)) << 27 : (int) r.nextLong(1L << 29, 1L << 31);
            m[i] = m[i] < 1 << 29 ? 0 : m[i];
            s[i] = mode == 0 ? 2 - r.nextInt(16) : 3 - r.nextInt(30);
            f[i] = (float) Math.scalb((double) m[i], s[i] - 31);
        }
        return rounding.fixedPoint()
                ? Rescale.fixed(rounding, m, s, zero, lo, (int) kind.max())
                : Rescale.real(f, zero, lo, (int) kind.max());
    }

    private static void check(String name, Backend backend, Rescale r, Kind kind, int[] a, int at, int n, int channel) {
        Banks b = new Banks(n + 2, 0, 0, 0, 0);
        int[] before = a.clone();
        backend.loops().codes(r, kind, b, 1, a, at, n, channel);
        assertThat(a).as("%s: accumulators stay", name).isEqualTo(before);
        for (int i = 0; i < n; i++) {
            int expected = r.apply(a[at + i], channel + i);
            if (b.bytes[1 + i] != (byte) expected) {
                assertThat(Rows.one(b, kind, 1 + i))
                        .as("%s: accumulator %d of channel %d", name, a[at + i], channel + i)
                        .isEqualTo(expected);
            }
        }
        assertThat(b.bytes[0]).isZero();
        assertThat(b.bytes[n + 1]).isZero();
    }

    /** Some of all, for JVMs with other vectors. */
    void few(long seed, Backend backend) {
        Random r = new Random(seed);
        for (Rounding rounding : Rounding.values()) {
            int[] a = new int[1000];
            int shift = r.nextInt(16);
            Arrays.setAll(a, i -> r.nextInt() >> shift);
            check("seed " + seed, backend, rescale(r, rounding, 1, Kind.S8), Kind.S8, a, 0, a.length, 0);
            check("seed " + seed, backend, rescale(r, rounding, 100, Kind.U8), Kind.U8, a, 30, 70, 30);
            products(seed, rounding, Backend.SCALAR, backend);
        }
    }

    @ParameterizedTest
    @EnumSource(Rounding.class)
    void accumulatorsNearAndFar(Rounding rounding) {
        int[] a = new int[1 << 16];
        for (int seed = 0; seed < 300; seed++) {
            Random r = new Random(seed);
            Kind kind = Data.pick(r, Kind.S8, Kind.U8);
            Rescale one = rescale(r, rounding, 1, kind);
            int shift = r.nextInt(16);
            for (int i = 0; i < a.length; i++) {
                // All of a range, and some of all.
                a[i] = seed % 2 == 0 ? i - (1 << 15) : r.nextInt() >> shift;
            }
            a[0] = Integer.MIN_VALUE;
            a[1] = Integer.MAX_VALUE;
            a[2] = -Integer.MAX_VALUE;
            check("seed " + seed, Backend.VECTOR, one, kind, a, 0, a.length, 0);
        }
    }

    @ParameterizedTest
    @EnumSource(Rounding.class)
    void rowsOfChannels(Rounding rounding) {
        for (int seed = 0; seed < 300; seed++) {
            Random r = new Random(seed);
            int n = Data.pick(r, 1, 15, 16, 17, 33, 255, 257, 700);
            Kind kind = Data.pick(r, Kind.S8, Kind.U8);
            int first = r.nextInt(3);
            Rescale many = rescale(r, rounding, n + first, kind);
            int[] a = new int[n + 5];
            int shift = 8 + r.nextInt(20);
            Arrays.setAll(a, i -> r.nextInt() >> shift);
            check("seed " + seed, Backend.VECTOR, many, kind, a, 5, n, first);
        }
    }

    /** Accumulators beside each half, of multipliers that are decided in singles. */
    @ParameterizedTest
    @EnumSource(
            value = Rounding.class,
            names = {"TFLITE", "TOSA"})
    void besideHalves(Rounding rounding) {
        for (int seed = 0; seed < 200; seed++) {
            Random r = new Random(seed);
            int m = (int) r.nextLong(1L << 30, 1L << 31);
            int s = -r.nextInt(22);
            Rescale one = Rescale.fixed(rounding, new int[] {m}, new int[] {s}, -3, -128, 127);
            int[] a = new int[256 * 5];
            for (int i = 0; i < 256; i++) {
                double half = (i - 128 + 0.5) / Math.scalb((double) m, s - 31);
                for (int j = 0; j < 5; j++) {
                    a[i * 5 + j] = (int) Math.round(half) + j - 2;
                }
            }
            check("multiplier " + m + ", shift " + s, Backend.VECTOR, one, Kind.S8, a, 0, a.length, 0);
        }
    }

    @ParameterizedTest
    @EnumSource(Rounding.class)
    void allProducts(Rounding rounding) {
        for (int seed = 0; seed < 80; seed++) {
            products(seed, rounding, Backend.SCALAR, Backend.VECTOR);
        }
    }

    /** Each of two codes. */
    private static void products(long seed, Rounding rounding, Backend... backends) {
        Random r = new Random(seed);
        Kind p = Data.pick(r, Kind.S8, Kind.U8);
        Kind q = Data.pick(r, Kind.S8, Kind.U8);
        Operand x = Operand.codes(p, Data.code(r, (int) p.min(), (int) p.max()));
        Operand y = Operand.codes(q, Data.code(r, (int) q.min(), (int) q.max()));
        Kind z = Data.pick(r, Kind.S8, Kind.U8);
        Output out = Output.codes(Kind.S32, rescale(r, rounding, 1, z), z);
        Banks b = new Banks(3 << 16, 0, 0, 0, 0);
        for (int i = 0; i < 1 << 16; i++) {
            b.bytes[i] = (byte) i;
            b.bytes[Y + i] = (byte) (i >> 8);
        }
        int[] shape = {1 << 16};
        byte[] expected = null;
        for (Backend backend : backends) {
            Arrays.fill(b.bytes, Z, b.bytes.length, (byte) 0);
            Mul.of(backend, x, shape, y, shape, out).run(b, 0, Y, Z);
            byte[] found = Arrays.copyOfRange(b.bytes, Z, b.bytes.length);
            expected = expected == null ? found : expected;
            assertThat(Arrays.mismatch(expected, found)).as("seed %d", seed).isEqualTo(-1);
        }
    }

    /** What converters choose is done in singles, powers of two as well; what makes other halves often is not. */
    @ParameterizedTest
    @EnumSource(
            value = Rounding.class,
            names = {"TFLITE", "TOSA"})
    void singlesAreChosen(Rounding rounding) {
        ByteCodes usual =
                Objects.requireNonNull(fixed(rounding, 1_518_500_250, -7).bytes());
        assertThat(usual.up()).isBetween(0x1p-16f, 0x1p-12f);
        assertThat(usual.down()).isEqualTo(-usual.up());
        ByteCodes large =
                Objects.requireNonNull(fixed(rounding, 1_518_500_250, 1).bytes());
        assertThat(large.delta()[0]).isZero();
        ByteCodes exact = Objects.requireNonNull(fixed(rounding, 1 << 30, -3).bytes());
        assertThat(exact.down()).isEqualTo(exact.up()).isPositive();
        // 1/24, of which each 24th accumulator makes a half unless it is rounded twice.
        assertThat(fixed(rounding, 1_431_655_765, -4).bytes() == null).isEqualTo(rounding == Rounding.TOSA);
        assertThat(Rescale.fixed(rounding, new int[] {1_518_500_250}, new int[] {-7}, 0, -32768, 32767)
                        .bytes())
                .isNull();
        Operand x = Operand.codes(Kind.S8, 3);
        Output out = Output.codes(Kind.S32, fixed(rounding, 1_518_500_250, -7), Kind.S8);
        assertThat(Objects.requireNonNull(MulSpec.of(x, x, out)).bytes()).isNotNull();
        assertThat(MulSpec.of(x, Operand.plain(Kind.S16), out)).isNull();
    }

    /** A scale that takes products out of where singles round as integers. */
    @Test
    void productsTooFarAway() {
        Operand x = Operand.codes(Kind.S8, 0);
        for (float f : new float[] {127, 129}) {
            Output out = Output.codes(Kind.S32, Rescale.real(new float[] {f}, 0, -128, 127), Kind.S8);
            assertThat(Objects.requireNonNull(MulSpec.of(x, x, out)).bytes() != null)
                    .isEqualTo(f < 128);
        }
    }

    private static Rescale fixed(Rounding rounding, int m, int s) {
        return Rescale.fixed(rounding, new int[] {m}, new int[] {s}, 5, -128, 127);
    }
}
