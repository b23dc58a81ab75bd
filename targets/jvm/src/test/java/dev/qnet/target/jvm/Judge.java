package dev.qnet.target.jvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.kernel.Backend;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Random;

/** Compares compiled models with the oracle, bit for bit. */
final class Judge {
    private Judge() {}

    /** Compiles a graph, and compares both backends with the oracle on random inputs. */
    static void compare(Graph graph, int items, long seed) {
        compare(graph, JvmTarget.compile(graph), items, seed);
    }

    static void compare(Graph graph, CompiledArtifact artifact, int items, long seed) {
        compare(graph, artifact, inputs(graph, items, new Random(seed)));
    }

    static void compare(Graph graph, CompiledArtifact artifact, Map<String, Value> inputs) {
        Map<String, Value> expected = Interpreter.run(graph, inputs);
        for (Backend backend : Backend.values()) {
            Model model = artifact.load(backend);
            assertThat(run(model, graph, inputs))
                    .as("%s with %s", graph.name(), backend)
                    .isEqualTo(expected);
        }
    }

    /** Random values for every parameter: any codes in use, singles of all magnitudes and some special ones. */
    static Map<String, Value> inputs(Graph graph, int items, Random random) {
        Map<String, Value> inputs = new LinkedHashMap<>();
        for (Graph.Param p : graph.params()) {
            Shape shape = p.type().shape().hasBatch()
                    ? p.type().shape().with(0, items)
                    : p.type().shape();
            inputs.put(p.id().name(), random(p.type().element(), shape, random));
        }
        return inputs;
    }

    private static Value random(Element element, Shape shape, Random random) {
        int n = shape.elements();
        if (element instanceof Element.F32) {
            float[] f = new float[n];
            for (int i = 0; i < n; i++) {
                f[i] = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(3) - 1));
            }
            return Value.of(shape, f);
        }
        long[] codes = new long[n];
        for (int i = 0; i < n; i++) {
            codes[i] = switch (element) {
                case Quant q -> {
                    long code = random.nextInt(8) == 0 ? q.lo() : random.nextLong(q.lo(), q.hi() + 1L);
                    yield q.storage() == Storage.BIPOLAR && code == 0 ? 1 : code;
                }
                case Element.Int t -> Math.clamp((long) random.nextInt(1 << 14) - (1 << 13), t.min(), t.max());
                case Element.F32 f -> throw new AssertionError();
            };
        }
        return Value.of(shape, codes);
    }

    /** Runs a model on the oracle's values, and gives its results as the oracle does. */
    static Map<String, Value> run(Model model, Graph graph, Map<String, Value> inputs) {
        Map<String, Tensor> given = new LinkedHashMap<>();
        for (Graph.Param p : graph.params()) {
            Value v = Objects.requireNonNull(inputs.get(p.id().name()));
            given.put(p.id().name(), tensor(v, p.type().element()));
        }
        Map<String, Tensor> real = model.run(given);
        Map<String, Tensor> codes = model.runRaw(given);
        Map<ValueId, Type> types = graph.types();
        Map<String, Value> results = new LinkedHashMap<>();
        for (Graph.Result r : graph.results()) {
            boolean isFloat = Objects.requireNonNull(types.get(r.value())).isFloat();
            results.put(r.name(), value(Objects.requireNonNull((isFloat ? real : codes).get(r.name()))));
        }
        return results;
    }

    /** A value as a tensor of an element. */
    static Tensor tensor(Value v, Element element) {
        int[] shape = v.shape().toArray();
        return switch (v) {
            case Value.Floats f -> Tensor.ofFloats(f.data(), shape);
            case Value.Ints i -> {
                Tensor t = Tensor.allocate(Elements.type(element), shape);
                for (int k = 0; k < i.data().length; k++) {
                    long code = i.data()[k];
                    switch (t.type()) {
                        case BOOL, I8, U8 -> t.bytes()[k] = (byte) code;
                        case I16, U16 -> t.shorts()[k] = (short) code;
                        case I32 -> t.ints()[k] = (int) code;
                        case I64 -> t.longs()[k] = code;
                        case F32 -> throw new AssertionError();
                    }
                }
                yield t;
            }
        };
    }

    /** A tensor as the oracle has it. */
    static Value value(Tensor t) {
        Shape shape = Shape.of(t.shape());
        if (t.type() == ElementType.F32) {
            return Value.of(shape, t.floats());
        }
        long[] codes = new long[t.size()];
        for (int k = 0; k < codes.length; k++) {
            switch (t.type()) {
                case F32 -> throw new AssertionError();
                case BOOL, I8 -> codes[k] = t.bytes()[k];
                case U8 -> codes[k] = Byte.toUnsignedInt(t.bytes()[k]);
                case I16 -> codes[k] = t.shorts()[k];
                case U16 -> codes[k] = Short.toUnsignedInt(t.shorts()[k]);
                case I32 -> codes[k] = t.ints()[k];
                case I64 -> codes[k] = t.longs()[k];
            }
        }
        return Value.of(shape, codes);
    }
}
