package dev.qnet.training.fit;

/** Hears how training goes. */
@FunctionalInterface
public interface Progress {
    /**
     * An epoch is over.
     *
     * @param epoch its number, from 1
     * @param epochs of how many
     * @param phase what was trained
     * @param loss the mean loss of its steps
     * @param accuracy the share of test items that the model, as it would be deployed, classifies rightly
     * @param itemsPerSecond items trained a second
     */
    void epoch(int epoch, int epochs, Phase phase, double loss, double accuracy, double itemsPerSecond);

    /** Says nothing. */
    static Progress silent() {
        return (epoch, epochs, phase, loss, accuracy, itemsPerSecond) -> {};
    }
}
