package dev.qnet.compiler.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.Granularity;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.Storage;
import java.util.List;
import net.jqwik.api.Assume;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ParametersTest {
    static Spec spec(Storage storage, boolean symmetric, boolean narrow) {
        return new Spec(storage, symmetric, narrow, new Granularity.PerTensor(), new RangeMethod.MinMax(), false);
    }

    @ParameterizedTest
    @CsvSource({
        "U8, false, false, 0, 255, 1, 0",
        "U8, false, false, -1, 1.55, 0.01, 100",
        "U8, false, false, 1, 2.55, 0.01, 0",
        "U8, false, false, -2.55, -1, 0.01, 255",
        "I8, false, false, -1.28, 1.27, 0.01, 0",
        "I8, true, true, -1.27, 0.5, 0.01, 0",
        "I8, true, false, -1.28, 0.5, 0.01, 0",
        "I2, true, false, -0.2, 0.05, 0.1, 0",
        "U8, true, false, -3, 2.55, 0.01, 0",
        "I8, false, true, -1.27, 1.27, 0.01, 0",
        "U4, false, false, 0, 1.5, 0.1, 0",
        "I16, true, false, -32768, 5, 1, 0",
        "BIPOLAR, true, false, -2, 1, 2, 0",
        "TERNARY, true, false, -0.5, 0.25, 0.5, 0",
        "U8, false, false, 0, 0, 1, 0",
        "I8, true, true, 0, 0, 1, 0",
        "I8, false, false, 0, 0, 1, -128",
    })
    void knownRanges(Storage storage, boolean symmetric, boolean narrow, float lo, float hi, float scale, int zero) {
        Quant q = Parameters.choose(lo, hi, spec(storage, symmetric, narrow));
        assertThat(q.perTensor().scale()).isCloseTo(scale, org.assertj.core.data.Offset.offset(scale * 1e-6f));
        assertThat(q.perTensor().zero()).isEqualTo(zero);
        assertThat(q.lo()).isEqualTo(narrow && storage.signed() ? storage.min() + 1 : storage.min());
    }

    @Property(tries = 2000)
    void zeroIsExactAndTheRangeIsCovered(
            @ForAll Storage storage,
            @ForAll boolean symmetric,
            @ForAll boolean narrow,
            @ForAll @FloatRange(min = -1e30f, max = 1e30f) float a,
            @ForAll @FloatRange(min = -1e30f, max = 1e30f) float b) {
        Assume.that(storage != Storage.BIPOLAR && storage != Storage.I32);
        float lo = Math.min(a, b);
        float hi = Math.max(a, b);
        Quant q = Parameters.choose(lo, hi, spec(storage, symmetric, narrow));
        float s = q.perTensor().scale();
        assertThat(Codes.dequantize(
                        Codes.quantize(0, q, Rounding.TOSA), s, q.perTensor().zero()))
                .isZero();
        assertThat(q.storage().holds(q.perTensor().zero())).isTrue();
        // The zero point is moved to a code, so that either end may be cut by half a step. The scale and the end are
        // rounded
        // to floats besides: each by 2^-24 of at most all steps, which for 16 bits is no longer small against a step.
        double slack = s * (0.5 + ((double) q.hi() - q.lo()) * 0x1p-23);
        assertThat((double) Parameters.highest(q)).isGreaterThanOrEqualTo(Math.max(hi, 0) - slack);
        if (!(symmetric && !storage.signed())) {
            assertThat((double) Parameters.lowest(q)).isLessThanOrEqualTo(Math.min(lo, 0) + slack);
        }
    }

    @Test
    void tinyRangesKeepANormalScale() {
        Quant q = Parameters.choose(-Float.MIN_VALUE, Float.MIN_VALUE, spec(Storage.U8, false, false));
        assertThat(q.perTensor().scale()).isEqualTo(Float.MIN_NORMAL);
        assertThat(Parameters.choose(-Float.MAX_VALUE, Float.MAX_VALUE, spec(Storage.I8, false, false))
                        .perTensor()
                        .scale())
                .isFinite();
    }

    @Test
    void refusesWhatIsNoRange() {
        for (float[] r : new float[][] {{1, 0}, {Float.NaN, 1}, {0, Float.POSITIVE_INFINITY}}) {
            assertThatThrownBy(() -> Parameters.choose(r[0], r[1], spec(Storage.U8, false, false)))
                    .isInstanceOf(RangeException.class)
                    .hasMessageContaining("a range runs from");
        }
    }

    @Test
    void givenParametersAreTakenAsTheyAre() {
        RangeMethod.Given one = new RangeMethod.Given(List.of(0.5f), List.of(3));
        assertThat(Parameters.given(one, spec(Storage.U8, false, false), 7, 0))
                .isEqualTo(Quant.of(Storage.U8, 0.5f, 3));
        RangeMethod.Given two = new RangeMethod.Given(List.of(0.5f, 0.25f), List.of());
        assertThat(Parameters.given(two, spec(Storage.I8, true, true), 2, 0))
                .isEqualTo(
                        new Quant(Storage.I8, -127, 127, new Scheme.PerAxis(0, List.of(0.5f, 0.25f), List.of(0, 0))));
        assertThatThrownBy(() -> Parameters.given(two, spec(Storage.I8, true, true), 3, 0))
                .hasMessage("2 scales are given for 3 channels");
    }
}
