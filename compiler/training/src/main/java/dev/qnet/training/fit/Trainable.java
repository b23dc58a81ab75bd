package dev.qnet.training.fit;

import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.training.quantizer.LearnedQuantizer;
import org.jspecify.annotations.Nullable;

/**
 * An input of a training graph that belongs to the model.
 *
 * @param name of the input
 * @param quantized for parameters of a quantizer: how, else null
 */
record Trainable(
        String name, Kind kind, Shape shape, @Nullable Quantized quantized) {
    /** What it is to the optimizer. */
    enum Kind {
        /** Decays. */
        WEIGHT,
        /** Biases, and scales and shifts of batch normalization. */
        SHIFT,
        /** Parameters of a quantizer: with a learning rate of their own. */
        QUANTIZER,
        /** f of {@link Phase}: follows from others. */
        FOLD,
        /** What a bias is rounded to: follows from others. */
        BIAS_SCALE,
        /** Of {@link TrainingGraph.Again}: follows from a quantizer. */
        GRID,
        /** The temperature of quantizers that have one. */
        TEMPERATURE
    }

    /** A quantizer and its codes. */
    record Quantized(Quantizer quantizer, int lo, int hi) {
        /** Its arithmetic. */
        LearnedQuantizer rule() {
            return LearnedQuantizer.of(quantizer, lo, hi);
        }
    }

    /** Whether gradients move it. */
    boolean learned() {
        return switch (kind) {
            case WEIGHT, SHIFT -> true;
            case QUANTIZER -> quantized != null && quantized.quantizer().learned();
            case FOLD, BIAS_SCALE, GRID, TEMPERATURE -> false;
        };
    }
}
