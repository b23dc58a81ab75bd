package dev.qnet.formats.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnsafeByteOperations;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads the messages of onnx.proto. Unknown fields are skipped. What it allocates is bounded by the bytes it is given: the
 * numbers of messages and of nested graphs are limited, and no count is taken from the file's word.
 */
final class ProtoReader {
    /** Messages in one file; a network of a hundred thousand nodes has about a million. */
    private static final int MAX_MESSAGES = 8_000_000;
    /** Graphs within graphs. */
    private static final int MAX_DEPTH = 16;

    private final CodedInputStream in;
    private int messages;
    private int depth;

    private ProtoReader(byte[] bytes) {
        in = UnsafeByteOperations.unsafeWrap(bytes).newCodedInput();
        in.enableAliasing(true);
    }

    /**
     * Reads a ModelProto. The array must not be written afterwards.
     *
     * @throws InvalidProtocolBufferException if the bytes are none
     */
    static Proto.Model model(byte[] bytes) throws InvalidProtocolBufferException {
        return run(bytes, ProtoReader::model);
    }

    /**
     * Reads a TensorProto. The array must not be written afterwards.
     *
     * @throws InvalidProtocolBufferException if the bytes are none
     */
    static Proto.TensorData tensor(byte[] bytes) throws InvalidProtocolBufferException {
        return run(bytes, ProtoReader::tensor);
    }

    private interface Reader<T> {
        T read(ProtoReader from) throws IOException;
    }

    private static <T> T run(byte[] bytes, Reader<T> reader) throws InvalidProtocolBufferException {
        try {
            return reader.read(new ProtoReader(bytes));
        } catch (InvalidProtocolBufferException e) {
            throw e;
        } catch (IOException | IllegalArgumentException e) {
            throw new InvalidProtocolBufferException(String.valueOf(e.getMessage()));
        }
    }

    /** Reads a nested message, whose length comes first. */
    private <T> T nested(Reader<T> reader) throws IOException {
        if (++messages > MAX_MESSAGES) {
            throw new InvalidProtocolBufferException("more than " + MAX_MESSAGES + " messages");
        }
        int limit = in.pushLimit(in.readRawVarint32());
        T value = reader.read(this);
        in.checkLastTagWas(0);
        in.popLimit(limit);
        return value;
    }

    private static boolean length(int tag) {
        return WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_LENGTH_DELIMITED;
    }

    private static boolean varint(int tag) {
        return WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_VARINT;
    }

