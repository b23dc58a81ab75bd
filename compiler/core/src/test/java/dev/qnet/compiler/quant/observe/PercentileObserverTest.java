package dev.qnet.compiler.quant.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.Spec;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class PercentileObserverTest {
    private static Range range(double percent, Spec target, float... values) {
        Observer o = new PercentileObserver(percent);
        o.accept(values);
        return o.range(target);
    }

    /** By sorting: enough values are inside, and an end is the nearest-rank value or less than a bin further out. */
    @Property(tries = 300)
    void holdsAsManyAsAskedAndHardlyMore(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 2000) int n,
            @ForAll @DoubleRange(min = 0.5, max = 100) double percent) {
        Random random = new Random(seed);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) (random.nextGaussian() * Math.exp(2 * random.nextGaussian()));
        }
        int inside = (int) Math.ceil(n * (percent / 100));

        Range symmetric = range(percent, Targets.I8_SYMMETRIC, values);
        float[] magnitudes = values.clone();
        for (int i = 0; i < n; i++) {
            magnitudes[i] = Math.abs(values[i]);
        }
        Arrays.sort(magnitudes);
        assertBinAbove(Math.max(-symmetric.lo(), symmetric.hi()), magnitudes[inside - 1]);

        float[] sorted = values.clone();
        Arrays.sort(sorted);
        boolean mixed = sorted[0] < 0 && sorted[n - 1] > 0;
        if (mixed) {
            assertThat(symmetric.lo()).isEqualTo(-symmetric.hi());
            Range range = range(percent, Targets.U8, values);
            int cut = (n - inside) / 2;
            assertBinAbove(range.hi(), Math.max(0, sorted[n - 1 - cut]));
            assertBinAbove(0 - range.lo(), Math.max(0, -sorted[cut]));
        }
        Range onlyMagnitudes = range(percent, Targets.U8, magnitudes);
        assertThat(onlyMagnitudes.lo()).isZero();
        assertBinAbove(onlyMagnitudes.hi(), magnitudes[inside - 1]);
    }

    private static void assertBinAbove(float end, float exact) {
        assertThat(end).isBetween(exact, exact * (1 + 1f / 1024));
    }

    @Test
    void allOfThemIsMinMax() {
        assertThat(range(100, Targets.U8, -1.2345f, 0.777f, 3.3333f)).isEqualTo(new Range(-1.2345f, 3.3333f));
    }

    @Test
    void aHugeOutlierIsCutAndDoesNotBlurTheRest() {
        float[] values = new float[100_000];
        Random random = new Random(5);
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextFloat();
        }
        values[12345] = 1e30f;
        assertThat(range(99.99, Targets.U8, values).hi()).isBetween(0.999f, 1.001f);
    }

    @Test
    void unsignedSymmetricCodesIgnoreWhatIsNegative() {
        assertThat(range(100, Targets.U8_SYMMETRIC, -5, 2)).isEqualTo(new Range(0, 2));
        assertThat(range(100, Targets.U8_SYMMETRIC, -5)).isEqualTo(new Range(0, 0));
        Range negative = range(50, Targets.U8, -5, -4, -3, -2);
        assertThat(negative.hi()).isZero();
        assertBinAbove(0 - negative.lo(), 3);
    }

    @Test
    void refusesOtherPercentages() {
        assertThatThrownBy(() -> new PercentileObserver(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new PercentileObserver(100.1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new PercentileObserver(Double.NaN)).isInstanceOf(IllegalArgumentException.class);
    }
}
