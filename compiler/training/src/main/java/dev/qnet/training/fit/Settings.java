package dev.qnet.training.fit;

import dev.qnet.training.optimize.Optimizer;
import dev.qnet.training.optimize.Schedule;

/**
 * How a model is trained.
 *
 * @param batch items a step
 * @param floatEpochs epochs before anything is quantized
 * @param epochs epochs with quantization (of a model without a scheme: further epochs without)
 * @param frozenShare the share of the quantized epochs, at their end, with batch normalization folded for good
 * @param optimizer how gradients move parameters
 * @param rate the learning rate of the float epochs
 * @param quantizedRate that of the quantized ones
 * @param schedule how both change, each over its own epochs
 * @param quantizerRate what the rate is multiplied with for parameters of quantizers
 * @param decay weight decay, of weights alone
 * @param clip the largest norm of all gradients together; 0 for no limit
 * @param smoothing label smoothing: the share of the target that all classes have alike (Szegedy et al. 2016)
 * @param seed of the order of items
 * @param threads that share the work; they change no bit of the result
 */
public record Settings(
        int batch,
        int floatEpochs,
        int epochs,
        double frozenShare,
        Optimizer optimizer,
        double rate,
        double quantizedRate,
        Schedule schedule,
        double quantizerRate,
        double decay,
        double clip,
        double smoothing,
        long seed,
        int threads) {
    public Settings {
        if (batch < 2) {
            throw new IllegalArgumentException("a batch has two items or more, since statistics are taken of it");
        }
        if (floatEpochs < 0 || epochs < 0 || floatEpochs + epochs == 0) {
            throw new IllegalArgumentException("training takes an epoch or more");
        }
        if (!(frozenShare >= 0 && frozenShare <= 1 && smoothing >= 0 && smoothing < 1 && clip >= 0 && decay >= 0)) {
            throw new IllegalArgumentException("shares lie between 0 and 1, limits and decays are 0 or more");
        }
        if (!(rate > 0 && quantizedRate > 0 && quantizerRate >= 0)) {
            throw new IllegalArgumentException("learning rates are above 0");
        }
    }

    /** What of them a result depends on, as a text that differs where they differ: all but threads. */
    String mark() {
        return new Settings(
                        batch,
                        floatEpochs,
                        epochs,
                        frozenShare,
                        optimizer,
                        rate,
                        quantizedRate,
                        schedule,
                        quantizerRate,
                        decay,
                        clip,
                        smoothing,
                        seed,
                        1)
                .toString();
    }

    /** Settings that do for small networks, to be changed one by one. */
    public static Builder builder() {
        return new Builder();
    }

    /** Settings in the making. */
    public static final class Builder {
        private int batch = 64;
        private int floatEpochs = 5;
        private int epochs = 5;
        private double frozenShare = 0.4;
        private Optimizer optimizer = new Optimizer.Sgd(0.9, true);
        private double rate = 0.05;
        private double quantizedRate = 0.01;
        private Schedule schedule = new Schedule.WarmUp(0.05, new Schedule.Cosine(0.01));
        private double quantizerRate = 0.1;
        private double decay = 1e-4;
        private double clip = 5;
        private double smoothing;
        private long seed = 1;
        private int threads = 1;

        private Builder() {}

        public Builder batch(int items) {
            batch = items;
            return this;
        }

        public Builder epochs(int withoutQuantization, int with) {
            floatEpochs = withoutQuantization;
            epochs = with;
            return this;
        }

        public Builder frozenShare(double share) {
            frozenShare = share;
            return this;
        }

        public Builder optimizer(Optimizer chosen) {
            optimizer = chosen;
            return this;
        }

        public Builder rates(double withoutQuantization, double with) {
            rate = withoutQuantization;
            quantizedRate = with;
            return this;
        }

        public Builder schedule(Schedule chosen) {
            schedule = chosen;
            return this;
        }

        public Builder quantizerRate(double factor) {
            quantizerRate = factor;
            return this;
        }

        public Builder decay(double ofWeights) {
            decay = ofWeights;
            return this;
        }

        public Builder clip(double norm) {
            clip = norm;
            return this;
        }

        public Builder smoothing(double share) {
            smoothing = share;
            return this;
        }

        public Builder seed(long number) {
            seed = number;
            return this;
        }

        public Builder threads(int n) {
            threads = n;
            return this;
        }

        /**
         * The settings.
         *
         * @throws IllegalArgumentException if one is out of its range
         */
        public Settings build() {
            return new Settings(
                    batch,
                    floatEpochs,
                    epochs,
                    frozenShare,
                    optimizer,
                    rate,
                    quantizedRate,
                    schedule,
                    quantizerRate,
                    decay,
                    clip,
                    smoothing,
                    seed,
                    threads);
        }
    }
}
