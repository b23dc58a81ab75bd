package dev.qnet.formats.onnx;

import com.google.protobuf.ByteString;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.formats.Report;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One node while it is lowered: its operands, attributes and results. */
final class Call {
    /** Operands have to be known when compiling and are not. */
    static final class Unknown extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final transient List<Val> values;

        Unknown(List<Val> values) {
            super("operands are not known");
            this.values = List.copyOf(values);
        }

        List<Val> values() {
            return values;
        }
    }

    private final Build build;
    private final Proto.Node node;
    private final long opset;
    private final List<@Nullable Val> inputs;
    private final Map<String, Proto.Attribute> attributes;
    private final @Nullable Val[] outputs;
    private final List<Report.Note> notes;
    private final String label;

    Call(
            Build build,
            Proto.Node node,
            String label,
            long opset,
            List<@Nullable Val> inputs,
            Map<String, Proto.Attribute> attributes,
            List<Report.Note> notes) {
        this.build = build;
        this.node = node;
        this.label = label;
        this.opset = opset;
        this.inputs = inputs;
        this.attributes = attributes;
        this.outputs = new Val[node.outputs().size()];
        this.notes = notes;
    }

    /** This node as another operator, with other operands and attributes. */
    Call as(long otherOpset, List<? extends @Nullable Val> operands, Map<String, Proto.Attribute> others) {
        return new Call(build, node, label, otherOpset, new ArrayList<>(operands), others, notes);
    }

    /** Its attributes. */
    Map<String, Proto.Attribute> attributes() {
        return attributes;
    }

    Build build() {
        return build;
    }

    Proto.Node node() {
        return node;
    }

    /** The operator's name. */
    String op() {
        return node.op();
    }

    /** The node's name, or that of its first output. */
    String label() {
        return label;
    }

    /** The version of the operator set of the node's domain. */
    long opset() {
        return opset;
    }

    void note(Report.Kind kind, String text) {
        notes.add(new Report.Note(kind, label, node.op(), text));
    }

    /** An error about this node; the message completes "OPERATOR 'node' …". */
    Refusal refuse(String message) {
        return new Refusal(message);
    }

    // Operands

    /** How many operands are written, those left out at the end not counted. */
    int inputs() {
        return inputs.size();
    }

    boolean has(int i) {
        return i < inputs.size() && inputs.get(i) != null;
    }

    /** An operand, or null where it is left out. */
    @Nullable Val in(int i) {
        return i < inputs.size() ? inputs.get(i) : null;
    }

    /** An operand that must be there. */
    Val need(int i) {
        Val v = in(i);
        if (v == null) {
            throw refuse("lacks its operand " + i);
        }
        return v;
    }

    /** All operands; none may be left out. */
    List<Val> all() {
        List<Val> all = new ArrayList<>();
        for (int i = 0; i < inputs.size(); i++) {
            all.add(need(i));
        }
        if (all.isEmpty()) {
            throw refuse("has no operands");
        }
        return all;
    }

    /** An f32 operand. */
    Val real(int i) {
        Val v = need(i);
        if (!v.isFloat()) {
            throw refuse("takes real numbers as operand " + i + ", found " + v.type());
        }
        return v;
    }

    /**
     * Operands that must be known now.
     *
     * @throws Unknown naming all that are not
     */
    void known(int... operands) {
        List<Val> missing = new ArrayList<>();
        for (int i : operands) {
            Val v = in(i);
            if (v != null && !v.isConstant()) {
                missing.add(v);
            }
        }
        if (!missing.isEmpty()) {
            throw new Unknown(missing);
        }
    }

    /** The elements of an operand that must be known, in ONNX's order. */
    Tensor tensor(int i) {
        Val v = need(i);
        if (!v.isConstant()) {
            throw new Unknown(List.of(v));
        }
        return Build.tensor(build.plain(v));
    }

    /** Known integers. */
    long[] longs(int i) {
        tensor(i);
        return Build.longs(build.plain(need(i))).clone();
    }

    /** Known integers that must not be N. */
    long[] numbers(int i) {
        long[] v = longs(i);
        for (long x : v) {
            if (x == Build.BATCH) {
                throw refuse("needs the batch size as a number, but the model leaves it open");
            }
        }
        return v;
    }

    /** Known real numbers. */
    float[] floats(int i) {
        return switch (tensor(i)) {
            case Tensor.OfFloat f -> f.values();
            case Tensor.OfInt x -> {
                float[] v = new float[x.values().length];
                for (int k = 0; k < v.length; k++) {
                    v[k] = x.values()[k];
                }
                yield v;
            }
            case Tensor.OfLong x -> {
                float[] v = new float[x.values().length];
                for (int k = 0; k < v.length; k++) {
                    v[k] = x.values()[k];
                }
                yield v;
            }
        };
    }

    // Attributes

    boolean hasAttribute(String name) {
        return attributes.containsKey(name);
    }

    Proto.@Nullable Attribute attribute(String name) {
        return attributes.get(name);
    }

    private Refusal kind(String name, String expected) {
        return refuse("needs " + expected + " as its attribute '" + name + "'");
    }

    long integer(String name, long otherwise) {
        return switch (attributes.get(name)) {
            case null -> otherwise;
            case Proto.Attribute.Int i -> i.value();
            default -> throw kind(name, "an integer");
        };
    }

    boolean flag(String name, boolean otherwise) {
        return integer(name, otherwise ? 1 : 0) != 0;
    }

    float real(String name, float otherwise) {
        return switch (attributes.get(name)) {
            case null -> otherwise;
            case Proto.Attribute.Real f -> f.value();
            default -> throw kind(name, "a real number");
        };
    }

    String text(String name, String otherwise) {
        return switch (attributes.get(name)) {
            case null -> otherwise;
            case Proto.Attribute.Text t -> t.value().toStringUtf8();
            default -> throw kind(name, "a string");
        };
    }

    /** Integers, or null where the attribute is left out. */
    long @Nullable [] integers(String name) {
        return switch (attributes.get(name)) {
            case null -> null;
            case Proto.Attribute.Ints i -> i.values().stream().mapToLong(v -> v).toArray();
            default -> throw kind(name, "integers");
        };
    }

    float @Nullable [] reals(String name) {
        return switch (attributes.get(name)) {
            case null -> null;
            case Proto.Attribute.Reals f -> {
                float[] v = new float[f.values().size()];
                for (int i = 0; i < v.length; i++) {
                    v[i] = f.values().get(i);
                }
                yield v;
            }
            default -> throw kind(name, "real numbers");
        };
    }

    List<String> texts(String name) {
        return switch (attributes.get(name)) {
            case null -> List.of();
            case Proto.Attribute.Texts t ->
                t.values().stream().map(ByteString::toStringUtf8).toList();
            default -> throw kind(name, "strings");
        };
    }

    /** An axis of a tensor, counted from the front. */
    int axis(long axis, int rank) {
        long at = axis < 0 ? axis + rank : axis;
        if (at < 0 || at >= rank) {
            throw refuse("has the axis " + axis + ", but its operand has " + rank + " dimensions");
        }
        return (int) at;
    }

    /** Axes, counted from the front, ascending, each once. */
    List<Integer> axes(long[] axes, int rank) {
        List<Integer> list = Arrays.stream(axes)
                .mapToObj(a -> axis(a, rank))
                .sorted()
                .distinct()
                .toList();
        if (list.size() != axes.length) {
            throw refuse("names an axis twice: " + Arrays.toString(axes));
        }
        return list;
    }

    // Results

    /** How many results are written. */
    int outputs() {
        return outputs.length;
    }

    /** Whether anything wants a result. */
    boolean wants(int i) {
        return i < outputs.length && !node.outputs().get(i).isEmpty();
    }

    void out(int i, Val v) {
        if (i < outputs.length) {
            outputs[i] = v;
        }
    }

    void out(Val v) {
        out(0, v);
    }

    @Nullable Val output(int i) {
        return outputs[i];
    }
}
