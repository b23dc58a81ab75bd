package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.formats.Report;
import dev.qnet.formats.tflite.TfliteFile.OperatorDef;
import dev.qnet.formats.tflite.TfliteFile.QuantDef;
import dev.qnet.formats.tflite.TfliteFile.TensorDef;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** One operator while it is imported: its operands as values or constants, and where its results go. */
final class Call {
    private final TfliteGraph model;
    private final OperatorDef op;

    Call(TfliteGraph model, OperatorDef op) {
        this.model = model;
        this.op = op;
    }

    OperatorDef op() {
        return op;
    }

    GraphUnderWay graph() {
        return model.graph();
    }

    FlatFile.@Nullable Table options() {
        return op.options();
    }

    int option(int field, int otherwise) {
        FlatFile.Table o = op.options();
        return o == null ? otherwise : o.intAt(field, otherwise);
    }

    int byteOption(int field, int otherwise) {
        FlatFile.Table o = op.options();
        return o == null ? otherwise : o.byteAt(field, otherwise);
    }

    boolean flag(int field) {
        return byteOption(field, 0) != 0;
    }

    float floatOption(int field, float otherwise) {
        FlatFile.Table o = op.options();
        return o == null ? otherwise : o.floatAt(field, otherwise);
    }

    // Operands.

    /** Refuses other numbers of operands and results. */
    void arity(int least, int most, int results) {
        int n = op.inputs().size();
        if (n < least || n > most || op.outputs().size() != results) {
            throw new Unsupported("takes " + least + (least == most ? "" : " to " + most) + " operands and gives "
                    + results + ", found " + n + " and " + op.outputs().size());
        }
    }

    int count() {
        return op.inputs().size();
    }

    /** Whether an optional operand is there. */
    boolean has(int i) {
        return i < op.inputs().size() && op.inputs().get(i) >= 0;
    }

    TensorDef in(int i) {
        if (!has(i)) {
            throw new Unsupported("operand " + i + " is missing");
        }
        return model.tensor(op.inputs().get(i));
    }

    TensorDef out(int i) {
        return model.tensor(op.outputs().get(i));
    }

    /** An operand's value: computed before, or a constant. */
    Val x(int i) {
        return model.value(in(i));
    }

    boolean isConstant(int i) {
        return has(i) && model.isConstant(in(i));
    }

    /** A tensor that is no operand: an intermediate one. */
    TensorDef tensor(int index) {
        return model.tensor(index);
    }

    /** A variable operand as a state of the graph, under a shape of as many elements as the file has. */
    Val state(int i, Shape shape) {
        TensorDef t = in(i);
        if (!t.variable()) {
            throw new Unsupported("keeps its state in " + t.label() + ", which is no variable");
        }
        if (shape.hasBatch() || Constants.shape(t).elements() != shape.elements()) {
            throw new Unsupported("has a state " + Constants.shape(t) + " instead of " + shape);
        }
        if (!model.claim(t)) {
            throw new Unsupported("shares its state " + t.label() + " with another operator");
        }
        return graph().state(t.label(), new Type(element(t), shape));
    }

    /** A constant's integers; nothing but the file or earlier shapes may decide them. */
    long[] integers(int i) {
        return model.integers(in(i), false);
    }

    /** As {@link #integers}, where -1 may stand for N. */
    long[] extents(int i) {
        return model.integers(in(i), true);
    }

    /** A constant's integers as ints. */
    List<Integer> ints(int i) {
        List<Integer> list = new ArrayList<>();
        for (long v : integers(i)) {
            list.add(Math.toIntExact(v));
        }
        return list;
    }

    /** Whether an operand is a shape that is known while importing. */
    boolean isKnown(int i) {
        return has(i) && model.isKnown(in(i));
    }

    /** Says that the result is known while importing. */
    void known(long[] integers) {
        model.know(out(0), integers);
    }

    int[] codes(int i) {
        constant(i);
        return model.constants().codes(in(i));
    }

    float[] floats(int i) {
        constant(i);
        return model.constants().floats(in(i));
    }

