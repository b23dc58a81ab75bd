package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Branch;
import dev.qnet.compiler.front.ast.Const;
import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.front.ast.Name;
import dev.qnet.compiler.front.bind.Arguments.Given;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Finds what an expression stands for; calls of operations and blocks in it add nodes to the graph. */
final class Evaluator {
    private final Session session;
    private final Calls calls;
    private final Annotations annotations;

    Evaluator(Session session) {
        this.session = session;
        this.calls = new Calls(session, this);
        this.annotations = new Annotations(session, this);
    }

    /** The value; {@link Value#ERROR} where something is wrong, which has been reported. */
    Value eval(Expr e, Frame frame) {
        return eval(e, frame, Marks.NONE);
    }

    /**
     * The value of an expression with annotations around it.
     *
     * @param marks what they say of the outermost operation
     */
    Value eval(Expr e, Frame frame, Marks marks) {
        session.enter(frame, e.span());
        try {
            return find(e, frame, marks);
        } catch (Rejected r) {
            return session.fail(frame, r);
        } finally {
            session.leave();
        }
    }

    private Value find(Expr e, Frame frame, Marks marks) {
        return switch (e) {
            case Expr.Call c ->
                calls.call(c.callee(), c.arguments().stream().map(Given::of).toList(), frame, marks, c.span());
            case Expr.Pipe p -> pipe(p, frame, marks);
            case Expr.Annotated a ->
                eval(
                        a.operand(),
                        frame,
                        annotations.read(a.annotations(), frame).over(marks));
            case Expr.Group g -> eval(g.inner(), frame, marks);
            case Expr.If i -> choose(i, frame, marks);
            case Expr.Binary b -> binary(b, frame, marks);
            case Expr.Unary u -> unary(u, frame, marks);
            case Expr.Ref r -> {
                Value v = lookup(r, frame);
                annotations.mark(v, marks, frame, r.span());
                yield v;
            }
            case Expr.IntLit _,
                    Expr.FloatLit _,
                    Expr.BoolLit _,
                    Expr.StringLit _,
                    Expr.ListLit _,
                    Expr.Range _,
                    Expr.Attribute _,
                    Expr.Index _ -> {
                annotations.reject(marks, e.span());
                yield plain(e, frame);
            }
        };
    }

    private Value plain(Expr e, Frame frame) {
        return switch (e) {
            case Expr.IntLit i -> new Value.Int(i.value());
            case Expr.FloatLit f -> new Value.Real(f.value());
            case Expr.BoolLit b -> new Value.Bool(b.value());
            case Expr.StringLit s -> string(s, frame);
            case Expr.ListLit l -> list(l, frame);
            case Expr.Range r -> range(r, frame);
            case Expr.Attribute a -> attribute(a, frame);
            case Expr.Index i -> index(i, frame);
            case Expr.Call _,
                    Expr.Pipe _,
                    Expr.Annotated _,
                    Expr.Group _,
                    Expr.If _,
                    Expr.Binary _,
                    Expr.Unary _,
                    Expr.Ref _ -> throw new IllegalStateException("not plain: " + e);
        };
    }

    private Value pipe(Expr.Pipe p, Frame frame, Marks marks) {
        Value v = eval(p.head(), frame);
        Span before = p.head().span();
        for (int i = 0; i < p.stages().size(); i++) {
            Expr.Pipe.Stage stage = p.stages().get(i);
            List<Given> given = new ArrayList<>();
            given.add(Given.piped(v, before));
            stage.arguments().forEach(a -> given.add(Given.of(a)));
            Marks own = annotations.read(stage.annotations(), frame);
            Marks all = i == p.stages().size() - 1 ? own.over(marks) : own;
            Span span = call(stage);
            session.enter(frame, span);
            try {
                v = calls.call(stage.callee(), given, frame, all, span);
            } catch (Rejected r) {
                v = session.fail(frame, r);
            } finally {
                session.leave();
            }
            before = span;
        }
        return v;
    }

    /** The call in a stage, without its sign and its annotations. */
    private static Span call(Expr.Pipe.Stage stage) {
        Span callee = stage.callee().span();
        if (stage.annotations().isEmpty() || callee.isNone()) {
            return callee.to(new Span(
                    stage.span().file(), stage.span().end(), stage.span().end()));
        }
        int end = stage.annotations().getFirst().span().start();
        String text = callee.file().text();
        while (end > callee.end() && Character.isWhitespace(text.charAt(end - 1))) {
            end--;
        }
        return new Span(callee.file(), callee.start(), Math.max(end, callee.end()));
    }

