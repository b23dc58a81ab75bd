package dev.qnet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.runtime.io.Npy;
import dev.qnet.runtime.io.NpyArray;
import dev.qnet.runtime.io.Npz;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A model without weights is trained, and what is written runs. */
class TrainCommandTest extends InProcess {
    @SuppressWarnings("NullAway.Init")
    private Path model;

    @BeforeEach
    void write() throws IOException {
        model = Files.writeString(folder.resolve("quadrants.qnet"), """
                qnet 1
                scheme s { weights i4 lsq activations u4 lsq }
                model quadrants(x: f32[N, 2]) -> f32[N, 4] quantized s {
                  input x i8 range(-1, 1)
                  return x |> dense(16) |> relu |> dense(4) @activations(i8, ste)
                }
                """);
        int n = 600;
        SplittableRandom random = new SplittableRandom(5);
        float[] x = new float[2 * n];
        int[] y = new int[n];
        for (int i = 0; i < n; i++) {
            x[2 * i] = 2 * random.nextFloat() - 1;
            x[2 * i + 1] = 2 * random.nextFloat() - 1;
            y[i] = (x[2 * i] < 0 ? 1 : 0) + (x[2 * i + 1] < 0 ? 2 : 0);
        }
        Npz.write(folder.resolve("points.npz"), Map.of("x", NpyArray.ofFloats(x, n, 2), "y", NpyArray.ofInt32(y, n)));
    }

    @Test
    void trainsAndWritesAModelThatRunsInIntegers() throws IOException {
        Path trained = folder.resolve("trained");
        assertThat(qnet(
                        "train",
                        model,
                        "--data",
                        folder.resolve("points.npz"),
                        "-o",
                        trained,
                        "--batch",
                        "16",
                        "--seed",
                        "2"))
                .as(err)
                .isZero();
        assertThat(out).contains("wrote", "of 120 test items right, as it is quantized");
        double right = Double.parseDouble(out.replaceAll("(?s).*: ([0-9.]+) % of 120.*", "$1"));
        assertThat(right).isGreaterThan(90);
        assertThat(err).contains("epoch 1 of 10  float", "epoch 10 of 10  frozen", "items/s");
        assertThat(err).containsPattern("epoch 9 of 10 .* [0-9]+ s left");
        assertThat(Files.readAllLines(trained.resolve("log.jsonl")))
                .hasSize(10)
                .allMatch(l -> l.startsWith("{\"epoch\": "));
        assertThat(Files.readString(trained.resolve("curves.svg"))).startsWith("<svg ");

        Path result = trained.resolve("quadrants.qnet");
        assertThat(qnet("check", result)).isZero();
        assertThat(out).contains("compiles to integers");
        Npy.write(folder.resolve("p.npy"), NpyArray.ofFloats(new float[] {-0.7f, -0.6f}, 1, 2));
        assertThat(qnet("run", result, "--input", folder.resolve("p.npy"), "--top", "1"))
                .isZero();
        assertThat(out).contains("3");
    }

    @Test
    void dataThatDoesNotFitIsTold() throws IOException {
        Npz.write(
                folder.resolve("wide.npz"),
                Map.of("x", NpyArray.ofFloats(new float[300], 100, 3), "y", NpyArray.ofInt32(new int[100], 100)));
        assertThat(qnet("train", model, "--data", folder.resolve("wide.npz"), "-o", folder.resolve("t")))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("wide.npz: items are [3], but the model takes [2]");
        assertThat(qnet("train", model, "--data", folder.resolve("none.npz"), "-o", folder.resolve("t")))
                .isEqualTo(ExitCode.IO);
        assertThat(err).contains("none.npz: there is no such file");
    }

    @Test
    void dataOutsideTheRangeOfTheModelIsTold() throws IOException {
        Object[] line = {
            "train",
            model,
            "--data",
            folder.resolve("points.npz"),
            "--epochs",
            "0",
            "--float-epochs",
            "1",
            "--overwrite",
            "-o",
            folder.resolve("t")
        };
        assertThat(qnet(with(line, "--factor", "100"))).isEqualTo(ExitCode.INPUT);
        assertThat(err)
                .contains("points.npz: 99.", "outside range(-1, 1), which the model says of its input 'x'; item ")
                .containsPattern("fix: --factor 1\\.00[0-9]* multiplies them, or write the range");
        assertThat(folder.resolve("t")).doesNotExist();
        assertThat(qnet(with(line, "--factor", "1.02"))).as(err).isZero();
        assertThat(err).contains("warning: " + folder.resolve("points.npz") + ": ");
        assertThat(qnet(line)).as(err).isZero();
        assertThat(err).doesNotContain("warning");
    }

