package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Argument;
import dev.qnet.compiler.front.ast.Branch;
import dev.qnet.compiler.front.ast.Const;
import dev.qnet.compiler.front.ast.Name;
import dev.qnet.compiler.front.ast.Stmt;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/** Runs the statements of a body: the part of binding that is a small interpreter. */
final class Bodies {
    /** Where statements stand, which decides what may stand there. */
    enum Place {
        MODEL,
        BLOCK,
        INSIDE_IF,
        INSIDE_REPEAT
    }

    /** What a body returned. */
    record Returned(List<Argument> arguments, List<Value> values, Span span) {}

    private final Session session;
    private final Evaluator evaluator;
    private final Constants constants;

    private final TypedStatements typed;

    Bodies(Session session, Evaluator evaluator) {
        this.session = session;
        this.evaluator = evaluator;
        this.typed = new TypedStatements(session, evaluator);
        this.constants = new Constants(session, evaluator);
    }

    /** What the body returns; null if it ends without. */
    @Nullable Returned run(List<Stmt> body, Frame frame, Place place) {
        Returned returned = null;
        for (Stmt s : body) {
            if (returned != null) {
                session.report(
                        frame,
                        Diagnostic.error("unreachable", s.span(), "nothing is reached after 'return'")
                                .withNote(returned.span(), "it returns here")
                                .withFix("put `return` last"));
                break;
            }
            session.enter(frame, s.span());
            try {
                returned = run(s, frame, place);
            } catch (Rejected e) {
                session.report(frame, e);
            } finally {
                session.leave();
            }
        }
        return returned;
    }

    private @Nullable Returned run(Stmt s, Frame frame, Place place) {
        switch (s) {
            case Const c -> {
                Value value = constants.value(c, frame);
                if (frame.variables().containsKey(c.name().text()) && place != Place.INSIDE_REPEAT) {
                    throw new Rejected(Diagnostic.error(
                            "duplicate-name", c.name().span(), "there is a value '" + c.name() + "' here already"));
                }
                frame.variables().put(c.name().text(), value);
                frame.fixed().add(c.name().text());
                return null;
            }
            case Stmt.State state -> {
                onlyInModel("state", state.span(), place);
                assignable(state.name(), frame);
                frame.variables().put(state.name().text(), Value.ERROR);
                frame.variables().put(state.name().text(), typed.state(state, frame));
                return null;
            }
            case Stmt.Next next -> {
                onlyInModel("next", next.span(), place);
                typed.next(next, frame);
                return null;
            }
            case Stmt.Typed t -> {
                assignable(t.target(), frame);
                frame.variables().put(t.target().text(), typed.bind(t, frame));
                return null;
            }
            case Stmt.Assign a -> {
                assign(a, frame);
                return null;
            }
            case Stmt.Repeat r -> {
                repeat(r, frame);
                return null;
            }
            case Stmt.If i -> {
                return choose(i, frame, place);
            }
            case Stmt.Return r -> {
                return returned(r, frame, place);
            }
            case Stmt.Parameters p -> {
                return onlyInModel("parameters", p.span(), place);
            }
            case Stmt.Input i -> {
                return onlyInModel("input", i.span(), place);
            }
            case Stmt.Labels l -> {
                return onlyInModel("labels", l.span(), place);
            }
        }
    }

    /** These speak of the whole model, and are read before its body is run. */
    private static @Nullable Returned onlyInModel(String word, Span span, Place place) {
        if (place != Place.MODEL) {
            throw new Rejected(
                    Diagnostic.error("statement-place", span, "'" + word + "' stands only at the top of a model")
                            .withFix("move it there"));
        }
        return null;
    }

