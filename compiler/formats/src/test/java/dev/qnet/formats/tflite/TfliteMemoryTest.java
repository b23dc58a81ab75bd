package dev.qnet.formats.tflite;

import static dev.qnet.formats.tflite.SmallModels.of;
import static dev.qnet.formats.tflite.SmallModels.read;
import static dev.qnet.formats.tflite.SmallModels.run;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Shape;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Operators that remember: the small models of SVDF and LSTM. */
class TfliteMemoryTest {
    @Test
    void svdfRemembersItsPast() {
        // One filter that adds up what it saw now and before: y = 2·x(t) + x(t − 1).
        ModelFile m = new ModelFile();
        int x = m.tensor("x", TensorType.FLOAT32, of(1, 1));
        int features = m.tensor(
                "features", TensorType.FLOAT32, of(1, 1), ModelFile.spec().floats(1));
        int times =
                m.tensor("times", TensorType.FLOAT32, of(1, 2), ModelFile.spec().floats(1, 2));
        int state =
                m.tensor("state", TensorType.FLOAT32, of(1, 2), ModelFile.spec().variable());
        int y = m.tensor("y", TensorType.FLOAT32, of(1, 1));
        m.operator(
                27,
                of(x, features, times, -1, state),
                of(y),
                ModelFile.options().number(0, 1));
        Graph graph = read(m.inputs(x).outputs(y).bytes()).graph();
        assertThat(graph.states()).hasSize(1);
        Interpreter oracle = Interpreter.prepare(graph);
        Interpreter.State past = oracle.newState();
        float[] seen = new float[3];
        for (int t = 0; t < 3; t++) {
            Value given = new Value.Floats(Shape.of(1, 1), new float[] {t + 1});
            Value found =
                    Objects.requireNonNull(oracle.run(Map.of("x", given), past).get("y"));
            seen[t] = ((Value.Floats) found).data()[0];
        }
        assertThat(seen).containsExactly(2, 5, 8);
    }

    @Test
    void svdfOfIntegersAddsUpTheFiltersOfAUnit() {
        // Two filters, one unit: y = 11·x(t − 1) + 22·x(t).
        ModelFile m = new ModelFile();
        int x = m.tensor("x", TensorType.INT8, of(1, 1), ModelFile.spec().scale(1, 0));
        int features = m.tensor(
                "features",
                TensorType.INT8,
                of(2, 1),
                ModelFile.spec().scale(1, 0).bytes(1, 1));
        int times = m.tensor(
                "times",
                TensorType.INT16,
                of(2, 2),
                ModelFile.spec().scale(1, 0).shorts(1, 2, 10, 20));
        int state = m.tensor(
                "state",
                TensorType.INT16,
                of(1, 4),
                ModelFile.spec().scale(1, 0).variable());
        int y = m.tensor("y", TensorType.INT8, of(1, 1), ModelFile.spec().scale(1, 0));
        m.operator(
                27,
                of(x, features, times, -1, state),
                of(y),
                ModelFile.options().number(0, 2));
        Graph graph = read(m.inputs(x).outputs(y).bytes()).graph();
        Interpreter oracle = Interpreter.prepare(graph);
        Interpreter.State past = oracle.newState();
        int[] given = {1, 2, 1, -3};
        long[] seen = new long[given.length];
        for (int t = 0; t < given.length; t++) {
            Value v = Value.of(Shape.of(1, 1), new long[] {given[t]});
            Value found =
                    Objects.requireNonNull(oracle.run(Map.of("x", v), past).get("y"));
            seen[t] = ((Value.Ints) found).data()[0];
        }
        assertThat(seen).containsExactly(22, 55, 44, -55);
    }

    @Test
    void lstmWithAndWithoutAClipAreTheSameBelowIt() {
        Value[] results = new Value[2];
        for (int clipped = 0; clipped < 2; clipped++) {
            Graph graph = read(lstm(clipped == 1 ? 10f : 0f)).graph();
            assertThat(graph.states()).hasSize(2);
            results[clipped] = run(graph, new Value.Floats(Shape.of(1, 3, 1), new float[] {1, -2, 0.5f}));
        }
        float[] a = ((Value.Floats) results[0]).data();
        float[] b = ((Value.Floats) results[1]).data();
        assertThat(a).hasSize(6);
        for (int i = 0; i < a.length; i++) {
            assertThat(b[i]).isCloseTo(a[i], offset(1e-6f));
        }
        // The first step by hand: all gates are functions of x = 1 alone.
        double i = sigmoid(0.1);
        double g = Math.tanh(0.3);
        double o = sigmoid(0.4);
        assertThat(a[0]).isCloseTo((float) (o * Math.tanh(i * g)), offset(1e-6f));
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    private static byte[] lstm(float clip) {
        ModelFile m = new ModelFile();
        int[] in = new int[24];
        Arrays.fill(in, -1);
        in[0] = m.tensor("x", TensorType.FLOAT32, of(1, 3, 1));
        float[] of = {0.1f, 0.2f, 0.3f, 0.4f};
        for (int k = 0; k < 4; k++) {
            in[1 + k] = m.tensor(
                    "w" + k, TensorType.FLOAT32, of(2, 1), ModelFile.spec().floats(of[k], -of[k]));
            in[5 + k] = m.tensor(
                    "r" + k, TensorType.FLOAT32, of(2, 2), ModelFile.spec().floats(of[k], 1, -1, of[k] * 2));
            in[12 + k] = m.tensor(
                    "b" + k, TensorType.FLOAT32, of(2), ModelFile.spec().floats(0, 0.5f));
        }
        in[18] = m.tensor("h", TensorType.FLOAT32, of(1, 2), ModelFile.spec().variable());
        in[19] = m.tensor("c", TensorType.FLOAT32, of(1, 2), ModelFile.spec().variable());
        int y = m.tensor("y", TensorType.FLOAT32, of(1, 3, 2));
        m.operator(44, in, of(y), ModelFile.options().enumeration(0, 4).real(1, clip));
        return m.inputs(in[0]).outputs(y).bytes();
    }
}