    /** Bytes come as the model says that its input is, by the rule of {@code run}. */
    @Test
    void bytesBecomeWhatTheInputIs() throws IOException {
        byte[] x = new byte[200];
        int[] y = new int[100];
        for (int i = 0; i < 100; i++) {
            y[i] = i % 4;
            x[2 * i] = (byte) (i % 2 == 0 ? 255 : 0);
            x[2 * i + 1] = (byte) (i % 4 < 2 ? 255 : 0);
        }
        Npz.write(folder.resolve("b.npz"), Map.of("x", NpyArray.ofUint8(x, 100, 2), "y", NpyArray.ofInt32(y, 100)));
        Object[] line = {
            "train", model, "--data", folder.resolve("b.npz"), "--batch", "8", "--overwrite", "-o", folder.resolve("t")
        };
        assertThat(qnet(line)).as(err).isZero();
        assertThat(out).contains("100.00 % of 20 test items");
        Npy.write(folder.resolve("p.npy"), NpyArray.ofFloats(new float[] {-1, -1}, 1, 2));
        assertThat(qnet("run", folder.resolve("t/quadrants.qnet"), "--input", folder.resolve("p.npy"), "--top", "1"))
                .isZero();
        assertThat(out).containsPattern("\n *3 ");
    }

    @Test
    void labelsThatDoNotFitAreTold() throws IOException {
        String source = Files.readString(model);
        Object[] line = {"train", model, "--data", folder.resolve("points.npz"), "-o", folder.resolve("t")};
        Files.writeString(model, source.replace("input x", "labels [\"a\", \"b\", \"c\"]\n  input x"));
        assertThat(qnet(line)).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains(model + ": it has 3 labels [a, b, c] for 4 scores", "write a label for each score");
        Files.writeString(model, source.replace("input x", "labels [\"a\", \"b\", \"c\", \"a\"]\n  input x"));
        // Names count for folders alone.
        assertThat(qnet(with(line, "--epochs", "0", "--float-epochs", "1")))
                .as(err)
                .isZero();
        Path folders = folder.resolve("pictures");
        Files.createDirectories(folders.resolve("a"));
        assertThat(qnet("train", model, "--data", folders, "-o", folder.resolve("u")))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("two of its labels are 'a'");
    }

    @Test
    void nothingIsOverwrittenUnasked() throws IOException {
        String source = Files.readString(model);
        Object[] line = {
            "train", model, "--data", folder.resolve("points.npz"), "--float-epochs", "1", "--epochs", "0", "-o"
        };
        assertThat(qnet(with(line, folder))).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("the output would overwrite the model " + model, "-o with another folder");
        assertThat(model).content().isEqualTo(source);
        Path school = Files.createDirectories(folder.resolve("school"));
        Path teacher = school.resolve("quadrants.qnet");
        Files.writeString(teacher, source);
        assertThat(qnet(with(line, school, "--overwrite", "--teacher", teacher)))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("the output would overwrite the model " + teacher);

        Path other = Files.createDirectories(folder.resolve("other"));
        Files.writeString(other.resolve("quadrants.safetensors"), "somebody's");
        assertThat(qnet(with(line, other, "--overwrite"))).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("the output would overwrite " + other.resolve("quadrants.safetensors"));
        assertThat(other.resolve("quadrants.safetensors")).content().isEqualTo("somebody's");
        assertThat(other.resolve("log.jsonl")).doesNotExist();

        Path trained = folder.resolve("t");
        assertThat(qnet(with(line, trained))).as(err).isZero();
        byte[] first = result("t");
        assertThat(qnet(with(line, trained, "--seed", "2"))).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("a training is kept there already", "--resume", "--overwrite");
        assertThat(result("t")).isEqualTo(first);
        assertThat(qnet(with(line, trained, "--seed", "2", "--resume"))).isEqualTo(ExitCode.INPUT);
        assertThat(trained.resolve("log.jsonl")).content().hasLineCount(1);
        assertThat(qnet(with(line, trained, "--seed", "2", "--resume", "--overwrite")))
                .isEqualTo(ExitCode.INPUT);
        assertThat(qnet(with(line, trained, "--resume"))).as(err).isZero();
        assertThat(result("t")).isEqualTo(first);
        assertThat(qnet(with(line, trained, "--seed", "2", "--overwrite")))
                .as(err)
                .isZero();
        assertThat(result("t")).isNotEqualTo(first);
        assertThat(trained.resolve("log.jsonl")).content().hasLineCount(1);
    }

