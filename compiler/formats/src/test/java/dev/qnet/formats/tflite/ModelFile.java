package dev.qnet.formats.tflite;

import com.google.flatbuffers.FlatBufferBuilder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** Writes small TFLite models for tests, by the field numbers of TFLite's schema. */
final class ModelFile {
    private final FlatBufferBuilder b = new FlatBufferBuilder(1024);
    private final List<Integer> tensors = new ArrayList<>();
    private final List<Integer> operators = new ArrayList<>();
    private final List<Integer> codes = new ArrayList<>();
    private final List<Integer> buffers = new ArrayList<>();
    private int[] inputs = {};
    private int[] outputs = {};

    ModelFile() {
        buffers.add(buffer(new byte[0]));
    }

    private int buffer(byte[] data) {
        int vector = data.length == 0 ? 0 : b.createByteVector(data);
        b.startTable(3);
        b.addOffset(0, vector, 0);
        return b.endTable();
    }

    /** What a tensor may have beside its type and shape. */
    static final class Spec {
        private float[] scales = {};
        private long[] zeros = {};
        private int axis;
        private byte[] data = {};
        private boolean variable;
        private boolean sparse;
        private int[] signature = {};

        Spec scale(double scale, int zero) {
            scales = new float[] {(float) scale};
            zeros = new long[] {zero};
            return this;
        }

        Spec scales(int channelAxis, float... each) {
            scales = each;
            zeros = new long[each.length];
            axis = channelAxis;
            return this;
        }

        Spec bytes(int... values) {
            data = new byte[values.length];
            for (int i = 0; i < values.length; i++) {
                data[i] = (byte) values[i];
            }
            return this;
        }

        Spec shorts(int... values) {
            ByteBuffer buffer = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
            for (int v : values) {
                buffer.putShort((short) v);
            }
            data = buffer.array();
            return this;
        }

        Spec ints(int... values) {
            ByteBuffer buffer = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
            for (int v : values) {
                buffer.putInt(v);
            }
            data = buffer.array();
            return this;
        }

        Spec longs(long... values) {
            ByteBuffer buffer = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
            for (long v : values) {
                buffer.putLong(v);
            }
            data = buffer.array();
            return this;
        }

        Spec floats(float... values) {
            ByteBuffer buffer = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
            for (float v : values) {
                buffer.putFloat(v);
            }
            data = buffer.array();
            return this;
        }

        Spec variable() {
            variable = true;
            return this;
        }

        Spec sparse() {
            sparse = true;
            return this;
        }

        Spec signature(int... dims) {
            signature = dims;
            return this;
        }
    }

    static Spec spec() {
        return new Spec();
    }

    int tensor(String name, TensorType type, int[] shape) {
        return tensor(name, type, shape, spec());
    }

    int tensor(String name, TensorType type, int[] shape, Spec spec) {
        int at = 0;
        if (spec.data.length > 0) {
            at = buffers.size();
            buffers.add(buffer(spec.data));
        }
        int quant = 0;
        if (spec.scales.length > 0) {
            b.startVector(4, spec.scales.length, 4);
            for (int i = spec.scales.length - 1; i >= 0; i--) {
                b.addFloat(spec.scales[i]);
            }
            int scales = b.endVector();
            b.startVector(8, spec.zeros.length, 8);
            for (int i = spec.zeros.length - 1; i >= 0; i--) {
                b.addLong(spec.zeros[i]);
            }
            int zeros = b.endVector();
            b.startTable(7);
            b.addOffset(2, scales, 0);
            b.addOffset(3, zeros, 0);
            b.addInt(6, spec.axis, 0);
            quant = b.endTable();
        }
        int sparsity = 0;
        if (spec.sparse) {
            b.startTable(3);
            sparsity = b.endTable();
        }
        int dims = ints(shape);
        int signature = spec.signature.length == 0 ? 0 : ints(spec.signature);
        int label = b.createString(name);
        b.startTable(11);
        b.addOffset(0, dims, 0);
        b.addByte(1, (byte) List.of(TensorType.values()).indexOf(type), 0);
        b.addInt(2, at, 0);
        b.addOffset(3, label, 0);
        b.addOffset(4, quant, 0);
        b.addBoolean(5, spec.variable, false);
        b.addOffset(6, sparsity, 0);
        b.addOffset(7, signature, 0);
        tensors.add(b.endTable());
        return tensors.size() - 1;
    }