    private Proto.Model model() throws IOException {
        long ir = 0;
        String producer = "";
        String version = "";
        Map<String, Long> opsets = new LinkedHashMap<>();
        Proto.Graph graph = null;
        List<Proto.Function> functions = new ArrayList<>();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            int field = WireFormat.getTagFieldNumber(tag);
            if (field == 1 && varint(tag)) {
                ir = in.readInt64();
            } else if (field == 2 && length(tag)) {
                producer = in.readString();
            } else if (field == 3 && length(tag)) {
                version = in.readString();
            } else if (field == 7 && length(tag)) {
                graph = nested(ProtoReader::graph);
            } else if (field == 8 && length(tag)) {
                nested(r -> r.opset(opsets));
            } else if (field == 25 && length(tag)) {
                functions.add(nested(ProtoReader::function));
            } else {
                in.skipField(tag);
            }
        }
        if (graph == null) {
            throw new InvalidProtocolBufferException("it holds no graph");
        }
        return new Proto.Model(ir, producer, version, opsets, graph, functions);
    }

    private boolean opset(Map<String, Long> into) throws IOException {
        String domain = "";
        long version = 0;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            int field = WireFormat.getTagFieldNumber(tag);
            if (field == 1 && length(tag)) {
                domain = in.readString();
            } else if (field == 2 && varint(tag)) {
                version = in.readInt64();
            } else {
                in.skipField(tag);
            }
        }
        into.put(domain.equals("ai.onnx") ? "" : domain, version);
        return true;
    }

    private Proto.Graph graph() throws IOException {
        if (++depth > MAX_DEPTH) {
            throw new InvalidProtocolBufferException("graphs are nested more than " + MAX_DEPTH + " deep");
        }
        String name = "";
        List<Proto.Node> nodes = new ArrayList<>();
        List<Proto.TensorData> initializers = new ArrayList<>();
        List<Proto.ValueInfo> inputs = new ArrayList<>();
        List<Proto.ValueInfo> outputs = new ArrayList<>();
        List<Proto.ValueInfo> infos = new ArrayList<>();
        Map<String, Map<String, String>> annotations = new HashMap<>();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (!length(tag)) {
                in.skipField(tag);
                continue;
            }
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> nodes.add(nested(ProtoReader::node));
                case 2 -> name = in.readString();
                case 5 -> initializers.add(nested(ProtoReader::tensor));
                case 11 -> inputs.add(nested(ProtoReader::valueInfo));
                case 12 -> outputs.add(nested(ProtoReader::valueInfo));
                case 13 -> infos.add(nested(ProtoReader::valueInfo));
                case 14 -> nested(r -> r.annotation(annotations));
                case 15 -> throw new InvalidProtocolBufferException("sparse initializers are not supported");
                default -> in.skipField(tag);
            }
        }
        depth--;
        return new Proto.Graph(name, nodes, initializers, inputs, outputs, infos, annotations);
    }

    private boolean annotation(Map<String, Map<String, String>> into) throws IOException {
        String name = "";
        Map<String, String> entries = new LinkedHashMap<>();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            int field = WireFormat.getTagFieldNumber(tag);
            if (field == 1 && length(tag)) {
                name = in.readString();
            } else if (field == 2 && length(tag)) {
                nested(r -> r.entry(entries));
            } else {
                in.skipField(tag);
            }
        }
        into.put(name, Map.copyOf(entries));
        return true;
    }

    private boolean entry(Map<String, String> into) throws IOException {
        String key = "";
        String value = "";
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            int field = WireFormat.getTagFieldNumber(tag);
            if (field == 1 && length(tag)) {
                key = in.readString();
            } else if (field == 2 && length(tag)) {
                value = in.readString();
            } else {
                in.skipField(tag);
            }
        }
        into.put(key, value);
        return true;
    }

    private Proto.Node node() throws IOException {
        String name = "";
        String op = "";
        String domain = "";
        List<String> inputs = new ArrayList<>();
        List<String> outputs = new ArrayList<>();
        Map<String, Proto.Attribute> attributes = new LinkedHashMap<>();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (!length(tag)) {
                in.skipField(tag);
                continue;
            }
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> inputs.add(in.readString());
                case 2 -> outputs.add(in.readString());
                case 3 -> name = in.readString();
                case 4 -> op = in.readString();
                case 5 -> nested(r -> r.attribute(attributes));
                case 7 -> domain = in.readString();
                default -> in.skipField(tag);
            }
        }
        return new Proto.Node(name, op, domain.equals("ai.onnx") ? "" : domain, inputs, outputs, attributes);
    }

    private Proto.Function function() throws IOException {
        String name = "";
        String domain = "";
        String overload = "";
        List<String> inputs = new ArrayList<>();
        List<String> outputs = new ArrayList<>();
        List<String> attributes = new ArrayList<>();
        Map<String, Proto.Attribute> defaults = new LinkedHashMap<>();
        Map<String, Long> opsets = new LinkedHashMap<>();
        List<Proto.Node> nodes = new ArrayList<>();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (!length(tag)) {
                in.skipField(tag);
                continue;
            }
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> name = in.readString();
                case 4 -> inputs.add(in.readString());
                case 5 -> outputs.add(in.readString());
                case 6 -> attributes.add(in.readString());
                case 7 -> nodes.add(nested(ProtoReader::node));
                case 9 -> nested(r -> r.opset(opsets));
                case 10 -> domain = in.readString();
                case 11 -> nested(r -> r.attribute(defaults));
                case 13 -> overload = in.readString();
                default -> in.skipField(tag);
            }
        }
        return new Proto.Function(
                domain.equals("ai.onnx") ? "" : domain,
                name,
                overload,
                inputs,
                outputs,
                attributes,
                defaults,
                opsets,
                nodes);
    }

    private boolean attribute(Map<String, Proto.Attribute> into) throws IOException {
        String name = "";
        int type = 0;
        String reference = "";
        float f = 0;
        long i = 0;
        ByteString s = ByteString.EMPTY;
        Proto.TensorData t = null;
        Proto.Graph g = null;
        Floats floats = new Floats();
        Longs ints = new Longs();
        List<ByteString> strings = new ArrayList<>();
        int found = 0;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            int field = WireFormat.getTagFieldNumber(tag);
            int wire = WireFormat.getTagWireType(tag);
            if (field == 1 && length(tag)) {
                name = in.readString();
            } else if (field == 2 && wire == WireFormat.WIRETYPE_FIXED32) {
                f = in.readFloat();
                found = 1;
            } else if (field == 3 && varint(tag)) {
                i = in.readInt64();
                found = 2;
            } else if (field == 4 && length(tag)) {
                s = in.readBytes();
                found = 3;
            } else if (field == 5 && length(tag)) {
                t = nested(ProtoReader::tensor);
                found = 4;
            } else if (field == 6 && length(tag)) {
                g = nested(ProtoReader::graph);
                found = 5;
            } else if (field == 7) {
                floats.read(in, wire, tag);
                found = 6;
            } else if (field == 8) {
                ints.read(in, wire, tag);
                found = 7;
            } else if (field == 9 && length(tag)) {
                strings.add(in.readBytes());
                found = 8;
            } else if (field == 20 && varint(tag)) {
                type = in.readEnum();
            } else if (field == 21 && length(tag)) {
                reference = in.readString();
            } else {
                in.skipField(tag);
            }
        }
        // Files from before IR version 2 do not name the type.
        int kind = type == 0 ? found : type;
        Proto.Attribute value = switch (reference.isEmpty() ? kind : -1) {
            case -1 -> new Proto.Attribute.Reference(reference, kind);
            case 1 -> new Proto.Attribute.Real(f);
            case 2 -> new Proto.Attribute.Int(i);
            case 3 -> new Proto.Attribute.Text(s);
            case 4 -> t == null ? new Proto.Attribute.Other(kind) : new Proto.Attribute.Tensor(t);
            case 5 -> g == null ? new Proto.Attribute.Other(kind) : new Proto.Attribute.Sub(g);
            case 6 -> {
                List<Float> list = new ArrayList<>(floats.size);
                for (float v : floats.toArray()) {
                    list.add(v);
                }
                yield new Proto.Attribute.Reals(list);
            }
            case 7 ->
                new Proto.Attribute.Ints(Arrays.stream(ints.toArray()).boxed().toList());
            case 8 -> new Proto.Attribute.Texts(strings);
            default -> new Proto.Attribute.Other(kind);
        };
        into.put(name, value);
        return true;
    }

    private Proto.ValueInfo valueInfo() throws IOException {
        String name = "";
        Proto.ValueInfo type = null;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            int field = WireFormat.getTagFieldNumber(tag);
            if (field == 1 && length(tag)) {
                name = in.readString();
            } else if (field == 2 && length(tag)) {
                type = nested(ProtoReader::type);
            } else {
                in.skipField(tag);
            }
        }
        return type == null ? new Proto.ValueInfo(name, 0, null) : new Proto.ValueInfo(name, type.type(), type.dims());
    }

    /** A TypeProto; one that is no tensor has the type number 0. */
    private Proto.ValueInfo type() throws IOException {
        Proto.ValueInfo type = new Proto.ValueInfo("", 0, null);
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) == 1 && length(tag)) {
                type = nested(ProtoReader::tensorType);
            } else {
                in.skipField(tag);
            }
        }
        return type;
    }

    private Proto.ValueInfo tensorType() throws IOException {
        int element = 0;
        List<Proto.Dim> dims = null;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            int field = WireFormat.getTagFieldNumber(tag);
            if (field == 1 && varint(tag)) {
                element = in.readInt32();
            } else if (field == 2 && length(tag)) {
                dims = nested(ProtoReader::shape);
            } else {
                in.skipField(tag);
            }
        }
        return new Proto.ValueInfo("", element, dims);
    }

    private List<Proto.Dim> shape() throws IOException {
        List<Proto.Dim> dims = new ArrayList<>();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) == 1 && length(tag)) {
                dims.add(nested(ProtoReader::dim));
            } else {
                in.skipField(tag);
            }
        }
        return dims;
    }

    private Proto.Dim dim() throws IOException {
        long size = -1;
        String symbol = "";
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            int field = WireFormat.getTagFieldNumber(tag);
            if (field == 1 && varint(tag)) {
                size = in.readInt64();
            } else if (field == 2 && length(tag)) {
                symbol = in.readString();
            } else {
                in.skipField(tag);
            }
        }
        return new Proto.Dim(size < 0 ? -1 : size, symbol);
    }

    private Proto.TensorData tensor() throws IOException {
        String name = "";
        int type = 0;
        Longs dims = new Longs();
        ByteString raw = null;
        Floats floats = new Floats();
        Doubles doubles = new Doubles();
        Longs ints = new Longs();
        int strings = 0;
        Map<String, String> external = new LinkedHashMap<>();
        boolean elsewhere = false;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            int wire = WireFormat.getTagWireType(tag);
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> dims.read(in, wire, tag);
                case 2 -> type = number(tag);
                case 4 -> floats.read(in, wire, tag);
                case 5, 7, 11 -> ints.read(in, wire, tag);
                case 6 -> {
                    strings++;
                    in.skipField(tag);
                }
                case 8 -> name = length(tag) ? in.readString() : skip(tag, name);
                case 9 -> raw = length(tag) ? in.readBytes() : skip(tag, raw);
                case 10 -> doubles.read(in, wire, tag);
                case 13 -> {
                    if (length(tag)) {
                        nested(r -> r.entry(external));
                    } else {
                        in.skipField(tag);
                    }
                }
                case 14 -> elsewhere = number(tag) == 1;
                default -> in.skipField(tag);
            }
        }
        return new Proto.TensorData(
                name,
                type,
                Arrays.stream(dims.toArray()).boxed().toList(),
                raw,
                floats.toArray(),
                doubles.toArray(),
                ints.toArray(),
                strings,
                elsewhere ? Map.copyOf(external) : null);
    }

    private int number(int tag) throws IOException {
        if (varint(tag)) {
            return in.readInt32();
        }
        in.skipField(tag);
        return 0;
    }

    private <T extends @Nullable Object> T skip(int tag, T value) throws IOException {
        in.skipField(tag);
        return value;
    }

    /** A growing array of int64, packed or not. */
    private static final class Longs {
        private long[] values = {};
        private int size;

        void read(CodedInputStream in, int wire, int tag) throws IOException {
            if (wire == WireFormat.WIRETYPE_LENGTH_DELIMITED) {
                int limit = in.pushLimit(in.readRawVarint32());
                while (in.getBytesUntilLimit() > 0) {
                    add(in.readInt64());
                }
                in.popLimit(limit);
            } else if (wire == WireFormat.WIRETYPE_VARINT) {
                add(in.readInt64());
            } else {
                in.skipField(tag);
            }
        }

        private void add(long value) {
            if (size == values.length) {
                values = Arrays.copyOf(values, Math.max(4, size + (size >> 1)));
            }
            values[size++] = value;
        }

        long[] toArray() {
            return size == values.length ? values : Arrays.copyOf(values, size);
        }
    }

    /** A growing array of float, packed or not. */
    private static final class Floats {
        private float[] values = {};
        private int size;

        void read(CodedInputStream in, int wire, int tag) throws IOException {
            if (wire == WireFormat.WIRETYPE_LENGTH_DELIMITED) {
                int limit = in.pushLimit(in.readRawVarint32());
                while (in.getBytesUntilLimit() > 0) {
                    add(in.readFloat());
                }
                in.popLimit(limit);
            } else if (wire == WireFormat.WIRETYPE_FIXED32) {
                add(in.readFloat());
            } else {
                in.skipField(tag);
            }
        }

        private void add(float value) {
            if (size == values.length) {
                values = Arrays.copyOf(values, Math.max(4, size + (size >> 1)));
            }
            values[size++] = value;
        }

        float[] toArray() {
            return size == values.length ? values : Arrays.copyOf(values, size);
        }
    }

    /** A growing array of double, packed or not. */
    private static final class Doubles {
        private double[] values = {};
        private int size;

        void read(CodedInputStream in, int wire, int tag) throws IOException {
            if (wire == WireFormat.WIRETYPE_LENGTH_DELIMITED) {
                int limit = in.pushLimit(in.readRawVarint32());
                while (in.getBytesUntilLimit() > 0) {
                    add(in.readDouble());
                }
                in.popLimit(limit);
            } else if (wire == WireFormat.WIRETYPE_FIXED64) {
                add(in.readDouble());
            } else {
                in.skipField(tag);
            }
        }

        private void add(double value) {
            if (size == values.length) {
                values = Arrays.copyOf(values, Math.max(4, size + (size >> 1)));
            }
            values[size++] = value;
        }

        double[] toArray() {
            return size == values.length ? values : Arrays.copyOf(values, size);
        }
    }
}
