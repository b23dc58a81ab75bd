package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.Diagnostic;
import java.util.List;

/**
 * A model as the passes and the command line take it.
 *
 * @param graph the network in f32, with its inputs, results and quantization policy
 * @param calibration what {@code calibration} sections say of it; {@link Calibration#NONE} without one
 * @param labels the names of the classes, or empty
 * @param warnings what the user should hear though nothing is wrong
 */
public record BoundModel(Graph graph, Calibration calibration, List<String> labels, List<Diagnostic> warnings) {
    public BoundModel {
        labels = List.copyOf(labels);
        warnings = List.copyOf(warnings);
    }
}
