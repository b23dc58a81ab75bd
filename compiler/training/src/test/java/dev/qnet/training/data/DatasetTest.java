package dev.qnet.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DatasetTest {
    /** Ten items [2] of class k: k and k + 100. */
    private static final Dataset TEN =
            new Dataset("ten", items(), IntStream.range(0, 10).toArray(), Shape.of(2));

    private static float[] items() {
        float[] items = new float[20];
        for (int k = 0; k < 10; k++) {
            items[2 * k] = k;
            items[2 * k + 1] = k + 100;
        }
        return items;
    }

    /** The class of each item, which its elements have to fit. */
    private static List<Integer> classes(Dataset data, float factor) {
        List<Integer> classes = new ArrayList<>();
        float[] item = new float[3];
        for (int i = 0; i < data.size(); i++) {
            data.copy(i, item, 1);
            int k = data.label(i);
            assertThat(item).containsExactly(0, k * factor, (k + 100) * factor);
            classes.add(k);
        }
        return classes;
    }

    @Test
    void partsOfPartsHoldTheirItems() {
        Dataset part = TEN.range(3, 9);
        assertThat(classes(part, 1)).containsExactly(3, 4, 5, 6, 7, 8);
        assertThat(classes(part.range(1, 4), 1)).containsExactly(4, 5, 6);
        assertThat(classes(part.range(1, 4).scaled(0.5f), 0.5f)).containsExactly(4, 5, 6);
        assertThat(classes(part.shuffled(new SplittableRandom(1)), 1))
                .containsExactlyInAnyOrder(3, 4, 5, 6, 7, 8)
                .isNotEqualTo(classes(part, 1));
        assertThatThrownBy(() -> part.range(2, 7))
                .isInstanceOf(DataException.class)
                .hasMessage("ten has 6 items, so there is no part 2 to 7");
    }

    @Test
    void aPartIsCheckedForItself() {
        float[] items = items();
        items[13] = Float.NaN;
        Dataset data = new Dataset("nan", items, IntStream.range(0, 10).toArray(), Shape.of(2));
        data.range(0, 6).check(Shape.of(Shape.BATCH, 2), 6);
        assertThatThrownBy(() -> data.range(4, 8).check(Shape.of(Shape.BATCH, 2), 8))
                .isInstanceOf(DataException.class)
                .hasMessage("nan: item 2 holds NaN");
        assertThatThrownBy(() -> data.range(4, 6).check(Shape.of(Shape.BATCH, 2), 5))
                .isInstanceOf(DataException.class)
                .hasMessage("nan: label 1 is 5, but the model tells 5 classes apart, 0 to 4");
    }
}
