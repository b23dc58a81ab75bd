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
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.compiler.source.SourceFile;
import dev.qnet.compiler.source.Span;
import dev.qnet.grammar.QnetParser;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.antlr.v4.runtime.ParserRuleContext;
import org.antlr.v4.runtime.Token;
import org.antlr.v4.runtime.tree.ParseTree;
import org.antlr.v4.runtime.tree.TerminalNode;
import org.jspecify.annotations.Nullable;

/**
 * Copies ANTLR's tree of declarations and statements, free of syntax errors, into the syntax tree; {@link ExprBuilder}
 * does expressions. Checks what the grammar leaves open because an error there words better: that a model's inputs have
 * types, that arguments by position come first.
 */
final class AstBuilder {
    private final SourceFile source;
    private final Diagnostics diagnostics;
    private final ExprBuilder exprs;

    AstBuilder(SourceFile source, Diagnostics diagnostics) {
        this.source = source;
        this.diagnostics = diagnostics;
        this.exprs = new ExprBuilder(source, diagnostics, this);
    }

    Ast.File file(QnetParser.FileContext c) {
        List<Decl> declarations = new ArrayList<>();
        for (QnetParser.DeclarationContext d : c.declaration()) {
            declarations.add(declaration(d));
        }
        int version = Integer.parseInt(c.header().INT().getText());
        return new Ast.File(
                source, version, declarations, new Span(source, 0, source.text().length()));
    }

    private Decl declaration(QnetParser.DeclarationContext d) {
        return switch (d.getChild(0)) {
            case QnetParser.IncludeContext c -> new Decl.Include(path(c.STRING(), "include"), span(c));
            case QnetParser.SchemeContext c -> scheme(c);
            case QnetParser.BlockContext c ->
                new Decl.Block(name(c.name()), params(c.parameters()), body(c.body()), span(c));
            case QnetParser.ModelContext c -> model(c);
            case QnetParser.ConstantContext c -> constant(c);
            case QnetParser.CalibrationContext c -> calibration(c);
            case ParseTree t -> throw unknown(t);
        };
    }

    private Decl.Scheme scheme(QnetParser.SchemeContext c) {
        List<SchemeEntry> entries = new ArrayList<>();
        for (QnetParser.SchemeEntryContext e : c.schemeEntry()) {
            Token role = e.getStart();
            entries.add(new SchemeEntry(
                    switch (role.getType()) {
                        case QnetParser.WEIGHTS -> SchemeEntry.Role.WEIGHTS;
                        case QnetParser.ACTIVATIONS -> SchemeEntry.Role.ACTIVATIONS;
                        case QnetParser.BIAS -> SchemeEntry.Role.BIAS;
                        case QnetParser.ROUNDING -> SchemeEntry.Role.ROUNDING;
                        default -> throw unknown(e);
                    },
                    span(role),
                    items(e.item()),
                    span(e)));
        }
        return new Decl.Scheme(name(c.name(0)), c.EXTENDS() == null ? null : name(c.name(1)), entries, span(c));
    }

    private Decl.Model model(QnetParser.ModelContext c) {
        List<Param> inputs = params(c.parameters());
        for (Param input : inputs) {
            if (input.type() == null) {
                diagnostics.add(Diagnostic.error(
                                "model-signature", input.span(), "the input '" + input.name() + "' has no type")
                        .withFix("give its element type and shape: `" + input.name() + ": f32[N, 32, 32, 3]`"));
            }
            if (input.defaultValue() != null) {
                diagnostics.add(Diagnostic.error(
                                "model-signature",
                                input.defaultValue().span(),
                                "the input '" + input.name()
                                        + "' of a model has no default: the caller gives its value")
                        .withFix("leave the default out, or make a `const` of it"));
            }
        }
        List<Result> results = new ArrayList<>();
        for (QnetParser.ResultContext r : c.results().result()) {
            results.add(new Result(
                    r.name() == null ? null : name(r.name()),
                    type(r.type()),
                    exprs.annotations(r.annotation()),
                    span(r)));
        }
        if (results.size() > 1) {
            for (Result r : results) {
                if (r.name() == null) {
                    diagnostics.add(Diagnostic.error("model-signature", r.span(), "one of several outputs has no name")
                            .withFix("name each: `-> (logits: f32[N, 10], probs: f32[N, 10])`"));
                }
            }
        }
        Name scheme = c.QUANTIZED() == null ? null : name(c.name(1));
        return new Decl.Model(name(c.name(0)), inputs, results, scheme, body(c.body()), span(c));
    }

    private Decl.Calibration calibration(QnetParser.CalibrationContext c) {
        List<Decl.Calibration.Entry> entries = new ArrayList<>();
        for (QnetParser.CalibrationEntryContext e : c.calibrationEntry()) {
            TerminalNode quoted = e.path().STRING();
            String path = quoted == null
                    ? e.path().getText()
                    : path(quoted, "a calibrated value").plainText();
            entries.add(new Decl.Calibration.Entry(new Name(path, span(e.path())), items(e.item()), span(e)));
        }
        return new Decl.Calibration(name(c.name()), entries, span(c));
    }

    private Const constant(QnetParser.ConstantContext c) {
        return new Const(name(c.name()), c.type() == null ? null : type(c.type()), exprs.expr(c.expr()), span(c));
    }

    private List<Param> params(QnetParser.ParametersContext c) {
        List<Param> params = new ArrayList<>();
        for (QnetParser.ParameterContext p : c.parameter()) {
            params.add(new Param(
                    name(p.name()),
                    p.type() == null ? null : type(p.type()),
                    p.expr() == null ? null : exprs.expr(p.expr()),
                    exprs.annotations(p.annotation()),
                    span(p)));
        }
        return params;
    }

