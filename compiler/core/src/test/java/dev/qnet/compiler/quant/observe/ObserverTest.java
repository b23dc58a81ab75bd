package dev.qnet.compiler.quant.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds for every observer. */
class ObserverTest {
    private static final List<Spec> TARGETS = List.of(
            Targets.U8,
            Targets.I8_SYMMETRIC,
            Targets.U8_SYMMETRIC,
            Targets.U2,
            Targets.I16_SYMMETRIC,
            Targets.TERNARY,
            Targets.BIPOLAR);

    static Stream<RangeMethod> streaming() {
        return Stream.of(
                new RangeMethod.MinMax(),
                new RangeMethod.Percentile(99),
                new RangeMethod.Mse(),
                new RangeMethod.Entropy());
    }

    static Stream<RangeMethod> all() {
        return Stream.concat(streaming(), Stream.of(new RangeMethod.MovingAverage(0.9)));
    }

    private static Observer seen(RangeMethod method, float... values) {
        Observer o = Observer.of(method);
        o.accept(values);
        return o;
    }

    @ParameterizedTest
    @MethodSource("all")
    void zerosHaveTheRangeZero(RangeMethod method) {
        Observer o = seen(method, 0f, -0f, 0f);
        for (Spec target : TARGETS) {
            assertThat(o.range(target)).isEqualTo(new Range(0, 0));
        }
    }

    @ParameterizedTest
    @MethodSource("all")
    void oneValueOrManyEqualOnesAreCoveredExactly(RangeMethod method) {
        for (float v : new float[] {0.3f, -7e-20f, 3e38f, Float.MIN_VALUE}) {
            float[] many = new float[1000];
            Arrays.fill(many, v);
            for (Observer o : List.of(seen(method, v), seen(method, many))) {
                Range range = o.range(Targets.U8);
                assertThat(v < 0 ? range.lo() : range.hi()).isEqualTo(v);
                assertThat(v < 0 ? range.hi() : range.lo()).isZero();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("all")
    void nothingSeenIsAnError(RangeMethod method) {
        Observer o = seen(method, Float.NaN);
        assertThatThrownBy(() -> o.range(Targets.U8))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("no finite value was observed");
    }

    @ParameterizedTest
    @MethodSource("all")
    void nonFiniteValuesAreCountedAndLeftOut(RangeMethod method) {
        float[] clean = {1, -2, 0.5f, 3};
        float[] dirty = {Float.NaN, 1, -2, Float.POSITIVE_INFINITY, 0.5f, 3, Float.NEGATIVE_INFINITY};
        Observer o = seen(method, dirty);
        assertThat(o.nonFinite()).isEqualTo(3);
        assertThat(o.extremes().count()).isEqualTo(4);
        assertThat(o.extremes().min()).isEqualTo(-2);
        assertThat(o.extremes().max()).isEqualTo(3);
        for (Spec target : TARGETS) {
            assertThat(o.range(target)).isEqualTo(seen(method, clean).range(target));
        }
    }

    @ParameterizedTest
    @MethodSource("all")
    void theLargestFloatsAreCovered(RangeMethod method) {
        Observer o = seen(method, -Float.MAX_VALUE, Float.MAX_VALUE);
        assertThat(o.range(Targets.U8)).isEqualTo(new Range(-Float.MAX_VALUE, Float.MAX_VALUE));
    }

    @ParameterizedTest
    @MethodSource("all")
    void onlyThePartThatIsGivenIsSeen(RangeMethod method) {
        Observer o = Observer.of(method);
        o.accept(new float[] {100, 1, 2, -100}, 1, 3);
        assertThat(o.range(Targets.U8)).isEqualTo(new Range(0, 2));
    }

    @Property(tries = 20)
    void neitherChunksNorOrderMatter(@ForAll long seed, @ForAll @IntRange(min = 1, max = 500) int n) {
        Random random = new Random(seed);
        List<Float> values = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            values.add((float) (random.nextGaussian() * Math.exp(random.nextGaussian() * 4)));
        }
        for (RangeMethod method : streaming().toList()) {
            Observer whole = Observer.of(method);
            whole.accept(floats(values));
            Observer pieces = Observer.of(method);
            List<Float> shuffled = new ArrayList<>(values);
            Collections.shuffle(shuffled, random);
            float[] stream = floats(shuffled);
            for (int at = 0; at < n; ) {
                int next = Math.min(n, at + random.nextInt(1, 20));
                pieces.accept(stream, at, next);
                at = next;
            }
            for (Spec target : List.of(Targets.U8, Targets.I4_SYMMETRIC)) {
                assertThat(pieces.range(target)).isEqualTo(whole.range(target));
            }
        }
    }

    @Test
    void movingAverageFollowsItsFormulaBatchByBatch() {
        Observer o = Observer.of(new RangeMethod.MovingAverage(0.75));
        o.accept(new float[] {-1, 4});
        assertThat(o.range(Targets.U8)).isEqualTo(new Range(-1, 4));
        o.accept(new float[] {-3, 8});
        assertThat(o.range(Targets.U8)).isEqualTo(new Range(-1.5f, 5));
        o.accept(new float[] {Float.NaN});
        assertThat(o.range(Targets.U8)).isEqualTo(new Range(-1.5f, 5));
        o.accept(new float[] {0});
        assertThat(o.range(Targets.U8)).isEqualTo(new Range(-1.125f, 3.75f));
        assertThatThrownBy(() -> new MovingAverageObserver(1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void givenRangesNeedNoObserver() {
        assertThatThrownBy(() -> Observer.of(new RangeMethod.Fixed(0, 1))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Observer.of(new RangeMethod.Given(List.of(1f), List.of(0))))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static float[] floats(List<Float> values) {
        float[] out = new float[values.size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = values.get(i);
        }
        return out;
    }
}
