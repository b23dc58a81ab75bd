package dev.qnet.compiler.quant.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.qnet.compiler.ir.Spec;
import java.util.Random;
import org.junit.jupiter.api.Test;

class EntropyObserverTest {
    private static Range range(Spec target, float... values) {
        Observer o = new EntropyObserver();
        o.accept(values);
        return o.range(target);
    }

    private static float[] gaussian(int n, double sigma) {
        Random random = new Random(11);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) (sigma * random.nextGaussian());
        }
        return values;
    }

    /** Worked by hand: 8 bins, the first 4 kept, 2 codes. */
    @Test
    void divergenceOfASmallExample() {
        double[] counts = {4, 2, 0, 6, 1, 1, 0, 2};
        // p = 4 2 0 6+4; the codes hold 4+2 and 0+6: q = 3 3 0 6. Then ε = 1e-4 in the empty bin.
        double e = 1e-4;
        double[] p = {4 * (1 - e / 16), 2 * (1 - e / 16), e, 10 * (1 - e / 16)};
        double[] q = {3 * (1 - e / 12), 3 * (1 - e / 12), e, 6 * (1 - e / 12)};
        double expected = 0;
        for (int i = 0; i < 4; i++) {
            expected += p[i] / 16 * Math.log((p[i] / 16) / (q[i] / 12));
        }
        assertThat(EntropyObserver.divergence(counts, 0, 4, 2)).isCloseTo(expected, within(1e-12));
    }

    @Test
    void nothingIsLostWhereEveryBinHasItsCode() {
        assertThat(EntropyObserver.divergence(new double[] {1, 5, 2, 9}, 0, 4, 4))
                .isCloseTo(0, within(1e-15));
        // Nothing of the mass is kept: no distribution to compare.
        assertThat(EntropyObserver.divergence(new double[] {0, 0, 2, 9}, 0, 2, 2))
                .isInfinite();
    }

    @Test
    void clipsTheTailsOfAGaussian() {
        float[] values = gaussian(200_000, 1);
        Range range = range(Targets.I8_SYMMETRIC, values);
        assertThat(range.lo()).isEqualTo(-range.hi());
        assertThat(range.hi()).isBetween(2.5f, 4.5f);
        // Scaled by a power of two, all bins scale along.
        float[] scaled = gaussian(200_000, 1024);
        assertThat(range(Targets.I8_SYMMETRIC, scaled).hi()).isEqualTo(1024 * range.hi());
    }

    /** Half of the values are exactly 0, as after a relu: they must not pull the clipping down. */
    @Test
    void zerosDoNotCount() {
        float[] rectified = gaussian(200_000, 1);
        for (int i = 0; i < rectified.length; i++) {
            rectified[i] = Math.max(0, rectified[i]);
        }
        assertThat(range(Targets.U8, rectified).hi()).isBetween(2.5f, 4.5f);
    }

    @Test
    void keepsAUniformDistribution() {
        Random random = new Random(2);
        float[] values = new float[100_000];
        for (int i = 0; i < values.length; i++) {
            values[i] = 6 * random.nextFloat();
        }
        assertThat(range(Targets.U8, values).hi()).isBetween(5.9f, 6f);
    }

    @Test
    void aHugeOutlierIsCut() {
        float[] values = gaussian(100_000, 1);
        values[500] = 1e30f;
        assertThat(range(Targets.I8_SYMMETRIC, values).hi()).isBetween(2.5f, 4.5f);
        assertThat(range(Targets.U8, values).hi()).isBetween(2.5f, 4.5f);
    }

    @Test
    void rangesStayWithinTheExtremes() {
        Range range = range(Targets.U8, -0.25f, 1, 2, 3, 4, 5);
        assertThat(range.lo()).isEqualTo(-0.25f);
        assertThat(range.hi()).isLessThanOrEqualTo(5);
    }

    @Test
    void moreCodesThanBinsCoverTheExtremes() {
        assertThat(range(Targets.I16_SYMMETRIC, -1, 5)).isEqualTo(new Range(-1, 5));
    }
}