    private int ints(int... values) {
        b.startVector(4, values.length, 4);
        for (int i = values.length - 1; i >= 0; i--) {
            b.addInt(values[i]);
        }
        return b.endVector();
    }

    /** An operator's options: fields by number. */
    static final class Options {
        private final List<Field> fields = new ArrayList<>();

        private record Field(int number, Object value) {}

        Options bool(int field, boolean value) {
            fields.add(new Field(field, (byte) (value ? 1 : 0)));
            return this;
        }

        Options enumeration(int field, int value) {
            fields.add(new Field(field, (byte) value));
            return this;
        }

        Options number(int field, int value) {
            fields.add(new Field(field, value));
            return this;
        }

        Options real(int field, float value) {
            fields.add(new Field(field, value));
            return this;
        }

        Options list(int field, int... values) {
            fields.add(new Field(field, values));
            return this;
        }
    }

    static Options options() {
        return new Options();
    }

    void operator(int builtin, int[] in, int[] out) {
        operator(builtin, in, out, options());
    }

    void operator(int builtin, int[] in, int[] out, Options options) {
        operator(builtin, "", in, out, options, new int[0]);
    }

    void operator(int builtin, String custom, int[] in, int[] out, Options options, int[] intermediates) {
        int name = custom.isEmpty() ? 0 : b.createString(custom);
        b.startTable(4);
        b.addByte(0, (byte) Math.min(builtin, 127), 0);
        b.addOffset(1, name, 0);
        b.addInt(3, builtin, 0);
        codes.add(b.endTable());
        int[] lists = new int[options.fields.size()];
        for (int i = 0; i < lists.length; i++) {
            lists[i] = options.fields.get(i).value() instanceof int[] v ? ints(v) : 0;
        }
        b.startTable(8);
        for (int i = 0; i < lists.length; i++) {
            Options.Field f = options.fields.get(i);
            switch (f.value()) {
                case Byte v -> b.addByte(f.number(), v, 0);
                case Integer v -> b.addInt(f.number(), v, 0);
                case Float v -> b.addFloat(f.number(), v, 0);
                default -> b.addOffset(f.number(), lists[i], 0);
            }
        }
        int table = b.endTable();
        int from = ints(in);
        int to = ints(out);
        int inner = ints(intermediates);
        b.startTable(9);
        b.addInt(0, codes.size() - 1, 0);
        b.addOffset(1, from, 0);
        b.addOffset(2, to, 0);
        b.addByte(3, (byte) 1, 0);
        b.addOffset(4, table, 0);
        b.addOffset(8, inner, 0);
        operators.add(b.endTable());
    }

    ModelFile inputs(int... indices) {
        inputs = indices;
        return this;
    }

    ModelFile outputs(int... indices) {
        outputs = indices;
        return this;
    }

    /** The file; the writer is used up. */
    byte[] bytes() {
        int t = tables(tensors);
        int in = ints(inputs);
        int out = ints(outputs);
        int ops = tables(operators);
        b.startTable(5);
        b.addOffset(0, t, 0);
        b.addOffset(1, in, 0);
        b.addOffset(2, out, 0);
        b.addOffset(3, ops, 0);
        int graphs = b.createVectorOfTables(new int[] {b.endTable()});
        int operatorCodes = tables(codes);
        int data = tables(buffers);
        int description = b.createString("written by a test");
        b.startTable(8);
        b.addInt(0, 3, 0);
        b.addOffset(1, operatorCodes, 0);
        b.addOffset(2, graphs, 0);
        b.addOffset(3, description, 0);
        b.addOffset(4, data, 0);
        b.finish(b.endTable(), "TFL3");
        return b.sizedByteArray();
    }

    private int tables(List<Integer> offsets) {
        return b.createVectorOfTables(offsets.stream().mapToInt(o -> o).toArray());
    }
}
