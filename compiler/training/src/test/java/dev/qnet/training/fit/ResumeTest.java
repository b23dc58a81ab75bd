package dev.qnet.training.fit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.training.data.Augmentation;
import dev.qnet.training.data.Dataset;
import dev.qnet.training.optimize.Optimizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A training that is ended anywhere and goes on gives the bytes of one that was never ended. */
class ResumeTest {
    private static final Dataset TRAIN = Bars.draw(192, 1);
    private static final Dataset TEST = Bars.draw(64, 2);
    private static final Settings SETTINGS = settings().build();
    private static final Augmentation CHANGES = new Augmentation(false, 1, 5);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path temp;

    @SuppressWarnings("NullAway.Init")
    private Graph graph;

    /** Thrown where a kill would end the process. */
    private static final class Killed extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    @BeforeEach
    void model() throws IOException {
        // QN has a temperature, PACT a decay, LSQ learns its scale: all that a checkpoint can forget.
        Path file = Files.writeString(temp.resolve("model.qnet"), """
                qnet 1
                scheme s { weights i3 lsq activations u4 pact }
                model bars(image: f32[N, 10, 10, 1]) -> f32[N, 5] quantized s {
                  input image u8 range(0, 1)
                  h = image |> conv2d(4, kernel: 3, bias: false) |> batch_norm |> relu
                  h = h |> conv2d(8, kernel: 3, stride: 2) @weights(i3, qn(temperature: 5..50)) |> batch_norm |> relu
                  return h |> global_avg_pool |> flatten |> dense(5) @activations(u8, ste)
                }
                """);
        graph = Frontend.load(file, new Frontend.Options(null, 7L)).graph();
    }

    private static Settings.Builder settings() {
        return Settings.builder().batch(32).epochs(2, 5).rates(0.1, 0.02).seed(3);
    }

    private byte[] bytes(Trained t, String name) throws IOException {
        t.save(temp.resolve(name + ".qnet"));
        byte[] source = Files.readAllBytes(temp.resolve(name + ".qnet"));
        byte[] parameters = Files.readAllBytes(temp.resolve(name + ".safetensors"));
        String text = new String(source, java.nio.charset.StandardCharsets.UTF_8).replace(name, "NAME");
        return (text + java.util.Arrays.hashCode(parameters)).getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }

    private Trainer trainer(Settings settings) {
        return new Trainer(graph, settings, Objective.CLASSES, CHANGES);
    }

    /** Ends after so many steps of an epoch, or, without steps, as soon as it is over. */
    private static Progress killing(int epoch, int steps) {
        return new Progress() {
            @Override
            public void epoch(Epoch e) {
                if (steps == 0 && e.number() == epoch) {
                    throw new Killed();
                }
            }

            @Override
            public void step(Step s) {
                if (steps > 0 && s.epoch() == epoch && s.done() == steps) {
                    throw new Killed();
                }
            }
        };
    }

    /** Before anything is kept, within phases, on both sides of where one ends, and after all. */
    @ParameterizedTest
    @CsvSource({"1, 3", "2, 0", "3, 1", "4, 2", "5, 0", "6, 1", "7, 0"})
    void goesOnAsIfItHadNeverEnded(int epoch, int steps) throws IOException {
        List<Epoch> whole = new ArrayList<>();
        byte[] expected = bytes(trainer(SETTINGS).train(TRAIN, TEST, whole::add), "whole");

        Path file = temp.resolve("kept/checkpoint");
        assertThatThrownBy(
                        () -> trainer(SETTINGS).train(TRAIN, TEST, killing(epoch, steps), new Checkpoints(file, false)))
                .isInstanceOf(Killed.class);
        List<Epoch> told = new ArrayList<>();
        Progress listener = new Progress() {
            @Override
            public void epoch(Epoch e) {
                told.add(e);
            }

            @Override
            public void resumed(List<Epoch> epochs) {
                assertThat(told).isEmpty();
                told.addAll(epochs);
            }
        };
        // Threads change no bit, so they may change in between.
        Trained t = trainer(settings().threads(2).build()).train(TRAIN, TEST, listener, new Checkpoints(file, true));
        assertThat(bytes(t, "resumed")).isEqualTo(expected);
        assertThat(told.stream().map(ResumeTest::withoutTimes))
                .isEqualTo(whole.stream().map(ResumeTest::withoutTimes).toList());
        try (Stream<Path> files = Files.list(temp.resolve("kept"))) {
            assertThat(files).as("nothing is left beside the checkpoint").containsExactly(file);
        }
    }

    private static String withoutTimes(Epoch e) {
        return e.number() + " " + e.of() + " " + e.phase() + " " + e.rate() + " " + e.loss() + " " + e.accuracy();
    }

    @Test
    void anOptimizerThatCountsItsStepsGoesOnToo() throws IOException {
        Settings s = settings()
                .epochs(1, 2)
                .optimizer(Optimizer.AdamW.DEFAULT)
                .rates(0.01, 0.002)
                .smoothing(0.1)
                .build();
        byte[] expected = bytes(trainer(s).train(TRAIN, TEST, Progress.silent()), "whole");
        Path file = temp.resolve("checkpoint");
        assertThatThrownBy(() -> trainer(s).train(TRAIN, TEST, killing(2, 2), new Checkpoints(file, false)))
                .isInstanceOf(Killed.class);
        Trained t = trainer(s).train(TRAIN, TEST, Progress.silent(), new Checkpoints(file, true));
        assertThat(bytes(t, "resumed")).isEqualTo(expected);
    }

    @Test
    void aCheckpointOfAnotherTrainingIsRefused() throws IOException {
        Path file = temp.resolve("checkpoint");
        Checkpoints resume = new Checkpoints(file, true);
        assertThatThrownBy(() -> trainer(SETTINGS).train(TRAIN, TEST, killing(1, 0), new Checkpoints(file, false)))
                .isInstanceOf(Killed.class);
        assertThatThrownBy(() -> trainer(settings().seed(4).build()).train(TRAIN, TEST, Progress.silent(), resume))
                .isInstanceOf(TrainingException.class)
                .hasMessageContaining("is of a training with other settings (seed was ");
        assertThatThrownBy(() -> trainer(SETTINGS).train(Bars.draw(192, 8), TEST, Progress.silent(), resume))
                .hasMessageContaining("is of a training with other data");
        assertThatThrownBy(() -> new Trainer(graph, SETTINGS).train(TRAIN, TEST, Progress.silent(), resume))
                .hasMessageContaining("is of a training with other augmentation");

        byte[] all = Files.readAllBytes(file);
        all[all.length / 2] ^= 1;
        Files.write(file, all);
        assertThatThrownBy(() -> trainer(SETTINGS).train(TRAIN, TEST, Progress.silent(), resume))
                .isInstanceOf(TrainingException.class)
                .hasMessageEndingWith("is damaged: its checksum differs");
        Files.write(file, new byte[3]);
        assertThatThrownBy(() -> trainer(SETTINGS).train(TRAIN, TEST, Progress.silent(), resume))
                .hasMessageEndingWith("is no checkpoint of qnet's");
    }

    @Test
    void curvesAreDrawn() {
        List<Epoch> epochs = new ArrayList<>();
        trainer(SETTINGS).train(TRAIN, TEST, epochs::add);
        String svg = Curves.svg("bars & <squares>", epochs);
        assertThat(svg).contains("bars &amp; &lt;squares>", ">float<", ">quantized<", ">frozen<");
        assertThat(svg.split("<circle"))
                .as("a point for each epoch in each panel")
                .hasSize(1 + 2 * epochs.size());
    }
}