    private Value choose(Expr.If e, Frame frame, Marks marks) {
        for (Branch.OfExpr branch : e.branches()) {
            Boolean holds = condition(branch.condition(), frame);
            if (holds == null) {
                return Value.ERROR;
            }
            if (holds) {
                return eval(branch.value(), frame, marks);
            }
        }
        return eval(e.otherwise(), frame, marks);
    }

    /** A compile-time condition; null if it is none, which has been reported. */
    @Nullable Boolean condition(Expr e, Frame frame) {
        return switch (eval(e, frame)) {
            case Value.Bool b -> b.value();
            case Value.Failed _ -> null;
            case Value other -> {
                session.report(
                        frame,
                        Diagnostic.error(
                                        "type-mismatch",
                                        e.span(),
                                        "a condition is a compile-time bool, found " + other.describe())
                                .withFix(
                                        other instanceof Value.Computed
                                                ? "values of tensors are known only at run time; compare shapes or"
                                                        + " parameters of the block"
                                                : "compare it with something, such as `!= 0`"));
                yield null;
            }
        };
    }

    private Value unary(Expr.Unary u, Frame frame, Marks marks) {
        Value a = eval(u.operand(), frame);
        if (a instanceof Value.Failed) {
            return a;
        }
        if (u.op() == Expr.UnaryOp.NEGATE && isTensor(a)) {
            return calls.call(
                    new Name("mul", u.span()),
                    List.of(Given.piped(a, u.operand().span()), Given.piped(new Value.Real(-1), u.span())),
                    frame,
                    marks,
                    u.span());
        }
        annotations.reject(marks, u.span());
        return Arithmetic.unary(u, a);
    }

    private Value binary(Expr.Binary e, Frame frame, Marks marks) {
        if (e.op() == Expr.BinaryOp.AND || e.op() == Expr.BinaryOp.OR) {
            annotations.reject(marks, e.span());
            Boolean left = condition(e.left(), frame);
            if (left == null) {
                return Value.ERROR;
            }
            if (left == (e.op() == Expr.BinaryOp.OR)) {
                return new Value.Bool(left);
            }
            Boolean right = condition(e.right(), frame);
            return right == null ? Value.ERROR : new Value.Bool(right);
        }
        Value a = eval(e.left(), frame);
        Value b = eval(e.right(), frame);
        if (a instanceof Value.Failed || b instanceof Value.Failed) {
            return Value.ERROR;
        }
        if (!isTensor(a) && !isTensor(b)) {
            annotations.reject(marks, e.span());
            return Arithmetic.binary(e, a, b);
        }
        String operation = switch (e.op()) {
            case ADD -> "add";
            case SUB -> "sub";
            case MUL -> "mul";
            case DIV -> "div";
            case REM, EQ, NE, LT, LE, GT, GE, AND, OR ->
                throw new Rejected(Diagnostic.error(
                                "type-mismatch", e.opSpan(), "'" + e.op().symbol() + "' does not work on tensors")
                        .withNote("+, -, * and / do")
                        .withFix("compute it before the model, or at compile time from shapes"));
        };
        return calls.call(
                new Name(operation, e.opSpan()),
                List.of(
                        Given.piped(a, e.left().span()),
                        Given.piped(b, e.right().span())),
                frame,
                marks,
                e.span());
    }

    static boolean isTensor(Value v) {
        return v instanceof Value.Computed || v instanceof Value.Constant;
    }

    /** Whether a name stands for a value. */
    boolean knows(String name, Frame frame) {
        return frame.variables().containsKey(name) || session.constants().containsKey(name) || name.equals("N");
    }

    private Value lookup(Expr.Ref r, Frame frame) {
        Value local = frame.variables().get(r.name());
        if (local != null) {
            return local;
        }
        Value constant = session.constants().get(r.name());
        if (constant != null) {
            return constant;
        }
        if (r.name().equals("N")) {
            return Value.N;
        }
        Diagnostic d = Diagnostic.error("unknown-name", r.span(), "there is no value '" + r.name() + "' here");
        if (calls.knows(r.name())) {
            throw new Rejected(d.withNote("'" + r.name() + "' is called")
                    .withFix("write " + r.name() + "(…), or … |> " + r.name()));
        }
        Set<String> names = new LinkedHashSet<>(frame.variables().keySet());
        names.addAll(session.constants().keySet());
        Const later = session.declarations().constants().stream()
                .filter(c -> c.name().text().equals(r.name()))
                .findFirst()
                .orElse(null);
        if (later != null) {
            throw new Rejected(d.withNote(later.name().span(), "it is declared here, which is later")
                    .withFix("move the declaration up"));
        }
        d = names.isEmpty() ? d : d.withNote("known here are " + Messages.list(names, 8));
        throw new Rejected(Session.suggest(d, r.name(), names, null));
    }

