package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Argument;
import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.front.ast.Name;
import dev.qnet.compiler.front.ast.Stmt;
import dev.qnet.compiler.ir.Attr;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.OpText;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.ShapeException;
import dev.qnet.compiler.ir.Shapes;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Verifier;
import dev.qnet.compiler.quant.Rescales;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Binds typed statements: one operation of the IR each, in the IR's own terms, and the states that only they can have. A
 * value is named after its variable, unless {@code @name} says otherwise.
 */
final class TypedStatements {
    private final Session session;
    private final Evaluator evaluator;
    private final Annotations annotations;
    private final TensorTypes types;
    private final AttributeReader attributes;

    TypedStatements(Session session, Evaluator evaluator) {
        this.session = session;
        this.evaluator = evaluator;
        this.annotations = new Annotations(session, evaluator);
        this.types = new TensorTypes(session, evaluator);
        this.attributes = new AttributeReader(session, evaluator);
    }

    /** The state of a declaration. Throws {@link Rejected} if it is wrong. */
    Value state(Stmt.State s, Frame frame) {
        String name = s.name().text();
        Type type = types.read(s.type(), "'" + name + "'", frame);
        if (type.shape().hasBatch()) {
            throw new Rejected(
                    Diagnostic.error("shape", s.type().span(), "a state is kept from run to run, and has no batch N")
                            .withFix("give its first dimension as 1"));
        }
        if (session.graph().taken(name)) {
            throw taken(s.name(), name);
        }
        return session.graph().state(new ValueId(name), type, s.span());
    }

    /** Sets what a state becomes. Throws {@link Rejected} if it is wrong. */
    void next(Stmt.Next n, Frame frame) {
        Value value = evaluator.eval(n.value(), frame);
        Graph.State state = session.graph().state(n.name().text());
        if (state == null) {
            if (frame.variables().get(n.name().text()) instanceof Value.Failed) {
                return;
            }
            List<String> names =
                    session.graph().states().stream().map(s -> s.id().name()).toList();
            throw new Rejected(Session.suggest(
                    Diagnostic.error("unknown-name", n.name().span(), "there is no state '" + n.name() + "'"),
                    n.name().text(),
                    names,
                    "declare it first: state " + n.name() + ": f32[…]"));
        }
        if (session.graph().hasNext(state.id())) {
            throw new Rejected(Diagnostic.error("duplicate-entry", n.span(), "'next " + n.name() + "' is written twice")
                    .withFix("keep one of them"));
        }
        if (value instanceof Value.Failed) {
            session.graph().next(state.id(), state.id());
            return;
        }
        Operand o = operand(value, n.value().span(), "what a state becomes");
        Value.Computed c = node(session.graph().free(n.name().text() + ":next"), o);
        session.graph().next(state.id(), c.id());
        if (!c.type().equals(state.type())) {
            throw new Rejected(Diagnostic.error(
                            c.shape().equals(state.type().shape()) ? "element-type" : "shape-mismatch",
                            n.value().span(),
                            "the state '" + n.name() + "' is " + state.type() + ", and this is " + c.type())
                    .withNote(state.span(), "it is declared here"));
        }
    }

    /** The value of a statement; where it is wrong, which is reported, one with its type, so that binding goes on. */
    Value bind(Stmt.Typed s, Frame frame) {
        Type type = null;
        try {
            type = types.read(s.type(), "'" + s.target() + "'", frame);
            return bind(s, type, frame);
        } catch (Rejected e) {
            session.report(frame, e);
            if (type == null) {
                return Value.ERROR;
            }
            String name = session.graph().free(frame.pathOf(s.target().text()));
            return session.graph().missing(name, type.element(), type.shape(), s.span());
        }
    }

