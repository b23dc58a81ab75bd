package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Argument;
import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.front.ast.Name;
import dev.qnet.compiler.front.ast.TypeRef;
import dev.qnet.compiler.ir.Attr;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Reads the attributes of typed statements: numbers and lists as compile-time values, words and calls as they stand,
 * {@code param("NAME")} for a list in the parameters file, and {@code quant(i8, scale(0.5))} for an element.
 */
final class AttributeReader {
    private final Session session;
    private final Evaluator evaluator;

    AttributeReader(Session session, Evaluator evaluator) {
        this.session = session;
        this.evaluator = evaluator;
    }

    /**
     * An attribute.
     *
     * @param shape of the statement's result
     * @throws Rejected if the expression is none
     */
    Attr read(Expr e, Shape shape, Frame frame) {
        return switch (e) {
            case Expr.Group g -> read(g.inner(), shape, frame);
            case Expr.IntLit i -> Attr.of(i.value());
            case Expr.Ref r when !evaluator.knows(r.name(), frame) || isTensor(r, frame) -> Attr.of(r.name());
            case Expr.Unary u
            when u.op() == Expr.UnaryOp.NEGATE
                    && u.operand() instanceof Expr.Ref r
                    && !evaluator.knows(r.name(), frame) -> Attr.of("-" + r.name());
            case Expr.ListLit l ->
                new Attr.Items(
                        l.elements().stream().map(x -> read(x, shape, frame)).toList());
            case Expr.Call c when c.callee().text().equals("param") -> parameter(c, frame);
            case Expr.Call c when c.callee().text().equals("quant") -> new Attr.OfQuant(quant(c, shape, frame));
            case Expr.Call c -> {
                List<Attr> args = new ArrayList<>();
                for (Argument a : c.arguments()) {
                    if (a.name() != null) {
                        throw new Rejected(Diagnostic.error(
                                        "unknown-argument",
                                        a.span(),
                                        "'" + c.callee() + "' takes its arguments by position")
                                .withFix("leave the name out"));
                    }
                    args.add(read(a.value(), shape, frame));
                }
                yield new Attr.Call(c.callee().text(), args);
            }
            case Expr other -> value(evaluator.eval(other, frame), other.span());
        };
    }

    private boolean isTensor(Expr.Ref r, Frame frame) {
        return Evaluator.isTensor(evaluator.eval(r, frame));
    }

    private static Attr value(Value v, Span at) {
        return switch (v) {
            case Value.Int i -> Attr.of(i.value());
            case Value.Real r -> Attr.of(r.value());
            case Value.Bool b -> Attr.of(b.value());
            case Value.Batch _ -> Attr.of("N");
            case Value.ListOf l ->
                new Attr.Items(l.elements().stream().map(x -> value(x, at)).toList());
            case Value.Failed _ -> throw Rejected.silently();
            case Value.Text _, Value.Range _, Value.Tuple _, Value.Constant _, Value.Computed _ ->
                throw new Rejected(Diagnostic.error(
                        "argument-type",
                        at,
                        "an attribute is a number, a word or a list of them, found " + v.describe()));
        };
    }

    /** The numbers of a tensor in the parameters file. */
    private Attr parameter(Expr.Call c, Frame frame) {
        String name = Parameters.name(c, evaluator, session, frame);
        Tensor t = name == null ? null : session.weights().exact(name, c.span());
        if (t == null) {
            // Says what is missing.
            return value(evaluator.eval(c, frame), c.span());
        }
        return new Attr.Items(
                switch (t) {
                    case Tensor.OfFloat f -> {
                        List<Attr> items = new ArrayList<>(f.values().length);
                        for (float v : f.values()) {
                            items.add(Attr.of(v));
                        }
                        yield items;
                    }
                    case Tensor.OfInt i ->
                        Arrays.stream(i.values()).mapToObj(Attr::of).toList();
                    case Tensor.OfLong l ->
                        Arrays.stream(l.values()).mapToObj(Attr::of).toList();
                });
    }

    /** {@code quant(u8, scale(0.5), zero(3))}: an element of a tensor of the shape. */
    private Quant quant(Expr.Call c, Shape shape, Frame frame) {
        List<Item> items = new ArrayList<>();
        for (Argument a : c.arguments()) {
            items.add(Annotations.item(a));
        }
        if (items.isEmpty()) {
            throw new Rejected(Diagnostic.error("argument-type", c.span(), "'quant' names a storage and a scale")
                    .withFix("write quant(i8, scale(S), zero(Z))"));
        }
        Name storage = items.removeFirst().name();
        TypeRef type = new TypeRef(storage, List.of(), items, c.span());
        Element element = TensorTypes.isElement(storage.text())
                ? new TensorTypes(session, evaluator).element(type, shape, "'quant'", frame)
                : Element.FLOAT;
        if (element instanceof Quant q) {
            return q;
        }
        throw new Rejected(
                Diagnostic.error("argument-type", storage.span(), "'" + storage + "' with these words holds no codes")
                        .withFix("write quant(i8, scale(S), zero(Z))"));
    }
}
