package dev.qnet.training.fit;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.Span;
import dev.qnet.training.grad.Drawing;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A training graph while it is drawn: its nodes, its inputs, which of these belong to the model, and its results. */
final class Draft {
    private final Drawing to = new Drawing();
    private final List<Graph.Param> params = new ArrayList<>();
    private final List<Graph.Result> results = new ArrayList<>();
    private final Map<String, Trainable> trainables = new LinkedHashMap<>();
    private @Nullable ValueId temperature;

    /** Where nodes are added. */
    Drawing to() {
        return to;
    }

    /** Inputs that belong to the model, by name. */
    Map<String, Trainable> trainables() {
        return trainables;
    }

    void result(String name, ValueId value) {
        results.add(new Graph.Result(name, value));
    }

    /** The graph, with two results in front of the others. */
    Graph graph(String name, ValueId loss, ValueId scores) {
        List<Graph.Result> all = new ArrayList<>();
        all.add(new Graph.Result(TrainingGraph.LOSS, loss));
        all.add(new Graph.Result(TrainingGraph.SCORES, scores));
        all.addAll(results);
        return new Graph(name, params, to.nodes(), all);
    }

    ValueId input(String name, Type type, Span span) {
        ValueId id = new ValueId(name);
        to.input(id, type);
        params.add(new Graph.Param(id, type, null, span));
        return id;
    }

    ValueId input(String name, Shape shape) {
        return input(name, new Type(Element.FLOAT, shape), Span.NONE);
    }

    /** An input that belongs to the model. */
    ValueId trainable(String name, Trainable.Kind kind, Shape shape, Trainable.@Nullable Quantized quantized) {
        trainables.put(name, new Trainable(name, kind, shape, quantized));
        return input(name, shape);
    }

    /** The parameters of a quantizer of so many channels; those of that name, if there are any. */
    ValueId parameters(String name, TrainOp.Quantized op, int channels) {
        if (trainables.containsKey(name)) {
            return new ValueId(name);
        }
        return trainable(
                name,
                Trainable.Kind.QUANTIZER,
                Shape.of(channels, op.quantizer().parameters(op.lo(), op.hi())),
                new Trainable.Quantized(op.quantizer(), op.lo(), op.hi()));
    }

    /** What a quantizer makes of x. */
    ValueId quantize(String name, TrainOp.Quantized op, ValueId x, ValueId parameters) {
        if (!op.quantizer().hasTemperature()) {
            return to.add(name, op, x, parameters);
        }
        if (temperature == null) {
            temperature = trainable(TrainingGraph.TEMPERATURE, Trainable.Kind.TEMPERATURE, Shape.SCALAR, null);
        }
        return to.add(name, op, x, parameters, temperature);
    }
}
