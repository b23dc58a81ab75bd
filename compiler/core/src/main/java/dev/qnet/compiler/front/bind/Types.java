package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.front.ast.TypeRef;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads types, and makes values of them. */
final class Types {
    private static final List<String> NAMES = List.of("int", "float", "bool", "string", "list", "tensor", "f32");

    private final Session session;
    private final Evaluator evaluator;

    Types(Session session, Evaluator evaluator) {
        this.session = session;
        this.evaluator = evaluator;
    }

    /**
     * The shape that a type's brackets give; null without brackets.
     *
     * @throws Rejected if it is none
     */
    @Nullable Shape shape(TypeRef type, Frame frame) {
        List<Expr> written = type.dims();
        if (written == null) {
            return null;
        }
        List<Integer> dims = new ArrayList<>();
        for (Expr e : written) {
            Value v = evaluator.eval(e, frame);
            switch (v) {
                case Value.Int i when i.value() >= 0 && i.value() <= Shape.MAX_ELEMENTS -> dims.add((int) i.value());
                case Value.Batch _ when dims.isEmpty() -> dims.add(Shape.BATCH);
                case Value.Batch _ ->
                    throw new Rejected(Diagnostic.error("shape", e.span(), "the batch N stands in front")
                            .withFix("write [N, …]"));
                case Value.Failed _ -> throw Rejected.silently();
                case Value other ->
                    throw new Rejected(Diagnostic.error(
                            "shape",
                            e.span(),
                            "a dimension is an int from 0 to " + Shape.MAX_ELEMENTS + ", or N in front, found "
                                    + other.describe()));
            }
        }
        try {
            return new Shape(dims);
        } catch (IllegalArgumentException e) {
            throw new Rejected(Diagnostic.error("shape", type.span(), String.valueOf(e.getMessage())));
        }
    }

    /** Throws {@link Rejected} at words of quantization after a type that has none. */
    static void noItems(TypeRef type) {
        if (!type.items().isEmpty()) {
            Item first = type.items().getFirst();
            throw new Rejected(Diagnostic.error("item-subject", first.span(), "only codes, such as i8, have scales")
                    .withFix("remove `" + first.name() + "`, or give the codes' type"));
        }
    }

    /**
     * A value as the type of a block's parameter or of a constant wants it.
     *
     * @param what what takes the value, for messages
     * @param type null where any tensor is wanted
     * @throws Rejected if it is of another type
     */
    Value coerce(String what, @Nullable TypeRef type, Value value, Span at, Frame frame) {
        if (type != null) {
            noItems(type);
        }
        if (value instanceof Value.Failed) {
            return value;
        }
        String name = type == null ? "tensor" : type.name().text();
        Value coerced = switch (name) {
            case "int" -> value instanceof Value.Int ? value : null;
            case "float" ->
                value instanceof Value.Int i
                        ? new Value.Real((double) i.value())
                        : value instanceof Value.Real ? value : null;
            case "bool" -> value instanceof Value.Bool ? value : null;
            case "string" -> value instanceof Value.Text ? value : null;
            case "list" -> value instanceof Value.ListOf ? value : null;
            case "tensor", "f32" -> tensor(value, at);
            default -> throw unknown(type);
        };
        if (coerced == null) {
            Diagnostic d = Diagnostic.error(
                    "argument-type",
                    at,
                    what + " is " + article(name) + (type == null ? " (it has no type)" : "") + ", found "
                            + value.describe());
            throw new Rejected(
                    type == null ? d.withFix("give the parameter a type where it is declared, such as `: int`") : d);
        }
        Shape shape = type == null ? null : shape(type, frame);
        if (shape != null) {
            if (!Evaluator.isTensor(coerced)) {
                throw new Rejected(Diagnostic.error(
                        "shape", type == null ? at : type.span(), "only a tensor has dimensions, and this is " + name));
            }
            Shape found = coerced instanceof Value.Computed c
                    ? c.shape()
                    : ((Value.Constant) coerced).tensor().shape();
            if (!found.equals(shape)) {
                throw new Rejected(
                        Diagnostic.error("shape-mismatch", at, what + " is f32" + shape + ", found " + found));
            }
        }
        return coerced;
    }

    private @Nullable Value tensor(Value value, Span at) {
        return switch (value) {
            case Value.Computed _, Value.Constant _ -> value;
            case Value.ListOf l -> new Value.Constant(ConstTensors.ofList(session, l, at));
            case Value other -> null;
        };
    }

    private static Rejected unknown(@Nullable TypeRef type) {
        if (type == null) {
            throw new IllegalStateException("a tensor is known");
        }
        String name = type.name().text();
        return new Rejected(Session.suggest(
                Diagnostic.error("unknown-type", type.name().span(), "there is no type '" + name + "' here")
                        .withNote("the types are " + String.join(", ", NAMES) + "; of constants also i8, u8 and so on"),
                name,
                NAMES,
                null));
    }

    private static String article(String type) {
        return switch (type) {
            case "int" -> "an int";
            case "tensor", "f32" -> "a tensor";
            default -> "a " + type;
        };
    }
}
