package dev.qnet.training.fit;

import dev.qnet.training.quantizer.IntegerForm;
import dev.qnet.training.quantizer.LearnedQuantizer;
import dev.qnet.training.run.Program;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/** The model's parameters while it is trained, by the names of {@link Layer} and of quantized values. */
final class Store {
    /** f is kept away from 0, where a weight could not be unfolded. */
    private static final float LEAST_FOLD = 1e-6f;

    /** A bias takes at most half of an i32's magnitudes: the rest is for the products. */
    private static final double MOST_BIAS = 1 << 30;

    private final Map<String, float[]> values = new LinkedHashMap<>();
    private boolean frozen;

    Store(ModelGraphs model) {
        for (Layer l : model.all()) {
            values.put(l.weight(), l.weights().clone());
            if (l.norm() != null) {
                values.put(l.part("gamma"), l.norm().gamma().clone());
                values.put(l.part("beta"), l.norm().beta().clone());
                values.put(l.part("mean"), l.norm().mean().clone());
                values.put(l.part("variance"), l.norm().variance().clone());
                values.put(l.part("fold"), new float[l.filters()]);
            } else if (l.biased()) {
                values.put(l.part("b"), l.bias().clone());
            }
        }
        values.put(TrainingGraph.TEMPERATURE, new float[] {1});
        refold(model);
    }

    private Store(Store other) {
        other.values.forEach((name, v) -> values.put(name, v.clone()));
        frozen = other.frozen;
    }

    /** One of its own with the same values: what is made of them there is not seen here. */
    Store copy() {
        return new Store(this);
    }

    float[] get(String name) {
        return Objects.requireNonNull(values.get(name), name);
    }

    void put(String name, float[] value) {
        values.put(name, value);
    }

    Map<String, float[]> all() {
        return values;
    }

    boolean frozen() {
        return frozen;
    }

    /** Makes it what it was. */
    void restore(Map<String, float[]> then, boolean wasFrozen) {
        values.clear();
        values.putAll(then);
        frozen = wasFrozen;
    }

    /** Brings f up to date with what it follows from. */
    void refold(ModelGraphs model) {
        for (Layer l : model.all()) {
            if (l.norm() != null && !frozen) {
                float[] f = get(l.part("fold"));
                float[] gamma = get(l.part("gamma"));
                float[] variance = get(l.part("variance"));
                for (int c = 0; c < f.length; c++) {
                    float v = (float) (gamma[c]
                            / Math.sqrt(variance[c] + (double) l.norm().epsilon()));
                    f[c] = Math.copySign(Math.max(Math.abs(v), LEAST_FOLD), v);
                }
            }
        }
    }

    /** The weights of a layer as they are deployed. */
    float[] foldedWeights(Layer l) {
        float[] w = get(l.weight());
        if (l.norm() == null) {
            return w;
        }
        float[] f = get(l.part("fold"));
        float[] folded = new float[w.length];
        int size = w.length / f.length;
        for (int i = 0; i < w.length; i++) {
            folded[i] = w[i] * f[i / size];
        }
        return folded;
    }

    /** The bias of a layer as it is deployed, or no elements without one. */
    float[] foldedBias(Layer l) {
        if (l.norm() == null || frozen) {
            return l.biased() ? get(l.part("b")) : new float[0];
        }
        float[] f = get(l.part("fold"));
        float[] beta = get(l.part("beta"));
        float[] mean = get(l.part("mean"));
        float[] b = new float[f.length];
        for (int c = 0; c < b.length; c++) {
            b[c] = beta[c] - mean[c] * f[c];
        }
        return b;
    }

    /** Folds batch normalizations for good: f stays as it is, and biases are learned from here on. */
    void freeze(ModelGraphs model) {
        // The last step has moved what f follows from.
        refold(model);
        for (Layer l : model.all()) {
            if (l.norm() != null) {
                values.put(l.part("b"), foldedBias(l));
            }
        }
        frozen = true;
    }

