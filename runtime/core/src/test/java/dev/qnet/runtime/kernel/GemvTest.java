package dev.qnet.runtime.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

class GemvTest {
    @Property(tries = 400, edgeCases = EdgeCasesMode.NONE)
    void packedWeightsGiveTheSums(@ForAll long seed) {
        GemvCases.check(new Random(seed), Backend.VECTOR);
    }

    @Example
    void everyStepRunsOnMadeUpData() {
        Step.Scratch scratch = new Step.Scratch();
        for (int reach : new int[] {1, 3, 15, 255, 700}) {
            for (int lowest : new int[] {-1, -128}) {
                Set<Step> steps = new LinkedHashSet<>();
                layer(reach, lowest).inVectors(Backend.VECTOR.loops()).steps(steps);
                assertThat(steps).hasSizeGreaterThan(3);
                for (Step s : steps) {
                    s.call(scratch, 40, Step.ROUNDS);
                    s.call(scratch, 1, 0);
                }
            }
        }
    }

    /** Weights 0, 1 and so on, or multiples of 100 beyond the first rows, which 8 bits do not hold. */
    private static Gemv layer(int reach, int lowest) {
        int[] w = new int[64 * 256];
        Arrays.setAll(w, i -> reach > 255 ? i % 8 * 100 + (i < 256 ? 0 : i / 32 % 5 * (i % 8)) : i % (reach + 1));
        Operand x = Operand.codes(Kind.S8, 0, lowest, -lowest - 1 | 1);
        ConvSpec spec = ConvSpec.of(
                x,
                1,
                1,
                256,
                64,
                Window.POINT,
                1,
                w,
                null,
                Output.codes(Kind.S32, RowSteps.sample(Rounding.TOSA, 1), Kind.U8));
        return Objects.requireNonNull(Gemv.of(spec, ScalarLoops.INSTANCE));
    }
}
