package dev.qnet.cli;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.quant.Codes;
import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.TensorInfo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Something that answers for a model: compiled code, or the oracle. */
sealed interface Engine {
    List<TensorInfo> inputs();

    /** What runs, in a few words. */
    String description();

    /**
     * Answers for a batch.
     *
     * @param inputs by name, as {@link #inputs} describes them; f32 for quantized inputs too
     * @return every output by name, in f32 unless it is a plain integer
     */
    Map<String, Tensor> run(Map<String, Tensor> inputs);

    /** Compiled code. */
    record Compiled(Model model) implements Engine {
        @Override
        public List<TensorInfo> inputs() {
            return model.inputs();
        }

        @Override
        public String description() {
            return "integer code on the JVM, rounding " + model.roundingContract();
        }

        @Override
        public Map<String, Tensor> run(Map<String, Tensor> inputs) {
            return model.run(inputs);
        }
    }

    /** The oracle on a graph at any level. */
    record Oracle(Graph graph, Rounding rounding, String description) implements Engine {
        @Override
        public List<TensorInfo> inputs() {
            return graph.params().stream()
                    .map(p -> new TensorInfo(
                            p.id().name(), ElementType.F32, p.type().shape().dims(), null))
                    .toList();
        }

        @Override
        public Map<String, Tensor> run(Map<String, Tensor> inputs) {
            Map<String, Value> values = new LinkedHashMap<>();
            for (Graph.Param p : graph.params()) {
                Tensor t = inputs.get(p.id().name());
                if (t == null) {
                    throw new UserException("input '" + p.id().name() + "' is not given");
                }
                if (t.type() != ElementType.F32) {
                    throw new UserException("input '" + p.id().name() + "' takes f32 here, found " + t.type());
                }
                Value.Floats f = Value.of(Shape.of(t.shape()), t.floats());
                values.put(p.id().name(), p.type().element() instanceof Quant q ? quantize(f, q) : f);
            }
            Map<String, Value> results = Interpreter.run(graph, values);
            Map<String, Type> types = new LinkedHashMap<>();
            graph.results().forEach(r -> types.put(r.name(), graph.types().get(r.value())));
            Map<String, Tensor> out = new LinkedHashMap<>();
            results.forEach((name, v) -> out.put(name, tensor(v, Objects.requireNonNull(types.get(name)))));
            return out;
        }

        private Value quantize(Value.Floats f, Quant q) {
            long[] codes = new long[f.data().length];
            for (int i = 0; i < codes.length; i++) {
                codes[i] = Codes.quantize(f.data()[i], q, rounding);
            }
            return Value.of(f.shape(), codes);
        }

        private static Tensor tensor(Value v, Type type) {
            return switch (v) {
                case Value.Floats f -> Tensor.ofFloats(f.data(), f.shape().toArray());
                case Value.Ints i -> {
                    if (!(type.element() instanceof Quant q)) {
                        yield Tensor.ofInt64(i.data(), i.shape().toArray());
                    }
                    float[] x = new float[i.data().length];
                    for (int k = 0; k < x.length; k++) {
                        x[k] = Codes.dequantize(
                                (int) i.data()[k],
                                q.perTensor().scale(),
                                q.perTensor().zero());
                    }
                    yield Tensor.ofFloats(x, i.shape().toArray());
                }
            };
        }
    }

    /** The values of a tensor as numbers to print. */
    static List<Double> numbers(Tensor t, int from, int count) {
        List<Double> list = new ArrayList<>();
        for (int i = from; i < from + count; i++) {
            list.add(
                    switch (t.type()) {
                        case F32 -> (double) t.floats()[i];
                        case I8 -> (double) t.bytes()[i];
                        case U8 -> (double) (t.bytes()[i] & 0xff);
                        case I16 -> (double) t.shorts()[i];
                        case U16 -> (double) (t.shorts()[i] & 0xffff);
                        case I32 -> (double) t.ints()[i];
                        case I64 -> (double) t.longs()[i];
                    });
        }
        return list;
    }
}
