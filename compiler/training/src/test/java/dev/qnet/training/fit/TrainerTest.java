package dev.qnet.training.fit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.training.data.Augmentation;
import dev.qnet.training.data.DataException;
import dev.qnet.training.data.Dataset;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Small networks learn a small problem, and what they have learned is what the integer code computes. */
class TrainerTest {
    private static final Dataset TRAIN = Bars.draw(1024, 1);
    private static final Dataset TEST = Bars.draw(512, 2);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path temp;

    private Graph model(String scheme, String annotations) throws IOException {
        Path file = temp.resolve("model.qnet");
        Files.writeString(file, """
                qnet 1
                %s
                model bars(image: f32[N, 10, 10, 1]) -> f32[N, 5] %s {
                  %s
                  h = image |> conv2d(8, kernel: 3, padding: same, bias: false) %s |> batch_norm |> relu
                  h = h |> max_pool(2)
                  h = h |> conv2d(16, kernel: 3) |> batch_norm |> relu
                  return h |> global_avg_pool |> flatten |> dense(5) @activations(u8, ste)
                }
                """.formatted(
                        scheme.isEmpty() ? "" : "scheme s { " + scheme + " }",
                        scheme.isEmpty() ? "" : "quantized s",
                        scheme.isEmpty() ? "" : "input image u8 range(0, 1)",
                        annotations));
        return Frontend.load(file, new Frontend.Options(null, 7L)).graph();
    }

    private static final Settings SETTINGS = settings().build();

    private static Settings.Builder settings() {
        return Settings.builder().batch(32).epochs(4, 5).rates(0.1, 0.02).seed(3);
    }

