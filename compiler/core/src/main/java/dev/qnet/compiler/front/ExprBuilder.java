package dev.qnet.compiler.front;

import dev.qnet.compiler.front.ast.Annotation;
import dev.qnet.compiler.front.ast.Argument;
import dev.qnet.compiler.front.ast.Branch;
import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.front.ast.Name;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.compiler.source.SourceFile;
import dev.qnet.compiler.source.Span;
import dev.qnet.grammar.QnetParser;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.antlr.v4.runtime.ParserRuleContext;
import org.antlr.v4.runtime.Token;
import org.antlr.v4.runtime.tree.TerminalNode;

/**
 * Copies ANTLR's tree of expressions into the syntax tree: sorts the grammar's flat lists of operators by precedence,
 * folds signs into literals, and refuses trees deeper than {@link Parser#MAX_DEPTH}, which recursion could not walk.
 */
final class ExprBuilder {
    private final Diagnostics diagnostics;
    private final AstBuilder builder;
    private final StringReader strings;
    private int depth;

    ExprBuilder(SourceFile source, Diagnostics diagnostics, AstBuilder builder) {
        this.diagnostics = diagnostics;
        this.builder = builder;
        this.strings = new StringReader(source, diagnostics, this);
    }

    List<Expr> exprs(List<QnetParser.ExprContext> contexts) {
        List<Expr> exprs = new ArrayList<>(contexts.size());
        for (QnetParser.ExprContext c : contexts) {
            exprs.add(expr(c));
        }
        return exprs;
    }

    Expr expr(QnetParser.ExprContext c) {
        descend(1, c);
        Expr e = operation(c.operation());
        if (!c.annotation().isEmpty()) {
            List<Annotation> annotations = annotations(c.annotation());
            e = new Expr.Annotated(
                    e, annotations, e.span().to(annotations.getLast().span()));
        }
        if (!c.stage().isEmpty()) {
            List<Expr.Pipe.Stage> stages = new ArrayList<>();
            for (QnetParser.StageContext s : c.stage()) {
                Name callee = builder.name(s.name());
                stages.add(new Expr.Pipe.Stage(
                        callee,
                        builder.arguments(s.arguments()),
                        annotations(s.annotation()),
                        callee.span().to(builder.span(s))));
            }
            e = new Expr.Pipe(e, stages, builder.span(c));
        }
        depth--;
        return e;
    }

    List<Annotation> annotations(List<QnetParser.AnnotationContext> contexts) {
        List<Annotation> annotations = new ArrayList<>();
        for (QnetParser.AnnotationContext c : contexts) {
            annotations.add(new Annotation(builder.name(c.name()), builder.arguments(c.arguments()), builder.span(c)));
        }
        return annotations;
    }

    // ---- operators

    /** One entry of the stack of operators whose right side is not yet whole; null stands for the range's dots. */
    private record Pending(Expr.BinaryOp op, Span span) {}

    /** Splits at the range's dots, which bind loosest; what is between them is sorted by precedence. */
    private Expr operation(QnetParser.OperationContext c) {
        int operators = c.getChildCount() / 2;
        descend(operators, c);
        int dots = -1;
        for (int i = 1; i < c.getChildCount(); i += 2) {
            if (operator(c, i).getType() == QnetParser.RANGE) {
                if (dots >= 0) {
                    diagnostics.add(Diagnostic.error(
                            "operator-chain",
                            builder.span(operator(c, i)),
                            "a range has two ends: ranges do not chain"));
                    break;
                }
                dots = i;
            }
        }
        Expr e;
        if (dots < 0) {
            e = operation(c, 0, c.getChildCount());
        } else {
            Expr from = operation(c, 0, dots);
            Expr to = operation(c, dots + 1, c.getChildCount());
            e = new Expr.Range(from, to, from.span().to(to.span()));
        }
        depth -= operators;
        return e;
    }