    private TypeRef type(QnetParser.TypeContext c) {
        Token id = c.ID().getSymbol();
        List<Expr> dims = c.LBRACKET() == null ? null : exprs.exprs(c.expr());
        return new TypeRef(new Name(id.getText(), span(id)), dims, items(c.item()), span(c));
    }

    private List<Item> items(List<QnetParser.ItemContext> contexts) {
        List<Item> items = new ArrayList<>();
        for (QnetParser.ItemContext c : contexts) {
            Token id = c.ID().getSymbol();
            items.add(new Item(new Name(id.getText(), span(id)), arguments(c.arguments()), span(c)));
        }
        return items;
    }

    /** Arguments in parentheses; none where no parentheses stand. */
    List<Argument> arguments(QnetParser.@Nullable ArgumentsContext c) {
        if (c == null) {
            return List.of();
        }
        List<Argument> arguments = arguments(c.argument());
        boolean named = false;
        Set<String> names = new HashSet<>();
        for (Argument a : arguments) {
            if (a.name() != null && !names.add(a.name().text())) {
                diagnostics.add(Diagnostic.error(
                                "duplicate-argument", a.span(), "the argument '" + a.name() + "' is given twice")
                        .withFix("leave one out"));
            }
            if (named && a.name() == null) {
                diagnostics.add(Diagnostic.error(
                                "argument-order", a.span(), "an argument without a name stands after one with a name")
                        .withFix("name it, or move it before the named ones"));
                return arguments;
            }
            named |= a.name() != null;
        }
        return arguments;
    }

    private List<Argument> arguments(List<QnetParser.ArgumentContext> contexts) {
        List<Argument> arguments = new ArrayList<>();
        for (QnetParser.ArgumentContext a : contexts) {
            arguments.add(new Argument(a.name() == null ? null : name(a.name()), exprs.expr(a.expr()), span(a)));
        }
        return arguments;
    }

    // ---- statements

    private List<Stmt> body(QnetParser.BodyContext c) {
        List<Stmt> statements = new ArrayList<>();
        for (QnetParser.StatementContext s : c.statement()) {
            statements.add(statement(s));
        }
        return statements;
    }

    private Stmt statement(QnetParser.StatementContext s) {
        return switch (s.getChild(0)) {
            case QnetParser.ConstantContext c -> constant(c);
            case QnetParser.WeightsFileContext c ->
                new Stmt.Parameters(exprs.string(c.STRING().getSymbol()), span(c));
            case QnetParser.InputContext c -> new Stmt.Input(name(c.name()), items(c.item()), span(c));
            case QnetParser.LabelsContext c -> new Stmt.Labels(exprs.expr(c.expr()), span(c));
            case QnetParser.StateContext c -> new Stmt.State(name(c.name()), type(c.type()), span(c));
            case QnetParser.NextContext c -> new Stmt.Next(name(c.name()), exprs.expr(c.expr()), span(c));
            case QnetParser.AssignmentContext c
            when c.mnemonic() != null ->
                new Stmt.Typed(
                        name(c.name(0)),
                        type(c.type()),
                        new Name(c.mnemonic().getText(), span(c.mnemonic())),
                        arguments(c.arguments()),
                        exprs.annotations(c.annotation()),
                        span(c));
            case QnetParser.AssignmentContext c -> new Stmt.Assign(names(c.name()), exprs.expr(c.expr()), span(c));
            case QnetParser.RepeatContext c ->
                new Stmt.Repeat(name(c.name()), exprs.expr(c.expr()), body(c.body()), span(c));
            case QnetParser.IfStatementContext c -> choice(c);
            case QnetParser.ReturnStatementContext c -> new Stmt.Return(arguments(c.argument()), span(c));
            case ParseTree t -> throw unknown(t);
        };
    }

    private Stmt.If choice(QnetParser.IfStatementContext c) {
        // Each of these accessors walks all children: once, not once a branch.
        List<TerminalNode> ifs = c.IF();
        List<QnetParser.ExprContext> conditions = c.expr();
        List<QnetParser.BodyContext> bodies = c.body();
        List<Branch.OfStmts> branches = new ArrayList<>();
        for (int i = 0; i < conditions.size(); i++) {
            Span span = span(ifs.get(i).getSymbol()).to(span(bodies.get(i)));
            branches.add(new Branch.OfStmts(exprs.expr(conditions.get(i)), body(bodies.get(i)), span));
        }
        boolean hasElse = bodies.size() > branches.size();
        return new Stmt.If(branches, hasElse ? body(bodies.getLast()) : null, span(c));
    }

    // ---- small pieces

    private Expr.StringLit path(TerminalNode node, String of) {
        Expr.StringLit s = exprs.string(node.getSymbol());
        if (!s.isPlain()) {
            diagnostics.add(
                    Diagnostic.error("bad-interpolation", s.span(), "the string of " + of + " is taken as it stands")
                            .withFix("write it without {...}, or {{ for a brace"));
            return new Expr.StringLit(List.of(), s.span());
        }
        return s;
    }

    private List<Name> names(List<QnetParser.NameContext> contexts) {
        List<Name> names = new ArrayList<>();
        for (QnetParser.NameContext c : contexts) {
            names.add(name(c));
        }
        return names;
    }

    Name name(QnetParser.NameContext c) {
        Token token = c.getStart();
        return new Name(token.getText(), span(token));
    }

    Span span(Token token) {
        return new Span(source, token.getStartIndex(), token.getStopIndex() + 1);
    }

    Span span(ParserRuleContext c) {
        return new Span(source, c.getStart().getStartIndex(), c.getStop().getStopIndex() + 1);
    }

    static IllegalStateException unknown(ParseTree t) {
        return new IllegalStateException("the grammar has a rule that the builder does not know: " + t.getClass());
    }
}
