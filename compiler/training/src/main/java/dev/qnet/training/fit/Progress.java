package dev.qnet.training.fit;

import java.util.List;

/** Hears how training goes. */
@FunctionalInterface
public interface Progress {
    /** An epoch is over, and its checkpoint, where there are any, is written. */
    void epoch(Epoch epoch);

    /** Training goes on after these epochs, of which an earlier run told. */
    default void resumed(List<Epoch> epochs) {}

    /** A step is over. */
    default void step(Step step) {}

    /**
     * How far an epoch is.
     *
     * @param epoch its number, from 1
     * @param epochs of how many
     * @param done steps that are over
     * @param steps of how many
     * @param loss the mean loss of these steps
     * @param itemsPerSecond items trained a second
     * @param secondsLeft of the whole training, if it goes on as fast
     */
    record Step(int epoch, int epochs, int done, int steps, double loss, double itemsPerSecond, double secondsLeft) {}

    /** Says nothing. */
    static Progress silent() {
        return epoch -> {};
    }
}
