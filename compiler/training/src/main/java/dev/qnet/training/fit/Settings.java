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
    /** What does for small networks. */
    public static final Settings DEFAULT = new Settings(
            64,
            5,
            5,
            0.4,
            new Optimizer.Sgd(0.9, true),
            0.05,
            0.01,
            new Schedule.WarmUp(0.05, new Schedule.Cosine(0.01)),
            0.1,
            1e-4,
            5,
            0,
            1,
            1);

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

    public Settings withEpochs(int withoutQuantization, int with) {
        return new Settings(
                batch,
                withoutQuantization,
                with,
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

    public Settings withRates(double withoutQuantization, double with) {
        return new Settings(
                batch,
                floatEpochs,
                epochs,
                frozenShare,
                optimizer,
                withoutQuantization,
                with,
                schedule,
                quantizerRate,
                decay,
                clip,
                smoothing,
                seed,
                threads);
    }

    public Settings withBatch(int items) {
        return new Settings(
                items,
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

    public Settings withThreads(int n) {
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
                n);
    }

    public Settings withSeed(long number) {
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
                number,
                threads);
    }
}
