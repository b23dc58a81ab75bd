package dev.qnet.target.tvm;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Type;
import dev.qnet.target.tvm.lower.Elements;
import dev.qnet.target.tvm.tir.DataType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a compiled module takes and gives: the arguments of its function {@code run} are the inputs, the states and the outputs,
 * in this order. A module holds its own as JSON (docs/targets.md).
 *
 * @param name the model's
 * @param cpu what its code may use beyond what each x86 CPU has, as Linux calls it
 * @param parallel whether large layers are shared among the threads of TVM's runtime
 * @param device where tensors are
 * @param failures what a run can end with that cannot be told by its function: where there are any, its last argument is a
 *     tensor of as many int32, which are 1 where it happened
 */
public record Signature(
        String name,
        List<String> cpu,
        boolean parallel,
        Device device,
        List<Tensor> inputs,
        List<Tensor> states,
        List<Tensor> outputs,
        List<String> failures) {
    /** Where tensors are. */
    public enum Device {
        CPU(1),
        CUDA(2);

        private final int code;

        Device(int code) {
            this.code = code;
        }

        /** DLPack's number for it. */
        int code() {
            return code;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** The version of the JSON. */
    private static final int FORMAT = 1;

    private static final ObjectMapper JSON = new ObjectMapper();

    public Signature {
        cpu = List.copyOf(cpu);
        inputs = List.copyOf(inputs);
        states = List.copyOf(states);
        outputs = List.copyOf(outputs);
        failures = List.copyOf(failures);
    }

    /**
     * A tensor.
     *
     * @param type of an element in memory, as TVM writes it
     * @param shape −1 in front for N, any number of items
     * @param initial the element that a state begins with
     * @param quantization what codes mean, or null
     */
    public record Tensor(
            String name,
            String type,
            List<Integer> shape,
            int initial,
            @Nullable Quantization quantization) {
        public Tensor {
            shape = List.copyOf(shape);
        }

        /** Whether its shape begins with N. */
        boolean batched() {
            return !shape.isEmpty() && shape.getFirst() == Shape.BATCH;
        }

        /** Its element's type code and bits, as DLPack has them. */
        DataType element() {
            for (DataType t : List.of(
                    DataType.INT8,
                    DataType.UINT8,
                    DataType.INT16,
                    DataType.UINT16,
                    DataType.INT32,
                    DataType.INT64,
                    DataType.FLOAT32)) {
                if (t.toString().equals(type)) {
                    return t;
                }
            }
            throw new IllegalArgumentException("'" + name + "' has elements of the unknown type " + type);
        }

        /** The extents for a batch. */
        long[] extents(int items) {
            return shape.stream().mapToLong(d -> d == Shape.BATCH ? items : d).toArray();
        }

        /** Bytes for a batch. */
        long bytes(int items) {
            long n = element().bytes();
            for (long d : extents(items)) {
                n = Math.multiplyExact(n, d);
            }
            return n;
        }
    }

    /**
     * What codes mean: {@code scale·(code − zero)}.
     *
     * @param storage the width of a code, such as {@code u4}; in memory it takes a whole byte
     * @param lo the lowest code
     * @param hi the highest
     * @param axis along which scales differ, or −1
     * @param scales one, or one for each index along the axis
     * @param zeros as many
     */
    public record Quantization(String storage, int lo, int hi, int axis, List<Float> scales, List<Integer> zeros) {
        public Quantization {
            scales = List.copyOf(scales);
            zeros = List.copyOf(zeros);
        }
    }

    /** Whether each item's outputs depend on that item alone, and each item has its own. */
    boolean itemsAreApart() {
        return states.isEmpty()
                && inputs.stream().anyMatch(Tensor::batched)
                && outputs.stream().allMatch(Tensor::batched);
    }

    /** A graph's, on a CPU. */
    static Signature of(Graph graph, List<String> cpu, boolean parallel) {
        return of(graph, cpu, parallel, Device.CPU, List.of());
    }

    /** A graph's. */
    static Signature of(Graph graph, List<String> cpu, boolean parallel, Device device, List<String> failures) {
        return new Signature(
                graph.name(),
                cpu,
                parallel,
                device,
                graph.params().stream()
                        .map(p -> tensor(p.id().name(), p.type()))
                        .toList(),
                graph.states().stream()
                        .map(s -> tensor(s.id().name(), s.type()))
                        .toList(),
                graph.results().stream()
                        .map(r -> tensor(
                                r.name(), Objects.requireNonNull(graph.types().get(r.value()))))
                        .toList(),
                failures);
    }

    private static Tensor tensor(String name, Type type) {
        int initial = 0;
        Quantization quantization = null;
        if (type.element() instanceof Quant q) {
            quantization = switch (q.scheme()) {
                case Scheme.PerTensor t -> {
                    initial = q.storage() == Storage.BIPOLAR ? 1 : Math.clamp(t.zero(), q.lo(), q.hi());
                    yield quantization(q, -1, List.of(t.scale()), List.of(t.zero()));
                }
                case Scheme.PerAxis a -> quantization(q, a.axis(), a.scales(), a.zeros());
                // Groups are of weights, which no one sees from outside.
                case Scheme.PerGroup g -> null;
            };
        }
        return new Tensor(
                name, Elements.type(type.element()).toString(), type.shape().dims(), initial, quantization);
    }

    private static Quantization quantization(Quant q, int axis, List<Float> scales, List<Integer> zeros) {
        return new Quantization(q.storage().toString(), q.lo(), q.hi(), axis, scales, zeros);
    }

    /** As JSON. */
    String json() {
        ObjectNode root = JSON.createObjectNode();
        root.put("format", FORMAT).put("name", name);
        root.put("parallel", parallel);
        cpu.forEach(root.putArray("cpu")::add);
        list(root.putArray("inputs"), inputs);
        list(root.putArray("states"), states);
        list(root.putArray("outputs"), outputs);
        if (device != Device.CPU) {
            root.put("device", device.toString());
        }
        if (!failures.isEmpty()) {
            failures.forEach(root.putArray("failures")::add);
        }
        return root.toString();
    }

    private static void list(ArrayNode array, List<Tensor> tensors) {
        for (Tensor t : tensors) {
            ObjectNode node = array.addObject().put("name", t.name).put("type", t.type);
            t.shape.forEach(node.putArray("shape")::add);
            node.put("initial", t.initial);
            Quantization q = t.quantization;
            if (q != null) {
                ObjectNode inner = node.putObject("quantization");
                inner.put("storage", q.storage).put("lo", q.lo).put("hi", q.hi).put("axis", q.axis);
                q.scales.forEach(inner.putArray("scales")::add);
                q.zeros.forEach(inner.putArray("zeros")::add);
            }
        }
    }

    /**
     * Reads {@link #json}.
     *
     * @throws IllegalArgumentException if it is none
     */
    static Signature parse(String json) {
        try {
            JsonNode root = JSON.readTree(json);
            if (root.path("format").asInt() != FORMAT) {
                throw new IllegalArgumentException("a module of format " + root.path("format")
                        + " is not read by this version of Qnet, which reads " + FORMAT);
            }
            List<String> cpu = new ArrayList<>();
            root.path("cpu").forEach(flag -> cpu.add(flag.asText()));
            List<String> failures = new ArrayList<>();
            root.path("failures").forEach(f -> failures.add(f.asText()));
            return new Signature(
                    root.path("name").asText(),
                    cpu,
                    root.path("parallel").asBoolean(),
                    Device.valueOf(root.path("device").asText("cpu").toUpperCase(Locale.ROOT)),
                    tensors(root.path("inputs")),
                    tensors(root.path("states")),
                    tensors(root.path("outputs")),
                    failures);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("the module's description is no JSON: " + e.getOriginalMessage(), e);
        }
    }

    private static List<Tensor> tensors(JsonNode array) {
        List<Tensor> all = new ArrayList<>();
        for (JsonNode node : array) {
            List<Integer> shape = new ArrayList<>();
            node.path("shape").forEach(d -> shape.add(d.asInt()));
            all.add(new Tensor(
                    node.path("name").asText(),
                    node.path("type").asText(),
                    shape,
                    node.path("initial").asInt(),
                    quantization(node.path("quantization"))));
        }
        return all;
    }

    private static @Nullable Quantization quantization(JsonNode node) {
        if (!node.isObject()) {
            return null;
        }
        List<Float> scales = new ArrayList<>();
        node.path("scales").forEach(s -> scales.add(s.floatValue()));
        List<Integer> zeros = new ArrayList<>();
        node.path("zeros").forEach(z -> zeros.add(z.asInt()));
        return new Quantization(
                node.path("storage").asText(),
                node.path("lo").asInt(),
                node.path("hi").asInt(),
                node.path("axis").asInt(),
                scales,
                zeros);
    }
}
