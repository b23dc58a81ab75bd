package dev.qnet.cli;

import dev.qnet.cli.image.Images;
import dev.qnet.cli.image.Scaling;
import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.training.data.Augmentation;
import dev.qnet.training.data.DataException;
import dev.qnet.training.data.Dataset;
import dev.qnet.training.data.DatasetReader;
import dev.qnet.training.data.InputRange;
import dev.qnet.training.fit.Agreement;
import dev.qnet.training.fit.Checkpoints;
import dev.qnet.training.fit.Objective;
import dev.qnet.training.fit.Settings;
import dev.qnet.training.fit.Trained;
import dev.qnet.training.fit.Trainer;
import dev.qnet.training.fit.TrainingException;
import dev.qnet.training.optimize.Optimizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code qnet train}: quantization-aware training. */
@Command(
        name = "train",
        description =
                "Trains a model, at last as it is quantized, and writes it with its weights as codes: run, compile and "
                        + "explain take what it writes. Parameters that no file has begin at random.",
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  qnet train model.qnet --data train.npz -o trained/",
            "  qnet train model.qnet --data images-idx3-ubyte.gz --labels labels-idx1-ubyte.gz -o trained/",
            "  qnet train model.qnet --data pictures/ --flip --shift 2 -o trained/",
            "  qnet train model.qnet --data train.npz --scheme lsq --bits 3 -o trained/",
            "  qnet train model.qnet --data train.npz --bits 3 --teacher float.qnet -o trained/",
            "  qnet train model.qnet --data train.npz -o trained/ --resume"
        })
final class TrainCommand implements Callable<Integer> {
    private static final int MOST_THREADS = 512;

    @ParentCommand
    @SuppressWarnings("NullAway.Init")
    private QnetCommand parent;

    @Parameters(index = "0", paramLabel = "MODEL", description = "A .qnet file.")
    @SuppressWarnings("NullAway.Init")
    private Path model;

    @Option(names = "--model", paramLabel = "NAME", description = "Which model of the file, if it holds several.")
    private @Nullable String name;

    @Option(
            names = "--data",
            paramLabel = "PATH",
            required = true,
            description =
                    "Items with labels: an .npz archive with arrays x and y, an IDX file (with --labels), a CIFAR-10 .bin, "
                            + "or a folder with a folder of pictures for each class.")
    @SuppressWarnings("NullAway.Init")
    private Path data;

    @Option(names = "--labels", paramLabel = "PATH", description = "The IDX file of the labels.")
    private @Nullable Path labels;

    @Option(
            names = "--test-data",
            paramLabel = "PATH",
            description = "Items that accuracy is told on, instead of a share of --data. Not with IDX files.")
    private @Nullable Path testData;

    @Option(
            names = "--test",
            paramLabel = "SHARE",
            defaultValue = "0.2",
            description = "The share of the items that accuracy is told on, and that is not trained on. Default: 0.2.")
    private double share;

