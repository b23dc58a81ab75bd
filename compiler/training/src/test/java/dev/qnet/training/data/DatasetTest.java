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
                .hasMessage("nan: item 6 holds NaN");
        assertThatThrownBy(() -> data.range(4, 6).check(Shape.of(Shape.BATCH, 2), 5))
                .isInstanceOf(DataException.class)
                .hasMessage("nan: the label of item 5 is 5, but the model tells 5 classes apart, 0 to 4");
    }

    @Test
    void itemsKeepTheNumberThatTheyHaveInTheFile() {
        float[] items = items();
        items[13] = Float.NaN;
        Dataset mixed = new Dataset("nan", items, IntStream.range(0, 10).toArray(), Shape.of(2))
                .shuffled(new SplittableRandom(4))
                .range(1, 10)
                .scaled(0.5f)
                .shuffled(new SplittableRandom(5));
        boolean held = IntStream.range(0, 9).anyMatch(i -> mixed.label(i) == 6);
        assertThat(held).isTrue();
        assertThatThrownBy(() -> mixed.check(Shape.of(Shape.BATCH, 2), 10)).hasMessage("nan: item 6 holds NaN");
    }

    private static final InputRange UNIT = new InputRange("image", 0, 1, 1 / 255.0);

    private static Dataset of(float... values) {
        return new Dataset("d", values, new int[values.length], Shape.of(1));
    }

    @Test
    void numbersOutsideTheRangeAreRefusedOrToldOf() {
        assertThat(of(0, 0.5f, 1, 1.001f, -0.001f).check(UNIT)).isNull();
        float[] few = new float[100];
        few[7] = 1.3f;
        assertThat(of(few).check(UNIT))
                .isEqualTo(
                        "d: 1.0 % of its values lies outside range(0, 1), which the model says of its input 'image'; "
                                + "item 7 holds 1.300");
        assertThatThrownBy(() -> of(0, 255, 17, 4).check(UNIT))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("75.0 % of its values lie outside range(0, 1)")
                .hasMessageContaining("item 1 holds 255")
                .extracting(e -> ((DataException) e).fix())
                .asString()
                .startsWith("--factor 0.003922 ");
        // Few values are enough, if they are far away, but not one in a thousand; else many are not.
        few[7] = 3;
        assertThatThrownBy(() -> of(few).check(UNIT)).hasMessageContaining("item 7 holds 3");
        float[] outlier = new float[1000];
        outlier[7] = 3;
        assertThat(of(outlier).check(UNIT)).contains("item 7 holds 3");
        assertThatThrownBy(() -> of(0, 0.5f, 1.3f).check(UNIT)).hasMessageContaining("item 2 holds 1.3");
        // Numbers around 0 that are clipped on purpose.
        assertThat(of(0, 0.1f, 0.2f, -0.3f).check(UNIT)).isNotNull();
        // What they were multiplied with already counts.
        assertThatThrownBy(() -> of(0, 100, 200).scaled(0.01f).scaled(2).check(UNIT))
                .extracting(e -> ((DataException) e).fix())
                .asString()
                .startsWith("--factor 0.005000 ");
    }

    /** 127.5 is in the middle: an ulp beside it would be another code, where codes meet. */
    @Test
    void bytesAreNormalizedAsPicturesAreToRunAModel() {
        float[] bytes = new float[256];
        for (int i = 0; i < 256; i++) {
            bytes[i] = i;
        }
        Dataset d = of(bytes).normalized(127.5f, 127.5f);
        float[] item = new float[1];
        for (int i = 0; i < 256; i++) {
            d.copy(i, item, 0);
            assertThat(item[0]).isEqualTo((i - 127.5f) / 127.5f);
        }
    }
}