    private Value bind(Stmt.Typed s, Type type, Frame frame) {
        String mnemonic = s.mnemonic().text();
        OpText.Form form = OpText.forms().get(mnemonic);
        if (form == null) {
            throw unknown(s.mnemonic());
        }
        List<Operand> operands = new ArrayList<>();
        Map<String, Argument> named = new LinkedHashMap<>();
        boolean failed = false;
        for (Argument a : s.arguments()) {
            if (a.name() != null) {
                named.put(a.name().text(), a);
                continue;
            }
            Value v = evaluator.eval(a.value(), frame);
            failed |= v instanceof Value.Failed;
            if (!failed) {
                operands.add(operand(v, a.value().span(), "an operand of '" + mnemonic + "'"));
            }
        }
        if (failed) {
            throw Rejected.silently();
        }
        check(s, form, named);
        List<Type> in = operands.stream().map(o -> o.type()).toList();
        Op op = op(s, type, in, named, frame);
        infer(s, op, operands, type);
        if (frame.isGlobal()) {
            throw new Rejected(Diagnostic.error(
                            "not-constant", s.span(), "'" + mnemonic + "' is computed at run time, not at compile time")
                    .withFix("put it into the model or a block"));
        }
        Marks marks = annotations.read(s.annotations(), frame);
        String name = name(s, marks, frame);
        session.graph().reserve(name);
        List<ValueId> ids = new ArrayList<>();
        for (Operand o : operands) {
            // No name that a source gives holds a colon, so that constants are never in the way.
            ids.add(node(session.graph().free(name + ":" + (ids.size() + 1)), o).id());
        }
        boolean keepFloat = marks.keepFloat() || frame.inherited().keepFloat();
        Spec.Intent intent = marks.weights() == null && marks.activations() == null && !keepFloat
                ? Spec.Intent.NONE
                : new Spec.Intent(marks.weights(), marks.activations(), keepFloat);
        Node node = new Node(new ValueId(name), op, ids, type, intent, s.span());
        Verifier.fault(node, in).ifPresent(fault -> {
            throw told(Diagnostic.error("element-type", s.span(), "'" + mnemonic + "' " + fault), operands, s.span());
        });
        return session.graph().add(node);
    }

    private static Rejected unknown(Name mnemonic) {
        String text = mnemonic.text();
        if (text.equals("constant")) {
            return new Rejected(
                    Diagnostic.error("unknown-name", mnemonic.span(), "a constant is no operation of a statement")
                            .withFix("write const NAME: TYPE = VALUE"));
        }
        boolean word = Operations.find(text) != null;
        Diagnostic d = Diagnostic.error("unknown-name", mnemonic.span(), "the IR has no operation '" + text + "'");
        return new Rejected(
                word
                        ? d.withFix("leave the type out: NAME = " + text + "(…) is an operation of the language")
                        : Session.suggest(
                                d, text, OpText.forms().keySet(), "docs/operations.md lists the IR's operations"));
    }

    private String name(Stmt.Typed s, Marks marks, Frame frame) {
        String wanted = marks.name();
        if (wanted == null) {
            return session.graph().free(frame.pathOf(s.target().text()));
        }
        String name = frame.pathOf(wanted);
        if (session.graph().taken(name)) {
            throw taken(new Name(wanted, marks.span()), name);
        }
        return name;
    }

    private static Rejected taken(Name at, String name) {
        return new Rejected(
                Diagnostic.error("duplicate-name", at.span(), "the name '" + name + "' is taken by another value")
                        .withFix("choose another name"));
    }

    // ---- operands

    private record Operand(Value value, Type type, Span span) {}

    private Operand operand(Value value, Span at, String what) {
        return switch (value) {
            case Value.Computed c -> new Operand(c, c.type(), at);
            case Value.Constant c -> new Operand(c, c.tensor().type(), at);
            case Value.ListOf l -> {
                ConstTensor t = ConstTensors.ofList(session, l, at);
                yield new Operand(new Value.Constant(t), t.type(), at);
            }
            case Value other ->
                throw new Rejected(
                        Diagnostic.error("argument-type", at, what + " is a tensor, found " + other.describe())
                                .withFix("declare a constant: const NAME: f32[1] = …"));
        };
    }

    /** The node of an operand; a constant's is made here. */
    private Value.Computed node(String name, Operand o) {
        return switch (o.value()) {
            case Value.Computed c -> c;
            case Value.Constant c -> session.graph().constant(name, c.tensor(), o.span());
            case Value other -> throw new IllegalStateException("not a tensor: " + other);
        };
    }

    private static void infer(Stmt.Typed s, Op op, List<Operand> operands, Type type) {
        Shape shape;
        try {
            shape = Shapes.infer(
                    op, operands.stream().map(o -> o.type().shape()).toList());
        } catch (ShapeException | ArithmeticException | IndexOutOfBoundsException e) {
            String message = e instanceof ShapeException ? String.valueOf(e.getMessage()) : "the result is too large";
            throw told(Diagnostic.error("shape-mismatch", s.span(), message), operands, s.span());
        }
        if (!shape.equals(type.shape())) {
            throw told(
                    Diagnostic.error(
                                    "shape-mismatch",
                                    s.type().span(),
                                    "the type says " + type.shape() + ", and '" + s.mnemonic() + "' gives " + shape
                                            + " here")
                            .withFix("write " + s.type().name() + Invocation.dims(shape)),
                    operands,
                    s.span());
        }
    }

    /** Adds where operands come from. */
    private static Rejected told(Diagnostic d, List<Operand> operands, Span at) {
        Diagnostic told = d;
        for (Operand o : operands) {
            if (o.value() instanceof Value.Computed c && !c.span().equals(at)) {
                told = told.withNote(c.span(), "'" + c.id().name() + "' is " + c.type() + " from here");
            }
        }
        return new Rejected(told);
    }