    /**
     * The children [from, to): operands and operators in turn. Dijkstra's shunting yard: no recursion on the length.
     */
    private Expr operation(QnetParser.OperationContext c, int from, int to) {
        Deque<Expr> operands = new ArrayDeque<>();
        Deque<Pending> pending = new ArrayDeque<>();
        operands.push(operand((QnetParser.OperandContext) c.getChild(from)));
        for (int i = from + 1; i + 1 < to; i += 2) {
            Token token = operator(c, i);
            Expr.BinaryOp op = binaryOp(token);
            while (!pending.isEmpty() && pending.peek().op().precedence() >= op.precedence()) {
                Pending left = pending.pop();
                if (left.op().isComparison() && op.isComparison()) {
                    diagnostics.add(Diagnostic.error("operator-chain", builder.span(token), "comparisons do not chain")
                            .withFix("compare twice: `a < b && b < c`"));
                }
                combine(operands, left);
            }
            pending.push(new Pending(op, builder.span(token)));
            operands.push(operand((QnetParser.OperandContext) c.getChild(i + 1)));
        }
        while (!pending.isEmpty()) {
            combine(operands, pending.pop());
        }
        return operands.pop();
    }

    private static void combine(Deque<Expr> operands, Pending p) {
        Expr right = operands.pop();
        Expr left = operands.pop();
        operands.push(new Expr.Binary(p.op(), left, right, p.span(), left.span().to(right.span())));
    }

    private static Token operator(QnetParser.OperationContext c, int i) {
        return ((TerminalNode) c.getChild(i)).getSymbol();
    }

    private static Expr.BinaryOp binaryOp(Token token) {
        return switch (token.getType()) {
            case QnetParser.OR -> Expr.BinaryOp.OR;
            case QnetParser.AND -> Expr.BinaryOp.AND;
            case QnetParser.EQ -> Expr.BinaryOp.EQ;
            case QnetParser.NE -> Expr.BinaryOp.NE;
            case QnetParser.LT -> Expr.BinaryOp.LT;
            case QnetParser.LE -> Expr.BinaryOp.LE;
            case QnetParser.GT -> Expr.BinaryOp.GT;
            case QnetParser.GE -> Expr.BinaryOp.GE;
            case QnetParser.PLUS -> Expr.BinaryOp.ADD;
            case QnetParser.MINUS -> Expr.BinaryOp.SUB;
            case QnetParser.STAR -> Expr.BinaryOp.MUL;
            case QnetParser.SLASH -> Expr.BinaryOp.DIV;
            // A second range's dots, already reported, land here too: any operator will do for a tree nobody sees.
            default -> Expr.BinaryOp.REM;
        };
    }

    private Expr operand(QnetParser.OperandContext c) {
        int levels = c.getChildCount() - 1;
        descend(levels, c);
        int prefixes = c.getChildCount() - 1 - c.suffix().size();
        boolean negative = prefixes > 0
                && c.suffix().isEmpty()
                && sign(c, prefixes - 1).getType() == QnetParser.MINUS
                && isNegatable(c.primary());
        Expr e;
        if (negative) {
            e = number(c.primary(), builder.span(sign(c, --prefixes)).to(builder.span(c.primary())), "-");
        } else {
            e = primary(c.primary());
        }
        for (QnetParser.SuffixContext s : c.suffix()) {
            Span span = e.span().to(builder.span(s));
            e = switch (s) {
                case QnetParser.AttributeContext a -> new Expr.Attribute(e, builder.name(a.name()), span);
                case QnetParser.IndexContext i -> new Expr.Index(e, exprs(i.expr()), span);
                default -> throw AstBuilder.unknown(s);
            };
        }
        for (int i = prefixes - 1; i >= 0; i--) {
            Token sign = sign(c, i);
            Expr.UnaryOp op = sign.getType() == QnetParser.MINUS ? Expr.UnaryOp.NEGATE : Expr.UnaryOp.NOT;
            e = new Expr.Unary(op, e, builder.span(sign).to(e.span()));
        }
        depth -= levels;
        return e;
    }

