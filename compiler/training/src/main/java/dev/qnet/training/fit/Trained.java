package dev.qnet.training.fit;

import dev.qnet.compiler.front.write.SourceWriter;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.training.data.Dataset;
import dev.qnet.training.quantizer.IntegerForm;
import dev.qnet.training.quantizer.LearnedQuantizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * A trained model: the folded graph with its weights as codes, and the scales and zero points of its activations. It compiles as it
 * is.
 */
public final class Trained {
    private final Graph graph;
    private final Calibration calibration;
    private final double accuracy;
    private final ModelGraphs model;
    private final Store store;
    private final boolean asCodes;

    Trained(ModelGraphs model, Store store, boolean asCodes, double accuracy) {
        this.accuracy = accuracy;
        this.model = model;
        this.store = store;
        this.asCodes = asCodes;
        TrainingGraph trained = TrainingGraph.of(model, Phase.FROZEN, asCodes, 1, TrainingGraph.Use.EVALUATE);
        this.graph = new Writer(model, store, trained, asCodes).graph();
        Map<ValueId, Spec.RangeMethod> values = new HashMap<>();
        if (asCodes) {
            trained.activations().forEach((value, name) -> values.put(value, activation(trained, store, name)));
        }
        this.calibration = new Calibration(values);
    }

    /** The network, of which weights are codes where they are quantized. */
    public Graph graph() {
        return graph;
    }

    /** Scales and zero points of activations. */
    public Calibration calibration() {
        return calibration;
    }

    /** Whether it compiles to integers without calibration. */
    public boolean quantized() {
        return asCodes;
    }

    /** The share of test items that it classifies rightly, as fake quantization has it. */
    public double accuracy() {
        return accuracy;
    }

    /**
     * The graph that it compiles to.
     *
     * @throws dev.qnet.compiler.source.CompileException if it does not, saying why
     */
    public Graph integers() {
        return Pipeline.run(graph, Passes.all(), new PassContext(new Diagnostics(), calibration), (p, g) -> {});
    }

    /**
     * Compares the integers that it compiles to, on the oracle, with fake quantization.
     *
     * @param items how many of the data's first items
     * @throws IllegalStateException if it is not quantized
     */
    public Agreement agreement(Dataset data, int items) {
        return agreement(data, items, done -> {});
    }

    /**
     * As {@link #agreement(Dataset, int)}: the oracle takes its time.
     *
     * @param progress hears after each item how many are compared
     */
    public Agreement agreement(Dataset data, int items, IntConsumer progress) {
        if (!asCodes) {
            throw new IllegalStateException("what is not quantized has no integers to compare");
        }
        return new Comparison(model, store, graph, calibration).on(data, Math.min(items, data.size()), progress);
    }

    /**
     * Writes it as a source, with its parameters beside it.
     *
     * @param file named {@code .qnet}
     */
    public void save(Path file) throws IOException {
        save(file, List.of());
    }

    /**
     * As {@link #save(Path)}.
     *
     * @param labels the names of the classes, or empty
     */
    public void save(Path file, List<String> labels) throws IOException {
        SourceWriter.save(graph, calibration, labels, file);
    }

    private static Spec.RangeMethod activation(TrainingGraph trained, Store store, String name) {
        Trainable t = Objects.requireNonNull(trained.trainables().get(name));
        Trainable.Quantized q = Objects.requireNonNull(t.quantized());
        IntegerForm form = q.rule().integerForm(store.get(name), 0);
        return switch (form) {
            case IntegerForm.Affine a -> new Spec.RangeMethod.Given(List.of(a.scale()), List.of(a.zero()));
            case IntegerForm.Staircase s ->
                new Spec.RangeMethod.Given(
                        List.of(s.scale()),
                        List.of(0),
                        new Spec.Steps(
                                IntStream.range(0, s.thresholds().length)
                                        .mapToObj(i -> s.thresholds()[i])
                                        .toList(),
                                Arrays.stream(s.levels()).boxed().toList()));
            case IntegerForm.Sign _, IntegerForm.Table _ ->
                throw new IllegalStateException(name + " has no form of activations: " + form);
        };
    }

    /** Puts trained parameters into the folded graph. */
    private static final class Writer {
        private final ModelGraphs model;
        private final Store store;
        private final TrainingGraph trained;
        private final boolean asCodes;
        private final List<Node> nodes = new ArrayList<>();