    // ---- attributes

    private static void check(Stmt.Typed s, OpText.Form form, Map<String, Argument> named) {
        for (Argument a : named.values()) {
            Name name = a.name();
            if (name != null && !form.attributes().contains(name.text())) {
                throw new Rejected(Session.suggest(
                        Diagnostic.error(
                                        "unknown-argument",
                                        name.span(),
                                        "'" + form.mnemonic() + "' has no attribute '" + name + "'")
                                .withNote("it is written " + form.signature()),
                        name.text(),
                        form.attributes(),
                        form.attributes().isEmpty() ? "remove it" : null));
            }
        }
        for (String attribute : form.attributes()) {
            if (!named.containsKey(attribute) && !form.optional().contains(attribute)) {
                throw new Rejected(Diagnostic.error(
                                "missing-argument",
                                s.mnemonic().span(),
                                "'" + form.mnemonic() + "' needs its attribute '" + attribute + "'")
                        .withNote("it is written " + form.signature()));
            }
        }
    }

    private Op op(Stmt.Typed s, Type type, List<Type> operands, Map<String, Argument> named, Frame frame) {
        String mnemonic = s.mnemonic().text();
        Map<String, Attr> attrs = new LinkedHashMap<>();
        String rescaled = Rescales.attribute(mnemonic);
        named.forEach((name, a) -> {
            if (!name.equals(rescaled)) {
                attrs.put(name, attributes.read(a.value(), type.shape(), frame));
            }
        });
        Argument rescale = rescaled == null ? null : named.get(rescaled);
        if (rescaled != null && rescale != null) {
            attrs.put(rescaled, rescale(s, rescale.value(), attrs, operands, type, frame));
        }
        try {
            return OpText.read(mnemonic, attrs, type);
        } catch (OpText.AttributeException e) {
            Argument at = e.attribute() == null ? null : named.get(e.attribute());
            throw new Rejected(Diagnostic.error(
                    "argument-type",
                    at == null ? s.span() : at.value().span(),
                    (at == null ? "" : "'" + e.attribute() + "' of '" + mnemonic + "': ") + e.getMessage()));
        }
    }

    /** A rescale in full, or {@code tflite} and {@code tflite(lo: 0)}, which leave the rest to the types. */
    private Attr rescale(Stmt.Typed s, Expr e, Map<String, Attr> attrs, List<Type> operands, Type type, Frame frame) {
        String contract;
        Integer lo = null;
        Integer hi = null;
        switch (e) {
            case Expr.Ref r -> contract = r.name();
            case Expr.Call c
            when c.arguments().stream().allMatch(a -> a.name() != null) -> {
                contract = c.callee().text();
                for (Argument a : c.arguments()) {
                    Attr v = attributes.read(a.value(), type.shape(), frame);
                    switch (String.valueOf(a.name())) {
                        case "lo" -> lo = bound(v, a);
                        case "hi" -> hi = bound(v, a);
                        default ->
                            throw new Rejected(Diagnostic.error(
                                            "unknown-argument",
                                            a.span(),
                                            "'" + contract + "' has no argument '" + a.name() + "'")
                                    .withNote("it is written " + contract + "(lo: CODE, hi: CODE)"));
                    }
                }
            }
            default -> {
                return attributes.read(e, type.shape(), frame);
            }
        }
        Rounding rounding = OpText.contract(contract);
        if (rounding == null) {
            List<String> all = List.of("tflite", "tosa", "onnx", "xnnpack");
            throw new Rejected(Session.suggest(
                    Diagnostic.error("unknown-item", e.span(), "'" + contract + "' is no rounding contract")
                            .withNote("the contracts are " + String.join(", ", all)),
                    contract,
                    all,
                    null));
        }
        Rescale found = Rescales.standard(s.mnemonic().text(), rounding, attrs, operands, type)
                .orElseThrow(() -> new Rejected(Diagnostic.error(
                                "missing-scale",
                                e.span(),
                                "the types of the operands and the result do not say how to rescale")
                        .withFix("write it in full: " + contract + "([SCALES], ZERO, LO, HI), with "
                                + (rounding.fixedPoint() ? "q31(MULTIPLIER, SHIFT)" : "numbers") + " as scales")));
        try {
            return OpText.of(found.withClamp(lo == null ? found.lo() : lo, hi == null ? found.hi() : hi));
        } catch (IllegalArgumentException x) {
            throw new Rejected(Diagnostic.error("argument-range", e.span(), "'lo' is above 'hi'"));
        }
    }

    private static @Nullable Integer bound(Attr v, Argument a) {
        try {
            return v.asInt();
        } catch (IllegalArgumentException e) {
            throw new Rejected(Diagnostic.error("argument-type", a.value().span(), String.valueOf(e.getMessage())));
        }
    }
}
