package dev.qnet.formats.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Writes the messages of onnx.proto; {@link ProtoReader} reads them back as equal records. */
final class ProtoWriter {
    private final CodedOutputStream out;

    private ProtoWriter(CodedOutputStream out) {
        this.out = out;
    }

    private interface Writer {
        void write(ProtoWriter to) throws IOException;
    }

    /** A ModelProto's bytes. */
    static byte[] bytes(Proto.Model model) {
        return message(w -> w.model(model));
    }

    /** A TensorProto's bytes. */
    static byte[] bytes(Proto.TensorData tensor) {
        return message(w -> w.tensor(tensor));
    }

    private static byte[] message(Writer writer) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        try {
            writer.write(new ProtoWriter(out));
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private void nested(int field, Writer writer) throws IOException {
        out.writeByteArray(field, message(writer));
    }

    private void text(int field, String value) throws IOException {
        if (!value.isEmpty()) {
            out.writeString(field, value);
        }
    }

    private void model(Proto.Model m) throws IOException {
        out.writeInt64(1, m.irVersion());
        text(2, m.producer());
        text(3, m.producerVersion());
        nested(7, w -> w.graph(m.graph()));
        opsets(8, m.opsets());
        for (Proto.Function f : m.functions()) {
            nested(25, w -> w.function(f));
        }
    }

    private void opsets(int field, Map<String, Long> opsets) throws IOException {
        for (Map.Entry<String, Long> e : new TreeMap<>(opsets).entrySet()) {
            nested(field, w -> {
                w.text(1, e.getKey());
                w.out.writeInt64(2, e.getValue());
            });
        }
    }

    private void graph(Proto.Graph g) throws IOException {
        for (Proto.Node n : g.nodes()) {
            nested(1, w -> w.node(n));
        }
        text(2, g.name());
        for (Proto.TensorData t : g.initializers()) {
            nested(5, w -> w.tensor(t));
        }
        infos(11, g.inputs());
        infos(12, g.outputs());
        infos(13, g.valueInfo());
        for (Map.Entry<String, Map<String, String>> e : new TreeMap<>(g.annotations()).entrySet()) {
            nested(14, w -> {
                w.text(1, e.getKey());
                w.entries(2, e.getValue());
            });
        }
    }

    private void entries(int field, Map<String, String> entries) throws IOException {
        for (Map.Entry<String, String> e : new TreeMap<>(entries).entrySet()) {
            nested(field, w -> {
                w.text(1, e.getKey());
                w.text(2, e.getValue());
            });
        }
    }

    private void node(Proto.Node n) throws IOException {
        for (String s : n.inputs()) {
            out.writeString(1, s);
        }
        for (String s : n.outputs()) {
            out.writeString(2, s);
        }
        text(3, n.name());
        text(4, n.op());
        attributes(5, n.attributes());
        text(7, n.domain());
    }

    private void function(Proto.Function f) throws IOException {
        text(1, f.name());
        for (String s : f.inputs()) {
            out.writeString(4, s);
        }
        for (String s : f.outputs()) {
            out.writeString(5, s);
        }
        for (String s : f.attributes()) {
            out.writeString(6, s);
        }
        for (Proto.Node n : f.nodes()) {
            nested(7, w -> w.node(n));
        }
        opsets(9, f.opsets());
        text(10, f.domain());
        attributes(11, f.defaults());
        text(13, f.overload());
    }

    private void attributes(int field, Map<String, Proto.Attribute> attributes) throws IOException {
        for (Map.Entry<String, Proto.Attribute> e : new TreeMap<>(attributes).entrySet()) {
            nested(field, w -> w.attribute(e.getKey(), e.getValue()));
        }
    }

    private void attribute(String name, Proto.Attribute attribute) throws IOException {
        text(1, name);
        int type = switch (attribute) {
            case Proto.Attribute.Real f -> {
                out.writeFloat(2, f.value());
                yield 1;
            }
            case Proto.Attribute.Int i -> {
                out.writeInt64(3, i.value());
                yield 2;
            }
            case Proto.Attribute.Text s -> {
                out.writeBytes(4, s.value());
                yield 3;
            }
            case Proto.Attribute.Tensor t -> {
                nested(5, w -> w.tensor(t.value()));
                yield 4;
            }
            case Proto.Attribute.Sub g -> {
                nested(6, w -> w.graph(g.value()));
                yield 5;
            }
            case Proto.Attribute.Reals f -> {
                for (float v : f.values()) {
                    out.writeFloat(7, v);
                }
                yield 6;
            }
            case Proto.Attribute.Ints i -> {
                for (long v : i.values()) {
                    out.writeInt64(8, v);
                }
                yield 7;
            }
            case Proto.Attribute.Texts s -> {
                for (ByteString v : s.values()) {
                    out.writeBytes(9, v);
                }
                yield 8;
            }
            case Proto.Attribute.Reference r -> {
                text(21, r.name());
                yield r.type();
            }
            case Proto.Attribute.Other o -> o.type();
        };
        out.writeInt32(20, type);
    }

    private void infos(int field, List<Proto.ValueInfo> infos) throws IOException {
        for (Proto.ValueInfo v : infos) {
            nested(field, w -> {
                w.text(1, v.name());
                w.nested(2, t -> t.nested(1, s -> s.type(v)));
            });
        }
    }

    private void type(Proto.ValueInfo v) throws IOException {
        out.writeInt32(1, v.type());
        List<Proto.Dim> dims = v.dims();
        if (dims != null) {
            nested(2, w -> {
                for (Proto.Dim d : dims) {
                    w.nested(1, x -> {
                        if (d.size() >= 0) {
                            x.out.writeInt64(1, d.size());
                        }
                        x.text(2, d.symbol());
                    });
                }
            });
        }
    }

    private void tensor(Proto.TensorData t) throws IOException {
        for (long d : t.dims()) {
            out.writeInt64(1, d);
        }
        out.writeInt32(2, t.type());
        for (float v : t.floats()) {
            out.writeFloat(4, v);
        }
        // One record field stands for three of the file's; the type says which one it was.
        int field = t.type() == DataType.INT64.code()
                ? 7
                : t.type() == DataType.UINT32.code() || t.type() == DataType.UINT64.code() ? 11 : 5;
        for (long v : t.ints()) {
            out.writeInt64(field, v);
        }
        for (int i = 0; i < t.strings(); i++) {
            out.writeString(6, "");
        }
        text(8, t.name());
        ByteString raw = t.raw();
        if (raw != null) {
            out.writeBytes(9, raw);
        }
        for (double v : t.doubles()) {
            out.writeDouble(10, v);
        }
        Map<String, String> external = t.external();
        if (external != null) {
            entries(13, external);
            out.writeInt32(14, 1);
        }
    }
}
