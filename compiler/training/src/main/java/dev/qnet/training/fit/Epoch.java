package dev.qnet.training.fit;

/**
 * An epoch that is over.
 *
 * @param number from 1
 * @param of how many
 * @param phase what was trained
 * @param rate the learning rate of its last step
 * @param loss the mean loss of its steps
 * @param accuracy the share of test items that the model, as it would be deployed, classifies rightly
 * @param itemsPerSecond items trained a second
 */
public record Epoch(
        int number, int of, Phase phase, double rate, double loss, double accuracy, double itemsPerSecond) {}
