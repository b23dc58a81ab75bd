package dev.qnet.formats.tflite;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.Imported;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/** Reads and runs models of one operator. */
final class SmallModels {
    private SmallModels() {}

    static Imported read(byte[] bytes) {
        return TfliteImporter.read("model.tflite", ByteBuffer.wrap(bytes), ImportOptions.NONE);
    }

    /** The first result. */
    static Value run(Graph graph, Value... inputs) {
        Map<String, Value> given = new HashMap<>();
        for (int i = 0; i < inputs.length; i++) {
            given.put(graph.params().get(i).id().name(), inputs[i]);
        }
        return Objects.requireNonNull(Interpreter.prepare(graph)
                .run(given)
                .get(graph.results().getFirst().name()));
    }

    /** 0, 1, 2, … */
    static Value.Floats count(int... shape) {
        float[] values = new float[Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        for (int i = 0; i < values.length; i++) {
            values[i] = i;
        }
        return new Value.Floats(Shape.of(shape), values);
    }

    static void gives(Value y, float... expected) {
        assertThat(((Value.Floats) y).data()).containsExactly(expected);
    }

    static int[] of(int... values) {
        return values;
    }

    /** A vector. */
    static Value ints(long... values) {
        return new Value.Ints(Shape.of(values.length), values);
    }
}