        Writer(ModelGraphs model, Store store, TrainingGraph trained, boolean asCodes) {
            this.asCodes = asCodes;
            this.model = model;
            this.store = store;
            this.trained = trained;
        }

        Graph graph() {
            return store.frozen() || asCodes ? deployed() : normalized();
        }

        /** With batch normalizations, so that further training has them too. */
        private Graph normalized() {
            Graph base = model.base();
            Map<ValueId, Layer> behind = new HashMap<>();
            model.layers().forEach((id, l) -> {
                if (l.norm() != null) {
                    behind.put(
                            Objects.requireNonNull(base.definitions().get(id)).operand(0), l);
                }
            });
            for (Node n : base.nodes()) {
                Layer l = model.layers().get(n.id());
                Layer inFront = behind.get(n.id());
                if (inFront != null) {
                    nodes.add(n.withOperands(List.of(
                            n.operand(0),
                            constant(n, inFront, "weight", inFront.shape(), store.get(inFront.weight())))));
                } else if (l == null) {
                    nodes.add(n);
                } else if (l.norm() == null) {
                    nodes.add(layer(n, l));
                } else {
                    List<ValueId> operands = new ArrayList<>(List.of(n.operand(0)));
                    for (String part : List.of("gamma", "beta", "mean", "variance")) {
                        operands.add(constant(n, l, part, Shape.of(l.filters()), store.get(l.part(part))));
                    }
                    nodes.add(n.withOperands(operands));
                }
            }
            return base.withNodes(nodes).live();
        }

        private ValueId constant(Node place, Layer l, String part, Shape shape, float[] values) {
            Type type = Type.f32(shape.toArray());
            DataOp.Constant op = new DataOp.Constant(new Tensor.OfFloat(shape, values.clone()));
            return add(place, l.name() + ".trained_" + part, op, type);
        }

        private Graph deployed() {
            Graph folded = model.folded();
            for (Node n : folded.nodes()) {
                Layer l = model.layers().get(n.id());
                nodes.add(l == null ? n : layer(n, l));
            }
            // Constants that were trained are no longer used.
            return folded.withNodes(nodes).live();
        }

        private Node layer(Node n, Layer l) {
            List<ValueId> operands = new ArrayList<>(List.of(n.operand(0), weights(n, l)));
            if (l.biased()) {
                Shape shape = Shape.of(l.filters());
                operands.add(add(
                        n,
                        l.name() + ".trained_bias",
                        new DataOp.Constant(
                                new Tensor.OfFloat(shape, store.foldedBias(l).clone())),
                        Type.f32(l.filters())));
            }
            return n.withOperands(operands);
        }

        private ValueId add(Node place, String name, DataOp.Constant op, Type type) {
            ValueId id = new ValueId(name);
            nodes.add(new Node(id, op, List.of(), type, place.span()));
            return id;
        }

        private ValueId weights(Node n, Layer l) {
            float[] w = store.foldedWeights(l);
            Trainable t = trained.trainables().get(l.scales());
            Type real = Type.f32(l.shape().toArray());
            String name = l.name() + ".trained_weight";
            if (t == null || t.quantized() == null || l.spec() == null) {
                return add(n, name, new DataOp.Constant(new Tensor.OfFloat(l.shape(), w.clone())), real);
            }
            LearnedQuantizer q = t.quantized().rule();
            int channels = t.shape().dim(0);
            int size = w.length / channels;
            int[] codes = new int[w.length];
            List<Float> scales = new ArrayList<>();
            for (int c = 0; c < channels; c++) {
                IntegerForm form =
                        q.integerForm(store.get(l.scales()), c * t.shape().dim(1));
                for (int i = c * size; i < (c + 1) * size; i++) {
                    codes[i] = form.code(w[i]);
                }
                scales.add(form.scale());
            }
            Spec spec = l.spec();
            Scheme scheme = spec.granularity() instanceof Spec.Granularity.PerChannel
                    ? new Scheme.PerAxis(0, scales, scales.stream().map(s -> 0).toList())
                    : new Scheme.PerTensor(scales.getFirst(), 0);
            Quant quant = new Quant(spec.storage(), spec.lo(), spec.hi(), scheme);
            ValueId constant = add(
                    n,
                    name + "_codes",
                    new DataOp.Constant(new Tensor.OfInt(l.shape(), codes)),
                    new Type(quant, l.shape()));
            ValueId id = new ValueId(name);
            nodes.add(new Node(id, new QuantOp.Dequantize(), List.of(constant), real, n.span()));
            return id;
        }
    }
}
