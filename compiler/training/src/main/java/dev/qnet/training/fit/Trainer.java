package dev.qnet.training.fit;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.training.data.Dataset;
import dev.qnet.training.grad.ReverseMode;
import dev.qnet.training.quantizer.LearnedQuantizer;
import dev.qnet.training.run.Crew;
import dev.qnet.training.run.Program;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Trains a model: first in f32, then quantized, at last with batch normalization folded ({@link Phase}). What is evaluated after each
 * epoch, and what is returned, is the model as it is deployed.
 */
public final class Trainer {
    /** Of the running statistics: what each batch adds. */
    private static final float MOMENTUM = 0.1f;
    /** Items that calibration looks at. */
    private static final int CALIBRATED = 512;
    /** Elements of a value that calibration keeps of a batch. */
    private static final int KEPT = 8192;

    /** Items that statistics are taken of before they are frozen. */
    private static final int SETTLED = 2048;

    /**
     * Of the quantized rate, once batch normalization is folded: then the loss depends on the size of a channel's weights, and steps that
     * normalization forgave are too long.
     */
    private static final double FROZEN_RATE = 0.05;

    private static final int TEST_BATCH = 64;

    private final ModelGraphs model;
    private final boolean quantizes;
    private final Settings settings;
    private final Store store;
    private final Map<String, float[][]> memory = new HashMap<>();
    private final SplittableRandom random;
    private long step;

    /**
     * A trainer of a model as it is bound.
     *
     * @throws dev.qnet.compiler.source.CompileException if the model cannot be trained
     */
    public Trainer(Graph graph, Settings settings) {
        this.model = new ModelGraphs(graph);
        this.quantizes = graph.policy() != null;
        this.settings = settings;
        this.store = new Store(model);
        this.random = new SplittableRandom(settings.seed());
    }

    /**
     * Trains on one dataset, and tells the accuracy on another.
     *
     * @throws dev.qnet.training.data.DataException if the data does not fit the model; before the first step
     * @throws TrainingException if the loss explodes
     */
    public Trained train(Dataset data, Dataset test, Progress progress) {
        data.check(model.input().type().shape(), model.classes());
        test.check(model.input().type().shape(), model.classes());
        if (data.size() < settings.batch()) {
            throw new dev.qnet.training.data.DataException(
                    data.source() + " has " + data.size() + " items, fewer than a batch of " + settings.batch());
        }
        try (Crew crew = new Crew(settings.threads())) {
            int frozen = (int) Math.round(settings.epochs() * settings.frozenShare());
            int early = settings.epochs() - frozen;
            int all = settings.floatEpochs() + settings.epochs();
            Run run = new Run(data, test, crew, progress, all);
            run.epochs(Phase.FLOAT, false, settings.floatEpochs(), 0, settings.floatEpochs(), 0);
            if (quantizes && settings.epochs() > 0) {
                calibrate(data, crew);
            }
            run.epochs(Phase.QUANTIZED, quantizes, early, 0, settings.epochs(), settings.floatEpochs());
            if (frozen > 0) {
                if (quantizes && early > 0) {
                    settle(data, crew);
                }
                store.freeze(model);
                memory.clear();
            }
            run.epochs(Phase.FROZEN, quantizes, frozen, early, settings.epochs(), settings.floatEpochs() + early);
            boolean asCodes = quantizes && settings.epochs() > 0;
            return new Trained(model, store, asCodes, evaluate(test, asCodes, crew));
        }
    }

    /** Where the parameters of quantizers begin: weights from themselves, activations from items. */
    private void calibrate(Dataset data, Crew crew) {
        int batch = settings.batch();
        TrainingGraph quantized = TrainingGraph.of(model, Phase.QUANTIZED, true, batch, TrainingGraph.Use.EVALUATE);
        store.refold(model);
        store.refreshWeights(model, quantized, true);
        TrainingGraph looking = TrainingGraph.of(model, Phase.FLOAT, false, batch, TrainingGraph.Use.CALIBRATE);
        Program program = new Program(looking.graph(), crew);
        store.load(looking, program, model);
        int batches = Math.max(1, Math.min(CALIBRATED, data.size()) / batch);
        Map<ValueId, float[]> seen = new HashMap<>();
        int[] order = data.order(random.split());
        for (int b = 0; b < batches; b++) {
            fill(data, order, b * batch, program, batch);
            program.run();
            for (ValueId v : looking.activations().keySet()) {
                float[] all = program.result(TrainingGraph.seen(v));
                int stride = Math.max(1, all.length / KEPT);
                int kept = (all.length + stride - 1) / stride;
                float[] samples = seen.computeIfAbsent(v, k -> new float[batches * kept]);
                for (int i = 0; i < kept; i++) {
                    samples[b * kept + i] = all[i * stride];
                }
            }
        }
        quantized.activations().forEach((value, name) -> {
            Trainable t = quantized.trainables().get(name);
            float[] samples = seen.get(value);
            if (t == null || t.quantized() == null || samples == null) {
                throw new IllegalStateException("nothing was seen of " + value);
            }
            LearnedQuantizer q = t.quantized().rule();
            float[] p = new float[t.shape().elements()];
            try {
                q.initialize(samples, 0, samples.length, p, 0);
            } catch (IllegalArgumentException e) {
                throw new TrainingException("'" + value.name()
                        + "' is not finite before it is quantized: train longer in f32, or with a lower rate");
            }
            store.put(name, p);
        });
    }

