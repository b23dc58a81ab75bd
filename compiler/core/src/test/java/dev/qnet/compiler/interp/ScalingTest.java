package dev.qnet.compiler.interp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rescale.Scale;
import dev.qnet.compiler.ir.Rounding;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every rounding contract against its definition in exact arithmetic. */
class ScalingTest {
    @Provide
    Arbitrary<Rescale> rescales() {
        Arbitrary<Integer> multipliers = Arbitraries.frequencyOf(
                Tuple.of(3, Arbitraries.integers().between(1 << 30, Integer.MAX_VALUE)),
                // Powers of two, which make ties, and what the 16-bit multiplier saturates.
                Tuple.of(2, Arbitraries.of(1 << 30, 3 << 29, Integer.MAX_VALUE, 0x7FFF0000, 0x7FFEFFFF, 0)));
        Arbitrary<Scale> fixed = Combinators.combine(
                        multipliers, Arbitraries.integers().between(-31, 30))
                .as(Scale.Fixed::new);
        Arbitrary<Scale> real = Arbitraries.oneOf(
                        Definitions.singles(1e-9f, 4), Arbitraries.of(0.5f, 0.25f, 1f, 1.5f, 1e-30f, 1e30f))
                .map(Scale.Real::new);
        Arbitrary<int[]> ranges = Arbitraries.of(
                new int[] {-128, 127}, new int[] {0, 255}, new int[] {-32768, 32767}, new int[] {-7, 9}, new int[] {
                    Integer.MIN_VALUE, Integer.MAX_VALUE
                });
        return Combinators.combine(
                        Arbitraries.of(Rounding.values()),
                        fixed,
                        real,
                        Arbitraries.integers().between(-300, 300),
                        ranges)
                .as((rounding, f, r, zero, range) ->
                        new Rescale(rounding, List.of(rounding.fixedPoint() ? f : r), zero, range[0], range[1]));
    }

    @Property(tries = 5000)
    void ofAnyAccumulator(@ForAll("rescales") Rescale r, @ForAll int a) {
        assertThat(Scaling.rescale(r, a, 0, 32)).isEqualTo(Definitions.rescale(r, a, 0, false));
    }

    /** Small accumulators meet ties often. */
    @Property(tries = 5000, edgeCases = EdgeCasesMode.NONE)
    void ofSmallAccumulators(@ForAll("rescales") Rescale r, @ForAll @IntRange(min = -1000, max = 1000) int a) {
        assertThat(Scaling.rescale(r, a, 0, 32)).isEqualTo(Definitions.rescale(r, a, 0, false));
    }

    @Property(tries = 5000)
    void ofWideAccumulators(@ForAll("rescales") Rescale r, @ForAll long a) {
        assertThat(Scaling.rescale(r, a, 0, 64)).isEqualTo(Definitions.rescale(r, a, 0, true));
    }

    @Property(tries = 3000)
    void ofUsualWideAccumulators(
            @ForAll("rescales") Rescale r, @ForAll @LongRange(min = -(1L << 47), max = 1L << 47) long a) {
        assertThat(Scaling.rescale(r, a, 0, 64)).isEqualTo(Definitions.rescale(r, a, 0, true));
    }

    /** Rows worked out by hand: M = 1/2 and 1/4, where ties are, and where double rounding goes wrong. */
    @ParameterizedTest
    @CsvSource({
        // a, shift, tflite, tosa: the multiplier is 2^30, that is M = 2^(shift − 1).
        "1, 0, 1, 1",
        "-1, 0, 0, 0",
        "3, 0, 2, 2",
        "-3, 0, -1, -1",
        "3, -1, 1, 1",
        // 3/8: the high multiply makes 2 of 3/2, and 2/4 rounds away from zero. Once, it is 0.
        "3, -2, 1, 0",
        // −3/2: a tie in the second step only, away from zero or up.
        "-6, -1, -2, -1",
        "2147483647, 30, 127, 127",
        "-2147483648, 30, -128, -128",
        // Just below 1/2: the first step makes it the tie 2^30/2^31.
        "2147483647, -31, 1, 0",
        "-2147483648, -31, -1, 0"
    })
    void roundsTies(int a, int shift, int tflite, int tosa) {
        List<Scale> scale = List.of(new Scale.Fixed(1 << 30, shift));
        assertThat(Scaling.rescale(new Rescale(Rounding.TFLITE, scale, 0, -128, 127), a, 0, 32))
                .isEqualTo(tflite);
        assertThat(Scaling.rescale(new Rescale(Rounding.TOSA, scale, 0, -128, 127), a, 0, 32))
                .isEqualTo(tosa);
    }

    /** The table of docs/numerics.md, "How the contracts differ": M = 2^(shift − 1). */
    @ParameterizedTest
    @CsvSource({
        "1, 0, 1, 1, 0",
        "-3, 0, -1, -1, -2",
        "-2, -1, -1, 0, 0",
        "-6, -1, -2, -1, -2",
        "3, -2, 1, 0, 0",
        "16777217, 1, 16777217, 16777217, 16777216"
    })
    void differsByContract(int a, int shift, int tflite, int tosa, int singles) {
        Scale fixed = new Scale.Fixed(1 << 30, shift);
        Scale real = new Scale.Real((float) Math.scalb(1.0, shift - 1));
        assertThat(Scaling.scale(Rounding.TFLITE, fixed, a, 32)).isEqualTo(tflite);
        assertThat(Scaling.scale(Rounding.TOSA, fixed, a, 32)).isEqualTo(tosa);
        assertThat(Scaling.scale(Rounding.ONNX, real, a, 32)).isEqualTo(singles);
        assertThat(Scaling.scale(Rounding.XNNPACK, real, a, 32)).isEqualTo(singles);
    }

    @Test
    void roundsHalfToEvenInSingles() {
        Rescale r = new Rescale(Rounding.ONNX, List.of(new Scale.Real(0.5f)), 10, 0, 255);
        assertThat(new long[] {1, 3, 5, -1, -3, 600, -600})
                .satisfies(as -> assertThat(Arrays.stream(as)
                                .map(a -> Scaling.rescale(r, a, 0, 32))
                                .toArray())
                        .containsExactly(10, 12, 12, 10, 8, 255, 0));
        // An accumulator above 2^24 is rounded to a single before it is scaled: 2^24 + 1 becomes 2^24.
        Rescale unit =
                new Rescale(Rounding.XNNPACK, List.of(new Scale.Real(1)), 0, Integer.MIN_VALUE, Integer.MAX_VALUE);
        assertThat(Scaling.rescale(unit, (1 << 24) + 1, 0, 32)).isEqualTo(1 << 24);
    }

    @Test
    void takesTheChannelsScale() {
        Rescale r = new Rescale(
                Rounding.TOSA, List.of(new Scale.Fixed(1 << 30, 1), new Scale.Fixed(1 << 30, 2)), 0, -128, 127);
        assertThat(Scaling.rescale(r, 5, 0, 32)).isEqualTo(5);
        assertThat(Scaling.rescale(r, 5, 1, 32)).isEqualTo(10);
    }

    @Test
    void anAccumulatorMustFit() {
        Rescale r = new Rescale(Rounding.TOSA, List.of(new Scale.Fixed(1 << 30, 1)), 0, -128, 127);
        assertThatThrownBy(() -> Scaling.rescale(r, 1L << 31, 0, 32)).hasMessage("2147483648 does not fit i32");
        assertThatThrownBy(() -> Scaling.rescale(r, -32769, 0, 16)).hasMessage("-32769 does not fit i16");
        assertThat(Scaling.rescale(r, -32768, 0, 16)).isEqualTo(-128);
    }
}