    private Value string(Expr.StringLit s, Frame frame) {
        StringBuilder text = new StringBuilder();
        for (Expr.StringLit.Part part : s.parts()) {
            switch (part) {
                case Expr.StringLit.Text t -> text.append(t.value());
                case Expr.StringLit.Interpolation i -> {
                    switch (eval(i.value(), frame)) {
                        case Value.Int v -> text.append(v.value());
                        case Value.Real v -> text.append(v.value());
                        case Value.Bool v -> text.append(v.value());
                        case Value.Text v -> text.append(v.value());
                        case Value.Failed f -> {
                            return f;
                        }
                        case Value other ->
                            throw new Rejected(Diagnostic.error(
                                    "type-mismatch",
                                    i.value().span(),
                                    "a string takes in numbers, bools and strings, found " + other.describe()));
                    }
                }
            }
            if (text.length() > Limits.TEXT) {
                throw new Rejected(Messages.limit(s.span(), "a string has at most " + Limits.TEXT + " characters"));
            }
        }
        return new Value.Text(text.toString());
    }

    private Value list(Expr.ListLit l, Frame frame) {
        List<Value> elements = new ArrayList<>(l.elements().size());
        long size = 0;
        boolean failed = false;
        for (Expr e : l.elements()) {
            // Inline tensors are long: a plain number takes the short way.
            Value v = e instanceof Expr.IntLit i ? new Value.Int(i.value()) : eval(e, frame);
            failed |= v instanceof Value.Failed;
            size += v instanceof Value.ListOf inner ? inner.size() + 1 : 1;
            elements.add(v);
        }
        if (size > Limits.LIST) {
            throw new Rejected(Messages.limit(l.span(), "a list has at most " + Limits.LIST + " elements")
                    .withFix("put large tensors into a parameters file"));
        }
        return failed ? Value.ERROR : new Value.ListOf(List.copyOf(elements), size);
    }

    private Value range(Expr.Range r, Frame frame) {
        Value from = eval(r.from(), frame);
        Value to = eval(r.to(), frame);
        if (from instanceof Value.Failed || to instanceof Value.Failed) {
            return Value.ERROR;
        }
        if (from instanceof Value.Int a && to instanceof Value.Int b) {
            return new Value.Range(a.value(), b.value());
        }
        throw new Rejected(Diagnostic.error(
                "type-mismatch",
                r.span(),
                "a range runs between two ints, found " + from.describe() + " and " + to.describe()));
    }

    private Value attribute(Expr.Attribute a, Frame frame) {
        Value target = eval(a.target(), frame);
        if (target instanceof Value.Failed) {
            return target;
        }
        String name = a.name().text();
        Shape shape = switch (target) {
            case Value.Computed c -> c.shape();
            case Value.Constant c -> c.tensor().shape();
            case Value other ->
                throw new Rejected(Diagnostic.error(
                        "type-mismatch", a.span(), "only tensors have attributes, found " + other.describe()));
        };
        return switch (name) {
            case "shape" ->
                new Value.ListOf(
                        shape.dims().stream()
                                .map(d -> d == Shape.BATCH ? Value.N : (Value) new Value.Int(d))
                                .toList(),
                        shape.rank());
            case "rank" -> new Value.Int(shape.rank());
            default ->
                throw new Rejected(Session.suggest(
                        Diagnostic.error("unknown-name", a.name().span(), "a tensor has no attribute '" + name + "'"),
                        name,
                        List.of("shape", "rank"),
                        "it has `shape` and `rank`"));
        };
    }

    private Value index(Expr.Index e, Frame frame) {
        Value v = eval(e.target(), frame);
        for (Expr at : e.indices()) {
            Value i = eval(at, frame);
            if (v instanceof Value.Failed || i instanceof Value.Failed) {
                return Value.ERROR;
            }
            if (isTensor(v)) {
                throw new Rejected(Diagnostic.error("type-mismatch", e.span(), "tensors are not indexed with brackets")
                        .withFix("take a part with slice(x, begin: [...], end: [...])"));
            }
            if (!(v instanceof Value.ListOf list) || !(i instanceof Value.Int n)) {
                throw new Rejected(Diagnostic.error(
                        "type-mismatch",
                        at.span(),
                        "only lists are indexed, by ints, found " + v.describe() + " and " + i.describe()));
            }
            int size = list.elements().size();
            long where = n.value() < 0 ? n.value() + size : n.value();
            if (where < 0 || where >= size) {
                throw new Rejected(Diagnostic.error(
                                "argument-range", at.span(), "index " + n.value() + " is outside " + list.describe())
                        .withFix("indices run from 0 to " + (size - 1) + ", or from -1 back"));
            }
            v = list.elements().get((int) where);
        }
        return v;
    }
}