    /** A channel that is dead has weights near 0 and a bias that is not: its scale must leave the bias room. */
    @Test
    void biasesOfDeadChannelsFit() throws IOException {
        Files.writeString(model, """
                qnet 1
                scheme s { weights i16 symmetric per_channel lsq activations u8 }
                model quadrants(x: f32[N, 2]) -> f32[N, 4] quantized s {
                  input x i8 range(-1, 1)
                  h = x |> dense(5, weight: [[1, 0], [-1, 0], [0, 1], [0, -1], [0, 0]], bias: [0, 0, 0, 0, -1000]) |> relu
                  return h |> dense(4)
                }
                """);
        Path trained = folder.resolve("t");
        assertThat(qnet(
                        "train",
                        model,
                        "--data",
                        folder.resolve("points.npz"),
                        "-o",
                        trained,
                        "--float-epochs",
                        "3",
                        "--epochs",
                        "2"))
                .as(err)
                .isZero();
        assertThat(qnet("check", trained.resolve("quadrants.qnet"))).as(err).isZero();
        assertThat(out).contains("compiles to integers");
        assertThat(qnet(
                        "train",
                        model,
                        "--data",
                        folder.resolve("points.npz"),
                        "-o",
                        folder.resolve("u"),
                        "--teacher",
                        trained.resolve("quadrants.qnet")))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("a teacher is a float model, and this is none: ", "as it was before it was quantized");
        try (Stream<Path> all = Files.list(trained)) {
            assertThat(all.map(p -> p.getFileName().toString()))
                    .isSubsetOf("quadrants.qnet", "quadrants.safetensors", "checkpoint", "log.jsonl", "curves.svg");
        }
    }

    private byte[] result(String folderName) throws IOException {
        return Files.readAllBytes(folder.resolve(folderName).resolve("quadrants.qnet"));
    }

    @Test
    void aKilledTrainingResumesToTheSameBytes() throws IOException, InterruptedException {
        Object[] common = {
            "train", model, "--data", folder.resolve("points.npz"), "--batch", "16", "--epochs", "60", "--seed", "3"
        };
        assertThat(qnet(with(common, "-o", folder.resolve("whole")))).isZero();

        Path killed = folder.resolve("killed");
        List<String> line = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.qnet.cli.Main"));
        Stream.of(with(common, "-o", killed)).map(String::valueOf).forEach(line::add);
        Process p = new ProcessBuilder(line)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        while (p.isAlive() && !Files.exists(killed.resolve("checkpoint"))) {
            p.waitFor(5, TimeUnit.MILLISECONDS);
        }
        assertThat(killed.resolve("checkpoint")).exists();
        p.destroyForcibly().waitFor();
        assertThat(killed.resolve("quadrants.qnet"))
                .as("killed before it was over")
                .doesNotExist();

        assertThat(qnet(with(common, "-o", killed, "--resume"))).isZero();
        assertThat(err).containsPattern("goes on after epoch [0-9]+ of 65");
        assertThat(result("killed")).isEqualTo(result("whole"));
        assertThat(Files.readAllLines(killed.resolve("log.jsonl"))).hasSize(65);

        assertThat(qnet(with(common, "-o", killed, "--resume", "--rate", "0.01")))
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("is of a training with other settings (rate was 0.05 and is 0.01, quantizedRate was ");
        assertThat(qnet(with(common, "-o", killed, "--resume", "--bits", "3"))).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("is of a training with other scheme or bits:");
    }

    private static Object[] with(Object[] first, Object... others) {
        return Stream.concat(Stream.of(first), Stream.of(others)).toArray();
    }

    @Test
    void bitsReplaceTheScheme() {
        Object[] line = {
            "train", model, "--data", folder.resolve("points.npz"), "-o", folder.resolve("t"), "--batch", "16"
        };
        assertThat(qnet(with(line, "--bits", "3"))).as(err).isZero();
        assertThat(folder.resolve("t/quadrants.qnet")).content().contains("i3", "u3");
        assertThat(qnet(with(line, "--bits", "5"))).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("training quantizes to 2, 3, 4 or 8 bits");
    }