    private void constant(int i) {
        if (!isConstant(i)) {
            throw new Unsupported("operand " + i + " (" + in(i).name() + ") has to be a constant");
        }
    }

    /** An axis, which counts from the back where negative. */
    static int axis(long axis, int rank) {
        long a = axis < 0 ? axis + rank : axis;
        if (a < 0 || a >= rank) {
            throw new Unsupported("axis " + axis + " of " + rank);
        }
        return (int) a;
    }

    // Parameters.

    /** The scales of a tensor, at least one. */
    static QuantDef parameters(TensorDef t) {
        QuantDef q = t.quant();
        if (q == null || q.scales().isEmpty()) {
            throw new Unsupported("tensor " + t.index() + " (" + t.name() + ") has no scale");
        }
        if (q.details()) {
            throw new Unsupported("tensor " + t.index() + " (" + t.name() + ") has blockwise or other special scales");
        }
        if (q.zeros().size() > 1 && q.zeros().size() != q.scales().size()) {
            throw new Unsupported("tensor " + t.index() + " has " + q.scales().size() + " scales and "
                    + q.zeros().size() + " zero points");
        }
        for (float s : q.scales()) {
            if (!(s > 0) || Float.isInfinite(s)) {
                throw new Unsupported("tensor " + t.index() + " (" + t.name() + ") has the scale " + s);
            }
        }
        return q;
    }

    private static int zero(QuantDef q, int c) {
        if (q.zeros().isEmpty()) {
            return 0;
        }
        return Math.toIntExact(q.zeros().get(q.zeros().size() == 1 ? 0 : c));
    }

    /**
     * The element of weights: one scale, or one for each index along the axis they have after they were brought into the
     * graph's order, which is 0.
     *
     * @param axis the axis of several scales in the file
     * @param channels its extent
     */
    static Quant weights(TensorDef t, int axis, int channels) {
        QuantDef q = parameters(t);
        Storage storage = t.type() == null ? null : t.type().storage();
        if (storage == null || storage.bits() > 8) {
            throw new Unsupported("weights (" + t.name() + ") are " + t.typeName());
        }
        Scheme scheme;
        if (q.scales().size() == 1) {
            scheme = new Scheme.PerTensor(q.scales().getFirst(), zero(q, 0));
        } else {
            if (q.axis() != axis || q.scales().size() != channels) {
                throw new Unsupported(
                        "weights (" + t.name() + ") have " + q.scales().size() + " scales along axis " + q.axis()
                                + " instead of " + channels + " along axis " + axis);
            }
            List<Integer> zeros =
                    IntStream.range(0, channels).mapToObj(c -> zero(q, c)).toList();
            scheme = new Scheme.PerAxis(0, q.scales(), zeros);
        }
        return new Quant(storage, storage.min(), storage.max(), scheme);
    }

    /** What a tensor's elements are: codes if it has a scale. */
    static Element element(TensorDef t) {
        TensorType type = t.type();
        if (type == TensorType.FLOAT32
                || type == TensorType.FLOAT16
                || type == TensorType.FLOAT64
                || type == TensorType.BFLOAT16) {
            return Element.FLOAT;
        }
        QuantDef q = t.quant();
        if (type != null && type.storage() != null && q != null && !q.scales().isEmpty()) {
            if (parameters(t).scales().size() > 1) {
                throw new Unsupported("tensor " + t.index() + " (" + t.name() + ") has a scale for each channel");
            }
            return Quant.of(type.storage(), q.scales().getFirst(), zero(q, 0));
        }
        if (type == null || type.plain() == null) {
            throw new Unsupported("tensor " + t.index() + " (" + t.name() + ") holds " + t.typeName());
        }
        return type.plain();
    }

    /** The codes that the i-th result is declared to hold. */
    Quant outCodes(int i) {
        if (!(element(out(i)) instanceof Quant q)) {
            throw new Unsupported("gives codes, but its result " + out(i).name() + " has no scale");
        }
        return q;
    }

    // Results.