    /**
     * Takes the statistics of batch normalizations anew, with all weights at rest. Running ones lag behind, and at 2 bits, where a
     * weight's code changes by its whole magnitude, too far (Nagel et al. 2022). Codes stay as they are: a channel's scale follows its
     * deviation.
     */
    private void settle(Dataset data, Crew crew) {
        int batch = settings.batch();
        TrainingGraph graph = TrainingGraph.of(model, Phase.QUANTIZED, true, batch, TrainingGraph.Use.EVALUATE);
        Program program = new Program(graph.graph(), crew);
        store.refold(model);
        store.refreshWeights(model, graph, false);
        store.load(graph, program, model);
        int batches = Math.max(1, Math.min(SETTLED, data.size()) / batch);
        int[] order = data.order(random.split());
        Map<String, double[]> sums = new HashMap<>();
        for (int b = 0; b < batches; b++) {
            fill(data, order, b * batch, program, batch);
            program.run();
            for (Layer l : model.all()) {
                if (l.norm() == null) {
                    continue;
                }
                float[] m = program.result(TrainingGraph.moments(l));
                double[] sum = sums.computeIfAbsent(l.name(), k -> new double[m.length]);
                int channels = m.length / 2;
                for (int c = 0; c < channels; c++) {
                    sum[c] += m[c] / (double) batches;
                    sum[channels + c] += (m[channels + c] + (double) m[c] * m[c]) / batches;
                }
            }
        }
        for (Layer l : model.all()) {
            double[] sum = sums.get(l.name());
            if (sum == null) {
                continue;
            }
            float[] before = store.get(l.part("fold")).clone();
            for (int c = 0; c < l.filters(); c++) {
                store.get(l.part("mean"))[c] = (float) sum[c];
                store.get(l.part("variance"))[c] = (float) Math.max(0, sum[l.filters() + c] - sum[c] * sum[c]);
            }
            store.refold(model);
            store.follow(graph, l, before);
        }
    }

    private void fill(Dataset data, int[] order, int from, Program program, int batch) {
        float[] x = program.input(TrainingGraph.INPUT);
        float[] t = program.input(TrainingGraph.TARGET);
        int n = data.shape().elements();
        int classes = t.length / batch;
        float low = (float) (settings.smoothing() / classes);
        Arrays.fill(t, low);
        for (int i = 0; i < batch; i++) {
            int item = order[Math.min(from + i, order.length - 1)];
            data.copy(item, x, i * n);
            t[i * classes + data.label(item)] += (float) (1 - settings.smoothing());
        }
    }

    /** The share of items that the model, as it would be deployed now, classifies rightly. */
    private double evaluate(Dataset test, boolean asCodes, Crew crew) {
        TrainingGraph graph = TrainingGraph.of(model, Phase.FROZEN, asCodes, TEST_BATCH, TrainingGraph.Use.EVALUATE);
        Program program = new Program(graph.graph(), crew);
        store.refold(model);
        if (asCodes) {
            store.refreshWeights(model, graph, false);
        }
        store.get(TrainingGraph.TEMPERATURE)[0] = Float.POSITIVE_INFINITY;
        store.load(graph, program, model);
        int[] order = new int[test.size()];
        Arrays.setAll(order, i -> i);
        int right = 0;
        for (int from = 0; from < order.length; from += TEST_BATCH) {
            fill(test, order, from, program, TEST_BATCH);
            program.run();
            float[] scores = program.result(TrainingGraph.SCORES);
            int classes = scores.length / TEST_BATCH;
            for (int i = 0; i < Math.min(TEST_BATCH, order.length - from); i++) {
                right += best(scores, i * classes, classes) == test.label(from + i) ? 1 : 0;
            }
        }
        return right / (double) test.size();
    }

    private static int best(float[] scores, int from, int n) {
        int best = 0;
        for (int k = 1; k < n; k++) {
            best = scores[from + k] > scores[from + best] ? k : best;
        }
        return best;
    }

    /** One training: its data and its steps. */
    private final class Run {
        private final Dataset data;
        private final Dataset test;
        private final Crew crew;
        private final Progress progress;
        private final int all;

        Run(Dataset data, Dataset test, Crew crew, Progress progress, int all) {
            this.data = data;
            this.test = test;
            this.crew = crew;
            this.progress = progress;
            this.all = all;
        }