    @Test
    void schemesReplaceTheModels() throws IOException {
        Files.writeString(
                model, Files.readString(model).replace("input x", "labels [\"a\", \"b\", \"c\", \"d\"]\n  input x"));
        Object[] line = {
            "train", model, "--data", folder.resolve("points.npz"), "-o", folder.resolve("t"), "--overwrite"
        };
        assertThat(qnet(with(line, "--scheme", "qil", "--bits", "3"))).as(err).isZero();
        assertThat(out).contains("integers classify", "an operation alone differs by");
        assertThat(folder.resolve("t/quadrants.qnet")).content().contains("i3", "qil", "u3", "labels [\"a\"");
        Path one = Files.writeString(
                folder.resolve("one.qnet"),
                "qnet 1\nscheme a { weights i3 }\nscheme b extends a { activations u4 qil }");
        assertThat(qnet(with(line, "--scheme", one))).as(err).isZero();
        assertThat(folder.resolve("t/quadrants.qnet")).content().contains("i3", "thresholds(");
        assertThat(qnet(with(line, "--scheme", "lsk"))).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("there is no scheme 'lsk'", "did you mean 'lsq'?");
        assertThat(qnet(with(line, "--scheme", "lsq+"))).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("did you mean 'lsq_plus'?");
        Path two = Files.writeString(
                folder.resolve("two.qnet"), "qnet 1\nscheme a { weights i3 }\nscheme b { activations u4 }");
        assertThat(qnet(with(line, "--scheme", two))).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("no-scheme", "declares a, b: which is meant?");
    }

    @Test
    void optionsThatMakeNoSenseAreTold() {
        Object[] line = {"train", model, "--data", folder.resolve("points.npz"), "-o", folder.resolve("t")};
        assertThat(qnet(with(line, "--loss", "hinge"))).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("there is no loss 'hinge'");
        for (String[] o : new String[][] {
            {"--shift", "-1"},
            {"--turn", "181"},
            {"--batch", "0"},
            {"--epochs", "-2"},
            {"--float-epochs", "-1"},
            {"--threads", "0"},
            {"--threads", "-1"},
            {"--rate", "0"},
            {"--smoothing", "1"},
            {"--test", "1.5"},
            {"--factor", "0"},
            {"--compare", "-1"},
            {"--teacher-share", "0"},
            {"--teacher-temperature", "0"}
        }) {
            assertThat(qnet(with(line, (Object[]) o))).isEqualTo(ExitCode.INPUT);
            assertThat(err).contains("error: " + o[0] + " ").contains("found " + o[1]);
        }
        assertThat(qnet(with(line, "--test", "0.0001"))).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("--test 1.0E-4 of 600 items leaves none to test", "fix: --test 0.01");
        assertThat(qnet("train", model, "--data", folder.resolve("points.npz"), "-o", model))
                .isEqualTo(ExitCode.IO);
        assertThat(err).contains(model + ": this is a file, and training writes a folder");
        Path under = folder.resolve("points.npz").resolve("t");
        assertThat(qnet("train", model, "--data", folder.resolve("points.npz"), "-o", under))
                .isEqualTo(ExitCode.IO);
        assertThat(err).contains(under + ": this folder cannot be made");
        assertThat(qnet(with(line, "--flip"))).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("only pictures");
        assertThat(qnet(with(line, "--teacher", folder.resolve("none.qnet")))).isEqualTo(ExitCode.IO);
    }

    @Test
    void foldersOfPicturesAreClasses() throws IOException {
        SplittableRandom random = new SplittableRandom(8);
        for (String name : List.of("dark", "light")) {
            Files.createDirectories(folder.resolve("pictures/" + name));
            for (int i = 0; i < 60; i++) {
                BufferedImage image = new BufferedImage(6, 8, BufferedImage.TYPE_INT_RGB);
                int base = name.equals("dark") ? 0 : 130;
                for (int p = 0; p < 48; p++) {
                    image.setRGB(p % 6, p / 6, (base + random.nextInt(110)) * 0x010101);
                }
                ImageIO.write(
                        image,
                        "png",
                        folder.resolve("pictures/" + name + "/" + i + ".png").toFile());
            }
        }
        Files.writeString(folder.resolve("pictures/dark/notes.txt"), "left out");
        Path light = Files.writeString(folder.resolve("light.qnet"), """
                qnet 1
                model light(x: f32[N, 4, 4, 1]) -> f32[N, 2] {
                  labels ["light", "dark"]
                  return x |> flatten |> dense(2)
                }
                """);
        Object[] line = {
            "train",
            light,
            "--data",
            folder.resolve("pictures"),
            "-o",
            folder.resolve("t"),
            "--factor",
            "0.004",
            "--batch",
            "8",
            "--flip",
            "--shift",
            "1",
            "--overwrite"
        };
        assertThat(qnet(line)).as(err).isZero();
        assertThat(out).contains("100.00 % of 24 test items");

        Files.createDirectories(folder.resolve("pictures/grey"));
        assertThat(qnet(line)).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("the model has no class of this name; its classes are [light, dark]");
    }
}
