package dev.qnet.compiler.pass;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Tensor;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class StaircasesTest {
    /** The level of a·unit/n behind clamps, in exact arithmetic. */
    private static int level(Spec.Steps steps, long a, BigDecimal unit, long n, List<ScalarFn> clamps) {
        BigDecimal real = unit.multiply(BigDecimal.valueOf(a));
        BigDecimal count = BigDecimal.valueOf(n);
        for (ScalarFn f : clamps) {
            BigDecimal lo = f instanceof ScalarFn.Clip c ? new BigDecimal(c.lo()) : BigDecimal.ZERO;
            real = real.max(lo.multiply(count));
            real = f instanceof ScalarFn.Clip c ? real.min(new BigDecimal(c.hi()).multiply(count)) : real;
        }
        int reached = 0;
        for (float t : steps.thresholds()) {
            reached += real.compareTo(new BigDecimal(t).multiply(count)) >= 0 ? 1 : 0;
        }
        return steps.levels().get(reached);
    }

    @Property(tries = 300)
    void integersReachWhatRealsReach(@ForAll long seed) {
        Random r = new Random(seed);
        int count = 1 + r.nextInt(6);
        List<Float> thresholds = new ArrayList<>();
        List<Integer> levels = new ArrayList<>(List.of(r.nextInt(5) - 2));
        for (int i = 0; i < count; i++) {
            // Some lie on integers exactly.
            thresholds.add(r.nextBoolean() ? (float) r.nextGaussian() * 3 : (r.nextInt(40) - 20) * 0.25f);
            levels.add(levels.getLast() + 1 + r.nextInt(3));
        }
        thresholds.sort(null);
        Spec.Steps steps = new Spec.Steps(thresholds, levels);
        float scale = r.nextBoolean() ? 0.25f : 0.01f + r.nextFloat();
        BigDecimal unit = new BigDecimal(scale).multiply(new BigDecimal(r.nextBoolean() ? 1f : r.nextFloat() + 0.1f));
        long n = 1L + r.nextInt(5);
        List<ScalarFn> clamps = new ArrayList<>();
        if (r.nextBoolean()) {
            clamps.add(new ScalarFn.Relu());
        }
        if (r.nextBoolean()) {
            clamps.add(new ScalarFn.Clip(-1, 1.5f));
        }
        Staircases.Integers found = Staircases.integers(steps, List.of(unit), n, clamps);
        int[] limits = ((Tensor.OfInt) found.thresholds()).values();
        for (int a = -200; a <= 200; a++) {
            int reached = 0;
            for (int t : limits) {
                reached += a >= t ? 1 : 0;
            }
            assertThat(found.levels().get(reached)).as("%d", a).isEqualTo(level(steps, a, unit, n, clamps));
        }
    }

    @Test
    void thresholdsBeyond32BitsAreWide() {
        Spec.Steps steps = new Spec.Steps(List.of(1f, 1e6f), List.of(0, 1, 2));
        assertThat(Staircases.integers(steps, List.of(new BigDecimal("0.0001")), 1, List.of())
                        .element())
                .isEqualTo(Element.INT64);
        assertThat(Staircases.integers(steps, List.of(BigDecimal.ONE), 1, List.of())
                        .element())
                .isEqualTo(Element.INT32);
    }

    @Test
    void stairsRise() {
        assertThatThrownBy(() -> new Spec.Steps(List.of(1f, 0.5f), List.of(0, 1, 2)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("rise");
        assertThatThrownBy(() -> new Spec.Steps(List.of(1f), List.of(0)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("2 levels");
    }
}
