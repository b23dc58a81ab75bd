package dev.qnet.cli;

import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.training.data.DataException;
import dev.qnet.training.data.Dataset;
import dev.qnet.training.data.DatasetReader;
import dev.qnet.training.fit.Phase;
import dev.qnet.training.fit.Progress;
import dev.qnet.training.fit.Settings;
import dev.qnet.training.fit.Trained;
import dev.qnet.training.fit.Trainer;
import dev.qnet.training.fit.TrainingException;
import dev.qnet.training.optimize.Optimizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
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
            "  qnet train model.qnet --data images-idx3-ubyte.gz --labels labels-idx1-ubyte.gz --factor 0.00392 -o trained/",
            "  qnet train model.qnet --data train.npz --float-epochs 0 --epochs 10 --rate 0.005 -o trained/"
        })
final class TrainCommand implements Callable<Integer> {
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
                    "Items with labels: an .npz archive with arrays x and y, an IDX file (with --labels), a CIFAR-10 .bin.")
    @SuppressWarnings("NullAway.Init")
    private Path data;

    @Option(names = "--labels", paramLabel = "PATH", description = "The IDX file of the labels.")
    private @Nullable Path labels;

    @Option(
            names = "--test",
            paramLabel = "SHARE",
            defaultValue = "0.2",
            description = "The share of the items that accuracy is told on, and that is not trained on. Default: 0.2.")
    private double share;

    @Option(
            names = "--factor",
            paramLabel = "F",
            defaultValue = "1",
            description = "What elements are multiplied with before the model sees them. Default: 1.")
    private float factor;

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
            names = "--rate",
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

    @Option(names = "--threads", paramLabel = "N", description = "Default: as many as there are cores, at most 2.")
    private @Nullable Integer threads;

    @Override
    public Integer call() throws IOException {
        Console console = parent.console();
        BoundModel bound = Frontend.load(model, new Frontend.Options(name, seed));
        console.show(bound.warnings());
        Settings settings = settings();
        try {
            Dataset all = DatasetReader.read(data, labels).scaled(factor);
            int held = (int) Math.round(all.size() * share);
            if (held < 1 || held >= all.size()) {
                throw new UserException(
                        "--test " + share + " of " + all.size() + " items leaves none to "
                                + (held < 1 ? "test" : "train"),
                        "--test 0.2");
            }
            Dataset mixed = all.shuffled(new SplittableRandom(seed));
            Trainer trainer = new Trainer(bound.graph(), settings);
            Files.createDirectories(output);
            Path log = output.resolve("log.jsonl");
            Files.writeString(log, "");
            Trained trained =
                    trainer.train(mixed.range(held, mixed.size()), mixed.range(0, held), new Report(console, log));
            Path file = output.resolve(bound.graph().name() + ".qnet");
            trained.save(file);
            console.out()
                    .println("wrote " + file + ": " + percent(trained.accuracy()) + " of " + held + " test items right"
                            + quantized(bound.graph()));
            return ExitCode.OK;
        } catch (DataException e) {
            throw new UserException(String.valueOf(e.getMessage()));
        } catch (TrainingException e) {
            throw new UserException(String.valueOf(e.getMessage()), "--rate with a lower number");
        }
    }

    private static String quantized(Graph graph) {
        return graph.policy() == null ? ", in f32: the model has no scheme" : ", as its integer code computes them";
    }

    private static String percent(double share) {
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

    /** Tells each epoch, and writes a line of JSON for it. */
    private record Report(Console console, Path log) implements Progress {
        @Override
        public void epoch(int epoch, int epochs, Phase phase, double loss, double accuracy, double itemsPerSecond) {
            String word = phase.name().toLowerCase(Locale.ROOT);
            console.err()
                    .printf(
                            Locale.ROOT,
                            "epoch %d of %d  %-9s  loss %.4f  accuracy %s  %,.0f items/s%n",
                            epoch,
                            epochs,
                            word,
                            loss,
                            percent(accuracy),
                            itemsPerSecond);
            console.err().flush();
            String line = String.format(
                    Locale.ROOT,
                    "{\"epoch\": %d, \"of\": %d, \"phase\": \"%s\", \"loss\": %.6f, \"accuracy\": %.6f, \"items_per_second\": %.1f}%n",
                    epoch,
                    epochs,
                    word,
                    loss,
                    accuracy,
                    itemsPerSecond);
            try {
                Files.writeString(log, line, StandardCharsets.UTF_8, StandardOpenOption.APPEND);
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
    }
}
