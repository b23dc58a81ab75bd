package dev.qnet.cli;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.quant.Codes;
import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.Quantization;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.TensorInfo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Something that answers for a model: compiled code, or the oracle. */
sealed interface Engine {
    List<TensorInfo> inputs();

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
        public Map<String, Tensor> run(Map<String, Tensor> inputs) {
            return model.run(inputs);
        }
    }

    /**
     * The oracle on a graph at any level, or something else that takes the oracle's values.
     *
     * @param answer computes the results of the parameters, both by name
     * @param inputs what the user gives: the graph's parameters, or the compiled model's inputs, which may be codes where the
     *     graph begins with real numbers
     */
    record Oracle(Graph graph, Rounding rounding, List<TensorInfo> inputs, UnaryOperator<Map<String, Value>> answer)
            implements Engine {
        Oracle(Graph graph, Rounding rounding, List<TensorInfo> inputs) {
            this(graph, rounding, inputs, values -> Interpreter.run(graph, values));
        }

        Oracle(Graph graph, Rounding rounding) {
            this(
                    graph,
                    rounding,
                    graph.params().stream()
                            .map(p -> info(p.id().name(), p.type()))
                            .toList());
        }

        @Override
        public Map<String, Tensor> run(Map<String, Tensor> inputs) {
            Map<String, Value> values = new LinkedHashMap<>();
            for (int i = 0; i < this.inputs.size(); i++) {
                Graph.Param p = graph.params().get(i);
                Tensor t = inputs.get(p.id().name());
                if (t == null) {
                    throw new UserException("input '" + p.id().name() + "' is not given");
                }
                TensorInfo info = this.inputs.get(i);
                if (!info.accepts(t.type())) {
                    throw new UserException(
                            "input '" + info.name() + "' expects " + info.expectation() + ", found " + t);
                }
                values.put(info.name(), value(t, p.type(), info.quantization()));
            }
            // Not all that answers looks at what it is given.
            Interpreter.checkInputs(graph, values);
            Map<String, Value> results;
            try {
                results = answer.apply(values);
            } catch (ArithmeticException e) {
                throw new UserException(String.valueOf(e.getMessage()), "the model cannot be run on these inputs");
            }
            Map<String, Type> types = new LinkedHashMap<>();
            graph.results().forEach(r -> types.put(r.name(), graph.types().get(r.value())));
            Map<String, Tensor> out = new LinkedHashMap<>();
            results.forEach((name, v) -> out.put(name, tensor(v, Objects.requireNonNull(types.get(name)))));
            return out;
        }

        /** A real number for a quantized input is quantized; codes are taken as they are, or for what they stand. */
        private Value value(Tensor t, Type type, @Nullable Quantization codes) {
            Shape shape = Shape.of(t.shape());
            if (t.type() != ElementType.F32 && type.element() instanceof Element.F32) {
                float[] values = Inputs.floats(t, 0, t.size());
                for (int i = 0; i < values.length && codes != null; i++) {
                    values[i] = Codes.dequantize((int) values[i], codes.scale(), codes.zeroPoint());
                }
                return Value.of(shape, values);
            }
            if (t.type() != ElementType.F32) {
                return Value.of(shape, integers(t));
            }
            Value.Floats f = Value.of(shape, t.floats());
            return type.element() instanceof Quant q ? quantize(f, q) : f;
        }

        static TensorInfo info(String name, Type type) {
            List<Integer> dims = type.shape().dims();
            return switch (type.element()) {
                case Element.F32 f -> new TensorInfo(name, ElementType.F32, dims, null);
                case Element.Int i -> new TensorInfo(name, elementType(i.bits(), i.signed()), dims, null);
                case Quant q ->
                    new TensorInfo(
                            name,
                            elementType(q.storage().bits(), q.storage().signed()),
                            dims,
                            Quantization.perTensor(
                                    q.storage().toString(),
                                    q.lo(),
                                    q.hi(),
                                    q.perTensor().scale(),
                                    q.perTensor().zero()));
            };
        }

        private static ElementType elementType(int bits, boolean signed) {
            if (bits <= 8) {
                return signed ? ElementType.I8 : ElementType.U8;
            }
            if (bits <= 16) {
                return signed ? ElementType.I16 : ElementType.U16;
            }
            return bits <= 32 ? ElementType.I32 : ElementType.I64;
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

    /** The elements of a tensor of integers. */
    static long[] integers(Tensor t) {
        long[] values = new long[t.size()];
        List<Double> numbers = t.type() == ElementType.I64 ? List.of() : numbers(t, 0, t.size());
        for (int i = 0; i < values.length; i++) {
            values[i] =
                    t.type() == ElementType.I64 ? t.longs()[i] : numbers.get(i).longValue();
        }
        return values;
    }

    /** The values of a tensor as numbers to print. */
    static List<Double> numbers(Tensor t, int from, int count) {
        List<Double> list = new ArrayList<>();
        for (int i = from; i < from + count; i++) {
            list.add(
                    switch (t.type()) {
                        case F32 -> (double) t.floats()[i];
                        case BOOL, I8 -> (double) t.bytes()[i];
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