    private void assign(Stmt.Assign a, Frame frame) {
        Value value = evaluator.eval(a.value(), frame);
        List<Name> targets = a.targets();
        int found = value instanceof Value.Tuple t ? t.values().size() : 1;
        if (!(value instanceof Value.Failed) && found != targets.size()) {
            targets.forEach(t -> frame.variables().put(t.text(), Value.ERROR));
            throw new Rejected(Diagnostic.error(
                    "result-count",
                    a.value().span(),
                    "this gives " + Messages.plural(found, "value") + " for "
                            + Messages.plural(targets.size(), "name")));
        }
        for (int i = 0; i < targets.size(); i++) {
            Name target = targets.get(i);
            try {
                assignable(target, frame);
            } catch (Rejected e) {
                session.report(frame, e);
                continue;
            }
            Value one = value instanceof Value.Tuple t ? t.values().get(i) : value;
            frame.variables().put(target.text(), one);
        }
    }

    private static void assignable(Name target, Frame frame) {
        if (target.text().equals("N")) {
            throw Messages.batchName(target);
        }
        if (frame.fixed().contains(target.text())) {
            throw new Rejected(Diagnostic.error(
                            "duplicate-name",
                            target.span(),
                            "'" + target + "' is a constant here, so it cannot be assigned")
                    .withFix("choose another name"));
        }
    }

    private void repeat(Stmt.Repeat r, Frame frame) {
        Value over = evaluator.eval(r.range(), frame);
        LongFunction<Value> turn;
        long turns;
        switch (over) {
            case Value.Failed _ -> {
                return;
            }
            case Value.Range range -> {
                turns = range.to() <= range.from() ? 0 : saturated(range.from(), range.to());
                turn = n -> new Value.Int(range.from() + n);
            }
            case Value.ListOf list -> {
                turns = list.elements().size();
                turn = n -> list.elements().get((int) n);
            }
            case Value other ->
                throw new Rejected(Diagnostic.error(
                                "type-mismatch",
                                r.range().span(),
                                "'repeat' runs over a range or a list, found " + other.describe())
                        .withFix("write repeat " + r.variable() + " in 0..COUNT { … }"));
        }
        if (turns > Limits.TURNS) {
            throw new Rejected(Messages.limit(
                    r.range().span(), "'repeat' takes at most " + Limits.TURNS + " turns, found " + turns));
        }
        String variable = r.variable().text();
        if (variable.equals("N")) {
            throw Messages.batchName(r.variable());
        }
        Value before = frame.variables().get(variable);
        if (before != null && !(before instanceof Value.Failed)) {
            throw new Rejected(Diagnostic.error(
                            "duplicate-name", r.variable().span(), "there is a value '" + variable + "' here already")
                    .withFix("choose another name for the counter"));
        }
        frame.fixed().add(variable);
        for (long n = 0; n < turns; n++) {
            frame.variables().put(variable, turn.apply(n));
            run(r.body(), frame, Place.INSIDE_REPEAT);
        }
        frame.variables().remove(variable);
        frame.fixed().remove(variable);
    }

    private static long saturated(long from, long to) {
        long n = to - from;
        return n < 0 ? Long.MAX_VALUE : n;
    }

    private @Nullable Returned choose(Stmt.If s, Frame frame, Place place) {
        Place inside = place == Place.INSIDE_REPEAT ? place : Place.INSIDE_IF;
        for (Branch.OfStmts branch : s.branches()) {
            Boolean holds = evaluator.condition(branch.condition(), frame);
            if (holds == null) {
                return null;
            }
            if (holds) {
                return run(branch.body(), frame, inside);
            }
        }
        List<Stmt> otherwise = s.otherwise();
        return otherwise == null ? null : run(otherwise, frame, inside);
    }

    private Returned returned(Stmt.Return r, Frame frame, Place place) {
        if (place == Place.INSIDE_REPEAT) {
            throw new Rejected(Diagnostic.error("statement-place", r.span(), "'return' cannot stand inside 'repeat'")
                    .withFix("assign the value to a name, and return that after the repeat"));
        }
        List<Argument> arguments = r.values();
        List<Value> values = new ArrayList<>();
        for (Argument a : arguments) {
            Value v = evaluator.eval(a.value(), frame);
            if (v instanceof Value.Tuple t && arguments.size() == 1) {
                values.addAll(t.values());
            } else {
                values.add(v);
            }
        }
        return new Returned(arguments, values, r.span());
    }
}