    @Test
    void floatNetworkLearns() throws IOException {
        Trained t = new Trainer(model("", ""), settings().epochs(5, 0).build()).train(TRAIN, TEST, Progress.silent());
        assertThat(t.accuracy()).isGreaterThan(0.97);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    weights i8 activations u8                            | 0.97 | i8
                    weights i4 lsq activations u4 lsq                    | 0.97 | i4
                    weights i3 lsq activations u3 lsq_plus               | 0.95 | i3
                    weights i2 full lsq activations u3 lsq               | 0.70 | i2
                    weights i4 pact per_tensor activations u4 pact       | 0.97 | i4
                    weights i4 qil activations u4 lsq                    | 0.97 | i4
                    weights i3 qn(temperature: 5..50) activations u4 lsq | 0.95 | i3
                    weights i4 qn(levels: [-4, -2, -1, 0, 1, 2, 4]) activations u4 qil | 0.95 | i4
                    weights i4 qil activations u4 qn(levels: [0, 1, 2, 3, 4, 6, 8, 12]) | 0.95 | i4
                    weights codebook(8) activations u4 lsq               | 0.97 | i8
                    weights ternary activations u4 lsq                   | 0.90 | ternary
                    weights bipolar activations u4 lsq                   | 0.85 | bipolar
                    """)
    void quantizedNetworksLearnAndDeploy(String scheme, double accuracy, String storage) throws IOException {
        Trained trained = new Trainer(model(scheme.strip(), ""), SETTINGS).train(TRAIN, TEST, Progress.silent());
        assertThat(trained.accuracy()).as(scheme).isGreaterThan(accuracy);

        Path file = temp.resolve("trained.qnet");
        trained.save(file);
        BoundModel bound = Frontend.load(file);
        Graph integers = Pipeline.run(
                bound.graph(),
                Passes.all(),
                new PassContext(new Diagnostics(), bound.calibration()),
                (pass, after) -> {});
        List<Storage> weights = new ArrayList<>();
        integers.nodes().forEach(n -> {
            if (n.op() instanceof IntOp.Conv2d || n.op() instanceof IntOp.Dense) {
                weights.add(((Quant) Objects.requireNonNull(integers.types().get(n.operand(1)))
                                .element())
                        .storage());
            }
        });
        assertThat(weights).hasSize(3).allMatch(s -> s.toString().equals(storage.strip()));
        double deployed = accuracy(integers, bound.graph());
        assertThat(Math.abs(deployed - trained.accuracy()))
                .as("%s: %f in integers, %f while training", scheme, deployed, trained.accuracy())
                .isLessThan(0.005);
        List<Integer> compared = new ArrayList<>();
        Agreement agreement = trained.agreement(TEST, 40, compared::add);
        assertThat(compared).hasSize(40).isSorted().endsWith(40);
        assertThat(agreement.values()).hasSizeGreaterThanOrEqualTo(5);
        assertThat(agreement.most()).as(agreement::toString).isLessThanOrEqualTo(1);
        assertThat(agreement.share()).as(agreement::toString).isLessThan(0.001);
    }

    /** Averages of few codes are ties in a quarter of cases, and additions have no accumulator for thresholds. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "weights i4 lsq activations u3 lsq rounding tosa",
                "weights i4 lsq activations u3 lsq rounding onnx",
                "weights i4 qn activations u3 qil",
                "weights i4 qil activations u4 qn(levels: [0, 1, 2, 4, 8])"
            })
    void averagesAndSumsAreWhatIntegersMakeOfThem(String scheme) throws IOException {
        Path file = Files.writeString(temp.resolve("sums.qnet"), """
                qnet 1
                scheme s { %s }
                model bars(image: f32[N, 10, 10, 1]) -> f32[N, 5] quantized s {
                  input image u8 range(0, 1)
                  h = image |> conv2d(8, kernel: 3, padding: same, bias: false) |> batch_norm |> relu
                  h = add(h, h |> conv2d(8, kernel: 1)) |> relu |> avg_pool(2)
                  return h |> global_avg_pool |> flatten |> dense(5) @activations(u8, ste)
                }
                """.formatted(scheme));
        Graph graph = Frontend.load(file, new Frontend.Options(null, 7L)).graph();
        Agreement agreement = new Trainer(graph, settings().epochs(1, 2).build())
                .train(TRAIN, TEST, Progress.silent())
                .agreement(TEST, 40);
        assertThat(agreement.values()).extracting(Agreement.Compared::name).contains("avg_pool_1", "relu_2");
        assertThat(agreement.most()).as(agreement::toString).isLessThanOrEqualTo(1);
        assertThat(agreement.share()).as(agreement::toString).isLessThan(0.001);
        assertThat(agreement.different()).isZero();
    }

    /** Branches with ranges of their own, one of them read by others too, and one that an average has kept on its grid. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "weights i4 lsq activations u3 lsq",
                "weights i4 lsq activations u4 lsq_plus rounding onnx",
                "weights i8 activations u8 rounding tflite",
                "weights i4 qn activations u3 qil",
                "weights i4 lsq activations i4 qn(levels: [-8, -3, -1, 0, 1, 3, 7])"
            })
    void joinedBranchesAreOnOneGrid(String scheme) throws IOException {
        Path file = Files.writeString(temp.resolve("joined.qnet"), """
                qnet 1
                scheme s { %s }
                model bars(image: f32[N, 10, 10, 1]) -> f32[N, 5] quantized s {
                  input image u8 range(0, 1)
                  a = image |> conv2d(6, kernel: 3, padding: same, bias: false) |> batch_norm |> relu |> avg_pool(2)
                  b = a |> conv2d(4, kernel: 3, padding: same)
                  c = concat(a, b, axis: 3)
                  d = concat(c |> conv2d(4, kernel: 1) |> relu |> max_pool(2), b |> max_pool(2), axis: 3)
                  return d |> flatten |> dense(5) @activations(u8, ste)
                }
                """.formatted(scheme));
        Graph graph = Frontend.load(file, new Frontend.Options(null, 7L)).graph();
        Trained trained = new Trainer(graph, settings().epochs(2, 3).build()).train(TRAIN, TEST, Progress.silent());
        Agreement agreement = trained.agreement(TEST, 40);
        assertThat(agreement.most()).as(agreement::toString).isLessThanOrEqualTo(1);
        assertThat(agreement.share()).as(agreement::toString).isLessThan(limit(scheme));
        assertThat(agreement.different()).isZero();
        assertThat(trained.accuracy()).isGreaterThan(0.8);
    }

    /** Of codes that differ: rescaling rounds twice by one contract, training once. */
    private static double limit(String scheme) {
        return scheme.contains("tflite") ? 0.01 : 0.001;
    }

    /** Averages of codes below 0: where they are ties, the contract has them away from 0. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "weights i4 lsq activations i3 lsq rounding tflite",
                "weights i4 lsq activations i4 lsq_plus rounding tflite",
                "weights i4 lsq activations i3 lsq rounding tosa",
                "weights i4 lsq activations i3 lsq rounding xnnpack"
            })
    void averagesBelowZeroAreWhatIntegersMakeOfThem(String scheme) throws IOException {
        Path file = Files.writeString(temp.resolve("signed.qnet"), """
                qnet 1
                scheme s { %s }
                model bars(image: f32[N, 10, 10, 1]) -> f32[N, 5] quantized s {
                  input image i8 range(0, 1)
                  h = image |> avg_pool(2) |> conv2d(8, kernel: 2, bias: false) |> batch_norm |> avg_pool(2)
                  return h |> flatten |> dense(5) @activations(u8, ste)
                }
                """.formatted(scheme));
        Graph graph = Frontend.load(file, new Frontend.Options(null, 7L)).graph();
        Agreement agreement = new Trainer(graph, settings().epochs(1, 2).build())
                .train(TRAIN, TEST, Progress.silent())
                .agreement(TEST, 40);
        assertThat(agreement.values().stream().filter(v -> v.name().startsWith("avg_pool")))
                .hasSize(2)
                .allSatisfy(v -> assertThat(v.off()).as(v::toString).isZero());
        assertThat(agreement.most()).as(agreement::toString).isLessThanOrEqualTo(1);
        assertThat(agreement.share()).as(agreement::toString).isLessThan(limit(scheme));
    }

    /** An average on a grid that the source gives; and values without a grid, of which nothing is counted. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "weights i8 activations u8 | input image range(0, 1) | 2",
                "weights i8 activations u8 range(0, 4) | input image range(0, 1) | 2",
                "weights i8 activations u8 dynamic | '' | 0"
            })
    void givenAndDynamicGridsAreCompared(String scheme, String input, int counted) throws IOException {
        Path file = Files.writeString(temp.resolve("given.qnet"), """
                qnet 1
                scheme s { %s }
                model bars(image: f32[N, 10, 10, 1]) -> f32[N, 5] quantized s {
                  %s
                  h = image |> avg_pool(2) |> conv2d(4, kernel: 3, bias: false) |> relu |> avg_pool(2)
                  return h |> flatten |> dense(5)
                }
                """.formatted(scheme, input));
        Graph graph = Frontend.load(file, new Frontend.Options(null, 7L)).graph();
        Agreement agreement = new Trainer(graph, settings().epochs(0, 1).build())
                .train(TRAIN, TEST, Progress.silent())
                .agreement(TEST, 20);
        assertThat(agreement.values()).hasSizeGreaterThanOrEqualTo(counted);
        // Half of all averages of two whole codes are ties.
        assertThat(agreement.share()).as(agreement::toString).isLessThan(0.001);
    }

    @Test
    void trainingGoesOnWithBatchNormalization() throws IOException {
        Graph graph = model("weights i8 activations u8", "");
        Trained floats = new Trainer(graph, settings().epochs(4, 0).build()).train(TRAIN, TEST, Progress.silent());
        Path file = temp.resolve("floats.qnet");
        floats.save(file, List.of("a", "b", "c", "d", "e"));
        BoundModel again = Frontend.load(file, new Frontend.Options(null, null, "lsq"));
        assertThat(again.labels()).containsExactly("a", "b", "c", "d", "e");
        assertThat(again.graph().nodes().stream().filter(n -> n.op() instanceof FloatOp.BatchNorm))
                .hasSize(2);
        assertThat(Objects.requireNonNull(again.graph().policy()).weights().storage())
                .isEqualTo(Storage.I4);
        // What the source says of single values holds with another scheme too.
        assertThat(Objects.requireNonNull(
                                again.graph().nodes().getLast().intent().activations())
                        .quantizer())
                .isNull();
        Trained codes =
                new Trainer(again.graph(), settings().epochs(0, 3).build()).train(TRAIN, TEST, Progress.silent());
        assertThat(codes.accuracy()).isGreaterThan(0.97);
    }

    /** Top-1 of the integer graph on the oracle; its input is codes. */
    private static double accuracy(Graph integers, Graph source) {
        Interpreter interpreter = Interpreter.prepare(integers);
        Quant in = integers.params().getFirst().type().quant();
        String name = source.params().getFirst().id().name();
        float[] item = new float[Bars.SIDE * Bars.SIDE];
        int right = 0;
        for (int i = 0; i < TEST.size(); i++) {
            TEST.copy(i, item, 0);
            long[] codes = new long[item.length];
            for (int k = 0; k < item.length; k++) {
                codes[k] = Math.clamp(
                        (long) Math.rint(item[k] / in.perTensor().scale())
                                + in.perTensor().zero(),
                        in.lo(),
                        in.hi());
            }
            Value y = interpreter
                    .run(Map.of(name, Value.of(Shape.of(1, Bars.SIDE, Bars.SIDE, 1), codes)))
                    .values()
                    .iterator()
                    .next();
            long[] scores = ((Value.Ints) y).data();
            int best = 0;
            for (int k = 1; k < scores.length; k++) {
                best = scores[k] > scores[best] ? k : best;
            }
            right += best == TEST.label(i) ? 1 : 0;
        }
        return right / (double) TEST.size();
    }

    @Test
    void theSameSeedGivesTheSameBytesOnAnyNumberOfThreads() throws IOException {
        Graph graph = model("weights i4 lsq activations u4 lsq", "");
        Settings.Builder quick = settings().epochs(1, 2);
        Dataset few = TRAIN.range(0, 256);
        List<byte[]> files = new ArrayList<>();
        for (int threads : new int[] {1, 1, 2}) {
            Trained t = new Trainer(graph, quick.threads(threads).build()).train(few, TEST, Progress.silent());
            Path file = temp.resolve("run" + files.size() + ".qnet");
            t.save(file);
            files.add(Files.readAllBytes(temp.resolve("run" + files.size() + ".safetensors")));
        }
        assertThat(files.get(1)).isEqualTo(files.get(0));
        assertThat(files.get(2)).isEqualTo(files.get(0));
        Trained other = new Trainer(graph, quick.seed(4).build()).train(few, TEST, Progress.silent());
        other.save(temp.resolve("other.qnet"));
        assertThat(Files.readAllBytes(temp.resolve("other.safetensors"))).isNotEqualTo(files.get(0));
    }

    /** Its bias needs a coarser scale once it is folded, which is not what training goes on with while it is not. */
    @Test
    void evaluationLeavesScalesOfDeadChannelsAsTheyAre() throws IOException {
        Path file = Files.writeString(temp.resolve("dead.qnet"), """
                qnet 1
                scheme s { weights i8 per_channel lsq activations u8 lsq }
                model bars(image: f32[N, 10, 10, 1]) -> f32[N, 5] quantized s {
                  input image u8 range(0, 1)
                  h = image |> global_avg_pool |> flatten |> dense(2, weight: [[1], [0]], bias: false)
                  h = h |> batch_norm(gamma: [1, 1], beta: [0, -1000], mean: [0, 0], variance: [1, 1]) |> relu
                  return h |> dense(5)
                }
                """);
        Graph graph = Frontend.load(file, new Frontend.Options(null, 7L)).graph();
        Path kept = temp.resolve("checkpoint");
        Trained trained = new Trainer(
                        graph, settings().epochs(0, 2).frozenShare(0).build())
                .train(TRAIN, TEST, Progress.silent(), new Checkpoints(kept, false));
        List<float[]> scales = Checkpoint.read(kept).values().entrySet().stream()
                .filter(e -> e.getKey().endsWith("/w/q") && e.getValue().length == 2)
                .map(Map.Entry::getValue)
                .toList();
        assertThat(scales).hasSize(1);
        // The least there is, with which it began: weights that are 0 do not move it.
        assertThat(scales.getFirst()[1]).isEqualTo(1e-8f);
        // What is deployed has room: its biases fit.
        assertThat(trained.integers().nodes()).isNotEmpty();
        Trained again = new Trainer(
                        graph, settings().epochs(0, 2).frozenShare(0).build())
                .train(TRAIN, TEST, Progress.silent(), new Checkpoints(kept, true));
        assertThat(again.accuracy()).isEqualTo(trained.accuracy());
    }

    /** Folding for good is of the statistics after the last step, not of those before it. */
    @Test
    void foldingIsOfTheLastStatistics() throws IOException {
        Path kept = temp.resolve("checkpoint");
        new Trainer(model("", ""), settings().epochs(1, 1).frozenShare(1).build())
                .train(TRAIN, TEST, Progress.silent(), new Checkpoints(kept, false));
        Map<String, float[]> values = Checkpoint.read(kept).values();
        List<String> folds =
                values.keySet().stream().filter(n -> n.endsWith("/fold")).toList();
        assertThat(folds).hasSize(2);
        for (String name : folds) {
            String layer = name.substring(0, name.length() - "fold".length());
            float[] gamma = Objects.requireNonNull(values.get(layer + "gamma"));
            float[] variance = Objects.requireNonNull(values.get(layer + "variance"));
            float[] f = Objects.requireNonNull(values.get(name));
            for (int c = 0; c < f.length; c++) {
                assertThat(f[c]).as("%s %d", name, c).isEqualTo((float)
                        (gamma[c] / Math.sqrt(variance[c] + (double) 0.001f)));
            }
        }
    }

    @Test
    void dataThatDoesNotFitIsToldBeforeTheFirstStep() throws IOException {
        Graph graph = model("", "");
        Dataset shape = new Dataset("wide", new float[64 * 20], new int[64], Shape.of(20));
        assertThatThrownBy(() -> new Trainer(graph, SETTINGS).train(shape, TEST, Progress.silent()))
                .isInstanceOf(DataException.class)
                .hasMessage("wide: items are [20], but the model takes [10x10x1]");
        int[] labels = new int[64];
        labels[3] = 7;
        Dataset label = new Dataset("seven", new float[64 * 100], labels, Shape.of(10, 10, 1));
        assertThatThrownBy(() -> new Trainer(graph, SETTINGS).train(label, TEST, Progress.silent()))
                .isInstanceOf(DataException.class)
                .hasMessage("seven: the label of item 3 is 7, but the model tells 5 classes apart, 0 to 4");
    }

    @Test
    void aLossThatExplodesNamesTheFirstValue() throws IOException {
        Graph graph = model("", "");
        Settings wild = settings().rates(1e25, 1).build();
        assertThatThrownBy(() -> new Trainer(graph, wild).train(TRAIN, TEST, Progress.silent()))
                .isInstanceOf(TrainingException.class)
                .hasMessageMatching("the loss is .* in step [0-9]+ of epoch 1: the first value that is not finite is "
                        + "'(batch_norm|dense)_[12].*' \\(.*model.qnet:[0-9]+:[0-9]+\\); "
                        + "train with a lower rate, clip gradients, or check the scale of the input");
    }

    @Test
    void aLossThatIsFiniteButHopelessEndsTheTraining() throws IOException {
        Graph graph = model("", "");
        Settings wild = settings().rates(1e5, 1).build();
        assertThatThrownBy(() -> new Trainer(graph, wild).train(TRAIN, TEST, Progress.silent()))
                .isInstanceOf(TrainingException.class)
                .hasMessageMatching("the loss is [0-9.E]+ in step [0-9]+ of epoch 1.*; train with a lower rate.*");
    }

    @Test
    void learnsBySquares() throws IOException {
        Objective squares = new Objective(Objective.Loss.SQUARES, null);
        Trained t = new Trainer(
                        model("weights i4 lsq activations u4 lsq", ""),
                        settings().rates(0.03, 0.01).build(),
                        squares,
                        Augmentation.NONE)
                .train(TRAIN, TEST, Progress.silent());
        assertThat(t.accuracy()).isGreaterThan(0.95);
    }

    @Test
    void learnsFromATeacher() throws IOException {
        Trained teacher =
                new Trainer(model("", ""), settings().epochs(5, 0).build()).train(TRAIN, TEST, Progress.silent());
        assertThat(teacher.accuracy()).isGreaterThan(0.95);

        // All labels are wrong: what is right can only come from the teacher, who knows the float network's weights.
        teacher.save(temp.resolve("teacher.qnet"));
        int[] wrong = new int[TRAIN.size()];
        float[] items = new float[wrong.length * TRAIN.shape().elements()];
        for (int i = 0; i < wrong.length; i++) {
            wrong[i] = (TRAIN.label(i) + 1) % Bars.CLASSES;
            TRAIN.copy(i, items, i * TRAIN.shape().elements());
        }
        Dataset misled = new Dataset("misled", items, wrong, TRAIN.shape());
        Objective taught = new Objective(
                Objective.Loss.CROSS_ENTROPY,
                new Objective.Teacher(
                        Frontend.load(temp.resolve("teacher.qnet")).graph(), 0.9, 2));
        Trained pupil = new Trainer(model("weights i4 lsq activations u4 lsq", ""), SETTINGS, taught, Augmentation.NONE)
                .train(misled, TEST, Progress.silent());
        assertThat(pupil.accuracy()).isGreaterThan(0.9);
    }

    @Test
    void aTeacherOfOtherClassesIsRefused() throws IOException {
        Path file = temp.resolve("other.qnet");
        Files.writeString(file, """
                qnet 1
                model other(image: f32[N, 10, 10, 1]) -> f32[N, 4] {
                  return image |> flatten |> dense(4)
                }
                """);
        Graph teacher = Frontend.load(file, new Frontend.Options(null, 1L)).graph();
        Objective taught = new Objective(Objective.Loss.CROSS_ENTROPY, new Objective.Teacher(teacher, 0.5, 1));
        assertThatThrownBy(() -> new Trainer(model("", ""), SETTINGS, taught, Augmentation.NONE))
                .isInstanceOf(TrainingException.class)
                .hasMessage("the teacher takes f32[Nx10x10x1] and tells 4 classes apart, but the model takes "
                        + "f32[Nx10x10x1] and tells 5");
    }

    @Test
    void groupsAreRefused() {
        assertThatThrownBy(() -> new Trainer(model("weights i4 per_group(4) activations u8", ""), SETTINGS))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining("per group, which is not trained");
    }
}
