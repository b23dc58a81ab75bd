package dev.qnet.runtime.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Additions of bytes: each of two codes, by all vectors and in plain Java. */
class AddBytesTest {
    private static final int Y = 1 << 16;
    private static final int Z = 1 << 17;

    /** Scales as converters choose them: of x, y and the sum, a power of 2 apart at times. */
    private static Add add(Random r, Rounding rounding, Backend backend, Operand x, Operand y, Kind z, int[] shape) {
        boolean subtract = r.nextBoolean();
        double sx = Math.exp(r.nextGaussian());
        double sy = r.nextInt(4) == 0 ? sx : Math.exp(r.nextGaussian());
        double sz = r.nextInt(4) == 0 ? sx * 2 : Math.exp(r.nextGaussian());
        int lo = r.nextInt(3) == 0 ? Data.code(r, (int) z.min(), (int) z.max()) : (int) z.min();
        int zero = Data.code(r, (int) z.min(), (int) z.max());
        if (!rounding.fixedPoint()) {
            float fx = (float) (sx / sz);
            float fy = (float) (sy / sz);
            return Add.real(backend, subtract, x, shape, y, shape, fx, fy, zero, lo, (int) z.max(), z);
        }
        double most = 2 * Math.max(sx, sy);
        int[] m = new int[3];
        int[] s = new int[3];
        double[] factors = {sx / most, sy / most, most / Math.scalb(sz, 20)};
        for (int i = 0; i < 3; i++) {
            s[i] = Math.getExponent(factors[i]) + 1;
            m[i] = (int) Math.min(Integer.MAX_VALUE, Math.rint(Math.scalb(factors[i], 31 - s[i])));
        }
        return Add.fixed(backend, rounding, subtract, 20, x, shape, y, shape, m, s, zero, lo, (int) z.max(), z);
    }

    @ParameterizedTest
    @EnumSource(Rounding.class)
    void allPairsOfCodes(Rounding rounding) {
        for (int seed = 0; seed < 60; seed++) {
            Random r = new Random(seed);
            Operand x = Operand.codes(Data.pick(r, Kind.S8, Kind.U8), 0);
            Operand y = Operand.codes(Data.pick(r, Kind.S8, Kind.U8), 0);
            x = Operand.codes(
                    x.kind(), Data.code(r, (int) x.kind().min(), (int) x.kind().max()));
            y = Operand.codes(
                    y.kind(), Data.code(r, (int) y.kind().min(), (int) y.kind().max()));
            Kind z = Data.pick(r, Kind.S8, Kind.U8);
            Banks b = new Banks(3 << 16, 0, 0, 0, 0);
            for (int i = 0; i < 1 << 16; i++) {
                b.bytes[i] = (byte) i;
                b.bytes[Y + i] = (byte) (i >> 8);
            }
            long scales = r.nextLong();
            int[] shape = {1 << 16};
            byte[] expected = null;
            for (Backend backend : new Backend[] {Backend.SCALAR, Backend.VECTOR}) {
                Arrays.fill(b.bytes, Z, b.bytes.length, (byte) 0);
                add(new Random(scales), rounding, backend, x, y, z, shape).run(b, 0, Y, Z);
                byte[] found = Arrays.copyOfRange(b.bytes, Z, b.bytes.length);
                if (expected == null) {
                    expected = found;
                } else {
                    assertThat(Arrays.mismatch(expected, found))
                            .as("seed %d", seed)
                            .isEqualTo(-1);
                }
            }
        }
    }

    /** What converters choose is done in singles; what makes halves of many sums is not. */
    @ParameterizedTest
    @EnumSource(
            value = Rounding.class,
            names = {"TFLITE", "TOSA"})
    void singlesAreChosenWhereHalvesAreRare(Rounding rounding) {
        Operand x = Operand.codes(Kind.S8, 3);
        Rescale a = fixed(rounding, 1_518_500_250, -1, 0);
        Rescale z = fixed(rounding, 1_893_711_023, -18, 5);
        AddBytes by = Objects.requireNonNull(new AddSpec(false, 20, x, x, a, a, z, Kind.S8).bytes());
        assertThat(by.e()).isBetween(0x1p-17f, 0x1p-12f);
        Rescale half = fixed(rounding, 1 << 30, 0, 0);
        Rescale halves = fixed(rounding, 1 << 30, -19, 5);
        assertThat(new AddSpec(false, 20, x, x, half, half, halves, Kind.S8).bytes())
                .isNull();
        Operand wide = Operand.codes(Kind.S16, 0);
        assertThat(new AddSpec(false, 15, x, wide, a, a, z, Kind.S8).bytes()).isNull();
    }

    private static Rescale fixed(Rounding rounding, int m, int s, int zero) {
        boolean last = zero != 0;
        return Rescale.fixed(
                rounding,
                new int[] {m},
                new int[] {s},
                zero,
                last ? -128 : Integer.MIN_VALUE,
                last ? 127 : Integer.MAX_VALUE);
    }
}
