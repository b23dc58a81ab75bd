package dev.qnet.training.fit;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.training.grad.Batches;
import dev.qnet.training.grad.Drawing;
import dev.qnet.training.grad.ReverseMode;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Makes a {@link TrainingGraph} of a model's graph, node by node. */
final class TrainingGraphBuilder {
    private final ModelGraphs model;
    private final TrainingGraph.Use use;
    private final int batch;
    private final Objective objective;
    private final Graph source;
    private final Map<ValueId, Node> definitions;
    private final Draft draft = new Draft();
    private final Drawing to = draft.to();
    private final LayerPart layers;
    private final ActivationPart activations;
    /** What the source's values are in the new graph. */
    private final Map<ValueId, ValueId> mapped = new HashMap<>();

    private final Map<ValueId, ValueId> points = new LinkedHashMap<>();

    TrainingGraphBuilder(
            ModelGraphs model, Phase phase, boolean quantize, int batch, TrainingGraph.Use use, Objective objective) {
        this.model = model;
        this.use = use;
        this.batch = batch;
        this.objective = objective;
        this.source = Batches.fix(model.quantized(), batch);
        this.definitions = source.definitions();
        this.layers = new LayerPart(draft, phase, quantize);
        this.activations = new ActivationPart(draft, source, quantize, use, batch);
    }

    TrainingGraph build() {
        Graph.Param in = source.params().getFirst();
        mapped.put(in.id(), draft.input(TrainingGraph.INPUT, in.type(), in.span()));
        source.nodes().forEach(this::node);
        ValueId scores = scores();
        ValueId loss = LossPart.of(draft, objective, scores);
        Graph graph = draft.graph(source.name(), loss, scores);
        if (use == TrainingGraph.Use.TRAIN) {
            List<ValueId> by = draft.trainables().values().stream()
                    .filter(Trainable::learned)
                    .map(t -> new ValueId(t.name()))
                    .toList();
            graph = ReverseMode.gradients(graph, loss, by);
        }
        return new TrainingGraph(
                graph, draft.trainables(), activations.activations(), layers.biases(), activations.again(), points);
    }

    /** What cross-entropy takes: in front of a softmax, [batch, classes]. */
    private ValueId scores() {
        ValueId v = source.results().getFirst().value();
        if (leads(v)) {
            Node n = Objects.requireNonNull(definitions.get(v));
            while (!(n.op() instanceof FloatOp.Softmax)) {
                n = Objects.requireNonNull(definitions.get(n.operand(0)));
            }
            v = n.operand(0);
        }
        ValueId s = resolve(v);
        Shape flat = Shape.of(batch, to.shape(s).elements() / batch);
        return to.shape(s).equals(flat) ? s : to.add(TrainingGraph.SCORES, new DataOp.Reshape(flat), s);
    }

    /** Whether a softmax lies at the end of moves and quantizations. */
    private boolean leads(ValueId v) {
        Node n = definitions.get(v);
        return n != null
                && (n.op() instanceof FloatOp.Softmax
                        || ((n.op() instanceof QuantOp.FakeQuant || n.op() instanceof DataOp.Reshape)
                                && leads(n.operand(0))));
    }

    private ValueId resolve(ValueId v) {
        ValueId known = mapped.get(v);
        if (known != null) {
            return known;
        }
        Node n = Objects.requireNonNull(definitions.get(v));
        ValueId made = to.add(n.withId(to.fresh(v.name()))
                .withOperands(n.operands().stream().map(this::resolve).toList()));
        mapped.put(v, made);
        return made;
    }

    private void node(Node n) {
        to.at(n.span());
        Layer layer = model.layers().get(n.id());
        if (layer != null) {
            ValueId x = resolve(n.operand(0));
            mapped.put(n.id(), layers.of(n, layer, x, activations.grid(n.operand(0))));
        } else if (n.op() instanceof QuantOp.FakeQuant f) {
            Node d = definitions.get(n.operand(0));
            if (d == null || !(d.op() instanceof DataOp.Constant)) {
                mapped.put(n.id(), shown(n, activations.of(n, f, resolve(n.operand(0)))));
            }
        } else if (!(n.op() instanceof DataOp.Constant)) {
            resolve(n.id());
            activations.follow(n);
        }
    }

    private ValueId shown(Node point, ValueId quantized) {
        if (use != TrainingGraph.Use.COMPARE && use != TrainingGraph.Use.COMPARE_APART) {
            return quantized;
        }
        points.put(point.id(), point.operand(0));
        draft.result(TrainingGraph.shown(point.id()), quantized);
        return use == TrainingGraph.Use.COMPARE
                ? quantized
                : draft.input(TrainingGraph.given(point.id()), to.shape(quantized));
    }
}
