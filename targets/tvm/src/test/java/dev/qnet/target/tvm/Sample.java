package dev.qnet.target.tvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.target.tvm.lower.Elements;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;

/**
 * Inputs of a graph as they lie in memory, and the oracle's outputs of them.
 *
 * @param expected the elements of each output, in the graph's order
 */
record Sample(int items, List<byte[]> inputs, List<byte[]> expected) {
    /** A graph that remembers a sum. */
    static final String COUNTER = """
            graph @counter {
              param %x : i32[2]
              state %sum : i32[2] becomes %next
              %next = num.add %sum, %x : i32[2]
              return y = %next
            }
            """;

    /** Something compiled that runs on bytes. */
    @FunctionalInterface
    interface Runner {
        List<byte[]> run(int items, List<byte[]> inputs);
    }

    /** Random codes for each parameter, the ends of their range more often than others. */
    static Sample codes(Graph graph, int items, long seed) {
        Random random = new Random(seed);
        List<byte[]> inputs = new ArrayList<>();
        Map<String, Value> values = new LinkedHashMap<>();
        for (Graph.Param p : graph.params()) {
            Quant q = Objects.requireNonNull(p.type().quant());
            Shape shape = shape(p.type(), items);
            long[] codes = random.longs(shape.elements(), q.lo(), q.hi() + 1L).toArray();
            // Now and then in a row.
            for (int i = 0; i < codes.length; i++) {
                codes[i] = random.nextInt(4) == 0 ? (random.nextInt(8) == 0 ? q.lo() : q.hi()) : codes[i];
            }
            inputs.add(Elements.bytes(Elements.type(p.type().element()), codes));
            values.put(p.id().name(), Value.of(shape, codes));
        }
        return of(graph, items, inputs, values);
    }

    /** Real numbers as they lie in memory. */
    static float[] floats(byte[] bytes) {
        float[] values = new float[bytes.length / Float.BYTES];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
        return values;
    }

    private static Sample of(Graph graph, int items, List<byte[]> inputs, Map<String, Value> values) {
        Map<String, Value> found = Interpreter.run(graph, values);
        Map<ValueId, Type> types = graph.types();
        List<byte[]> expected = new ArrayList<>();
        for (Graph.Result r : graph.results()) {
            Type type = Objects.requireNonNull(types.get(r.value()));
            expected.add(
                    switch (Objects.requireNonNull(found.get(r.name()))) {
                        case Value.Floats f -> Elements.bytes(f.data());
                        case Value.Ints i -> Elements.bytes(Elements.type(type.element()), i.data());
                    });
        }
        return new Sample(items, inputs, expected);
    }

    private static Shape shape(Type type, int items) {
        return type.shape().hasBatch() ? type.shape().with(0, items) : type.shape();
    }

    /** Says where what was compiled gives other outputs than the oracle. */
    void check(Runner compiled) {
        List<byte[]> found = compiled.run(items, inputs);
        assertThat(found).hasSameSizeAs(expected);
        for (int o = 0; o < found.size(); o++) {
            assertThat(found.get(o)).as("output %d", o).isEqualTo(expected.get(o));
        }
    }

    /** As {@link #check(Runner)}, in a session of its own. */
    void check(TvmModule module) {
        try (TvmSession session = module.session()) {
            check(session::run);
        }
    }

    /** Checks what a graph with random codes is compiled to, for graphs that are drawn by numbers from 0 on. */
    static void checkDrawn(int count, Compiler compiler) {
        for (int seed = 0; seed < count; seed++) {
            String text = new KernelsTest.Drawn(seed).graph();
            try {
                Graph graph = GraphParser.parse(text);
                compiler.check(graph, codes(graph, 2, ~seed));
            } catch (Exception | AssertionError e) {
                throw new AssertionError("seed " + seed + ": " + e.getMessage() + "\n" + text, e);
            }
        }
    }

    /** Compiles a graph and checks a sample of it. */
    @FunctionalInterface
    interface Compiler {
        void check(Graph graph, Sample sample) throws Exception;
    }
}
