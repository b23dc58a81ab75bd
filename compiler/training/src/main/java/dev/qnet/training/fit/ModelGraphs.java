package dev.qnet.training.fit;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.Granularity;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.pass.Canonicalize;
import dev.qnet.compiler.pass.DeadCode;
import dev.qnet.compiler.pass.FoldBatchNorm;
import dev.qnet.compiler.pass.InsertFakeQuant;
import dev.qnet.compiler.pass.Pass;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A model as training sees it: the folded graph that is deployed, where it is quantized, and its layers. */
final class ModelGraphs {
    private final Graph base;
    private final Graph folded;
    private final Graph quantized;
    private final Map<ValueId, Layer> layers = new LinkedHashMap<>();

    /**
     * Takes a model apart.
     *
     * @param graph as bound
     * @throws CompileException if it cannot be trained
     */
    ModelGraphs(Graph graph) {
        if (graph.params().size() != 1
                || graph.results().size() != 1
                || !graph.states().isEmpty()) {
            throw refused(
                    Span.NONE,
                    "'" + graph.name() + "' has " + graph.params().size() + " inputs and "
                            + graph.results().size() + " results"
                            + (graph.states().isEmpty() ? "" : ", and states")
                            + ": what is trained has one of each, and no states",
                    "train a model of the part that has");
        }
        Graph.Param input = graph.params().getFirst();
        if (!input.type().isFloat() || !input.type().shape().hasBatch()) {
            throw refused(
                    input.span(), "the input of what is trained is f32[N, ...], found " + input.type(), "write N");
        }
        base = run(graph, new Canonicalize());
        folded = run(base, new FoldBatchNorm(), new DeadCode());
        quantized = graph.policy() == null ? folded : run(folded, InsertFakeQuant.forTraining());
        Map<ValueId, Node> pairs = pairs(base);
        Map<ValueId, Node> definitions = quantized.definitions();
        Map<ValueId, Node> before = base.definitions();
        for (Node n : quantized.nodes()) {
            if (weighted(n)) {
                Layer layer = layer(n, definitions, pairs.get(n.id()), before);
                if (layer != null) {
                    layers.put(n.id(), layer);
                }
            }
        }
        if (layers.isEmpty()) {
            throw refused(
                    Span.NONE,
                    "'" + graph.name() + "' has no conv2d and no dense layer with f32 weights: nothing can be trained",
                    "give the weights in f32");
        }
    }

    static CompileException refused(Span span, String message, String fix) {
        return new CompileException(
                Diagnostic.error("not-trainable", span, message).withFix(fix));
    }

    private static Graph run(Graph graph, Pass... passes) {
        Graph g = graph;
        for (Pass p : passes) {
            Diagnostics diagnostics = new Diagnostics();
            g = p.run(g, new PassContext(diagnostics, Calibration.NONE));
            diagnostics.throwIfErrors();
        }
        return g;
    }

    static boolean weighted(Node n) {
        return n.op() instanceof FloatOp.Conv2d || n.op() instanceof FloatOp.Dense;
    }

    /** Batch normalizations with the layer whose only user they are, by the name of the normalization. */
    private static Map<ValueId, Node> pairs(Graph base) {
        Map<ValueId, Node> definitions = base.definitions();
        Map<ValueId, List<Node>> users = base.users();
        Map<ValueId, Node> pairs = new LinkedHashMap<>();
        for (Node n : base.nodes()) {
            if (!(n.op() instanceof FloatOp.BatchNorm)) {
                continue;
            }
            Node layer = definitions.get(n.operand(0));
            if (layer == null || !weighted(layer)) {
                continue;
            }
            boolean alone = Objects.requireNonNull(users.get(layer.id())).size() == 1
                    && !base.isResult(layer.id())
                    && layer.intent().activations() == null
                    && layer.intent().keepFloat() == n.intent().keepFloat();
            boolean known = n.operands().subList(1, 5).stream().allMatch(o -> floats(o, definitions) != null);
            if (alone && known && floats(layer.operand(1), definitions) != null) {
                pairs.put(n.id(), n);
            }
        }
        return pairs;
    }

    private static Tensor.@Nullable OfFloat floats(ValueId v, Map<ValueId, Node> definitions) {
        Node n = definitions.get(v);
        return n != null && n.op() instanceof DataOp.Constant(Tensor.OfFloat t) ? t : null;
    }

    private static float[] values(ValueId v, Map<ValueId, Node> definitions) {
        return Objects.requireNonNull(floats(v, definitions)).values();
    }

    private static @Nullable Layer layer(
            Node n, Map<ValueId, Node> definitions, @Nullable Node norm, Map<ValueId, Node> before) {
        Node w = definitions.get(n.operand(1));
        Spec spec = null;
        if (w != null && w.op() instanceof QuantOp.FakeQuant f) {
            spec = f.spec();
            w = definitions.get(w.operand(0));
        }
        if (w == null || !(w.op() instanceof DataOp.Constant(Tensor.OfFloat weights))) {
            return null;
        }
        if (spec != null && spec.granularity() instanceof Granularity.PerGroup) {
            throw refused(
                    n.span(),
                    "the weights of '" + n.id().name() + "' are quantized per group, which is not trained",
                    "write per_channel");
        }
        boolean biased = n.operands().size() > 2;
        int pixels = n.type().shape().elements() / Math.max(1, n.type().shape().dim(-1));
        Tensor.OfFloat constant = biased ? floats(n.operand(2), definitions) : null;
        if (biased && constant == null) {
            return null;
        }
        float[] bias = constant == null ? new float[0] : constant.values();
        if (norm == null) {
            return new Layer(n.id().name(), spec, null, biased, weights.shape(), pixels, weights.values(), bias);
        }
        Node layer = Objects.requireNonNull(before.get(norm.operand(0)));
        float[] own = values(layer.operand(1), before);
        float[] mean = values(norm.operand(3), before).clone();
        if (layer.operands().size() > 2) {
            float[] b = values(layer.operand(2), before);
            for (int c = 0; c < mean.length; c++) {
                mean[c] -= b[c];
            }
        }
        Layer.Norm statistics = new Layer.Norm(
                ((FloatOp.BatchNorm) norm.op()).epsilon(),
                values(norm.operand(1), before),
                values(norm.operand(2), before),
                mean,
                values(norm.operand(4), before));
        // Even where what was folded shifts nothing yet: it will.
        return new Layer(n.id().name(), spec, statistics, true, weights.shape(), pixels, own, bias);
    }

    /** The graph as the source has it, with its batch normalizations. */
    Graph base() {
        return base;
    }

    /** The graph that is deployed, in f32. */
    Graph folded() {
        return folded;
    }

    /** The same with fake quantization, undecided where calibration or training decides. */
    Graph quantized() {
        return quantized;
    }

    /** What is trained, by value. */
    Map<ValueId, Layer> layers() {
        return layers;
    }

    List<Layer> all() {
        return new ArrayList<>(layers.values());
    }

    Graph.Param input() {
        return quantized.params().getFirst();
    }

    /** How many classes the result tells apart. */
    int classes() {
        ValueId result = quantized.results().getFirst().value();
        dev.qnet.compiler.ir.Shape s =
                Objects.requireNonNull(quantized.types().get(result)).shape();
        if (!s.hasBatch() || s.rank() < 2) {
            throw refused(Span.NONE, "the result of what is trained is f32[N, classes], found " + s, "write flatten");
        }
        return s.elements();
    }
}
