package dev.qnet.formats;

import dev.qnet.compiler.ir.Tensor;
import java.util.List;
import java.util.Map;

/**
 * What a user says about a model beyond its file.
 *
 * @param fixed values of graph inputs that become constants, by the input's name: what has to be known when compiling
 *     (shapes, axes, scales) where a model takes it at run time
 * @param shapes extents of graph inputs whose shape the model leaves open, by the input's name; -1 in front is N
 */
public record ImportOptions(Map<String, Tensor> fixed, Map<String, List<Integer>> shapes) {
    public static final ImportOptions NONE = new ImportOptions(Map.of(), Map.of());

    public ImportOptions {
        fixed = Map.copyOf(fixed);
        shapes = Map.copyOf(shapes);
    }
}
