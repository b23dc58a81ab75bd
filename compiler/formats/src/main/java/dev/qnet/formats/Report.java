package dev.qnet.formats;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What an importer made of a model.
 *
 * @param format {@code TFLite 3}, {@code ONNX opset 13}, as a person calls it
 * @param producer who wrote the file, or empty
 * @param operators how often each operator occurs, by its name in the format
 * @param notes what happened to single nodes, in the model's order
 */
public record Report(String format, String producer, Map<String, Integer> operators, List<Note> notes) {
    /** What happened to a node. */
    public enum Kind {
        /** Computed while importing, or merged into another operation. */
        FOLDED,
        /** Several nodes became one integer operation. */
        FUSED,
        /** Left as float arithmetic inside a quantized model. */
        FLOAT,
        /** Anything else worth knowing: an element type computed in another, an output that is left out. */
        REMARK
    }

    /**
     * One remark.
     *
     * @param node the node's name in the model
     * @param operator its operator, or empty
     * @param text what happened, for a person
     */
    public record Note(Kind kind, String node, String operator, String text) {}

    public Report {
        operators = java.util.Collections.unmodifiableMap(new TreeMap<>(operators));
        notes = List.copyOf(notes);
    }
}
