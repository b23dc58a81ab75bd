package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Const;
import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.front.ast.TypeRef;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import org.jspecify.annotations.Nullable;

/** Reads {@code const}: compile-time values, tensors, and tensors of codes with their scales. */
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
        TypeRef type = c.type();
        String name = c.name().text();
        String what = "'" + name + "'";
        Span at = c.value().span();
        boolean elements = type != null
                && TensorTypes.isElement(type.name().text())
                && !(type.name().text().equals("bool") && type.dims() == null);
        if (type != null && elements && !type.name().text().equals("f32")) {
            return integers(c, type, what, frame);
        }
        Value value = evaluator.eval(c.value(), frame);
        if (value instanceof Value.Computed || value instanceof Value.Tuple) {
            throw new Rejected(Diagnostic.error("not-constant", at, what + " is computed at run time")
                    .withFix("assign it without `const`: " + name + " = …"));
        }
        if (value instanceof Value.Failed || type == null) {
            return value instanceof Value.Constant k
                    ? new Value.Constant(k.tensor().withOrigin(name))
                    : value;
        }
        Types types = new Types(session, evaluator);
        if (!elements) {
            return types.coerce(what, type, value, at, frame);
        }
        Shape shape = types.shape(type, frame);
        ConstTensor tensor = tensor(value, shape, at).withOrigin(name);
        // Says what is wrong with words after f32.
        new TensorTypes(session, evaluator).element(type, tensor.shape(), what, frame);
        return new Value.Constant(tensor);
    }

    /** Plain integers, or codes: of which range, and with which scales, the words after the type say. */
    private Value integers(Const c, TypeRef type, String what, Frame frame) {
        Span at = c.value().span();
        String name = c.name().text();
        Shape shape = new Types(session, evaluator).shape(type, frame);
        if (shape != null && shape.hasBatch()) {
            throw batched(at);
        }
        TensorTypes types = new TensorTypes(session, evaluator);
        Tensor exact = exact(c.value(), frame);
        if (exact instanceof Tensor.OfInt t && (shape == null || shape.equals(t.shape()))) {
            Element element = types.element(type, t.shape(), what, frame);
            return new Value.Constant(
                    fits(t, element)
                            ? new ConstTensor(t, new Type(element, t.shape()), name)
                            : WholeNumbers.of(t, name, at).as(element, i -> at));
        }
        WholeNumbers numbers;
        boolean literal = false;
        if (exact != null) {
            numbers = WholeNumbers.of(exact, name, at);
        } else {
            Value value = evaluator.eval(c.value(), frame);
            if (value instanceof Value.Failed) {
                return value;
            }
            if (value instanceof Value.ListOf l) {
                literal = true;
                numbers = WholeNumbers.of(session, l, name, at);
            } else if (value instanceof Value.Int i) {
                literal = true;
                numbers = new WholeNumbers(Shape.of(1), new Number[] {i.value()}, name);
            } else {
                numbers = WholeNumbers.of(tensor(value, shape, at).withOrigin(name), at);
            }
        }
        if (shape != null && !numbers.shape().equals(shape)) {
            boolean flat = literal && numbers.shape().rank() <= 1;
            if (!flat || numbers.shape().elements() != shape.elements()) {
                throw mismatch(shape, numbers.shape(), at);
            }
            numbers = numbers.reshaped(shape);
        }
        Element element = types.element(type, numbers.shape(), what, frame);
        return new Value.Constant(numbers.as(element, i -> element(c.value(), i)));
    }

    /** The tensor of {@code param("NAME")} with its integers as they are; null for every other expression. */
    private @Nullable Tensor exact(Expr e, Frame frame) {
        String name = Parameters.name(e, evaluator, session, frame);
        return name == null ? null : session.weights().exact(name, e.span());
    }

    private static boolean fits(Tensor.OfInt t, Element element) {
        for (int v : t.values()) {
            boolean fits = switch (element) {
                case Quant q -> v >= q.lo() && v <= q.hi() && q.storage().holds(v);
                case Element.Int i -> v >= i.min() && v <= i.max();
                case Element.F32 _ -> false;
            };
            if (!fits) {
                return false;
            }
        }
        return true;
    }

    private static Rejected batched(Span at) {
        return new Rejected(Diagnostic.error("shape", at, "a constant has no batch axis"));
    }

    private static Rejected mismatch(Shape expected, Shape found, Span at) {
        return new Rejected(
                Diagnostic.error("shape-mismatch", at, "the type says " + expected + " and the value is " + found)
                        .labelled("expected " + Messages.plural(expected.elements(), "element") + ", found "
                                + found.elements()));
    }

    /** A value as a tensor of a shape; a flat list may fill any shape, row-major. */
    private ConstTensor tensor(Value value, @Nullable Shape shape, Span at) {
        if (shape != null && shape.hasBatch()) {
            throw batched(at);
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
        throw mismatch(shape, found.shape(), at);
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
}
