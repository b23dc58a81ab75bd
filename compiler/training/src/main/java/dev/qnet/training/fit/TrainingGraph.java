package dev.qnet.training.fit;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.ValueId;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A model's graph for one phase of training, for one size of batch: its weights and the parameters of its quantizers are inputs, its
 * results are the loss, the scores, statistics of batch normalizations and, unless it is only to be evaluated, gradients.
 *
 * @param graph the graph
 * @param trainables inputs that belong to the model, by name
 * @param activations the values that are quantized with parameters of their own: the name of these, by value
 * @param biases what the biases of layers are rounded to, by the name of its parameters
 * @param again what is rounded again on a grid that it stays on
 * @param points the fake quantizations of values, with the values; only where they are shown
 */
record TrainingGraph(
        Graph graph,
        Map<String, Trainable> trainables,
        Map<ValueId, String> activations,
        Map<String, BiasGrid> biases,
        List<Again> again,
        Map<ValueId, ValueId> points) {
    /**
     * A bias is rounded to the scale of what it is added to: that of the layer's input times that of its weights.
     *
     * @param input the name of the parameters of the input's quantizer, or null where its scale is given
     * @param scale given
     */
    record BiasGrid(Layer layer, @Nullable String input, float scale) {}

    /**
     * A value that stays on a grid, in codes: divided by the scale, rounded to small parts of a code, so that ties are ties, then to codes, and
     * multiplied again.
     *
     * @param scale the name of the scale
     * @param zero that of the zero point, or null where no code is below 0
     * @param near that of the parameters of the first rounding
     * @param codes that of the second
     * @param quantizer that of the parameters of the quantizer whose grid it is
     */
    record Again(String scale, @Nullable String zero, String near, String codes, String quantizer) {
        /** Parts of a code: a mean of up to 500 codes is farther from a tie that it does not meet. */
        static final float NEAR = 1f / 1024;

        static final float UP = NEAR / 2;
    }

    static final String INPUT = "@input";
    static final String TARGET = "@target";
    static final String LOSS = "@loss";
    static final String SCORES = "@scores";
    static final String TEMPERATURE = "@temperature";
    /** The probabilities that a teacher gives. */
    static final String TAUGHT = "@taught";

    /** The statistics of a layer's batch, as a result. */
    static String moments(Layer layer) {
        return "moments(" + layer.name() + ")";
    }

    /** A value that calibration looks at, as a result. */
    static String seen(ValueId v) {
        return "seen(" + v.name() + ")";
    }

    /** A quantized value, as a result, by its fake quantization. */
    static String shown(ValueId point) {
        return "shown(" + point.name() + ")";
    }

    /** An input in the place of a quantized value. */
    static String given(ValueId point) {
        return "given(" + point.name() + ")";
    }

    /** What a graph is made for. */
    enum Use {
        TRAIN,
        EVALUATE,
        /** Gives the values that will be quantized, instead of quantizing them. */
        CALIBRATE,
        /** Shows each quantized value. */
        COMPARE,
        /** Shows each quantized value, and takes what follows from an input in its place. */
        COMPARE_APART
    }

    /** A graph that is not trained, whose loss is cross-entropy. */
    static TrainingGraph of(ModelGraphs model, Phase phase, boolean quantize, int batch, Use use) {
        return of(model, phase, quantize, batch, use, Objective.CLASSES);
    }

    static TrainingGraph of(ModelGraphs model, Phase phase, boolean quantize, int batch, Use use, Objective objective) {
        return new TrainingGraphBuilder(model, phase, quantize, batch, use, objective).build();
    }
}
