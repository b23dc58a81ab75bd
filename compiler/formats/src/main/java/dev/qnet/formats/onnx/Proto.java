package dev.qnet.formats.onnx;

import com.google.protobuf.ByteString;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The messages of onnx.proto, as far as models of networks use them. */
final class Proto {
    private Proto() {}

    /**
     * A file.
     *
     * @param opsets the version of each domain; the default domain is {@code ""}
     */
    record Model(
            long irVersion,
            String producer,
            String producerVersion,
            Map<String, Long> opsets,
            Graph graph,
            List<Function> functions) {
        Model {
            opsets = Map.copyOf(opsets);
            functions = List.copyOf(functions);
        }
    }

    /**
     * A graph.
     *
     * @param valueInfo types of inner values
     * @param annotations quantization annotations: for a tensor's name, further names by key
     */
    record Graph(
            String name,
            List<Node> nodes,
            List<TensorData> initializers,
            List<ValueInfo> inputs,
            List<ValueInfo> outputs,
            List<ValueInfo> valueInfo,
            Map<String, Map<String, String>> annotations) {
        Graph {
            nodes = List.copyOf(nodes);
            initializers = List.copyOf(initializers);
            inputs = List.copyOf(inputs);
            outputs = List.copyOf(outputs);
            valueInfo = List.copyOf(valueInfo);
            annotations = Map.copyOf(annotations);
        }
    }

    /** A node; an input or output that is left out has an empty name. */
    record Node(
            String name,
            String op,
            String domain,
            List<String> inputs,
            List<String> outputs,
            Map<String, Attribute> attributes) {
        Node {
            inputs = List.copyOf(inputs);
            outputs = List.copyOf(outputs);
            attributes = Map.copyOf(attributes);
        }
    }

    /** A function of the model itself: an operator whose nodes stand for it. */
    record Function(
            String domain,
            String name,
            String overload,
            List<String> inputs,
            List<String> outputs,
            List<String> attributes,
            Map<String, Attribute> defaults,
            Map<String, Long> opsets,
            List<Node> nodes) {
        Function {
            inputs = List.copyOf(inputs);
            outputs = List.copyOf(outputs);
            attributes = List.copyOf(attributes);
            defaults = Map.copyOf(defaults);
            opsets = Map.copyOf(opsets);
            nodes = List.copyOf(nodes);
        }
    }

    /** An attribute's value. */
    sealed interface Attribute {
        record Int(long value) implements Attribute {}

        record Real(float value) implements Attribute {}

        record Text(ByteString value) implements Attribute {}

        record Tensor(TensorData value) implements Attribute {}

        record Sub(Graph value) implements Attribute {}

        record Ints(List<Long> values) implements Attribute {
            public Ints {
                values = List.copyOf(values);
            }
        }

        record Reals(List<Float> values) implements Attribute {
            public Reals {
                values = List.copyOf(values);
            }
        }

        record Texts(List<ByteString> values) implements Attribute {
            public Texts {
                values = List.copyOf(values);
            }
        }

        /** In a function: the value of the attribute of that name of the node that calls it. */
        record Reference(String name, int type) implements Attribute {}

        /** A kind that networks do not use: its number in AttributeProto. */
        record Other(int type) implements Attribute {}
    }

    /**
     * The name and type of a value.
     *
     * @param type the element's type number; 0 for a value that is no tensor
     * @param dims the extents, or null where the model does not give them
     */
    record ValueInfo(String name, int type, @Nullable List<Dim> dims) {
        ValueInfo {
            dims = dims == null ? null : List.copyOf(dims);
        }
    }

    /**
     * An extent.
     *
     * @param size the extent, or -1 where it is open
     * @param symbol the name of an open extent, or empty
     */
    record Dim(long size, String symbol) {}

    /**
     * A tensor as the file holds it.
     *
     * @param type the element's type number
     * @param raw its bytes, or null where the values lie in one of the typed fields
     * @param floats float_data
     * @param doubles double_data
     * @param ints int32_data, int64_data and uint64_data
     * @param strings how many strings there are
     * @param external where the bytes lie in another file, or null
     */
    @SuppressWarnings("ArrayRecordComponent") // equality and hash go by content below
    record TensorData(
            String name,
            int type,
            List<Long> dims,
            @Nullable ByteString raw,
            float[] floats,
            double[] doubles,
            long[] ints,
            int strings,
            @Nullable Map<String, String> external) {
        TensorData {
            dims = List.copyOf(dims);
        }

        @Override
        public boolean equals(Object o) {
            return o instanceof TensorData t
                    && name.equals(t.name)
                    && type == t.type
                    && dims.equals(t.dims)
                    && Objects.equals(raw, t.raw)
                    && Arrays.equals(floats, t.floats)
                    && Arrays.equals(doubles, t.doubles)
                    && Arrays.equals(ints, t.ints)
                    && strings == t.strings
                    && Objects.equals(external, t.external);
        }

        @Override
        public int hashCode() {
            return Objects.hash(name, type, dims, raw, Arrays.hashCode(floats), Arrays.hashCode(ints));
        }
    }
}
