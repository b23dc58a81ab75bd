package dev.qnet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.runtime.io.Npy;
import dev.qnet.runtime.io.NpyArray;
import dev.qnet.runtime.io.Npz;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model without weights is trained, and what is written runs. */
class TrainCommandTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path folder;

    @SuppressWarnings("NullAway.Init")
    private Path model;

    private String out = "";
    private String err = "";

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

    private int qnet(Object... args) {
        StringWriter o = new StringWriter();
        StringWriter e = new StringWriter();
        Console console = new Console(new PrintWriter(o), new PrintWriter(e), false, false);
        int code = Main.run(console, Stream.of(args).map(String::valueOf).toArray(String[]::new));
        out = o.toString();
        err = e.toString();
        assertThat(err).doesNotContain("\tat ").doesNotContain("this is a bug in qnet");
        return code;
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
        assertThat(out).contains("wrote", "of 120 test items right, as its integer code computes them");
        double right = Double.parseDouble(out.replaceAll("(?s).*: ([0-9.]+) % of 120.*", "$1"));
        assertThat(right).isGreaterThan(90);
        assertThat(err).contains("epoch 1 of 10  float", "epoch 10 of 10  frozen", "items/s");
        assertThat(Files.readAllLines(trained.resolve("log.jsonl")))
                .hasSize(10)
                .allMatch(l -> l.startsWith("{\"epoch\": "));

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
                .isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("there is no file");
    }
}
