package dev.qnet.compiler.quant.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Storage;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class MseObserverTest {
    private static Range range(Spec target, float... values) {
        Observer o = new MseObserver();
        o.accept(values);
        return o.range(target);
    }

    /** The error of the values themselves, code by code, without histogram or closed form. */
    private static double exactError(Spec target, double lo, double hi, float[] values) {
        boolean bipolar = target.storage() == Storage.BIPOLAR;
        double scale = target.symmetric()
                ? (target.storage().signed() ? Math.max(lo / target.lo(), hi / target.hi()) : hi / target.hi())
                : (hi - lo) / (target.hi() - target.lo());
        double zero = target.symmetric() ? 0 : Math.rint(target.lo() - lo / scale);
        double sum = 0;
        for (float v : values) {
            double code =
                    bipolar ? (v < 0 ? -1 : 1) : Math.clamp(Math.rint(v / scale + zero), target.lo(), target.hi());
            double e = v - scale * (code - zero);
            sum += e * e;
        }
        return sum;
    }

    static Stream<Spec> targets() {
        return Stream.of(
                Targets.U8,
                Targets.I8,
                Targets.I8_SYMMETRIC,
                Targets.U8_SYMMETRIC,
                Targets.I4_SYMMETRIC,
                Targets.U4,
                Targets.U2,
                Targets.TERNARY,
                Targets.BIPOLAR);
    }

    @ParameterizedTest
    @MethodSource("targets")
    void isAsGoodAsTryingEveryClipping(Spec target) {
        for (int kind = 0; kind < 4; kind++) {
            float[] values = values(kind);
            Range found = range(target, values);
            double least = Double.POSITIVE_INFINITY;
            Range extremes = range(new MinMaxObserver(), values);
            double magnitude = Math.max(-extremes.lo(), extremes.hi());
            int steps = target.symmetric() ? 600 : 60;
            for (int i = 1; i <= steps; i++) {
                if (target.symmetric()) {
                    double t = magnitude * i / steps;
                    least = Math.min(least, exactError(target, target.storage().signed() ? -t : 0, t, values));
                }
                for (int j = 1; j <= steps && !target.symmetric(); j++) {
                    least = Math.min(
                            least,
                            exactError(
                                    target,
                                    extremes.lo() * (double) i / steps,
                                    extremes.hi() * (double) j / steps,
                                    values));
                }
            }
            assertThat(exactError(target, found.lo(), found.hi(), values))
                    .as("kind %s, found %s", kind, found)
                    .isLessThan(least * 1.03);
        }
    }

    private static Range range(Observer o, float[] values) {
        o.accept(values);
        return o.range(Targets.U8);
    }

    private static float[] values(int kind) {
        Random random = new Random(kind);
        float[] values = new float[4000];
        for (int i = 0; i < values.length; i++) {
            double g = random.nextGaussian();
            values[i] = (float)
                    switch (kind) {
                        case 0 -> g;
                        case 1 -> Math.max(0, g); // after a relu: half are exactly 0
                        case 2 -> g * g * g; // heavy tails
                        default -> g > 0 ? 5 * g : 0.1 * g; // lopsided
                    };
        }
        return values;
    }

    @Test
    void valuesThatCodesHitExactlyAreLeftExact() {
        float[] pixels = new float[256];
        for (int i = 0; i < 256; i++) {
            pixels[i] = i;
        }
        assertThat(range(Targets.U8, pixels)).isEqualTo(new Range(0, 255));
    }

    @Test
    void fewerCodesClipMore() {
        float[] values = values(0);
        float eight = range(Targets.I8_SYMMETRIC, values).hi();
        float four = range(Targets.I4_SYMMETRIC, values).hi();
        assertThat(four).isLessThan(0.9f * eight);
        // The best uniform 16-level quantizer of a Gaussian has steps of 0.335σ (Max, 1960, table II); 7 of them go up.
        assertThat(four).isCloseTo(7 * 0.335f, within(0.1f));
    }

    /** One value of 1e6 beside 10^5 of about 1: clipping it costs more than the others' rounding ever could. */
    @Test
    void anOutlierIsKeptWhereClippingItCostsMore() {
        float[] values = new float[100_000];
        Random random = new Random(5);
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextFloat();
        }
        values[0] = 1e6f;
        assertThat(range(Targets.U8, values).hi()).isGreaterThan(0.99e6f);
        values[0] = 4f;
        assertThat(range(Targets.U4, values).hi()).isLessThan(2.5f);
    }

    @Test
    void theClosedFormIsTheIntegral() {
        CodeGrid grid = CodeGrid.of(-1, 2, Targets.U4);
        Random random = new Random(9);
        for (int round = 0; round < 200; round++) {
            double from = random.nextDouble(-2, 3);
            double to = from + random.nextDouble(0, 1.5);
            double sum = 0;
            int parts = 20_000;
            for (int i = 0; i < parts; i++) {
                double x = from + (to - from) * (i + 0.5) / parts;
                double code = Math.clamp(Math.rint(x / 0.2 + 5), 0, 15);
                sum += (x - 0.2 * (code - 5)) * (x - 0.2 * (code - 5));
            }
            ValueHistogram.Bins bin = new ValueHistogram.Bins(new double[] {from}, new double[] {to}, new long[] {7});
            assertThat(grid.squaredError(bin, Double.POSITIVE_INFINITY)).isCloseTo(7 * sum / parts, within(1e-6));
        }
    }
}
