package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Argument;
import dev.qnet.compiler.front.ast.Decl;
import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.front.ast.Name;
import dev.qnet.compiler.front.ast.Param;
import dev.qnet.compiler.front.bind.Arguments.Given;
import dev.qnet.compiler.front.bind.Arguments.Slot;
import dev.qnet.compiler.front.bind.Invocation.Bound;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Calls of operations, and of blocks, which are expanded where they are called. */
final class Calls {
    private static final Set<String> PADDINGS = Set.of("same", "valid");

    private final Session session;
    private final Evaluator evaluator;
    private final Annotations annotations;
    private final Types types;
    private final Bodies bodies;

    Calls(Session session, Evaluator evaluator) {
        this.session = session;
        this.evaluator = evaluator;
        this.annotations = new Annotations(session, evaluator);
        this.types = new Types(session, evaluator);
        this.bodies = new Bodies(session, evaluator);
    }

    /** Whether a name can be called. */
    boolean knows(String name) {
        return session.declarations().blocks().containsKey(name) || Operations.find(name) != null;
    }

    /**
     * The value of a call.
     *
     * @param given the arguments, a piped one first
     * @param marks the call's annotations
     * @throws Rejected if it is wrong
     */
    Value call(Name callee, List<Given> given, Frame frame, Marks marks, Span span) {
        Decl.Block block = session.declarations().blocks().get(callee.text());
        if (block != null) {
            return block(block, callee, given, frame, marks, span);
        }
        Operation operation = Operations.find(callee.text());
        if (operation != null) {
            return operation(operation, callee, given, frame, marks, span);
        }
        Value variable = frame.variables().get(callee.text());
        if (variable != null) {
            throw new Rejected(Diagnostic.error(
                    "unknown-name",
                    callee.span(),
                    "'" + callee + "' is " + variable.describe() + ", which cannot be called"));
        }
        Set<String> names = new LinkedHashSet<>(session.declarations().blocks().keySet());
        names.addAll(Operations.names());
        throw new Rejected(Session.suggest(
                Diagnostic.error("unknown-name", callee.span(), "there is no operation and no block '" + callee + "'"),
                callee.text(),
                names,
                "docs/language.md lists the operations"));
    }

    // ---- operations

    private Value operation(Operation operation, Name callee, List<Given> given, Frame frame, Marks marks, Span span) {
        List<Slot> slots = operation.parameters().stream()
                .map(p -> new Slot(p.name(), p.required(), p.kind().takesRest()))
                .toList();
        Map<String, List<Given>> matched = Arguments.match(session, frame, callee, operation.signature(), slots, given);
        boolean failed = matched == null;
        Map<String, List<Bound>> bound = new LinkedHashMap<>();
        if (matched != null) {
            for (Operation.Parameter p : operation.parameters()) {
                List<Given> all = matched.get(p.name());
                if (all == null) {
                    continue;
                }
                List<Bound> values = new ArrayList<>();
                for (Given g : all) {
                    Bound b = bind(p.kind(), g, frame);
                    failed |= b.value() instanceof Value.Failed && p.kind() != Operation.Kind.ITEMS;
                    values.add(b);
                }
                bound.put(p.name(), values);
            }
        }
        Invocation call = new Invocation(session, frame, operation, span, marks, bound);
        if (failed) {
            call.skip();
            return Value.ERROR;
        }
        try {
            Value value = operation.rule().bind(call);
            if (value instanceof Value.Constant) {
                annotations.reject(marks, span);
            }
            return value;
        } catch (Rejected e) {
            call.skip();
            throw e;
        }
    }

    private Bound bind(Operation.Kind kind, Given g, Frame frame) {
        Expr e = g.expr();
        if (e == null) {
            Value piped = g.value();
            return new Bound(piped == null ? Value.ERROR : piped, null, g.span());
        }
        if (kind == Operation.Kind.ITEMS) {
            return new Bound(Value.ERROR, e, g.span());
        }
        if (kind == Operation.Kind.PADDING && e instanceof Expr.Ref r && PADDINGS.contains(r.name())) {
            return new Bound(new Value.Text(r.name()), e, g.span());
        }
        if (kind == Operation.Kind.PADDING && e instanceof Expr.Ref r && !evaluator.knows(r.name(), frame)) {
            session.report(
                    frame,
                    Session.suggest(
                            Diagnostic.error("argument-type", e.span(), "there is no padding '" + r.name() + "'")
                                    .withNote("it is " + kind.text()),
                            r.name(),
                            PADDINGS,
                            null));
            return new Bound(Value.ERROR, e, g.span());
        }
        return new Bound(evaluator.eval(e, frame), e, g.span());
    }

