package dev.qnet.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.qnet.compiler.ir.Shape;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** How pictures are changed, and that batches come whole, in order, and the same whoever makes them. */
class AugmentationTest {
    private static final Shape SHAPE = Shape.of(3, 4, 2);

    private static float[] picture() {
        float[] p = new float[SHAPE.elements()];
        for (int i = 0; i < p.length; i++) {
            p[i] = i;
        }
        return p;
    }

    private static float pixel(float[] p, int y, int x, int c) {
        return p[(Math.clamp(y, 0, 2) * 4 + Math.clamp(x, 0, 3)) * 2 + c];
    }

    private static Set<List<Float>> many(Augmentation a) {
        Set<List<Float>> seen = new HashSet<>();
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 300; i++) {
            float[] to = new float[SHAPE.elements()];
            a.apply(picture(), to, 0, SHAPE, random);
            Float[] boxed = new Float[to.length];
            Arrays.setAll(boxed, k -> to[k]);
            seen.add(List.of(boxed));
        }
        return seen;
    }

    private static List<Float> moved(int down, int right, boolean mirrored) {
        Float[] to = new Float[SHAPE.elements()];
        for (int y = 0; y < 3; y++) {
            for (int x = 0; x < 4; x++) {
                for (int c = 0; c < 2; c++) {
                    int from = Math.clamp(x - right, 0, 3);
                    to[(y * 4 + x) * 2 + c] = pixel(picture(), y - down, mirrored ? 3 - from : from, c);
                }
            }
        }
        return List.of(to);
    }

    @Test
    void flipsMirrorAndShiftsRepeatTheBorder() {
        assertThat(many(new Augmentation(true, 0, 0))).containsExactlyInAnyOrder(moved(0, 0, false), moved(0, 0, true));
        Set<List<Float>> expected = new HashSet<>();
        for (int down = -1; down <= 1; down++) {
            for (int right = -1; right <= 1; right++) {
                expected.add(moved(down, right, false));
            }
        }
        assertThat(many(new Augmentation(false, 1, 0))).isEqualTo(expected);
    }

    @Test
    void turnsKeepTheMiddleAndStayBetweenNeighbours() {
        Shape square = Shape.of(5, 5);
        float[] p = new float[25];
        for (int i = 0; i < 25; i++) {
            p[i] = i % 5;
        }
        SplittableRandom random = new SplittableRandom(2);
        boolean turned = false;
        for (int i = 0; i < 50; i++) {
            float[] to = new float[25];
            new Augmentation(false, 0, 20).apply(p, to, 0, square, random);
            assertThat(to[12]).isCloseTo(2, within(1e-5f));
            // A ramp along x, turned by a degrees, rises by cos a along x and by sin a along y.
            double along = to[13] - (double) to[12];
            double across = to[17] - (double) to[12];
            assertThat(along * along + across * across).isCloseTo(1, within(1e-4));
            assertThat(Math.abs(across)).isLessThanOrEqualTo(Math.sin(Math.toRadians(20)) + 1e-5);
            turned |= Math.abs(across) > 0.1;
        }
        assertThat(turned).isTrue();
    }

    @Test
    void onlyPicturesCanBeChanged() {
        assertThatThrownBy(() -> new Augmentation(true, 0, 0).check("d", Shape.of(7)))
                .isInstanceOf(DataException.class)
                .hasMessageStartingWith("d: items are [7], and only pictures");
        Augmentation.NONE.check("d", Shape.of(7));
        assertThatThrownBy(() -> new Augmentation(false, -1, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void batchesComeWholeInOrderAndTheSameEachTime() {
        int n = 23;
        float[] items = new float[n * SHAPE.elements()];
        int[] labels = new int[n];
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < items.length; i++) {
            items[i] = random.nextFloat();
        }
        Arrays.setAll(labels, i -> i);
        Dataset data = new Dataset("d", items, labels, SHAPE);
        int[] order = data.order(random);
        for (Augmentation a : List.of(Augmentation.NONE, new Augmentation(true, 1, 10))) {
            float[][] first = new float[5][];
            for (int round = 0; round < 2; round++) {
                try (Loader loader = new Loader(data, order, 4, a, 9)) {
                    for (int b = 0; b < 5; b++) {
                        Loader.Batch batch = loader.next();
                        assertThat(batch.labels()).isEqualTo(Arrays.copyOfRange(order, 4 * b, 4 * b + 4));
                        if (a.none()) {
                            float[] x = new float[SHAPE.elements()];
                            data.copy(order[4 * b + 1], x, 0);
                            assertThat(Arrays.copyOfRange(batch.items(), x.length, 2 * x.length))
                                    .isEqualTo(x);
                        }
                        if (round == 0) {
                            first[b] = batch.items().clone();
                        } else {
                            assertThat(batch.items()).isEqualTo(first[b]);
                        }
                    }
                }
            }
        }
    }

    @Test
    void aBatchThatCannotBeMadeIsTold() {
        Dataset data = new Dataset("d", new float[8], new int[4], Shape.of(2));
        try (Loader loader = new Loader(data, new int[] {0, 1, 2, 99}, 2, Augmentation.NONE, 1)) {
            loader.next();
            assertThatThrownBy(loader::next)
                    .isInstanceOf(IllegalStateException.class)
                    .hasRootCauseInstanceOf(ArrayIndexOutOfBoundsException.class);
        }
    }
}
