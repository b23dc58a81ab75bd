package dev.qnet.compiler.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.Rescale.Scale;
import dev.qnet.compiler.ir.Rounding;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MultipliersTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0, 0",
        "1, 1073741824, 1",
        "0.5, 1073741824, 0",
        "0.75, 1610612736, 0",
        "0.0009765625, 1073741824, -9",
        "3, 1610612736, 2",
        // Rounds up to 2^31: the carry goes to the shift.
        "0.99999999999, 1073741824, 1",
        "2.3283064365386963e-10, 1073741824, -31",
        // Just below 2^-32, but its multiplier rounds up to 2^-32.
        "2.3283064365000000e-10, 1073741824, -31",
        "2.3283064e-10, 0, 0",
        "1e-300, 0, 0",
        "4.9e-324, 0, 0",
        "536870912, 1073741824, 30",
        "1073741824, 2147483647, 30",
        "1e300, 2147483647, 30"
    })
    void decomposesKnownMultipliers(double m, int multiplier, int shift) {
        assertThat(Multipliers.fixed(m)).isEqualTo(new Scale.Fixed(multiplier, shift));
    }

    @Property(tries = 2000)
    void isTheNearestQ31(
            @ForAll @LongRange(min = 1L << 52, max = (1L << 53) - (1L << 22)) long bits,
            @ForAll @IntRange(min = -30, max = 30) int e) {
        double fraction = Math.scalb((double) bits, -53);
        Scale.Fixed s = Multipliers.fixed(Math.scalb(fraction, e));
        // The definition: the fraction times 2^31, exactly, rounded half away from zero (half up, as it is positive).
        int nearest = new BigDecimal(fraction)
                .multiply(BigDecimal.valueOf(1L << 31))
                .setScale(0, RoundingMode.HALF_UP)
                .intValueExact();
        assertThat(s).isEqualTo(new Scale.Fixed(nearest, e));
    }

    @Test
    void refusesWhatIsNoMultiplier() {
        for (double bad : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> Multipliers.fixed(bad)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> Multipliers.real(bad)).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> Multipliers.real(1e300)).hasMessageContaining("finite");
    }

    @Test
    void onnxAndXnnpackRoundEachStep() {
        float sx = 0.1f;
        float sw = 0.3f;
        float sy = 0.7f;
        // Rounded once, it would be another single.
        assertThat(sx * sw / sy).isNotEqualTo((float) ((double) sx * sw / sy));
        for (Rounding r : new Rounding[] {Rounding.ONNX, Rounding.XNNPACK}) {
            assertThat(Multipliers.product(r, sx, sw, sy)).isEqualTo(new Scale.Real(sx * sw / sy));
            assertThat(Multipliers.mean(r, sx, sy, 49)).isEqualTo(new Scale.Real(sx / (sy * 49)));
        }
        assertThat(Multipliers.mean(Rounding.TOSA, sx, sy, 49)).isEqualTo(Multipliers.fixed(sx / ((double) sy * 49)));
    }

    /** The constants of CMSIS-NN's add cases: equal scales on 8 and 16 bits. */
    @Test
    void addOfEqualScales() {
        float s = 0.05f;
        assertThat(Multipliers.add(Rounding.TFLITE, s, s, s, 20))
                .isEqualTo(List.of(
                        new Scale.Fixed(1 << 30, 0), new Scale.Fixed(1 << 30, 0), new Scale.Fixed(1 << 30, -18)));
        assertThat(Multipliers.add(Rounding.ONNX, s, s, 0.1f, 0))
                .isEqualTo(List.of(new Scale.Real(0.5f), new Scale.Real(0.5f), new Scale.Real(1)));
        assertThat(Multipliers.addLeftShift(Rounding.TFLITE, 8)).isEqualTo(20);
        assertThat(Multipliers.addLeftShift(Rounding.TOSA, 16)).isEqualTo(15);
        assertThat(Multipliers.addLeftShift(Rounding.XNNPACK, 8)).isZero();
    }

    /** Constants that TFLite's converter and CMSIS-NN's generator wrote for these scales. */
    @Test
    void softmaxConstants() {
        // 1/256 scales to 2^18 in Q5.26; DS-CNN's last layer has shift 24 and a radius of 31·2^26/2^24.
        assertThat(Multipliers.softmax(1f / 256)).isEqualTo(new Multipliers.Softmax(1 << 30, 19, -3968));
        float dsCnn = (float) Math.scalb(1881344896.0, 24 - 31 - 26);
        assertThat(Multipliers.softmax(dsCnn)).isEqualTo(new Multipliers.Softmax(1881344896, 24, -124));
        assertThat(Multipliers.softmax(Float.MIN_VALUE)).isEqualTo(new Multipliers.Softmax(1 << 30, 1, -(31 << 25)));
        assertThat(Multipliers.softmax(1e30f)).isEqualTo(new Multipliers.Softmax(Integer.MAX_VALUE, 31, 0));
    }
}
