package dev.qnet.training.fit;

import dev.qnet.compiler.ir.Graph;
import org.jspecify.annotations.Nullable;

/**
 * What training makes small.
 *
 * @param loss by which scores are compared with classes
 * @param teacher a network whose scores count as well, or null
 */
public record Objective(Loss loss, @Nullable Teacher teacher) {
    /** Cross-entropy with the classes. */
    public static final Objective CLASSES = new Objective(Loss.CROSS_ENTROPY, null);

    /** A loss of an item, of which the mean over the batch is made small. */
    public enum Loss {
        /** Of the softmax of the scores. */
        CROSS_ENTROPY,
        /** The sum of the squares of what scores differ from 1 for the right class and 0 for all others (Hui and Belkin 2021). */
        SQUARES
    }

    /**
     * Distillation (Hinton et al. 2015): {@code (1 − share)·loss + share·T²·H(softmax(teacher/T), softmax(scores/T))}.
     *
     * @param graph a float network that takes the same items and tells the same classes apart; it is at rest
     * @param share of the loss
     * @param temperature T: the higher, the more it counts what the teacher thinks of wrong classes
     */
    public record Teacher(Graph graph, double share, double temperature) {
        public Teacher {
            if (!(share > 0 && share <= 1 && temperature > 0)) {
                throw new IllegalArgumentException(
                        "a teacher's share is above 0 and at most 1, its temperature above 0");
            }
        }
    }
}
