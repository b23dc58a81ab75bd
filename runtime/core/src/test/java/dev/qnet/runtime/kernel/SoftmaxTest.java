package dev.qnet.runtime.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class SoftmaxTest {
    /** As TFLite prepares it: a difference of codes times the scale, in Q5.26, below −16 nothing. */
    private static Softmax softmax(double scale, Kind x, int[] shape, int axis, Kind y) {
        return softmax(Backend.SCALAR, scale, x, shape, axis, y);
    }

    private static Softmax softmax(Backend backend, double scale, Kind x, int[] shape, int axis, Kind y) {
        double real = Math.min(scale * (1 << 26), (1L << 31) - 1);
        int shift = Math.getExponent(real) + 1;
        long m = Math.round(real / Math.scalb(1.0, shift) * (1L << 31));
        int multiplier = (int) Math.min(m, Integer.MAX_VALUE);
        int diffMin = -(int) Math.floor(31.0 * (1 << 26) / Math.scalb(1.0, shift));
        return Softmax.of(backend, x, shape, axis, multiplier, shift, diffMin, y);
    }

    @Property(tries = 100, edgeCases = EdgeCasesMode.NONE)
    void nearTheRealFunctionAndMonotone(@ForAll long seed) {
        Random r = new Random(seed);
        int n = 1 + r.nextInt(40);
        int inner = 1 + r.nextInt(3);
        double scale = Math.scalb(1 + r.nextDouble(), -2 - r.nextInt(6));
        Kind x = r.nextBoolean() ? Kind.S8 : Kind.U8;
        Kind y = r.nextBoolean() ? Kind.S8 : Kind.U8;
        Banks b = new Banks(1000, 0, 0, 0, 0);
        r.nextBytes(b.bytes);
        softmax(scale, x, new int[] {2, n, inner}, 1, y).run(b, 0, 500);
        for (int o = 0; o < 2; o++) {
            for (int i = 0; i < inner; i++) {
                line(b, x, y, o * n * inner + i, inner, n, scale);
            }
        }
    }

    private static void line(Banks b, Kind x, Kind y, int at, int step, int n, double scale) {
        double sum = 0;
        int codes = 0;
        for (int j = 0; j < n; j++) {
            sum += Math.exp(Rows.one(b, x, at + j * step) * scale);
        }
        for (int j = 0; j < n; j++) {
            int q = Rows.one(b, x, at + j * step);
            int p = Rows.one(b, y, 500 + at + j * step) - (int) y.min();
            assertThat((double) p).isCloseTo(Math.min(255, Math.exp(q * scale) / sum * 256), within(1.0));
            codes += p;
            for (int k = 0; k < n; k++) {
                if (Rows.one(b, x, at + k * step) < q) {
                    assertThat(Rows.one(b, y, 500 + at + k * step) - (int) y.min())
                            .isLessThanOrEqualTo(p);
                }
            }
        }
        assertThat(codes).isCloseTo(256, within(n + 1));
    }

    /** TFLite's reference, number by number, against lines of all lengths, whatever tables are made for them. */
    @Property(tries = 300, edgeCases = EdgeCasesMode.NONE)
    void eachCodeAsDefined(@ForAll long seed) {
        check(new Random(seed), Backend.values());
    }

    /** For JVMs with other vectors too. */
    static void check(Random r, Backend[] backends) {
        int n = Data.pick(r, 1, 2, 10, 63, 255, 256, 257, 1000);
        int inner = r.nextInt(3) == 0 ? 2 : 1;
        double scale = Math.scalb(1 + r.nextDouble(), -1 - r.nextInt(8));
        Kind x = Data.pick(r, Kind.S8, Kind.U8);
        Kind y = Data.pick(r, Kind.S8, Kind.U8, Kind.S16);
        Banks b = new Banks(8000, 8000, 0, 0, 0);
        r.nextBytes(b.bytes);
        if (r.nextBoolean()) {
            int few = 1 << r.nextInt(8);
            for (int i = 0; i < b.bytes.length; i++) {
                b.bytes[i] = (byte) (r.nextInt(few) - 20);
            }
        }
        byte[] before = b.bytes.clone();
        for (Backend backend : backends) {
            Softmax kernel = softmax(backend, scale, x, new int[] {2, n, inner}, 1, y);
            kernel.run(b, 0, 4000);
            for (int o = 0; o < 2; o++) {
                for (int i = 0; i < inner; i++) {
                    defined(kernel, before, b, x, y, o * n * inner + i, inner, n);
                }
            }
        }
    }

    private static void defined(Softmax kernel, byte[] before, Banks b, Kind x, Kind y, int at, int step, int n) {
        int max = Integer.MIN_VALUE;
        int[] codes = new int[n];
        for (int i = 0; i < n; i++) {
            codes[i] = x == Kind.S8 ? before[at + i * step] : before[at + i * step] & 0xFF;
            max = Math.max(max, codes[i]);
        }
        int sum = 0;
        for (int i = 0; i < n; i++) {
            sum += Gemmlowp.divideByPot(kernel.exp(codes[i] - max), 12);
        }
        int headroom = Integer.numberOfLeadingZeros(sum);
        int reciprocal = Gemmlowp.oneOverOnePlus((sum << headroom) - Integer.MIN_VALUE);
        for (int i = 0; i < n; i++) {
            int e = kernel.exp(codes[i] - max);
            double p = Gemmlowp.doublingHighMul(reciprocal, e) / Math.scalb(1.0, 12 - headroom + 31 - 8 * y.bytes());
            long expected = Math.clamp((long) Math.floor(p + 0.5) + y.min(), y.min(), y.max());
            assertThat(Rows.one(b, y, 4000 + at + i * step))
                    .as("code %d", codes[i])
                    .isEqualTo((int) expected);
        }
    }

    /** To the accuracy of the series: its remainder is below (1/8)^5/5!. */
    @Test
    void fixedPointFunctions() {
        assertThat(Gemmlowp.expOnNegative(0)).isEqualTo(Integer.MAX_VALUE);
        assertThat(Gemmlowp.expOnNegative(-(1 << 26)) / 0x1p31).isCloseTo(Math.exp(-1), within(5e-7));
        assertThat(Gemmlowp.expOnNegative(-(1 << 24)) / 0x1p31).isCloseTo(Math.exp(-0.25), within(5e-7));
        assertThat(Gemmlowp.expOnNegative(-(31 << 26)) / 0x1p31).isCloseTo(Math.exp(-31), within(1e-9));
        assertThat(Gemmlowp.oneOverOnePlus(1 << 30) / 0x1p31).isCloseTo(2 / 3.0, within(1e-8));
        assertThat(Gemmlowp.oneOverOnePlus(0) / 0x1p31).isCloseTo(1, within(1e-8));
        assertThat(Gemmlowp.divideByPot(-5, 1)).isEqualTo(-3);
        assertThat(Gemmlowp.divideByPot(5, 1)).isEqualTo(3);
        assertThat(Gemmlowp.doublingHighMul(Integer.MIN_VALUE, Integer.MIN_VALUE))
                .isEqualTo(Integer.MAX_VALUE);
    }

    @Test
    void equalCodesShareEvenly() {
        Banks b = new Banks(20, 0, 0, 0, 0);
        softmax(0.1, Kind.S8, new int[] {4}, 0, Kind.S8).run(b, 0, 10);
        assertThat(b.bytes).startsWith(new byte[10]).containsSequence(-64, -64, -64, -64);
    }
}
