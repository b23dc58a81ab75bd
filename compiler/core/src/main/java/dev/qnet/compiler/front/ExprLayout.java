package dev.qnet.compiler.front;

import dev.qnet.compiler.front.ast.Annotation;
import dev.qnet.compiler.front.ast.Argument;
import dev.qnet.compiler.front.ast.Branch;
import dev.qnet.compiler.front.ast.Expr;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Function;

/**
 * The canonical layout of expressions. A tree that code built gets the parentheses that its shape needs; a parsed one
 * has them as {@link Expr.Group}.
 */
final class ExprLayout {
    // What may stand where, from the loosest: see docs/language.md, "Operators".
    private static final int ANY = 0;
    private static final int RANGE = 1;
    private static final int UNARY = 7;
    private static final int PRIMARY = 8;

    private final Tokens tokens;

    ExprLayout(Tokens tokens) {
        this.tokens = tokens;
    }

    Doc expr(Expr e) {
        return switch (e) {
            case Expr.IntLit i -> tokens.literal(Long.toString(i.value()));
            case Expr.FloatLit f -> tokens.literal(f.text());
            case Expr.BoolLit b -> tokens.token(b.value() ? "true" : "false");
            case Expr.StringLit s -> string(s);
            case Expr.ListLit list -> list(list);
            case Expr.Ref ref -> tokens.token(ref.name());
            case Expr.Call call -> Doc.concat(tokens.token(call.callee().text()), arguments(call.arguments()));
            case Expr.Pipe pipe -> pipe(pipe);
            case Expr.Annotated a -> Doc.concat(operand(a.operand(), RANGE), annotations(a.annotations()));
            case Expr.Unary u -> unary(u);
            case Expr.Binary b -> binary(b);
            case Expr.Range r ->
                Doc.concat(operand(r.from(), RANGE + 1), tokens.token(".."), operand(r.to(), RANGE + 1));
            case Expr.If choice -> choice(choice);
            case Expr.Attribute a ->
                Doc.concat(
                        operand(a.target(), PRIMARY),
                        tokens.token("."),
                        tokens.token(a.name().text()));
            case Expr.Index i -> Doc.concat(operand(i.target(), PRIMARY), bracketed("[", "]", i.indices(), this::expr));
            case Expr.Group g -> parentheses(g.inner());
        };
    }

    /** An expression where only those that bind at least so tightly may stand without parentheses. */
    private Doc operand(Expr e, int least) {
        return level(e) < least ? parentheses(e) : expr(e);
    }

    private Doc parentheses(Expr e) {
        Doc open = tokens.token("(");
        Doc inner = expr(e);
        return Doc.group(open, Doc.indent(Doc.Line.NOTHING, inner), Doc.Line.NOTHING, tokens.token(")"));
    }

    private static int level(Expr e) {
        return switch (e) {
            case Expr.Pipe _, Expr.Annotated _ -> ANY;
            case Expr.Range _ -> RANGE;
            case Expr.Binary b -> RANGE + b.op().precedence();
            case Expr.Unary _ -> UNARY;
            case Expr.IntLit i -> i.value() < 0 ? UNARY : PRIMARY;
            case Expr.FloatLit f -> f.text().startsWith("-") ? UNARY : PRIMARY;
            case Expr.BoolLit _,
                    Expr.StringLit _,
                    Expr.ListLit _,
                    Expr.Ref _,
                    Expr.Call _,
                    Expr.If _,
                    Expr.Attribute _,
                    Expr.Index _,
                    Expr.Group _ -> PRIMARY;
        };
    }

    // ---- operators

    private Doc unary(Expr.Unary u) {
        Doc sign = tokens.token(u.op().symbol());
        boolean number = u.operand() instanceof Expr.IntLit i ? i.value() != 0 : u.operand() instanceof Expr.FloatLit;
        // "-5" would read back as the number, not as the negation of one; no whole number is "-0".
        boolean folds = u.op() == Expr.UnaryOp.NEGATE && number && level(u.operand()) == PRIMARY;
        return Doc.concat(sign, folds ? parentheses(u.operand()) : operand(u.operand(), UNARY));
    }

    /** A chain of operators of one precedence breaks as a whole, an operator before each line. */
    private Doc binary(Expr.Binary b) {
        int precedence = b.op().precedence();
        Deque<Expr.Binary> chain = new ArrayDeque<>();
        Expr first = b;
        while (first instanceof Expr.Binary next
                && next.op().precedence() == precedence
                && (chain.isEmpty() || !next.op().isComparison())) {
            chain.push(next);
            first = next.left();
        }
        int tighter = RANGE + precedence + 1;
        Doc head = operand(first, tighter);
        List<Doc> rest = new ArrayList<>();
        for (Expr.Binary next : chain) {
            rest.add(Doc.Line.BLANK);
            rest.add(tokens.token(next.op().symbol()));
            rest.add(Doc.blank());
            rest.add(operand(next.right(), tighter));
        }
        return Doc.group(head, new Doc.Indent(Doc.concat(rest)));
    }

    private Doc pipe(Expr.Pipe pipe) {
        Doc head = pipe.head() instanceof Expr.Annotated a ? expr(a) : operand(pipe.head(), RANGE);
        List<Doc> stages = new ArrayList<>();
        for (Expr.Pipe.Stage stage : pipe.stages()) {
            stages.add(Doc.Line.BLANK);
            stages.add(tokens.token("|>"));
            stages.add(Doc.blank());
            stages.add(tokens.token(stage.callee().text()));
            stages.add(optionalArguments(stage.arguments()));
            stages.add(annotations(stage.annotations()));
        }
        return Doc.group(head, new Doc.Indent(Doc.concat(stages)));
    }

