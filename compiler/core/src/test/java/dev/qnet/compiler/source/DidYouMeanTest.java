package dev.qnet.compiler.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.AlphaChars;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

class DidYouMeanTest {
    private static final List<String> OPS =
            List.of("conv2d", "relu", "relu6", "softmax", "max_pool", "avg_pool", "add");

    @Test
    void findsTheNearName() {
        assertThat(DidYouMean.suggest("con2d", OPS)).contains("conv2d");
        assertThat(DidYouMean.suggest("sofmtax", OPS)).contains("softmax");
        assertThat(DidYouMean.suggest("ReLU", OPS)).contains("relu");
        assertThat(DidYouMean.suggest("maxpool", OPS)).contains("max_pool");
        assertThat(DidYouMean.suggest("ad", OPS)).contains("add");
    }

    @Test
    void staysSilentWhereNothingIsNear() {
        assertThat(DidYouMean.suggest("transpose", OPS)).isEmpty();
        assertThat(DidYouMean.suggest("x", List.of("y", "h"))).isEmpty();
        assertThat(DidYouMean.suggest("", OPS)).isEmpty();
        assertThat(DidYouMean.suggest("relu", List.of("relu"))).isEmpty();
        assertThat(DidYouMean.suggest("a".repeat(1_000_000), List.of("a".repeat(1_000_000))))
                .isEmpty();
    }

    @Test
    void ordersSeveralByDistance() {
        assertThat(DidYouMean.suggestions("relu5", OPS)).containsExactly("relu", "relu6");
    }

    @Property(tries = 300)
    void distanceIsAMeasure(
            @ForAll @AlphaChars @StringLength(max = 8) String a, @ForAll @AlphaChars @StringLength(max = 8) String b) {
        assertThat(DidYouMean.distance(a, a)).isZero();
        assertThat(DidYouMean.distance(a, b))
                .isEqualTo(DidYouMean.distance(b, a))
                .isBetween(Math.abs(a.length() - b.length()), Math.max(a.length(), b.length()));
    }
}