        /**
         * Some epochs of a phase.
         *
         * @param done epochs of this schedule before
         * @param scheduled epochs of this schedule in all
         * @param before epochs before this schedule's part, for reports
         */
        void epochs(Phase phase, boolean quantize, int epochs, int done, int scheduled, int before) {
            if (epochs == 0) {
                return;
            }
            int batch = settings.batch();
            TrainingGraph graph = TrainingGraph.of(model, phase, quantize, batch, TrainingGraph.Use.TRAIN);
            Program program = new Program(graph.graph(), crew);
            int steps = data.size() / batch;
            for (int e = 0; e < epochs; e++) {
                long start = System.nanoTime();
                int[] order = data.order(random.split());
                double loss = 0;
                for (int s = 0; s < steps; s++) {
                    double share = (done + e + s / (double) steps) / scheduled;
                    loss += step(graph, program, order, s * batch, share, phase, quantize) / steps;
                }
                double seconds = (System.nanoTime() - start) * 1e-9;
                progress.epoch(
                        before + e + 1,
                        all,
                        phase,
                        loss,
                        evaluate(test, quantize, crew),
                        steps * (double) batch / seconds);
            }
        }

        private double step(
                TrainingGraph graph,
                Program program,
                int[] order,
                int from,
                double share,
                Phase phase,
                boolean quantize) {
            store.refold(model);
            if (quantize) {
                store.refreshWeights(model, graph, false);
            }
            store.get(TrainingGraph.TEMPERATURE)[0] = temperature(graph, share);
            store.load(graph, program, model);
            fill(data, order, from, program, settings.batch());
            program.run();
            float loss = program.result(TrainingGraph.LOSS)[0];
            if (!Float.isFinite(loss)) {
                throw exploded(program, loss);
            }
            double rate = switch (phase) {
                case FLOAT -> settings.rate();
                case QUANTIZED -> settings.quantizedRate();
                case FROZEN -> settings.quantizedRate() * FROZEN_RATE;
            };
            update(graph, program, rate * settings.schedule().factor(share));
            follow(graph, program);
            return loss;
        }

        private static TrainingException exploded(Program program, float loss) {
            Node n = program.firstNotFinite();
            return new TrainingException("the loss is " + loss
                    + (n == null ? "" : ": the first value that is not finite is '" + n.id().name() + "'")
                    + "; train with a lower rate, clip gradients, or check the scale of the input");
        }

        private static float temperature(TrainingGraph graph, double share) {
            for (Trainable t : graph.trainables().values()) {
                if (t.quantized() != null && t.quantized().quantizer() instanceof Quantizer.Qn q) {
                    return (float) (q.from() * Math.pow(q.to() / q.from(), share));
                }
            }
            return 1;
        }

        private void update(TrainingGraph graph, Program program, double rate) {
            step++;
            double squares = 0;
            for (Trainable t : graph.trainables().values()) {
                if (t.learned() && settings.clip() > 0) {
                    for (float g : gradient(program, t)) {
                        squares += (double) g * g;
                    }
                }
            }
            double norm = Math.sqrt(squares);
            float shrink = settings.clip() > 0 && norm > settings.clip() ? (float) (settings.clip() / norm) : 1;
            for (Trainable t : graph.trainables().values()) {
                if (!t.learned()) {
                    continue;
                }
                float[] p = store.get(t.name());
                float[] g = gradient(program, t);
                for (int i = 0; i < g.length; i++) {
                    g[i] *= shrink;
                }
                boolean quantizer = t.quantized() != null;
                LearnedQuantizer rule =
                        t.quantized() == null ? null : t.quantized().rule();
                int k = rule == null ? 1 : rule.parameters();
                for (int at = 0; rule != null && at < p.length; at += k) {
                    rule.regularize(p, at, g);
                }
                float[][] kept = memory.computeIfAbsent(
                        t.name(), n -> new float[settings.optimizer().memory()][p.length]);
                settings.optimizer()
                        .move(
                                p,
                                g,
                                kept,
                                quantizer ? rate * settings.quantizerRate() : rate,
                                t.kind() == Trainable.Kind.WEIGHT ? settings.decay() : 0,
                                step);
                for (int at = 0; rule != null && at < p.length; at += k) {
                    rule.repair(p, at);
                }
            }
        }

        private static float[] gradient(Program program, Trainable t) {
            return program.result(ReverseMode.resultName(new ValueId(t.name())));
        }

        /** Moves running statistics; the variance without bias, as it is of a sample. */
        private void follow(TrainingGraph graph, Program program) {
            for (Layer l : model.all()) {
                if (!graph.trainables().containsKey(l.part("gamma"))) {
                    continue;
                }
                float[] m = program.result(TrainingGraph.moments(l));
                float[] mean = store.get(l.part("mean"));
                float[] variance = store.get(l.part("variance"));
                int channels = mean.length;
                int n = settings.batch() * l.pixels();
                float unbiased = n > 1 ? n / (n - 1f) : 1;
                for (int c = 0; c < channels; c++) {
                    mean[c] += MOMENTUM * (m[c] - mean[c]);
                    variance[c] += MOMENTUM * (m[channels + c] * unbiased - variance[c]);
                }
            }
        }
    }
}