    /** Whether a sign makes another number of it: of the whole number 0 it makes none, and stays an operator. */
    private static boolean isNegatable(QnetParser.PrimaryContext c) {
        return switch (c) {
            case QnetParser.FloatContext _ -> true;
            case QnetParser.IntegerContext i -> i.getText().chars().anyMatch(digit -> digit != '0');
            default -> false;
        };
    }

    private static Token sign(QnetParser.OperandContext c, int i) {
        return ((TerminalNode) c.getChild(i)).getSymbol();
    }

    // ---- primaries

    private Expr primary(QnetParser.PrimaryContext primary) {
        Span span = builder.span(primary);
        return switch (primary) {
            case QnetParser.IntegerContext _, QnetParser.FloatContext _ -> number(primary, span, "");
            case QnetParser.BooleanContext c -> new Expr.BoolLit(c.TRUE() != null, span);
            case QnetParser.StringContext c -> string(c.STRING().getSymbol());
            case QnetParser.UseContext c -> {
                Name name = builder.name(c.name());
                List<Argument> arguments = builder.arguments(c.arguments());
                yield c.arguments() == null ? new Expr.Ref(name.text(), span) : new Expr.Call(name, arguments, span);
            }
            case QnetParser.GroupContext c -> new Expr.Group(expr(c.expr()), span);
            case QnetParser.ListContext c -> new Expr.ListLit(exprs(c.expr()), span);
            case QnetParser.ChoiceContext c -> choice(c, span);
            default -> throw AstBuilder.unknown(primary);
        };
    }

    private Expr choice(QnetParser.ChoiceContext c, Span span) {
        // Each of these accessors walks all children: once, not once a branch.
        List<TerminalNode> ifs = c.IF();
        List<TerminalNode> ends = c.RBRACE();
        List<QnetParser.ExprContext> inner = c.expr();
        List<Branch.OfExpr> branches = new ArrayList<>();
        for (int i = 0; i < ifs.size(); i++) {
            Span branch = builder.span(ifs.get(i).getSymbol())
                    .to(builder.span(ends.get(i).getSymbol()));
            branches.add(new Branch.OfExpr(expr(inner.get(2 * i)), expr(inner.get(2 * i + 1)), branch));
        }
        return new Expr.If(branches, expr(inner.getLast()), span);
    }

    private Expr number(QnetParser.PrimaryContext primary, Span span, String sign) {
        String digits = primary.getText();
        if (primary instanceof QnetParser.IntegerContext) {
            try {
                return new Expr.IntLit(Long.parseLong(sign + digits), span);
            } catch (NumberFormatException e) {
                diagnostics.add(Diagnostic.error("number-out-of-range", span, "this whole number does not fit 64 bits")
                        .withFix("write it as a float, for example 1e20"));
                return new Expr.IntLit(0, span);
            }
        }
        double value = Double.parseDouble(sign + digits);
        if (Double.isInfinite(value)) {
            diagnostics.add(Diagnostic.error(
                            "number-out-of-range", span, "this number is larger than any double (about 1.8e308)")
                    .withFix("write a number that fits"));
        }
        return new Expr.FloatLit(sign + digits, value, span);
    }

    Expr.StringLit string(Token token) {
        return strings.read(builder.span(token));
    }

    /** Goes deeper; the caller comes back up by subtracting. */
    private void descend(int levels, ParserRuleContext at) {
        depth += levels;
        if (depth > Parser.MAX_DEPTH) {
            throw new CompileException(Diagnostic.error(
                            "too-deep",
                            builder.span(at.getStart()),
                            "this expression is more than " + Parser.MAX_DEPTH + " operators and brackets deep")
                    .withFix("name an inner part: `part = ...`"));
        }
    }
}