    Doc annotations(List<Annotation> annotations) {
        List<Doc> parts = new ArrayList<>();
        for (Annotation a : annotations) {
            Doc at = tokens.token("@");
            Doc name = tokens.token(a.name().text());
            parts.add(Doc.group(Doc.Line.BLANK, at, name, optionalArguments(a.arguments())));
        }
        return new Doc.Indent(Doc.concat(parts));
    }

    private Doc choice(Expr.If choice) {
        List<Doc> parts = new ArrayList<>();
        for (Branch.OfExpr b : choice.branches()) {
            if (!parts.isEmpty()) {
                parts.addAll(List.of(Doc.blank(), tokens.token("else"), Doc.blank()));
            }
            parts.addAll(List.of(tokens.token("if"), Doc.blank(), expr(b.condition()), Doc.blank()));
            parts.add(branch(b.value()));
        }
        parts.addAll(List.of(Doc.blank(), tokens.token("else"), Doc.blank()));
        parts.add(branch(choice.otherwise()));
        return Doc.group(Doc.concat(parts));
    }

    private Doc branch(Expr value) {
        Doc open = tokens.token("{");
        Doc inner = expr(value);
        return Doc.concat(open, Doc.indent(Doc.Line.BLANK, inner), Doc.Line.BLANK, tokens.token("}"));
    }

    // ---- lists

    Doc arguments(List<Argument> arguments) {
        return bracketed("(", ")", arguments, this::argument);
    }

    /** Arguments of what needs no parentheses where it has none. */
    Doc optionalArguments(List<Argument> arguments) {
        if (arguments.isEmpty()) {
            tokens.skipEmptyParentheses();
            return Doc.concat();
        }
        return arguments(arguments);
    }

    Doc argument(Argument a) {
        if (a.name() == null) {
            return expr(a.value());
        }
        return Doc.concat(tokens.token(a.name().text()), tokens.token(":"), Doc.blank(), expr(a.value()));
    }

    /** A list in brackets: on one line, or each element on its own with a comma after the last. */
    <T> Doc bracketed(String open, String close, List<T> elements, Function<T, Doc> layout) {
        Doc opener = tokens.token(open);
        if (elements.isEmpty()) {
            return Doc.group(opener, Doc.Line.NOTHING, tokens.token(close));
        }
        List<Doc> parts = new ArrayList<>();
        for (T element : elements) {
            if (!parts.isEmpty()) {
                parts.add(tokens.token(","));
            }
            parts.add(parts.isEmpty() ? Doc.Line.NOTHING : Doc.Line.BLANK);
            parts.add(layout.apply(element));
        }
        Doc closer = tokens.token(close);
        return Doc.group(opener, new Doc.Indent(Doc.concat(parts)), new Doc.IfBroken(","), Doc.Line.NOTHING, closer);
    }

    /** Numbers fill their lines; rows stand one under the other if they do not fit, or if the source has them so. */
    private Doc list(Expr.ListLit list) {
        List<Expr> elements = list.elements();
        boolean flat = elements.stream().allMatch(ExprLayout::isScalar);
        if (flat && !elements.isEmpty()) {
            return filled(elements);
        }
        Doc doc = bracketed("[", "]", elements, this::expr);
        if (doc instanceof Doc.Group group && isRows(list)) {
            group.broken = true;
        }
        return doc;
    }

    private static boolean isScalar(Expr e) {
        return e instanceof Expr.IntLit || e instanceof Expr.FloatLit || e instanceof Expr.BoolLit;
    }

    private boolean isRows(Expr.ListLit list) {
        if (!tokens.hasSource() || list.elements().isEmpty()) {
            return false;
        }
        var file = list.span().file();
        return file.line(list.span().start())
                < file.line(list.elements().getFirst().span().start());
    }

    private Doc filled(List<Expr> elements) {
        Doc opener = tokens.token("[");
        List<Doc> parts = new ArrayList<>();
        for (Expr element : elements) {
            if (parts.isEmpty()) {
                parts.add(expr(element));
            } else {
                Doc comma = tokens.token(",");
                parts.add(comma);
                parts.add(Doc.group(Doc.Line.BLANK, expr(element)));
            }
        }
        Doc closer = tokens.token("]");
        return Doc.group(
                opener,
                Doc.indent(Doc.Line.NOTHING, Doc.concat(parts)),
                new Doc.IfBroken(","),
                Doc.Line.NOTHING,
                closer);
    }

    // ---- strings

    Doc string(Expr.StringLit s) {
        if (tokens.hasSource()) {
            return tokens.literal("");
        }
        StringBuilder text = new StringBuilder("\"");
        for (Expr.StringLit.Part part : s.parts()) {
            switch (part) {
                case Expr.StringLit.Text t -> text.append(escaped(t.value()));
                case Expr.StringLit.Interpolation i ->
                    text.append('{').append(DocPrinter.flat(expr(i.value()))).append('}');
            }
        }
        return new Doc.Token(text.append('"').toString(), null);
    }

    static String quoted(String text) {
        return '"' + escaped(text) + '"';
    }

    private static String escaped(String text) {
        StringBuilder s = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> s.append("\\\"");
                case '\\' -> s.append("\\\\");
                case '\n' -> s.append("\\n");
                case '\r' -> s.append("\\r");
                case '\t' -> s.append("\\t");
                case '{' -> s.append("{{");
                case '}' -> s.append("}}");
                default -> s.append(Character.isISOControl(c) ? "\\u%04x".formatted((int) c) : String.valueOf(c));
            }
        }
        return s.toString();
    }
}
