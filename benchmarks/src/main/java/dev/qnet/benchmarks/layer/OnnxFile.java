package dev.qnet.benchmarks.layer;

import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * An ONNX model of a few nodes, written message by message: what is measured is given to every system that reads ONNX
 * as the same bytes.
 */
public final class OnnxFile {
    /** Element types, as onnx.proto numbers them. */
    public static final int F32 = 1;

    public static final int U8 = 2;
    public static final int I8 = 3;
    public static final int I32 = 6;

    private static final int ATTRIBUTE_INT = 2;
    private static final int ATTRIBUTE_INTS = 7;

    private final List<byte[]> nodes = new ArrayList<>();
    private final List<byte[]> initializers = new ArrayList<>();
    private final List<byte[]> inputs = new ArrayList<>();
    private final List<byte[]> outputs = new ArrayList<>();

    /** Writes one message. */
    private interface Message {
        void write(CodedOutputStream out) throws IOException;
    }

    /** An attribute of a node. */
    public static final class Attribute {
        private final byte[] bytes;

        private Attribute(byte[] bytes) {
            this.bytes = bytes;
        }
    }

    private static byte[] message(Message m) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        try {
            m.write(out);
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    /** An attribute of one integer. */
    public static Attribute integer(String name, long value) {
        return new Attribute(message(o -> {
            o.writeString(1, name);
            o.writeInt64(3, value);
            o.writeInt32(20, ATTRIBUTE_INT);
        }));
    }

    /** An attribute of a list of integers. */
    public static Attribute integers(String name, long... values) {
        return new Attribute(message(o -> {
            o.writeString(1, name);
            for (long v : values) {
                o.writeInt64(8, v);
            }
            o.writeInt32(20, ATTRIBUTE_INTS);
        }));
    }

    /** Adds a node with one output; {@code domain} is "" for ONNX's own operators. */
    public OnnxFile node(String op, String domain, List<String> in, String out, Attribute... attributes) {
        nodes.add(message(o -> {
            for (String s : in) {
                o.writeString(1, s);
            }
            o.writeString(2, out);
            o.writeString(3, out);
            o.writeString(4, op);
            for (Attribute a : attributes) {
                o.writeByteArray(5, a.bytes);
            }
            o.writeString(7, domain);
        }));
        return this;
    }

    /** Adds a constant of 8-bit elements. */
    public OnnxFile constant(String name, int type, byte[] values, long... shape) {
        initializers.add(message(o -> {
            for (long d : shape) {
                o.writeInt64(1, d);
            }
            o.writeInt32(2, type);
            o.writeString(8, name);
            o.writeByteArray(9, values);
        }));
        return this;
    }

    /** Adds a constant of singles; without a shape, a scalar. */
    public OnnxFile floats(String name, float[] values, long... shape) {
        ByteBuffer b = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        b.asFloatBuffer().put(values);
        return constant(name, F32, b.array(), shape);
    }

    /** Adds a constant of 32-bit integers. */
    public OnnxFile ints(String name, int[] values, long... shape) {
        ByteBuffer b = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        b.asIntBuffer().put(values);
        return constant(name, I32, b.array(), shape);
    }

    public OnnxFile input(String name, int type, long... shape) {
        inputs.add(value(name, type, shape));
        return this;
    }

    public OnnxFile output(String name, int type, long... shape) {
        outputs.add(value(name, type, shape));
        return this;
    }

    private static byte[] value(String name, int type, long... shape) {
        byte[] dims = message(o -> {
            for (long d : shape) {
                o.writeByteArray(1, message(x -> x.writeInt64(1, d)));
            }
        });
        byte[] tensor = message(o -> {
            o.writeInt32(1, type);
            o.writeByteArray(2, dims);
        });
        return message(o -> {
            o.writeString(1, name);
            o.writeByteArray(2, message(x -> x.writeByteArray(1, tensor)));
        });
    }

    /** The file's bytes: IR version 8, opset 17, com.microsoft 1. */
    public byte[] bytes() {
        byte[] graph = message(o -> {
            for (byte[] n : nodes) {
                o.writeByteArray(1, n);
            }
            o.writeString(2, "layer");
            for (byte[] i : initializers) {
                o.writeByteArray(5, i);
            }
            for (byte[] i : inputs) {
                o.writeByteArray(11, i);
            }
            for (byte[] i : outputs) {
                o.writeByteArray(12, i);
            }
        });
        return message(o -> {
            o.writeInt64(1, 8);
            o.writeByteArray(7, graph);
            o.writeByteArray(8, opset("", 17));
            o.writeByteArray(8, opset("com.microsoft", 1));
        });
    }

    private static byte[] opset(String domain, long version) {
        return message(o -> {
            o.writeString(1, domain);
            o.writeInt64(2, version);
        });
    }
}
