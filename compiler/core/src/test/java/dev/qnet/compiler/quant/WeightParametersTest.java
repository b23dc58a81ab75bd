package dev.qnet.compiler.quant;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.Granularity;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class WeightParametersTest {
    private static Spec spec(Storage storage, Granularity granularity, RangeMethod range) {
        return new Spec(storage, true, true, granularity, range, false);
    }

    private static Tensor.OfFloat normal(int channels, int row, long seed) {
        Random random = new Random(seed);
        float[] v = new float[channels * row];
        for (int i = 0; i < v.length; i++) {
            v[i] = (float) random.nextGaussian();
        }
        return new Tensor.OfFloat(Shape.of(channels, row), v);
    }

    private static double error(Tensor.OfFloat w, Quant q) {
        Tensor.OfFloat back = Codes.dequantize(Codes.quantize(w, q, Rounding.TOSA), q.scheme());
        double sum = 0;
        for (int i = 0; i < w.values().length; i++) {
            double d = (double) w.values()[i] - back.values()[i];
            sum += d * d;
        }
        return sum;
    }

    @Test
    void finerGranularityAndLeastErrorAreNoWorse() {
        Tensor.OfFloat w = normal(8, 64, 3);
        for (int c = 0; c < 8; c++) {
            for (int i = 0; i < 64; i++) {
                // Channels and runs of inputs of different sizes.
                w.values()[c * 64 + i] *= (1 + c) * (1 + i / 16);
            }
        }
        double tensor = error(w, choose(w, new Granularity.PerTensor(), new RangeMethod.MinMax()));
        double channel = error(w, choose(w, new Granularity.PerChannel(0), new RangeMethod.MinMax()));
        double group = error(w, choose(w, new Granularity.PerGroup(16), new RangeMethod.MinMax()));
        double mse = error(w, choose(w, new Granularity.PerChannel(0), new RangeMethod.Mse()));
        assertThat(channel).isLessThan(tensor);
        assertThat(group).isLessThan(channel);
        assertThat(mse).isLessThan(channel);
    }

    private static Quant choose(Tensor.OfFloat w, Granularity g, RangeMethod range) {
        return WeightParameters.choose(w, spec(Storage.I4, g, range));
    }

    @Test
    void groupsHoldTheirLargestWeight() {
        Tensor.OfFloat w = normal(5, 50, 4);
        Quant q = choose(w, new Granularity.PerGroup(16), new RangeMethod.MinMax());
        Scheme.PerGroup g = (Scheme.PerGroup) q.scheme();
        assertThat(g.groups()).isEqualTo(4);
        Tensor.OfFloat back = Codes.dequantize(Codes.quantize(w, q, Rounding.TOSA), q.scheme());
        for (int i = 0; i < w.values().length; i++) {
            double step = (double) g.scales().get(i / 50) * g.multipliers().get(i / 50 * 4 + i % 50 / 16);
            assertThat(Math.abs(w.values()[i] - back.values()[i])).isLessThanOrEqualTo((float) (step * 0.5001));
        }
    }

    @Test
    void channelsWithoutWeightsGetAScaleThatIsNotCoarse() {
        Tensor.OfFloat w = new Tensor.OfFloat(Shape.of(3, 2), new float[] {0, 0, 1.27f, 0, 0, -0.127f});
        Quant q = WeightParameters.choose(w, spec(Storage.I8, new Granularity.PerChannel(0), new RangeMethod.MinMax()));
        assertThat(((Scheme.PerAxis) q.scheme()).scales()).containsExactly(0.001f, 0.01f, 0.001f);
        Tensor.OfFloat none = new Tensor.OfFloat(Shape.of(2, 1), new float[2]);
        assertThat(choose(none, new Granularity.PerChannel(0), new RangeMethod.Mse())
                        .scheme()
                        .channelScale(1))
                .isEqualTo(1);
        assertThat(((Scheme.PerGroup) choose(none, new Granularity.PerGroup(3), new RangeMethod.MinMax())
                                .scheme())
                        .multipliers())
                .containsExactly(1, 1);
    }

    @Test
    void percentileCutsOutliersAndEntropyToo() {
        Tensor.OfFloat w = normal(1, 20_000, 5);
        w.values()[7] = 1000;
        for (RangeMethod m : List.of(new RangeMethod.Percentile(99.9), new RangeMethod.Entropy())) {
            float s = WeightParameters.choose(w, spec(Storage.I8, new Granularity.PerTensor(), m))
                    .perTensor()
                    .scale();
            assertThat(s * 127).as(m.toString()).isLessThan(8f);
        }
        assertThat(WeightParameters.choose(w, spec(Storage.I8, new Granularity.PerTensor(), new RangeMethod.MinMax()))
                        .perTensor()
                        .scale())
                .isEqualTo(1000f / 127);
    }

    @Test
    void ternaryAndBipolar() {
        Tensor.OfFloat w = new Tensor.OfFloat(Shape.of(1, 5), new float[] {1, -2, 0.5f, -0.1f, 3});
        Quant t = WeightParameters.choose(
                w, spec(Storage.TERNARY, new Granularity.PerTensor(), new RangeMethod.MinMax()));
        // mean|w| = 1.32, so the threshold is 0.924.
        assertThat(t.perTensor().scale()).isEqualTo(2);
        assertThat(WeightParameters.ternaryCodes(w, t).values()).containsExactly(1, -1, 0, 0, 1);
        Quant b = WeightParameters.choose(
                w, spec(Storage.BIPOLAR, new Granularity.PerTensor(), new RangeMethod.MinMax()));
        assertThat(b.perTensor().scale()).isEqualTo(1.32f);
        assertThat(Codes.quantize(w, b, Rounding.TOSA).values()).containsExactly(1, -1, 1, -1, 1);
    }
}
