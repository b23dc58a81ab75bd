package dev.qnet.compiler.front;

import dev.qnet.compiler.front.ast.Argument;
import dev.qnet.compiler.front.ast.Ast;
import dev.qnet.compiler.front.ast.Branch;
import dev.qnet.compiler.front.ast.Const;
import dev.qnet.compiler.front.ast.Decl;
import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.front.ast.Name;
import dev.qnet.compiler.front.ast.Param;
import dev.qnet.compiler.front.ast.Result;
import dev.qnet.compiler.front.ast.SchemeEntry;
import dev.qnet.compiler.front.ast.Stmt;
import dev.qnet.compiler.front.ast.TypeRef;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The canonical layout of declarations and statements; {@link ExprLayout} has that of expressions. */
final class Layout {
    private final Tokens tokens;
    private final ExprLayout exprs;

    Layout(Tokens tokens) {
        this.tokens = tokens;
        this.exprs = new ExprLayout(tokens);
    }

    Doc file(Ast.File file) {
        List<Doc> parts = new ArrayList<>();
        parts.add(tokens.token("qnet"));
        parts.add(Doc.blank());
        parts.add(tokens.token(Integer.toString(file.version())));
        Decl before = null;
        for (Decl d : file.declarations()) {
            parts.add(mayAdjoin(before, d) ? Doc.Line.HARD : Doc.Line.EMPTY);
            parts.add(declaration(d));
            before = d;
        }
        parts.add(Doc.Line.HARD);
        parts.add(tokens.end());
        return Doc.concat(parts);
    }

    /** Includes may stand line under line, and so may constants; between all else there is an empty line. */
    private static boolean mayAdjoin(@Nullable Decl a, Decl b) {
        return (a instanceof Decl.Include && b instanceof Decl.Include) || (a instanceof Const && b instanceof Const);
    }

    private Doc declaration(Decl d) {
        return switch (d) {
            case Decl.Include include -> Doc.concat(tokens.token("include"), Doc.blank(), exprs.string(include.path()));
            case Decl.Scheme scheme -> scheme(scheme);
            case Decl.Block block ->
                Doc.concat(word("block"), name(block.name()), params(block.params()), Doc.blank(), body(block.body()));
            case Decl.Model model -> model(model);
            case Const c -> constant(c);
            case Decl.Calibration calibration -> {
                Doc head = Doc.concat(word("calibration"), name(calibration.model()), Doc.blank());
                List<Doc> entries = new ArrayList<>();
                Doc open = tokens.token("{");
                for (Decl.Calibration.Entry e : calibration.entries()) {
                    entries.add(Doc.concat(tokens.path(e.path().text()), tokens.token(":"), items(e.items())));
                }
                yield Doc.concat(head, braces(open, entries, false));
            }
        };
    }

    private Doc scheme(Decl.Scheme scheme) {
        List<Doc> head = new ArrayList<>(List.of(word("scheme"), name(scheme.name())));
        if (scheme.parent() != null) {
            head.add(Doc.blank());
            head.add(word("extends"));
            head.add(name(scheme.parent()));
        }
        head.add(Doc.blank());
        int widest = scheme.entries().stream()
                .mapToInt(e -> e.role().word().length())
                .max()
                .orElse(0);
        Doc open = tokens.token("{");
        List<Doc> entries = new ArrayList<>();
        for (SchemeEntry e : scheme.entries()) {
            String role = e.role().word();
            Doc word = tokens.token(role);
            entries.add(Doc.concat(word, new Doc.Blank(widest - role.length()), items(e.items())));
        }
        head.add(braces(open, entries, entries.size() == 1));
        return Doc.concat(head);
    }

    private Doc model(Decl.Model model) {
        List<Doc> parts = new ArrayList<>(List.of(word("model"), name(model.name()), params(model.inputs())));
        parts.add(Doc.blank());
        parts.add(word("->"));
        boolean bare = model.results().size() == 1 && model.results().getFirst().name() == null && !tokens.isNext("(");
        if (bare) {
            parts.add(result(model.results().getFirst()));
        } else {
            parts.add(exprs.bracketed("(", ")", model.results(), this::result));
        }
        if (model.scheme() != null) {
            parts.add(Doc.blank());
            parts.add(word("quantized"));
            parts.add(name(model.scheme()));
        }
        parts.add(Doc.blank());
        parts.add(body(model.body()));
        return Doc.concat(parts);
    }

    private Doc result(Result r) {
        return r.name() == null
                ? Doc.concat(type(r.type()), exprs.annotations(r.annotations()))
                : Doc.concat(
                        name(r.name()),
                        tokens.token(":"),
                        Doc.blank(),
                        type(r.type()),
                        exprs.annotations(r.annotations()));
    }

    private Doc params(List<Param> params) {
        return exprs.bracketed("(", ")", params, this::param);
    }

    private Doc param(Param p) {
        List<Doc> parts = new ArrayList<>(List.of(name(p.name())));
        typed(parts, p.type());
        if (p.defaultValue() != null) {
            parts.addAll(List.of(Doc.blank(), word("="), exprs.expr(p.defaultValue())));
        }
        parts.add(exprs.annotations(p.annotations()));
        return Doc.concat(parts);
    }

    private void typed(List<Doc> parts, @Nullable TypeRef type) {
        if (type != null) {
            parts.addAll(List.of(tokens.token(":"), Doc.blank(), type(type)));
        }
    }