    // ---- blocks

    private Value block(Decl.Block block, Name callee, List<Given> given, Frame frame, Marks marks, Span span) {
        if (frame.isInside(callee.text())) {
            throw new Rejected(Diagnostic.error(
                            "recursion", callee.span(), "block '" + callee + "' calls itself, and so would never end")
                    .withFix("use `repeat` to apply it several times"));
        }
        if (frame.depth() >= Limits.CALL_DEPTH) {
            throw new Rejected(
                    Messages.limit(span, "blocks call one another more than " + Limits.CALL_DEPTH + " levels deep"));
        }
        List<Slot> slots = block.params().stream()
                .map(p -> new Slot(p.name().text(), p.defaultValue() == null, false))
                .toList();
        Map<String, List<Given>> matched = Arguments.match(session, frame, callee, signature(block), slots, given);
        Invocation.Naming naming = new Invocation.Naming(session, frame, callee.text(), marks, span);
        Frame inside = frame.instance(callee.text(), span, naming.reserve(), marks.inside(frame.inherited()));
        if (matched == null || !pass(block, matched, frame, inside)) {
            return Value.ERROR;
        }
        Bodies.Returned returned = bodies.run(block.body(), inside, Bodies.Place.BLOCK);
        if (returned == null) {
            throw new Rejected(
                    Diagnostic.error("missing-return", block.name().span(), "block '" + callee + "' returns nothing")
                            .withNote(span, "it is called here")
                            .withFix("end it with `return …`"));
        }
        for (Argument a : returned.arguments()) {
            Name name = a.name();
            if (name != null) {
                session.report(
                        inside,
                        Diagnostic.error("annotation-place", name.span(), "only a model names its results")
                                .withFix("write `return …` without names; the order counts"));
            }
        }
        Marks onResult = new Marks(null, null, marks.activations(), false, marks.span());
        for (Value v : returned.values()) {
            if (!(v instanceof Value.Constant)) {
                annotations.mark(v, onResult, frame, span);
            }
        }
        return returned.values().size() == 1
                ? returned.values().getFirst()
                : new Value.Tuple(List.copyOf(returned.values()));
    }

    /** Gives an instance its arguments; false if any is wrong, which has been reported. */
    private boolean pass(Decl.Block block, Map<String, List<Given>> matched, Frame frame, Frame inside) {
        boolean ok = true;
        for (Param p : block.params()) {
            if (p.name().text().equals("N")) {
                throw Messages.batchName(p.name());
            }
            List<Given> given = matched.get(p.name().text());
            Frame home = given == null ? inside : frame;
            Value value;
            Span at;
            if (given == null) {
                Expr standard = p.defaultValue();
                if (standard == null) {
                    return false;
                }
                value = evaluator.eval(standard, inside);
                at = standard.span();
            } else {
                value = bind(Operation.Kind.TENSOR, given.getFirst(), frame).value();
                at = given.getFirst().span();
            }
            try {
                value = types.coerce("'" + p.name() + "' of '" + block.name() + "'", p.type(), value, at, inside);
            } catch (Rejected e) {
                Diagnostic d = e.diagnostic();
                value = session.fail(home, d == null ? e : new Rejected(d.withNote(p.span(), "it is declared here")));
            }
            ok &= !(value instanceof Value.Failed);
            if (inside.variables().putIfAbsent(p.name().text(), value) != null) {
                session.report(
                        frame,
                        Diagnostic.error(
                                "duplicate-name",
                                p.name().span(),
                                "block '" + block.name() + "' has two parameters '" + p.name() + "'"));
                ok = false;
            }
        }
        return ok;
    }

    private static String signature(Decl.Block block) {
        return block.params().stream().map(Calls::text).collect(Collectors.joining(", ", block.name() + "(", ")"));
    }

    private static String text(Param p) {
        return p.name()
                + (p.type() == null ? "" : ": " + p.type().name())
                + (p.defaultValue() == null ? "" : " = " + text(p.defaultValue()));
    }

    private static String text(Expr e) {
        Span s = e.span();
        String text = s.isNone() ? "…" : s.file().text().substring(s.start(), s.end());
        return text.length() > 30 || text.contains("\n") ? "…" : text;
    }
}