    @Option(
            names = "--factor",
            paramLabel = "F",
            description =
                    "What elements are multiplied with before the model sees them. Default: 1; but bytes come as 0 to 1, or -1 to 1, "
                            + "where the model says that its input is such, as for run --scale.")
    private @Nullable Float factor;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FOLDER",
            required = true,
            description = "Where the trained model and the log are written.")
    @SuppressWarnings("NullAway.Init")
    private Path output;

    @Option(
            names = "--float-epochs",
            paramLabel = "N",
            defaultValue = "5",
            description = "Epochs before anything is quantized. Default: 5.")
    private int floatEpochs;

    @Option(
            names = "--epochs",
            paramLabel = "N",
            defaultValue = "5",
            description = "Epochs with quantization. Default: 5.")
    private int epochs;

    @Option(names = "--batch", paramLabel = "N", defaultValue = "64", description = "Items a step. Default: 64.")
    private int batch;

    @Option(
            names = {"--rate", "--lr"},
            paramLabel = "R",
            description =
                    "The learning rate. Default: 0.05 with sgd, 0.002 with adamw; a fifth of it with quantization.")
    private @Nullable Double rate;

    @Option(
            names = "--optimizer",
            paramLabel = "NAME",
            defaultValue = "sgd",
            description = "sgd or adamw. Default: sgd.")
    @SuppressWarnings("NullAway.Init")
    private String optimizer;

    @Option(names = "--smoothing", paramLabel = "S", defaultValue = "0", description = "Label smoothing. Default: 0.")
    private double smoothing;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "1",
            description = "The same seed gives the same bytes. Default: 1.")
    private long seed;

    @Option(
            names = "--bits",
            paramLabel = "N",
            description =
                    "How many bits weights and activations have, instead of the scheme's: 2, 3, 4 or 8. What the model says of "
                            + "single values stays.")
    private @Nullable Integer bits;

    @Option(
            names = "--scheme",
            paramLabel = "SCHEME",
            description =
                    "How the model is quantized, instead of by its own scheme: a scheme of its source; ste, pact, lsq, lsq_plus, "
                            + "qil, qn or codebook; or a .qnet file with a scheme.")
    private @Nullable String scheme;

    @Option(
            names = "--loss",
            paramLabel = "NAME",
            defaultValue = "cross-entropy",
            description = "cross-entropy or mse. Default: cross-entropy.")
    @SuppressWarnings("NullAway.Init")
    private String loss;

    @Option(
            names = "--teacher",
            paramLabel = "MODEL",
            description = "A trained float model whose answers are learned as well (distillation).")
    private @Nullable Path teacher;

    @Option(
            names = "--teacher-share",
            paramLabel = "S",
            defaultValue = "0.5",
            description = "The teacher's share of the loss. Default: 0.5.")
    private double teacherShare;

    @Option(
            names = "--teacher-temperature",
            paramLabel = "T",
            defaultValue = "3",
            description = "How much counts what the teacher thinks of wrong classes. Default: 3.")
    private double temperature;

    @Option(names = "--flip", description = "Mirror half of the pictures, left for right, at random.")
    private boolean flip;

    @Option(
            names = "--shift",
            paramLabel = "PIXELS",
            defaultValue = "0",
            description = "Shift pictures by up to so many pixels, at random.")
    private int shift;

    @Option(
            names = "--turn",
            paramLabel = "DEGREES",
            defaultValue = "0",
            description = "Turn pictures by up to so many degrees, at random.")
    private double turn;

    @Option(
            names = "--compare",
            paramLabel = "N",
            defaultValue = "20",
            description =
                    "Test items on which the integers are compared with what training computed, at the end. Default: 20.")
    private int compared;

    @Option(
            names = "--resume",
            description = "Go on from the checkpoint in FOLDER, where there is one: what comes out is the same as if "
                    + "training had never stopped.")
    private boolean resume;

    @Option(
            names = "--overwrite",
            description = "Begin anew where FOLDER holds a training already: its model and checkpoint are lost.")
    private boolean overwrite;

    @Option(names = "--threads", paramLabel = "N", description = "Default: as many as there are cores, at most 2.")
    private @Nullable Integer threads;

    @Override
    public Integer call() throws IOException {
        Console console = parent.console();
        checkOptions();
        if (resume && overwrite) {
            throw new UserException("--resume goes on with what --overwrite begins anew", "one of them");
        }
        BoundModel bound = Frontend.load(model, new Frontend.Options(name, seed, scheme));
        console.show(bound.warnings());
        Settings settings = settings();
        try {
            Graph graph = bits == null ? bound.graph() : Policies.withBits(bound.graph(), bits);
            TrainFolder folder = new TrainFolder(output, graph.name());
            folder.check(teacher == null ? List.of(model) : List.of(model, teacher), resume, overwrite);
            Trainer trainer = new Trainer(graph, settings, objective(), augmentation());
            labels(bound.labels(), trainer.classes());
            Split split = split(graph, bound.labels());
            shifted(split.train());
            trainer.check(split.train(), split.test()).forEach(w -> console.warn(w, null));
            folder.prepare(!resume);
            TrainReport report = new TrainReport(console, output, graph.name());
            Trained trained =
                    trainer.train(split.train(), split.test(), report, new Checkpoints(folder.checkpoint(), resume));
            report.end();
            if (trained.quantized()) {
                // Before anything is written that looks finished: what does not compile is no result.
                trained.integers();
            }
            if (compared > 0 && trained.quantized()) {
                console.out().println(agreement(console, trained, split.test()));
            }
            Path file = folder.model();
            folder.write(path -> trained.save(path, bound.labels()));
            console.out()
                    .println("wrote " + file + ": " + percent(trained.accuracy()) + " of "
                            + split.test().size() + " test items right" + quantized(graph, settings));
            return ExitCode.OK;
        } catch (DataException e) {
            throw new UserException(String.valueOf(e.getMessage()), e.fix());
        } catch (TrainingException e) {
            throw new UserException(String.valueOf(e.getMessage()));
        }
    }

    private Agreement agreement(Console console, Trained trained, Dataset test) {
        int items = Math.min(compared, test.size());
        try (Progress progress = new Progress(console, "comparing items")) {
            return trained.agreement(test, items, done -> progress.at(done, items));
        }
    }

    /** That each number may be what it is, before anything is read: what is wrong is told by the option's name. */
    private void checkOptions() {
        at("--batch", batch, batch >= 2, "is at least 2, since statistics are taken of a batch");
        at("--float-epochs", floatEpochs, floatEpochs >= 0, "is 0 or more");
        at("--epochs", epochs, epochs >= 0, "is 0 or more");
        if (floatEpochs == 0 && epochs == 0) {
            throw new UserException("--float-epochs 0 and --epochs 0 leave nothing to train", "--epochs 5");
        }
        at(
                "--threads",
                threads,
                threads == null || (threads >= 1 && threads <= MOST_THREADS),
                "is 1 to " + MOST_THREADS);
        at("--rate", rate, rate == null || (rate > 0 && Double.isFinite(rate)), "is above 0");
        at("--smoothing", smoothing, smoothing >= 0 && smoothing < 1, "is 0 or more, and below 1");
        at("--test", share, share > 0 && share < 1, "lies between 0 and 1");
        at("--factor", factor, factor == null || (factor != 0 && Float.isFinite(factor)), "is a number other than 0");
        at("--compare", compared, compared >= 0, "is 0 or more");
        at("--shift", shift, shift >= 0, "is 0 pixels or more");
        at("--turn", turn, turn >= 0 && turn <= 180, "is 0 to 180 degrees");
        at("--teacher-share", teacherShare, teacherShare > 0 && teacherShare <= 1, "is above 0 and at most 1");
        at("--teacher-temperature", temperature, temperature > 0 && Double.isFinite(temperature), "is above 0");
    }

    private static void at(String option, @Nullable Object value, boolean right, String rule) {
        if (!right) {
            throw new UserException(option + " " + rule + ", found " + value);
        }
    }

    /** That pictures are not shifted out of themselves. */
    private void shifted(Dataset data) {
        int side = data.shape().rank() < 2
                ? 0
                : Math.min(data.shape().dim(0), data.shape().dim(1));
        if (side > 0 && shift >= side) {
            throw new UserException(
                    "--shift " + shift + " shifts pictures " + data.shape() + " out of themselves",
                    "--shift " + Math.max(1, side / 8));
        }
    }

    /** That there is a name for each class, and that folders of pictures can be told apart by them. */
    private void labels(List<String> names, int classes) {
        if (!names.isEmpty() && names.size() != classes) {
            throw new UserException(
                    model + ": it has " + names.size() + " labels " + names + " for " + classes + " scores",
                    "write a label for each score");
        }
        for (int i = 0; i < names.size() && Files.isDirectory(data); i++) {
            if (names.indexOf(names.get(i)) < i) {
                throw new UserException(
                        model + ": two of its labels are '" + names.get(i)
                                + "', and folders of pictures are told apart by them",
                        "write another name for one");
            }
        }
    }

    private record Split(Dataset train, Dataset test) {}

    private Split split(Graph graph, List<String> names) throws IOException {
        List<String> classes = names.isEmpty() && Files.isDirectory(data) ? DatasetReader.classes(data) : names;
        Dataset all = read(data, graph, classes, true);
        if (testData != null) {
            return new Split(all, read(testData, graph, classes, false));
        }
        int held = (int) Math.round(all.size() * share);
        if (held < 1 || held >= all.size()) {
            throw new UserException(
                    "--test " + share + " of " + all.size() + " items leaves none to " + (held < 1 ? "test" : "train"),
                    all.size() < 2
                            ? "more items, or others to test with: --test-data"
                            : "--test " + Math.max(held < 1 ? 0 : 0.2, Math.ceil(100.0 / all.size()) / 100));
        }
        Dataset mixed = all.shuffled(new SplittableRandom(seed));
        return new Split(mixed.range(held, mixed.size()), mixed.range(0, held));
    }

    private Dataset read(Path path, Graph graph, List<String> names, boolean learned) throws IOException {
        if (!Files.isDirectory(path)) {
            return scaled(DatasetReader.read(path, labels), graph);
        }
        Shape input = graph.params().getFirst().type().shape();
        Shape item = new Shape(input.dims().subList(1, input.rank()));
        Dataset pictures = DatasetReader.folder(
                path,
                names.isEmpty() ? DatasetReader.classes(path) : names,
                learned,
                Inputs.PICTURES.stream().map(p -> "." + p).toList(),
                item,
                file -> Images.levels(file, item.dims()));
        return scaled(pictures, graph);
    }

    private Dataset scaled(Dataset data, Graph graph) {
        if (factor != null) {
            return data.scaled(factor);
        }
        InputRange range = InputRange.of(graph.params().getFirst());
        if (!data.levels() || range == null) {
            return data;
        }
        Scaling scaling = Scaling.suiting(range.lo(), range.hi());
        return data.normalized(scaling.mean().getFirst(), scaling.std().getFirst());
    }

    private Objective objective() {
        Objective.Loss by = switch (loss) {
            case "cross-entropy" -> Objective.Loss.CROSS_ENTROPY;
            case "mse" -> Objective.Loss.SQUARES;
            default -> throw new UserException("there is no loss '" + loss + "'", "--loss cross-entropy or mse");
        };
        if (teacher == null) {
            return new Objective(by, null);
        }
        try {
            Graph graph = Frontend.load(teacher).graph();
            return new Objective(by, new Objective.Teacher(graph, teacherShare, temperature));
        } catch (IllegalArgumentException e) {
            throw new UserException(String.valueOf(e.getMessage()), "--teacher-share 0.5 --teacher-temperature 3");
        }
    }

    private Augmentation augmentation() {
        try {
            return new Augmentation(flip, shift, turn);
        } catch (IllegalArgumentException e) {
            throw new UserException(String.valueOf(e.getMessage()), "--shift 2 --turn 10");
        }
    }

    private static String quantized(Graph graph, Settings settings) {
        return graph.policy() == null
                ? ", in f32: the model has no scheme"
                : settings.epochs() == 0 ? ", in f32: calibrate it next" : ", as it is quantized";
    }

    static String percent(double share) {
        return String.format(Locale.ROOT, "%.2f %%", 100 * share);
    }

    private Settings settings() {
        Optimizer chosen = switch (optimizer) {
            case "sgd" -> new Optimizer.Sgd(0.9, true);
            case "adamw" -> Optimizer.AdamW.DEFAULT;
            default -> throw new UserException("there is no optimizer '" + optimizer + "'", "--optimizer sgd or adamw");
        };
        double r = rate != null ? rate : optimizer.equals("sgd") ? 0.05 : 0.002;
        int crew = threads != null ? threads : Math.min(2, Runtime.getRuntime().availableProcessors());
        try {
            return Settings.builder()
                    .batch(batch)
                    .epochs(floatEpochs, epochs)
                    .optimizer(chosen)
                    .rates(r, r / 5)
                    .smoothing(smoothing)
                    .seed(seed)
                    .threads(crew)
                    .build();
        } catch (IllegalArgumentException e) {
            throw new UserException(String.valueOf(e.getMessage()));
        }
    }
}
