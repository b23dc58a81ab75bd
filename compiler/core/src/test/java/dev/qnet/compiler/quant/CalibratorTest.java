package dev.qnet.compiler.quant;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Diagnostics;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CalibratorTest {
    private static final Graph GRAPH = GraphParser.parse("""
            graph @g {
              param %x : f32[Nx2]
              %x.fq = fake_quant %x {spec=u8(asymmetric, per_tensor, fixed(-1.0, 1.0)), rounding=tosa} : f32[Nx2]
              %k = constant [2.0] : f32[1]
              %k.fq = fake_quant %k {spec=u8(asymmetric, per_tensor, minmax), rounding=tosa, to=u8<scale=1.0, zero=0>} : f32[1]
              %m = mul %x.fq, %k.fq : f32[Nx2]
              %m.fq = fake_quant %m {spec=u8(asymmetric, per_tensor, moving_average(0.5)), rounding=tosa} : f32[Nx2]
              %s = relu %m.fq : f32[Nx2]
              %s.fq = fake_quant %s {spec=u8(asymmetric, per_tensor, minmax), rounding=tosa} : f32[Nx2]
              return y = %s.fq
            }
            """);

    private static Map<String, Value> input(float... x) {
        return Map.of("x", Value.of(Shape.of(x.length / 2, 2), x));
    }

    @Test
    void observesWhatIsUndecidedAndWhatTheSourceFixed() {
        Calibrator c = new Calibrator(GRAPH);
        List<Long> progress = new ArrayList<>();
        c.acceptAll(List.of(input(1, -3), input(2, 0.5f, -1, 0)), progress::add);
        Diagnostics diagnostics = new Diagnostics();
        Map<ValueId, RangeMethod> found = c.finish(diagnostics).values();
        assertThat(progress).containsExactly(1L, 2L);
        assertThat(diagnostics.all()).isEmpty();
        assertThat(found)
                .containsOnly(
                        Map.entry(new ValueId("x"), new RangeMethod.Fixed(-3, 2)),
                        // Items one after the other: [-6, 2], then [1, 4], then [-2, 0]; half of each.
                        Map.entry(new ValueId("m"), new RangeMethod.Fixed(-2.25f, 1.5f)),
                        Map.entry(new ValueId("s"), new RangeMethod.Fixed(0, 4)));
    }

    @Test
    void tellsTheFirstValueThatIsNotFinite() {
        Calibrator c = new Calibrator(GRAPH);
        c.accept(input(1, Float.MAX_VALUE));
        Diagnostics diagnostics = new Diagnostics();
        c.finish(diagnostics);
        assertThat(diagnostics.all()).extracting(Diagnostic::code).containsExactly("not-finite");
        assertThat(diagnostics.all().getFirst().message())
                .isEqualTo("'m' is NaN or infinite in 1 of 2 values over 1 inputs, and so may be all that follows it");
    }

    @Test
    void needsAnInput() {
        Diagnostics diagnostics = new Diagnostics();
        new Calibrator(GRAPH).finish(diagnostics);
        assertThat(diagnostics.all()).extracting(Diagnostic::code).containsExactly("no-calibration-data");
    }
}
