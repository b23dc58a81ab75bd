package dev.qnet.training.fit;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.training.data.Dataset;
import java.util.SplittableRandom;

/** Pictures of 10 by 10 pixels: a bar across, one down, one in each diagonal, or a square, somewhere in noise. */
final class Bars {
    static final int CLASSES = 5;
    static final int SIDE = 10;

    private Bars() {}

    static Dataset draw(int n, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] items = new float[n * SIDE * SIDE];
        int[] labels = new int[n];
        for (int i = 0; i < n; i++) {
            labels[i] = random.nextInt(CLASSES);
            int row = random.nextInt(SIDE - 4);
            int column = random.nextInt(SIDE - 4);
            float ink = 0.6f + 0.4f * random.nextFloat();
            for (int p = 0; p < SIDE * SIDE; p++) {
                items[i * SIDE * SIDE + p] = 0.35f * random.nextFloat();
            }
            for (int k = 0; k < 5; k++) {
                for (int j = 0; j < 5; j++) {
                    boolean on = switch (labels[i]) {
                        case 0 -> k == 2;
                        case 1 -> j == 2;
                        case 2 -> k == j;
                        case 3 -> k == 4 - j;
                        default -> k == 0 || k == 4 || j == 0 || j == 4;
                    };
                    if (on) {
                        items[(i * SIDE + row + k) * SIDE + column + j] = ink;
                    }
                }
            }
        }
        return new Dataset("bars", items, labels, Shape.of(SIDE, SIDE, 1));
    }
}