    /** A node whose value is no tensor of the model. */
    Val emit(Op operation, Element element, Val... operands) {
        String near = op.outputs().isEmpty() ? "op" + op.index() : out(0).label();
        return graph().node(near + "/step", operation, element, operands);
    }

    /** A node of float arithmetic. */
    Val real(FloatOp operation, Val... operands) {
        return emit(operation, Element.FLOAT, operands);
    }

    /** A constant that is no tensor of the model, or not as the model has it. */
    Val constant(TensorDef like, Tensor value, Element element) {
        return graph().constant(like.label(), value, element);
    }

    Val ints(List<Integer> values) {
        int[] array = values.stream().mapToInt(v -> v).toArray();
        return graph().constant("indices", new Tensor.OfInt(Shape.of(array.length), array), Element.INT32);
    }

    Val floats(String name, Shape shape, float... values) {
        return graph().constant(name, new Tensor.OfFloat(shape, values), Element.FLOAT);
    }

    /** Says what the i-th result is: codes of another scale keep their codes. */
    void result(int i, Val v) {
        TensorDef t = out(i);
        model.define(t, graph().reinterpret(v, declared(t, v)));
    }

    /** The element a result is declared to have, if it can hold the value's integers. */
    private static Element declared(TensorDef t, Val v) {
        return v.isFloat() ? v.element() : element(t);
    }

    void result(Val v) {
        result(0, v);
    }

    void remark(Report.Kind kind, String text) {
        model.remark(kind, op, text);
    }

    // Fused activations, by the schema's numbers.

    /** The codes that a fused activation lets through. */
    int[] range(int activation, Quant q) {
        return switch (activation) {
            case 0 -> new int[] {q.lo(), q.hi()};
            case 1 -> new int[] {Math.max(q.lo(), code(0, q)), q.hi()};
            case 2 -> new int[] {Math.max(q.lo(), code(-1, q)), Math.min(q.hi(), code(1, q))};
            case 3 -> new int[] {Math.max(q.lo(), code(0, q)), Math.min(q.hi(), code(6, q))};
            default -> throw activation(activation);
        };
    }

    /** The code of a bound, not limited to the storage. */
    static int code(float bound, Quant q) {
        float rounded = FixedPoint.round(bound / q.perTensor().scale());
        return Math.clamp((long) rounded + q.perTensor().zero(), Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    /** A fused activation of singles. */
    Val activated(int activation, Val v) {
        return switch (activation) {
            case 0 -> v;
            case 1 -> real(new FloatOp.Unary(new ScalarFn.Relu()), v);
            case 2 -> real(new FloatOp.Unary(new ScalarFn.Clip(-1, 1)), v);
            case 3 -> real(new FloatOp.Unary(new ScalarFn.Clip(0, 6)), v);
            default -> throw activation(activation);
        };
    }

    /** A fused activation of codes that are there already. */
    Val clamped(int activation, Val v) {
        Quant q = v.quant();
        int[] range = range(activation, q);
        if (range[0] == q.lo() && range[1] == q.hi()) {
            return v;
        }
        int lo = Math.min(range[0], q.hi());
        int hi = Math.max(range[1], q.lo());
        return emit(new IntOp.Clamp(Math.min(lo, hi), hi), q, v);
    }

    private static Unsupported activation(int activation) {
        String name = activation == 4 ? "TANH" : activation == 5 ? "SIGN_BIT" : "number " + activation;
        return new Unsupported("fuses the activation " + name);
    }

    // Moves.

    Val reshaped(Val v, Shape shape) {
        return v.shape().equals(shape) ? v : emit(new DataOp.Reshape(shape), v.element(), v);
    }

    /** The elements at indices along an axis. */
    Val gathered(Val v, int axis, List<Integer> indices) {
        int n = v.shape().dim(axis);
        if (n == Shape.BATCH) {
            throw new Unsupported("picks items of a batch");
        }
        if (indices.equals(IntStream.range(0, n).boxed().toList())) {
            return v;
        }
        return emit(new DataOp.Gather(axis), v.element(), v, ints(indices));
    }
}
