package dev.qnet.training.fit;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphPrinter;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.training.data.Augmentation;
import dev.qnet.training.data.DataException;
import dev.qnet.training.data.Dataset;
import dev.qnet.training.data.InputRange;
import dev.qnet.training.data.Loader;
import dev.qnet.training.grad.ReverseMode;
import dev.qnet.training.quantizer.LearnedQuantizer;
import dev.qnet.training.run.Crew;
import dev.qnet.training.run.Program;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

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

    /** Times the loss of guessing: a loss beyond is of a training that will not come back. */
    private static final double MOST_LOSS = 1000;

    /** A value this far from 0 is no activation any more. */
    private static final float FAR = 1e6f;

    /** What random numbers are drawn for: each use in each epoch has its own, so that an epoch needs nothing of the ones before. */
    private enum Use {
        ORDER(0),
        CHANGES(1),
        CALIBRATION(2),
        STATISTICS(3);

        private final int number;

        Use(int number) {
            this.number = number;
        }
    }

    private final ModelGraphs model;
    private final boolean quantizes;
    private final Settings settings;
    private final Store store;
    private final Objective objective;
    private final Augmentation augmentation;
    private final @Nullable Teaching teaching;
    private final Map<String, float[][]> memory = new LinkedHashMap<>();
    private final String source;
    private long step;

    /** A trainer of a model as it is bound; it minimizes cross-entropy, on items as they are. */
    public Trainer(Graph graph, Settings settings) {
        this(graph, settings, Objective.CLASSES, Augmentation.NONE);
    }

    /**
     * A trainer of a model as it is bound.
     *
     * @param objective what is made small
     * @param augmentation how items are changed before they are trained on
     * @throws dev.qnet.compiler.source.CompileException if the model cannot be trained
     * @throws TrainingException if the teacher does not fit the model
     */
    public Trainer(Graph graph, Settings settings, Objective objective, Augmentation augmentation) {
        this.model = new ModelGraphs(graph);
        this.quantizes = graph.policy() != null;
        this.settings = settings;
        this.store = new Store(model);
        this.objective = objective;
        this.augmentation = augmentation;
        this.teaching = objective.teacher() == null ? null : new Teaching(objective.teacher(), model, settings.batch());
        this.source = GraphPrinter.print(graph);
    }

    @SuppressWarnings("EnumOrdinal") // any number that tells uses apart
    private SplittableRandom random(Use use, int epoch) {
        long mixed = settings.seed() * 0xff51afd7ed558ccdL ^ (4L * epoch + use.number) * 0xc4ceb9fe1a85ec53L;
        return new SplittableRandom(mixed ^ mixed >>> 32);
    }

    /** As {@link #train(Dataset, Dataset, Progress, Checkpoints)}, without any. */
    public Trained train(Dataset data, Dataset test, Progress progress) {
        try {
            return train(data, test, progress, Checkpoints.NONE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * That data can be trained on: what {@link #train} looks at first.
     *
     * @return what to warn of
     * @throws DataException if it does not fit the model or the settings, or its numbers are others than the model says of its input
     */
    public List<String> check(Dataset data, Dataset test) {
        Shape input = model.input().type().shape();
        data.check(input, model.classes());
        test.check(input, model.classes());
        InputRange range = InputRange.declared(model.input());
        List<String> warnings = new ArrayList<>();
        if (range != null) {
            Stream.of(data, test)
                    .map(d -> d.check(range))
                    .filter(Objects::nonNull)
                    .forEach(warnings::add);
        }
        augmentation.check(data.source(), data.shape());
        if (data.size() < settings.batch()) {
            throw new DataException(
                    data.source() + " has " + data.size() + " items to train on, fewer than a batch of "
                            + settings.batch(),
                    "a smaller batch (--batch)");
        }
        return warnings;
    }

    /** How many classes the model tells apart. */
    public int classes() {
        return model.classes();
    }

    /**
     * Trains on one dataset, and tells the accuracy on another. Once for each trainer.
     *
     * @throws DataException if the data does not fit the model; before the first step
     * @throws TrainingException if the loss explodes, or a checkpoint is not of this training
     * @throws IOException if a checkpoint cannot be read or written
     */
    public Trained train(Dataset data, Dataset test, Progress progress, Checkpoints checkpoints) throws IOException {
        var _ = check(data, test);
        Map<String, String> marks = checkpoints.file() == null ? Map.of() : marks(data, test);
        List<Epoch> done = new ArrayList<>();
        if (checkpoints.file() != null && checkpoints.resume() && Files.exists(checkpoints.file())) {
            done.addAll(resume(checkpoints.file(), marks));
            progress.resumed(List.copyOf(done));
        }
        int frozen = (int) Math.round(settings.epochs() * settings.frozenShare());
        int unfrozen = settings.floatEpochs() + settings.epochs() - frozen;
        int all = unfrozen + frozen;
        boolean asCodes = quantizes && settings.epochs() > 0;
        try (Crew crew = new Crew(settings.threads())) {
            Run run = null;
            for (int e = done.size(); e < all; e++) {
                if (e == settings.floatEpochs() && quantizes) {
                    calibrate(data, crew, random(Use.CALIBRATION, e));
                }
                if (e == unfrozen) {
                    if (quantizes && settings.floatEpochs() < unfrozen) {
                        settle(data, crew, random(Use.STATISTICS, e));
                    }
                    store.freeze(model);
                    memory.clear();
                }
                Phase phase = e < settings.floatEpochs() ? Phase.FLOAT : e < unfrozen ? Phase.QUANTIZED : Phase.FROZEN;
                if (run == null || run.phase != phase) {
                    run = new Run(phase, quantizes && phase != Phase.FLOAT, data, crew, progress, all);
                }
                Epoch epoch = run.epoch(e, test);
                done.add(epoch);
                if (checkpoints.file() != null) {
                    new Checkpoint(marks, done, step, store.frozen(), store.all(), memory).write(checkpoints.file());
                }
                progress.epoch(epoch);
            }
            // On the store itself: what is made room for biases in is what is deployed.
            double accuracy = evaluate(store, test, asCodes, crew);
            return new Trained(model, store, asCodes, accuracy);
        }
    }

    /** What has to be the same for a training to go on, by what messages call it. */
    private Map<String, String> marks(Dataset data, Dataset test) {
        Map<String, String> marks = new LinkedHashMap<>();
        // In front of the source, which another scheme changes too.
        marks.put("scheme or bits", checksum(String.valueOf(model.base().policy())));
        marks.put("source of the model", checksum(source));
        marks.put("data", data.size() + " " + data.shape() + " " + data.checksum());
        marks.put("test data", test.size() + " " + test.shape() + " " + test.checksum());
        marks.put("settings", settings.mark());
        marks.put("augmentation", augmentation.toString());
        Objective.Teacher t = objective.teacher();
        marks.put(
                "loss or teacher",
                objective.loss()
                        + (t == null
                                ? ""
                                : " " + t.share() + " " + t.temperature() + " "
                                        + checksum(GraphPrinter.print(t.graph()))));
        return marks;
    }

    private static String checksum(String text) {
        CRC32 crc = new CRC32();
        crc.update(text.getBytes(StandardCharsets.UTF_8));
        return Long.toHexString(crc.getValue());
    }

    private List<Epoch> resume(Path file, Map<String, String> marks) throws IOException {
        Checkpoint kept = Checkpoint.read(file);
        kept.check(file, marks);
        store.restore(kept.values(), kept.frozen());
        memory.putAll(kept.memory());
        step = kept.step();
        return kept.epochs();
    }

    /** Where the parameters of quantizers begin: weights from themselves, activations from items. */
    private void calibrate(Dataset data, Crew crew, SplittableRandom random) {
        int batch = settings.batch();
        TrainingGraph quantized = TrainingGraph.of(model, Phase.QUANTIZED, true, batch, TrainingGraph.Use.EVALUATE);
        store.refold(model);
        store.refreshWeights(model, quantized, true);
        TrainingGraph looking = TrainingGraph.of(model, Phase.FLOAT, false, batch, TrainingGraph.Use.CALIBRATE);
        Program program = new Program(looking.graph(), crew);
        store.load(looking, program, model);
        int batches = Math.max(1, Math.min(CALIBRATED, data.size()) / batch);
        Map<ValueId, float[]> seen = new HashMap<>();
        int[] order = data.order(random);
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
        Map<String, List<ValueId>> values = new LinkedHashMap<>();
        quantized
                .activations()
                .forEach((value, name) ->
                        values.computeIfAbsent(name, k -> new ArrayList<>()).add(value));
        values.forEach((name, all) -> {
            Trainable t = quantized.trainables().get(name);
            if (t == null || t.quantized() == null || !seen.keySet().containsAll(all)) {
                throw new IllegalStateException("nothing was seen of " + all);
            }
            float[] samples = together(all, seen);
            LearnedQuantizer q = t.quantized().rule();
            float[] p = new float[t.shape().elements()];
            try {
                q.initialize(samples, 0, samples.length, p, 0);
            } catch (IllegalArgumentException e) {
                throw new TrainingException("'" + all.getFirst().name()
                        + "' is not finite before it is quantized: train longer in f32, or with a lower rate");
            }
            store.put(name, p);
        });
    }

    private static float[] together(List<ValueId> values, Map<ValueId, float[]> seen) {
        FloatBuffer all = FloatBuffer.allocate(
                values.stream().mapToInt(v -> seen(v, seen).length).sum());
        values.forEach(v -> all.put(seen(v, seen)));
        return all.array();
    }

    private static float[] seen(ValueId value, Map<ValueId, float[]> seen) {
        return Objects.requireNonNull(seen.get(value), value::name);
    }

    /**
     * Takes the statistics of batch normalizations anew, with all weights at rest. Running ones lag behind, and at 2 bits, where a
     * weight's code changes by its whole magnitude, too far (Nagel et al. 2022). Codes stay as they are: a channel's scale follows its
     * deviation.
     */
    private void settle(Dataset data, Crew crew, SplittableRandom random) {
        int batch = settings.batch();
        TrainingGraph graph = TrainingGraph.of(model, Phase.QUANTIZED, true, batch, TrainingGraph.Use.EVALUATE);
        Program program = new Program(graph.graph(), crew);
        store.refold(model);
        store.refreshWeights(model, graph, false);
        store.get(TrainingGraph.TEMPERATURE)[0] = Float.POSITIVE_INFINITY;
        store.load(graph, program, model);
        int batches = Math.max(1, Math.min(SETTLED, data.size()) / batch);
        int[] order = data.order(random);
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

    /** Gives a program items of a dataset; beyond its last one, the last again. */
    private static void fill(Dataset data, int[] order, int from, Program program, int batch) {
        float[] x = program.input(TrainingGraph.INPUT);
        int n = data.shape().elements();
        for (int i = 0; i < batch; i++) {
            data.copy(order[Math.min(from + i, order.length - 1)], x, i * n);
        }
    }

    /**
     * The share of items that a model, as it would be deployed now, classifies rightly.
     *
     * @param evaluated its parameters, which are made those that are deployed; training goes on with others
     */
    private double evaluate(Store evaluated, Dataset test, boolean asCodes, Crew crew) {
        TrainingGraph graph = TrainingGraph.of(model, Phase.FROZEN, asCodes, TEST_BATCH, TrainingGraph.Use.EVALUATE);
        Program program = new Program(graph.graph(), crew);
        evaluated.refold(model);
        if (asCodes) {
            evaluated.refreshWeights(model, graph, false);
        }
        evaluated.get(TrainingGraph.TEMPERATURE)[0] = Float.POSITIVE_INFINITY;
        evaluated.load(graph, program, model);
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

    /** The steps of one phase. */
    private final class Run {
        private final Phase phase;
        private final boolean quantize;
        private final Dataset data;
        private final Crew crew;
        private final Progress progress;
        private final int all;
        private final TrainingGraph graph;
        private final Program program;

        Run(Phase phase, boolean quantize, Dataset data, Crew crew, Progress progress, int all) {
            this.phase = phase;
            this.quantize = quantize;
            this.data = data;
            this.crew = crew;
            this.progress = progress;
            this.all = all;
            graph = TrainingGraph.of(model, phase, quantize, settings.batch(), TrainingGraph.Use.TRAIN, objective);
            program = new Program(graph.graph(), crew);
        }

        /** Trains an epoch, by its number from 0. */
        Epoch epoch(int e, Dataset test) {
            int batch = settings.batch();
            int steps = data.size() / batch;
            boolean first = phase == Phase.FLOAT;
            int begun = first ? 0 : settings.floatEpochs();
            int scheduled = first ? settings.floatEpochs() : settings.epochs();
            long start = System.nanoTime();
            double loss = 0;
            double rate = 0;
            int[] order = data.order(random(Use.ORDER, e));
            long changes = random(Use.CHANGES, e).nextLong();
            try (Loader loader = new Loader(data, order, batch, augmentation, changes)) {
                for (int s = 0; s < steps; s++) {
                    double share = (e - begun + s / (double) steps) / scheduled;
                    rate = rate(share);
                    loss += step(loader.next(), share, rate, e, s);
                    double seconds = (System.nanoTime() - start) * 1e-9;
                    double each = seconds / (s + 1);
                    progress.step(new Progress.Step(
                            e + 1,
                            all,
                            s + 1,
                            steps,
                            loss / (s + 1),
                            batch / each,
                            each * (steps - s - 1 + (double) steps * (all - e - 1))));
                }
            }
            double seconds = (System.nanoTime() - start) * 1e-9;
            double accuracy = evaluate(store.copy(), test, quantize, crew);
            return new Epoch(e + 1, all, phase, rate, loss / steps, accuracy, steps * (double) batch / seconds);
        }

        private double rate(double share) {
            double rate = switch (phase) {
                case FLOAT -> settings.rate();
                case QUANTIZED -> settings.quantizedRate();
                case FROZEN -> settings.quantizedRate() * FROZEN_RATE;
            };
            return rate * settings.schedule().factor(share);
        }

        private void give(Loader.Batch batch) {
            System.arraycopy(batch.items(), 0, program.input(TrainingGraph.INPUT), 0, batch.items().length);
            float[] t = program.input(TrainingGraph.TARGET);
            int classes = t.length / batch.labels().length;
            Arrays.fill(t, (float) (settings.smoothing() / classes));
            for (int i = 0; i < batch.labels().length; i++) {
                t[i * classes + batch.labels()[i]] += (float) (1 - settings.smoothing());
            }
            if (teaching != null) {
                teaching.probabilities(batch.items(), program.input(TrainingGraph.TAUGHT), crew);
            }
        }

        private double step(Loader.Batch batch, double share, double rate, int epoch, int number) {
            store.refold(model);
            if (quantize) {
                store.refreshWeights(model, graph, false);
            }
            store.get(TrainingGraph.TEMPERATURE)[0] = temperature(graph, share);
            store.load(graph, program, model);
            give(batch);
            program.run();
            float loss = program.result(TrainingGraph.LOSS)[0];
            if (!(loss <= MOST_LOSS * (1 + Math.log(model.classes())))) {
                throw exploded(loss, epoch, number);
            }
            update(graph, program, rate);
            follow(graph, program);
            return loss;
        }

        private TrainingException exploded(float loss, int epoch, int number) {
            boolean finite = Float.isFinite(loss);
            Node n = program.firstBeyond(finite ? FAR : Float.MAX_VALUE);
            String where = n == null
                    ? ""
                    : ": the first value that is " + (finite ? "beyond " + (int) FAR : "not finite") + " is '"
                            + n.id().name() + "'" + (n.span().isNone() ? "" : " (" + n.span() + ")");
            return new TrainingException("the loss is " + loss + " in step " + (number + 1) + " of epoch " + (epoch + 1)
                    + where + "; train with a lower rate, clip gradients, or check the scale of the input");
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