    private Doc type(TypeRef type) {
        Doc name = name(type.name());
        List<Expr> dims = type.dims();
        Doc shape = dims == null ? Doc.concat() : exprs.bracketed("[", "]", dims, exprs::expr);
        return Doc.concat(name, shape, items(type.items()));
    }

    private Doc constant(Const c) {
        List<Doc> parts = new ArrayList<>(List.of(word("const"), name(c.name())));
        typed(parts, c.type());
        parts.addAll(List.of(Doc.blank(), word("="), exprs.expr(c.value())));
        return Doc.concat(parts);
    }

    /** Items in a row, each after a blank; what does not fit goes to lines of its own, indented twice. */
    private Doc items(List<Item> items) {
        List<Doc> parts = new ArrayList<>();
        for (Item item : items) {
            Doc name = tokens.token(item.name().text());
            parts.add(Doc.group(Doc.Line.BLANK, name, exprs.optionalArguments(item.arguments())));
        }
        return Doc.indent(Doc.indent(Doc.concat(parts)));
    }

    // ---- statements

    private Doc body(List<Stmt> statements) {
        Doc open = tokens.token("{");
        List<Doc> lines = new ArrayList<>();
        for (Stmt s : statements) {
            lines.add(statement(s));
        }
        return braces(open, lines, false);
    }

    /**
     * A line for each entry between braces.
     *
     * @param open the brace, which the source has before the entries
     * @param mayJoin true if all may stand on one line
     */
    private Doc braces(Doc open, List<Doc> entries, boolean mayJoin) {
        Doc close = tokens.token("}");
        if (entries.isEmpty()) {
            return Doc.group(open, Doc.Line.NOTHING, close);
        }
        Doc.Line line = mayJoin ? Doc.Line.BLANK : Doc.Line.HARD;
        List<Doc> lines = new ArrayList<>();
        for (Doc entry : entries) {
            lines.add(line);
            lines.add(entry);
        }
        return Doc.group(open, new Doc.Indent(Doc.concat(lines)), line, close);
    }

    private Doc statement(Stmt s) {
        return switch (s) {
            case Const c -> constant(c);
            case Stmt.Parameters p -> Doc.concat(word("parameters"), exprs.string(p.path()));
            case Stmt.Input input -> Doc.concat(word("input"), name(input.name()), items(input.items()));
            case Stmt.Labels labels -> Doc.concat(word("labels"), exprs.expr(labels.value()));
            case Stmt.State state -> {
                List<Doc> parts = new ArrayList<>(List.of(word("state"), name(state.name())));
                typed(parts, state.type());
                yield Doc.concat(parts);
            }
            case Stmt.Next next ->
                Doc.concat(word("next"), name(next.name()), Doc.blank(), word("="), exprs.expr(next.value()));
            case Stmt.Typed t -> typed(t);
            case Stmt.Assign assign -> {
                List<Doc> parts = new ArrayList<>();
                for (Name target : assign.targets()) {
                    if (!parts.isEmpty()) {
                        parts.add(tokens.token(","));
                        parts.add(Doc.blank());
                    }
                    parts.add(name(target));
                }
                parts.addAll(List.of(Doc.blank(), word("="), exprs.expr(assign.value())));
                yield Doc.concat(parts);
            }
            case Stmt.Repeat repeat ->
                Doc.concat(
                        word("repeat"),
                        name(repeat.variable()),
                        Doc.blank(),
                        word("in"),
                        exprs.expr(repeat.range()),
                        Doc.blank(),
                        body(repeat.body()));
            case Stmt.If choice -> choice(choice);
            case Stmt.Return r -> Doc.concat(word("return"), Doc.group(new Doc.Indent(values(r.values()))));
        };
    }

    private Doc typed(Stmt.Typed t) {
        List<Doc> parts = new ArrayList<>(List.of(name(t.target())));
        typed(parts, t.type());
        parts.addAll(List.of(Doc.blank(), word("=")));
        for (String word : t.mnemonic().text().split("\\.", -1)) {
            if (parts.getLast() instanceof Doc.Token) {
                parts.add(tokens.token("."));
            }
            parts.add(tokens.token(word));
        }
        parts.add(exprs.arguments(t.arguments()));
        parts.add(exprs.annotations(t.annotations()));
        return Doc.concat(parts);
    }

    private Doc values(List<Argument> values) {
        List<Doc> parts = new ArrayList<>();
        for (Argument a : values) {
            if (!parts.isEmpty()) {
                parts.add(tokens.token(","));
                parts.add(Doc.Line.BLANK);
            }
            parts.add(exprs.argument(a));
        }
        return Doc.concat(parts);
    }

    private Doc choice(Stmt.If choice) {
        List<Doc> parts = new ArrayList<>();
        for (Branch.OfStmts b : choice.branches()) {
            if (!parts.isEmpty()) {
                parts.addAll(List.of(Doc.blank(), word("else")));
            }
            parts.addAll(List.of(word("if"), exprs.expr(b.condition()), Doc.blank(), body(b.body())));
        }
        if (choice.otherwise() != null) {
            parts.addAll(List.of(Doc.blank(), word("else"), body(choice.otherwise())));
        }
        return Doc.concat(parts);
    }

    private Doc name(Name name) {
        return tokens.token(name.text());
    }

    /** A word and the blank after it. */
    private Doc word(String text) {
        return Doc.concat(tokens.token(text), Doc.blank());
    }
}