    /** Parameters of quantizers that follow from weights, and those of the others before the first step. */
    void refreshWeights(ModelGraphs model, TrainingGraph graph, boolean first) {
        for (Layer l : model.all()) {
            Trainable t = graph.trainables().get(l.scales());
            if (t == null
                    || t.quantized() == null
                    || (!first && t.quantized().quantizer().learned())) {
                continue;
            }
            LearnedQuantizer q = t.quantized().rule();
            float[] w = foldedWeights(l);
            int channels = t.shape().dim(0);
            int k = t.shape().dim(1);
            float[] p = values.computeIfAbsent(l.scales(), n -> new float[channels * k]);
            for (int c = 0; c < channels; c++) {
                q.initialize(w, c * (w.length / channels), (c + 1) * (w.length / channels), p, c * k);
            }
        }
    }

    /** Makes the scales of a layer's channels follow a change of f, where each has its own. */
    void follow(TrainingGraph graph, Layer l, float[] before) {
        Trainable t = graph.trainables().get(l.scales());
        if (t == null || t.quantized() == null || t.shape().dim(0) != before.length) {
            return;
        }
        LearnedQuantizer q = t.quantized().rule();
        float[] f = get(l.part("fold"));
        for (int c = 0; c < f.length; c++) {
            q.rescale(get(l.scales()), c * t.shape().dim(1), f[c] / before[c]);
        }
    }

    /** What biases are rounded to, after all that it follows from. */
    private void refreshBiases(TrainingGraph graph) {
        graph.biases().forEach((name, grid) -> {
            float x = grid.input() == null ? grid.scale() : scale(graph, grid.input(), 0);
            Layer l = grid.layer();
            int channels = Objects.requireNonNull(graph.trainables().get(l.scales()))
                    .shape()
                    .dim(0);
            makeRoom(graph, l, x, channels);
            float[] p = values.computeIfAbsent(name, n -> new float[2 * l.filters()]);
            for (int c = 0; c < l.filters(); c++) {
                p[2 * c] = x * scale(graph, l.scales(), channels == 1 ? 0 : c);
            }
        });
    }

    /**
     * Coarsens scales of weights until biases fit an i32 of the scale that they get, as is done where weights are only rounded: of a channel
     * that died, weights are nearly 0 but the bias is not.
     */
    private void makeRoom(TrainingGraph graph, Layer l, float x, int channels) {
        float[] bias = foldedBias(l);
        Trainable t = Objects.requireNonNull(graph.trainables().get(l.scales()));
        LearnedQuantizer rule = rule(t);
        for (int c = 0; c < bias.length; c++) {
            int k = channels == 1 ? 0 : c;
            double least = Math.abs(bias[c]) / ((double) x * MOST_BIAS);
            float now = scale(graph, l.scales(), k);
            if (least > now && Double.isFinite(least)) {
                rule.rescale(get(l.scales()), k * t.shape().dim(1), (float) (least / now));
            }
        }
    }

    private float scale(TrainingGraph graph, String name, int channel) {
        Trainable t = Objects.requireNonNull(graph.trainables().get(name));
        return rule(t).scale(get(name), channel * t.shape().dim(1));
    }

    private static LearnedQuantizer rule(Trainable t) {
        return Objects.requireNonNull(t.quantized()).rule();
    }

    /** Copies everything that a graph takes into its program. */
    void load(TrainingGraph graph, Program program, ModelGraphs model) {
        Map<String, float[]> biases = new LinkedHashMap<>();
        model.all().forEach(l -> biases.put(l.part("b"), foldedBias(l)));
        refreshBiases(graph);
        for (TrainingGraph.Again a : graph.again()) {
            LearnedQuantizer rule =
                    rule(Objects.requireNonNull(graph.trainables().get(a.quantizer())));
            IntegerForm form = rule.integerForm(get(a.quantizer()), 0);
            values.put(a.scale(), new float[] {form.scale()});
            values.put(a.near(), new float[] {TrainingGraph.Again.NEAR, 0});
            int zero = form instanceof IntegerForm.Affine f ? f.zero() : 0;
            values.put(a.codes(), new float[] {1, zero});
            if (a.zero() != null) {
                values.put(a.zero(), new float[] {zero});
            }
        }
        for (Trainable t : graph.trainables().values()) {
            float[] to = program.input(t.name());
            float[] from = biases.containsKey(t.name()) ? biases.get(t.name()) : values.get(t.name());
            System.arraycopy(Objects.requireNonNull(from), 0, to, 0, to.length);
        }
    }
}
