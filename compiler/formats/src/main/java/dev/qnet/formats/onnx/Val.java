package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A value while a model is read: a constant or a value of the graph that is being built, and how its axes lie. ONNX's axes
 * are the logical ones; a value whose layout is not plain is held with its axes in another order, such as channels last,
 * so that transposes arise only where an operation needs the other order.
 */
final class Val {
    private final Type type;
    private final List<Integer> layout;
    private final DataType declared;
    private final @Nullable Tensor constant;
    private final boolean symbolic;
    /** The codes that a constant of real numbers is made of, as it is held. */
    private final @Nullable Val codes;
    /** The name of what is held, once it has one; shared by all readings of it. */
    private final Name name;
    /** The same value in other layouts, as far as anyone asked. */
    private final Map<List<Integer>, Val> forms;

    /** A name that comes later. */
    private static final class Name {
        private @Nullable ValueId id;
        /** The value whose elements this is, each item's in one row. */
        private @Nullable Val flattened;
    }

    private Val(
            Type type,
            List<Integer> layout,
            DataType declared,
            @Nullable Tensor constant,
            boolean symbolic,
            @Nullable Val codes,
            Name name,
            Map<List<Integer>, Val> forms) {
        this.type = type;
        this.layout = layout;
        this.declared = declared;
        this.constant = constant;
        this.symbolic = symbolic;
        this.codes = codes;
        this.name = name;
        this.forms = forms;
    }

    /** A value of the graph, with its axes as they are. */
    static Val of(ValueId id, Type type) {
        Name name = new Name();
        name.id = id;
        return new Val(type, plain(type.shape().rank()), DataType.UNDEFINED, null, false, null, name, new HashMap<>());
    }

    /** A constant; {@code symbolic} if it holds {@link Build#BATCH}. */
    static Val of(Tensor constant, Element element, boolean symbolic) {
        Type type = new Type(element, constant.shape());
        return new Val(
                type,
                plain(type.shape().rank()),
                DataType.UNDEFINED,
                constant,
                symbolic,
                null,
                new Name(),
                new HashMap<>());
    }

    /** This plain value read as one whose logical axis i is held as axis {@code layout[i]}. */
    Val in(List<Integer> other) {
        return new Val(type, List.copyOf(other), declared, constant, symbolic, codes, name, new HashMap<>());
    }

    /** What is held, as a plain value. */
    Val held() {
        return isPlain() ? this : in(plain(rank()));
    }

    /** This value under an ONNX type that its element does not tell: int4, float16. */
    Val declared(DataType as) {
        return new Val(type, layout, as, constant, symbolic, codes, name, forms);
    }

    /**
     * This constant of real numbers as what quantized codes stand for. Where it is used as it is, the graph holds the codes.
     *
     * @param of the codes, as this constant is held
     */
    Val coded(Val of) {
        return new Val(type, layout, declared, constant, symbolic, of.held(), new Name(), new HashMap<>());
    }

    /** The codes that this constant is made of, as it is held, or null. */
    @Nullable Val codes() {
        return codes;
    }

    private static List<Integer> plain(int rank) {
        return IntStream.range(0, rank).boxed().toList();
    }

    /** The type as it is held. */
    Type type() {
        return type;
    }

    Element element() {
        return type.element();
    }

    boolean isFloat() {
        return type.isFloat();
    }

    boolean isBool() {
        return type.element().equals(Element.BOOL);
    }

    /** Where each logical axis is held. */
    List<Integer> layout() {
        return layout;
    }

    boolean isPlain() {
        for (int i = 0; i < layout.size(); i++) {
            if (layout.get(i) != i) {
                return false;
            }
        }
        return true;
    }

    /** The extents in ONNX's order. */
    Shape shape() {
        if (isPlain()) {
            return type.shape();
        }
        List<Integer> dims = new ArrayList<>();
        for (int axis : layout) {
            dims.add(type.shape().dim(axis));
        }
        return new Shape(dims);
    }

    int rank() {
        return type.shape().rank();
    }

    /** The extent of a logical axis; {@link Shape#BATCH} for N. */
    int dim(int axis) {
        return type.shape().dim(layout.get(axis < 0 ? axis + rank() : axis));
    }

    int elements() {
        return type.shape().elements();
    }

    /** The ONNX type: the declared one, or the one of the element. */
    DataType dataType() {
        if (declared != DataType.UNDEFINED) {
            return declared;
        }
        return switch (type.element()) {
            case Element.F32 f -> DataType.FLOAT;
            case Element.Int i ->
                switch (i.bits()) {
                    case 1 -> DataType.BOOL;
                    case 8 -> i.signed() ? DataType.INT8 : DataType.UINT8;
                    case 16 -> i.signed() ? DataType.INT16 : DataType.UINT16;
                    case 32 -> DataType.INT32;
                    default -> DataType.INT64;
                };
            case dev.qnet.compiler.ir.Quant q -> DataType.UNDEFINED;
        };
    }

    /** Its elements, in the order in which they are held, or null where they are not known. */
    @Nullable Tensor constant() {
        return constant;
    }

    boolean isConstant() {
        return constant != null;
    }

    /** Whether it is a constant that holds the number N, which is not known. */
    boolean symbolic() {
        return symbolic;
    }

    @Nullable ValueId id() {
        return name.id;
    }

    void id(ValueId id) {
        name.id = id;
    }

    /** This plain value, made of another one by merging all axes but the first. */
    Val flattened(Val of) {
        name.flattened = of;
        return this;
    }

    /** The value of more axes that this one was made of by merging all but the first, or null. */
    @Nullable Val flattened() {
        return isPlain() ? name.flattened : null;
    }

    Map<List<Integer>, Val> forms() {
        return forms;
    }

    @Override
    public String toString() {
        return type + (isPlain() ? "" : " held as " + layout);
    }
}
