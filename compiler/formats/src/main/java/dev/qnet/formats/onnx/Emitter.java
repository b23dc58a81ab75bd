package dev.qnet.formats.onnx;

import com.google.protobuf.ByteString;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The nodes and initializers of an ONNX graph while it is written. */
final class Emitter {
    /** The lowest version of ONNX's operators that is written: the first with scales for each axis. */
    static final int LOWEST_OPSET = 13;

    private final int opset;
    private int needed = LOWEST_OPSET;
    private final Set<String> names = new HashSet<>();
    private final List<Proto.Node> nodes = new ArrayList<>();
    private final Map<String, Proto.TensorData> initializers = new LinkedHashMap<>();
    /** Small constants by content, so that each is written once. */
    private final Map<Object, String> known = new HashMap<>();

    /** @param opset the version in which nodes are written */
    Emitter(int opset) {
        this.opset = opset;
    }

    /** The lowest version that has all that was written. */
    int needed() {
        return needed;
    }

    /** Something was written that an older version lacks. */
    void needs(int version) {
        needed = Math.max(needed, version);
    }

    List<Proto.Node> nodes() {
        return nodes;
    }

    List<Proto.TensorData> initializers() {
        return List.copyOf(initializers.values());
    }

    /** A name that no other tensor has. */
    String fresh(String hint) {
        String name = hint;
        for (int i = 1; !names.add(name); i++) {
            name = hint + "_" + i;
        }
        return name;
    }

    // Nodes.

    /** A node with one output, whose name is like {@code hint}. */
    String node(String op, String hint, List<String> inputs, Map<String, Proto.Attribute> attributes) {
        String out = fresh(hint);
        nodes.add(new Proto.Node(out + "/" + op, op, "", inputs, List.of(out), attributes));
        return out;
    }

    String node(String op, String hint, String... inputs) {
        return node(op, hint, List.of(inputs), Map.of());
    }

    /** A node with several outputs; those without a hint are left out. */
    List<String> nodes(String op, List<String> hints, List<String> inputs, Map<String, Proto.Attribute> attributes) {
        List<String> outs = hints.stream().map(h -> h.isEmpty() ? "" : fresh(h)).toList();
        String first = outs.stream().filter(s -> !s.isEmpty()).findFirst().orElseThrow();
        nodes.add(new Proto.Node(first + "/" + op, op, "", inputs, outs, attributes));
        return outs;
    }

    String cast(String x, DataType to, String hint) {
        return node("Cast", hint, List.of(x), Map.of("to", new Proto.Attribute.Int(to.code())));
    }

    String transpose(String x, String hint, int... permutation) {
        return node("Transpose", hint, List.of(x), Map.of("perm", ints(permutation)));
    }

    /** @param dims as ONNX's Reshape takes them: 0 keeps an extent, -1 is what is left */
    String reshape(String x, String hint, int... dims) {
        return node("Reshape", hint, x, longs(dims));
    }

    /** A reduction over axes, which were an attribute until version 18. */
    String reduce(String op, String x, String hint, boolean keepDims, int... axes) {
        Proto.Attribute keep = new Proto.Attribute.Int(keepDims ? 1 : 0);
        return opset >= 18 || op.equals("ReduceSum")
                ? node(op, hint, List.of(x, longs(axes)), Map.of("keepdims", keep))
                : node(op, hint, List.of(x), Map.of("keepdims", keep, "axes", ints(axes)));
    }

    static Proto.Attribute ints(int... values) {
        return new Proto.Attribute.Ints(
                Arrays.stream(values).mapToObj(i -> (long) i).toList());
    }

    static Proto.Attribute real(float value) {
        return new Proto.Attribute.Real(value);
    }

    static Proto.Attribute text(String value) {
        return new Proto.Attribute.Text(ByteString.copyFromUtf8(value));
    }

    // Constants.

    /** A vector of i64, as shapes and axes are given. */
    String longs(int... values) {
        return known.computeIfAbsent(
                List.of("longs", Arrays.stream(values).boxed().toList()),
                k -> integers("shape", DataType.INT64, new int[] {values.length}, widen(values)));
    }

    /** A scalar f32. */
    String scalar(float value) {
        return known.computeIfAbsent(List.of("f32", value), k -> floats("scalar", new int[0], new float[] {value}));
    }

    /** A scalar integer. */
    String scalar(DataType type, long value) {
        return known.computeIfAbsent(
                List.of(type, value), k -> integers("scalar", type, new int[0], new long[] {value}));
    }

    String floats(String hint, int[] dims, float[] values) {
        ByteBuffer b = ByteBuffer.allocate(Math.multiplyExact(4, values.length)).order(ByteOrder.LITTLE_ENDIAN);
        b.asFloatBuffer().put(values);
        return initializer(hint, DataType.FLOAT, dims, b.array());
    }

    String integers(String hint, DataType type, int[] dims, long[] values) {
        return initializer(hint, type, dims, bytes(type, values));
    }

    private String initializer(String hint, DataType type, int[] dims, byte[] raw) {
        if (type == DataType.INT4 || type == DataType.UINT4) {
            needs(21);
        }
        String name = fresh(hint);
        List<Long> extents = Arrays.stream(dims).mapToObj(d -> (long) d).toList();
        initializers.put(
                name,
                new Proto.TensorData(
                        name,
                        type.code(),
                        extents,
                        ByteString.copyFrom(raw),
                        new float[0],
                        new double[0],
                        new long[0],
                        0,
                        null));
        return name;
    }

    /** Little endian; two 4-bit elements a byte, the first in the low half. */
    private static byte[] bytes(DataType type, long[] values) {
        if (type.bits() == 4) {
            byte[] packed = new byte[(values.length + 1) / 2];
            for (int i = 0; i < values.length; i++) {
                packed[i / 2] |= (byte) ((values[i] & 15) << (i % 2 * 4));
            }
            return packed;
        }
        int width = type.bits() / 8;
        byte[] raw = new byte[Math.multiplyExact(values.length, width)];
        for (int i = 0; i < values.length; i++) {
            for (int k = 0; k < width; k++) {
                raw[i * width + k] = (byte) (values[i] >> (8 * k));
            }
        }
        return raw;
    }

    static long[] widen(int[] values) {
        return Arrays.stream(values).asLongStream().toArray();
    }

    /** The type that a graph's element has in a file. */
    static DataType type(Element.Int element) {
        return switch (element.bits()) {
            case 1 -> DataType.BOOL;
            case 8 -> element.signed() ? DataType.INT8 : DataType.UINT8;
            case 16 -> element.signed() ? DataType.INT16 : DataType.UINT16;
            case 32 -> DataType.INT32;
            case 64 -> DataType.INT64;
            default -> throw new IllegalStateException("no plain integer has " + element.bits() + " bits");
        };
    }

    /** The type of an input or output. */
    static Proto.ValueInfo info(String name, DataType type, Shape shape) {
        return new Proto.ValueInfo(
                name,
                type.code(),
                shape.dims().stream()
                        .map(d -> d == Shape.BATCH ? new Proto.Dim(-1, "N") : new Proto.Dim(d, ""))
                        .toList());
    }
}
