package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Const;
import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.front.ast.TypeRef;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads {@code const}: compile-time values, inline tensors, and tensors of codes with their scales. */
final class Constants {
    private final Session session;
    private final Evaluator evaluator;

    Constants(Session session, Evaluator evaluator) {
        this.session = session;
        this.evaluator = evaluator;
    }

    /** The constant's value; {@link Value#ERROR} where it is wrong, which has been reported. */
    Value value(Const c, Frame frame) {
        try {
            return find(c, frame);
        } catch (Rejected e) {
            return session.fail(frame, e);
        }
    }

    private Value find(Const c, Frame frame) {
        if (c.name().text().equals("N")) {
            throw Messages.batchName(c.name());
        }
        Value value = evaluator.eval(c.value(), frame);
        Span at = c.value().span();
        TypeRef type = c.type();
        String name = c.name().text();
        if (value instanceof Value.Computed || value instanceof Value.Tuple) {
            throw new Rejected(Diagnostic.error("not-constant", at, "'" + name + "' is computed at run time")
                    .withFix("assign it without `const`: " + name + " = …"));
        }
        if (value instanceof Value.Failed || type == null) {
            return value instanceof Value.Constant k
                    ? new Value.Constant(k.tensor().withOrigin(name))
                    : value;
        }
        Types types = new Types(session, evaluator);
        Storage storage = Items.storage(type.name().text());
        if (storage == null && !type.name().text().equals("f32")) {
            noItems(c);
            return types.coerce("'" + name + "'", type, value, at, frame);
        }
        Shape shape = types.shape(type, frame);
        ConstTensor tensor = tensor(value, shape, at).withOrigin(name);
        if (storage == null) {
            noItems(c);
            return new Value.Constant(tensor);
        }
        return new Value.Constant(codes(c, storage, tensor, frame));
    }

    private static void noItems(Const c) {
        if (!c.items().isEmpty()) {
            Item first = c.items().getFirst();
            throw new Rejected(
                    Diagnostic.error("item-subject", first.span(), "only a constant of codes, such as i8, has scales")
                            .withFix("remove `" + first.name() + "`, or give the codes' type"));
        }
    }

    /** A value as a tensor of a shape; a flat list may fill any shape, row-major. */
    private ConstTensor tensor(Value value, @Nullable Shape shape, Span at) {
        if (shape != null && shape.hasBatch()) {
            throw new Rejected(Diagnostic.error("shape", at, "a constant has no batch axis"));
        }
        ConstTensor found = switch (value) {
            case Value.Constant k -> k.tensor();
            case Value.ListOf l -> ConstTensors.ofList(session, l, at);
            case Value.Int i -> ConstTensors.ofNumber((double) i.value(), at);
            case Value.Real r -> ConstTensors.ofNumber(r.value(), at);
            case Value other ->
                throw new Rejected(Diagnostic.error(
                        "argument-type", at, "a tensor is a list of numbers, found " + other.describe()));
        };
        if (shape == null || found.shape().equals(shape)) {
            return found;
        }
        boolean flat = found.shape().rank() <= 1 && !(value instanceof Value.Constant);
        if (flat && found.shape().elements() == shape.elements()) {
            return found.reshaped(shape);
        }
        throw new Rejected(
                Diagnostic.error("shape-mismatch", at, "the type says " + shape + " and the value is " + found.shape())
                        .labelled("expected " + Messages.plural(shape.elements(), "element") + ", found "
                                + found.shape().elements()));
    }

    /** A tensor of whole numbers as codes: of which range, and with which scales, the words after the type say. */
    private ConstTensor codes(Const c, Storage storage, ConstTensor tensor, Frame frame) {
        Spec base = new Spec(storage, false, false, new Spec.Granularity.PerTensor(), Items.CONSTANT.range(), false);
        Spec spec = Items.read(session, frame, evaluator, Items.Subject.CONSTANT, base, c.items());
        if (spec == null) {
            throw Rejected.silently();
        }
        if (!(spec.range() instanceof Spec.RangeMethod.Given given)) {
            throw new Rejected(Diagnostic.error(
                            "missing-scale",
                            c.name().span(),
                            "'" + c.name() + "' holds codes of " + storage + ", and nothing says what they mean")
                    .withFix("add scale(S) after the type: a code q stands for S*q"));
        }
        Quant element = new Quant(storage, spec.lo(), spec.hi(), scheme(c, spec, given, tensor.shape()));
        return ConstTensors.quantized(tensor, element, i -> element(c.value(), i));
    }

    /** Where the element of a row-major number is written: itself in a literal, else the whole value. */
    private static Span element(Expr value, int number) {
        int left = number;
        Expr e = value;
        while (e instanceof Expr.ListLit list) {
            Expr in = null;
            for (Expr inner : list.elements()) {
                int n = leaves(inner);
                if (left < n) {
                    in = inner;
                    break;
                }
                left -= n;
            }
            if (in == null) {
                break;
            }
            e = in;
        }
        return e.span();
    }

    private static int leaves(Expr e) {
        return e instanceof Expr.ListLit list
                ? list.elements().stream().mapToInt(Constants::leaves).sum()
                : 1;
    }

    private static Scheme scheme(Const c, Spec spec, Spec.RangeMethod.Given given, Shape shape) {
        return switch (spec.granularity()) {
            case Spec.Granularity.PerTensor _ ->
                new Scheme.PerTensor(given.scales().getFirst(), given.zeros().getFirst());
            case Spec.Granularity.PerChannel p -> {
                if (p.axis() >= shape.rank()) {
                    throw new Rejected(Diagnostic.error(
                                    "axis",
                                    c.name().span(),
                                    "'" + c.name() + "' has no axis " + p.axis() + ": it is " + shape)
                            .withFix("its axes are 0 to " + (shape.rank() - 1)));
                }
                int channels = shape.dim(p.axis());
                List<Float> scales = given.scales();
                if (scales.size() != channels) {
                    throw new Rejected(Diagnostic.error(
                                    "shape-mismatch",
                                    c.name().span(),
                                    "'" + c.name() + "' has " + Messages.plural(channels, "channel") + " along axis "
                                            + p.axis() + ", found " + Messages.plural(scales.size(), "scale"))
                            .withFix("give one scale a channel"));
                }
                yield new Scheme.PerAxis(p.axis(), scales, given.zeros());
            }
            case Spec.Granularity.PerGroup _ ->
                throw new Rejected(Diagnostic.error(
                                "not-available",
                                c.name().span(),
                                "constants with scales a group cannot be written in a source in this version")
                        .withFix("write per_channel, or f32 with @weights(per_group(…)) at its use"));
        };
    }
}
