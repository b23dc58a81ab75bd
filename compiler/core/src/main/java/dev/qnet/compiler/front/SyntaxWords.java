package dev.qnet.compiler.front;

import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.DidYouMean;
import dev.qnet.compiler.source.SourceFile;
import dev.qnet.compiler.source.Span;
import dev.qnet.grammar.QnetLexer;
import dev.qnet.grammar.QnetParser;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.antlr.v4.runtime.ParserRuleContext;
import org.antlr.v4.runtime.Token;
import org.antlr.v4.runtime.misc.IntervalSet;
import org.antlr.v4.runtime.tree.ParseTree;
import org.antlr.v4.runtime.tree.TerminalNode;
import org.jspecify.annotations.Nullable;

/** Words a syntax error: from where in the grammar the parser stood to what a writer of a file would say. */
final class SyntaxWords {
    private static final List<String> DECLARATIONS =
            List.of("include", "scheme", "block", "model", "const", "calibration");
    private static final List<String> STATEMENTS =
            List.of("const", "parameters", "input", "labels", "state", "next", "repeat", "if", "return");
    private static final List<String> KEYWORDS =
            Stream.concat(STATEMENTS.stream(), Stream.of("else")).toList();
    private static final List<String> ENTRIES = List.of("weights", "activations", "bias", "rounding");
    private static final int MAX_SHOWN = 24;

    private final SourceFile source;
    private final List<Token> tokens;

    SyntaxWords(SourceFile source, List<Token> tokens) {
        this.source = source;
        this.tokens = tokens;
    }

    /**
     * The diagnostic of one error.
     *
     * @param context the rule that failed
     * @param found the token that fits nowhere
     */
    Diagnostic diagnostic(ParserRuleContext context, QnetParser parser, Token found) {
        Token before = found.getTokenIndex() > 0 ? tokens.get(found.getTokenIndex() - 1) : null;
        Token unfinished = unfinished(found, before);
        if (unfinished != null && before != null) {
            return plain("expected " + wanted(unfinished) + after(unfinished), before, unfinished);
        }
        return switch (context) {
            case QnetParser.FileContext _ -> choice("a declaration", DECLARATIONS, found);
            case QnetParser.HeaderContext _ -> plain("expected a language version after `qnet`", found, before);
            case QnetParser.ArgumentsContext c -> {
                String owner = callee(c);
                yield list(
                        c, found, before, ")", "the argument list of " + owner, "an argument", "arguments of " + owner);
            }
            case QnetParser.ParametersContext c -> {
                String owner = callee(c);
                yield list(
                        c,
                        found,
                        before,
                        ")",
                        "the parameter list of " + owner,
                        "a parameter",
                        "parameters of " + owner);
            }
            case QnetParser.ResultsContext c ->
                c.LPAREN() == null
                        ? plain("expected the model's outputs after '->', such as f32[N, 10]", found, before)
                        : list(c, found, before, ")", "the list of outputs", "an output", "outputs");
            case QnetParser.ResultContext _ ->
                plain("expected the model's outputs after '->', such as f32[N, 10]", found, before);
            case QnetParser.TypeContext c ->
                c.LBRACKET() == null
                        ? plain("expected a type, such as int, tensor or f32[N, 10]" + after(before), found, before)
                        : list(c, found, before, "]", "the shape of " + c.ID().getText(), "a dimension", "dimensions");
            case QnetParser.ListContext c ->
                list(c, found, before, "]", "the list", "an element", "elements of the list");
            case QnetParser.IndexContext c -> list(c, found, before, "]", "the index", "an index", "indices");
            case QnetParser.GroupContext c -> closing(c, found, before, ")", "the parenthesis");
            case QnetParser.ChoiceContext c -> choiceExpression(c, found, before);
            case QnetParser.BodyContext c -> body(c, found, before);
            case QnetParser.StatementContext c ->
                c.getParent() instanceof QnetParser.BodyContext body
                        ? body(body, found, before)
                        : choice("a statement", STATEMENTS, found);
            case QnetParser.SchemeContext c ->
                c.LBRACE() == null ? fallback(parser, found, before) : scheme(c, found, before);
            case QnetParser.SchemeEntryContext c ->
                plain("expected how the " + c.getStart().getText() + " are treated" + after(before), found, before)
                        .withFix(
                                c.ROUNDING() != null
                                        ? "for example `rounding tosa`"
                                        : "for example `" + c.getStart().getText() + " i8 symmetric`");
            case QnetParser.AssignmentContext c -> assignment(c, found, before);
            case QnetParser.CalibrationContext c ->
                c.LBRACE() == null
                        ? fallback(parser, found, before)
                        : found.getType() == Token.EOF
                                ? closing(c, found, before, "}", "the calibration")
                                : plain("expected the path of a value or '}'", found, before);
            case QnetParser.CalibrationEntryContext c ->
                c.COLON() == null
                        ? plain("expected ':' after the path of a value", found, before)
                        : plain(
                                "expected how the value is quantized, such as u8 range(0, 6.0)" + after(before),
                                found,
                                before);
            case QnetParser.PathContext _ -> plain("expected the path of a value" + after(before), found, before);
            case QnetParser.NameContext c
            when c.getParent() instanceof QnetParser.MnemonicContext m
                    && m.getParent() instanceof QnetParser.AssignmentContext a ->
                plain("expected an operation of the IR" + after(before), found, before)
                        .withFix("a named value with a type is a constant: `const "
                                + clip(a.name(0).getText()) + ": ...`");
            case QnetParser.NameContext _ -> name(found, before);
            case QnetParser.PrimaryContext _,
                    QnetParser.OperandContext _,
                    QnetParser.OperationContext _,
                    QnetParser.ArgumentContext _,
                    QnetParser.ExprContext _ -> expression(found, before);
            case QnetParser.InterpolationContext _ ->
                plain("expected one expression between the braces", found, before)
                        .withFix("write {{ for a brace that is text");
            case QnetParser.RepeatContext c
            when c.IN() == null && c.name() != null ->
                plain("expected `in`" + after(before), found, before).withFix("for example `repeat i in 0..3 { ... }`");
            default -> fallback(parser, found, before);
        };
    }

    /**
     * The token that left its line unfinished, so that the parser read the target of the next line's assignment (or the
     * path of the next calibrated value) as a part of it; null if that is not what happened.
     */
    private @Nullable Token unfinished(Token found, @Nullable Token before) {
        if (before == null || before.getTokenIndex() == 0) {
            return null;
        }
        Token last = tokens.get(before.getTokenIndex() - 1);
        boolean entry = found.getType() == QnetLexer.COLON && last.getType() == QnetLexer.COLON;
        boolean wantsMore = (entry || found.getType() == QnetLexer.ASSIGN)
                && last.getType() >= QnetLexer.PIPE
                && last.getType() <= QnetLexer.COLON
                && !isCloser(last);
        return wantsMore && source.line(start(before)) > source.line(last.getStopIndex()) ? last : null;
    }

    private static String wanted(Token before) {
        return switch (before.getType()) {
            case QnetLexer.PIPE -> "an operation";
            case QnetLexer.AT -> "an annotation";
            case QnetLexer.COLON -> "how the value is quantized";
            default -> "an expression";
        };
    }

    // ---- the shapes of errors

    private Diagnostic plain(String message, Token found, @Nullable Token before) {
        // What is missing at the end of a line is missing there, not where the next line happens to begin.
        if (before != null && source.line(start(found)) > source.line(before.getStopIndex())) {
            int at = before.getStopIndex() + 1;
            return Diagnostic.error("syntax", new Span(source, at, at), message).labelled("here");
        }
        return Diagnostic.error("syntax", span(found), message).labelled("found " + shown(found));
    }

    private Diagnostic list(
            ParserRuleContext context,
            Token found,
            @Nullable Token before,
            String closer,
            String what,
            String element,
            String elements) {
        if (before != null && before.getType() == QnetLexer.COMMA && !isCloser(found)) {
            return plain("expected " + element + " or '" + closer + "' after ','", found, before);
        }
        // Where the next line begins a statement, the list was left open; where it goes on with a value, a comma is
        // missing.
        boolean sameLine = before != null && source.line(start(found)) == source.line(before.getStopIndex());
        boolean statement = !sameLine && (found.getType() == QnetLexer.IF || next(found) == QnetLexer.ASSIGN);
        if (beginsValue(found) && !statement && context.getChildCount() > 1) {
            return plain("expected ',' between the " + elements, found, before);
        }
        return closing(context, found, before, closer, what);
    }

    private Diagnostic closing(
            ParserRuleContext context, Token found, @Nullable Token before, String closer, String what) {
        Diagnostic d = plain("expected '" + closer + "' to close " + what, found, before);
        Token opener = opener(context);
        return opener == null ? d : d.withNote(span(opener), "it opens here");
    }

    private Diagnostic choice(String what, List<String> words, Token found) {
        if (isCloser(found)) {
            return Diagnostic.error("syntax", span(found), "this " + shown(found) + " closes nothing");
        }
        Diagnostic d = Diagnostic.error("syntax", span(found), "expected " + what + ": " + orList(words))
                .labelled("found " + shown(found));
        return DidYouMean.suggest(found.getText(), words)
                .map(near -> d.withFix("did you mean `" + near + "`?"))
                .orElse(d);
    }

    private Diagnostic body(QnetParser.BodyContext c, Token found, @Nullable Token before) {
        if (found.getType() == Token.EOF || beginsDeclaration(found)) {
            return closing(c, found, before, "}", "the body of " + owner(c));
        }
        if (c.LBRACE() == null) {
            return plain("expected '{' to begin the body of " + owner(c), found, before);
        }
        if (isCloser(found)) {
            return Diagnostic.error("syntax", span(found), "this " + shown(found) + " closes nothing");
        }
        Diagnostic d = Diagnostic.error("syntax", span(found), "expected a statement or '}'")
                .labelled("found " + shown(found));
        return found.getType() == QnetLexer.ELSE
                ? d.withFix("an `else` follows the '}' of its `if` directly")
                : d.withFix("a statement is an assignment such as `y = relu(x)`, or begins with " + orList(STATEMENTS));
    }

    private Diagnostic scheme(QnetParser.SchemeContext c, Token found, @Nullable Token before) {
        if (found.getType() == Token.EOF || beginsDeclaration(found)) {
            return closing(c, found, before, "}", "scheme " + c.name(0).getText());
        }
        return choice("an entry of the scheme", ENTRIES, found);
    }

    private Diagnostic choiceExpression(QnetParser.ChoiceContext c, Token found, @Nullable Token before) {
        Token last = before == null ? found : before;
        if (last.getType() == QnetLexer.RBRACE) {
            return plain("expected `else`: an `if` that gives a value needs both branches", found, before)
                    .withFix("add `else { ... }`");
        }
        if (c.LBRACE().isEmpty()) {
            return plain("expected '{' after the condition of `if`", found, before);
        }
        return last.getType() == QnetLexer.ELSE
                ? plain("expected '{' after `else`", found, before)
                : closing(c, found, before, "}", "the branch, which holds one expression");
    }

    private Diagnostic assignment(QnetParser.AssignmentContext c, Token found, @Nullable Token before) {
        String target = before == null ? "" : before.getText();
        if (c.ASSIGN() != null || before == null || before.getType() == QnetLexer.COMMA) {
            return name(found, before);
        }
        Diagnostic d = plain("expected '=' after '" + clip(target) + "'", found, before);
        if (c.name().size() == 1) {
            var keyword = DidYouMean.suggest(target, KEYWORDS);
            if (keyword.isPresent()) {
                return Diagnostic.error("syntax", span(before), "'" + clip(target) + "' begins no statement")
                        .withFix("did you mean `" + keyword.get() + "`?");
            }
        }
        return switch (found.getType()) {
            case QnetLexer.LPAREN, QnetLexer.PIPE ->
                d.withFix("a value must have a use: assign it (`y = ...`) or return it");
            default -> d;
        };
    }

    private Diagnostic name(Token found, @Nullable Token before) {
        if (isReserved(found)) {
            return reserved(found.getText(), span(found));
        }
        String what = before != null && (before.getType() == QnetLexer.PIPE || before.getType() == QnetLexer.AT)
                ? wanted(before)
                : "a name";
        return plain("expected " + what + after(before), found, before);
    }

    /** A word of the language where a name should stand. */
    static Diagnostic reserved(String word, Span span) {
        return Diagnostic.error("reserved-word", span, "'" + word + "' is a reserved word and cannot be a name")
                .withFix("choose another name, such as `" + word + "_`");
    }

    private Diagnostic expression(Token found, @Nullable Token before) {
        if (isReserved(found) && before != null && source.line(start(found)) == source.line(before.getStopIndex())) {
            return name(found, before);
        }
        return plain("expected an expression" + after(before), found, before);
    }

    private Diagnostic fallback(QnetParser parser, Token found, @Nullable Token before) {
        List<String> words = words(parser.getExpectedTokens());
        return plain("expected " + (words.isEmpty() ? "something else" : orList(words)) + after(before), found, before);
    }

    // ---- words

    /** Names the tokens of a set, the many that begin an expression or a name as one. */
    private static List<String> words(IntervalSet expected) {
        List<String> words = new ArrayList<>();
        boolean expression = expected.contains(QnetLexer.INT) && expected.contains(QnetLexer.LPAREN);
        if (expression) {
            words.add("an expression");
        } else if (expected.contains(QnetLexer.ID)) {
            words.add("a name");
        }
        for (int type : expected.toArray()) {
            boolean covered = type == QnetLexer.ID
                    || (!words.isEmpty() && SOFT.contains(type))
                    || (expression && BEGINS_VALUE.contains(type));
            if (!covered) {
                words.add(word(type));
            }
        }
        return words;
    }

    private static String word(int type) {
        if (type == Token.EOF) {
            return "the end of the file";
        }
        String literal = QnetLexer.VOCABULARY.getLiteralName(type);
        return literal != null ? literal : type == QnetLexer.STRING ? "a string" : "a number";
    }

    private static String orList(List<String> words) {
        return words.size() == 1
                ? words.getFirst()
                : String.join(", ", words.subList(0, words.size() - 1)) + " or " + words.getLast();
    }

    private String after(@Nullable Token before) {
        return before == null ? "" : " after " + shown(before);
    }

    private String shown(Token token) {
        if (token.getType() == Token.EOF) {
            // The end of an interpolation is its closing brace.
            return start(token) < source.text().length() ? "'}'" : "the end of the file";
        }
        return "'" + clip(token.getText()) + "'";
    }

    private static String clip(String text) {
        return text.codePointCount(0, text.length()) <= MAX_SHOWN
                ? text
                : text.substring(0, text.offsetByCodePoints(0, MAX_SHOWN)) + "...";
    }

    private static String callee(ParserRuleContext c) {
        ParserRuleContext parent = c.getParent();
        for (int i = parent.getChildCount() - 1; i >= 0; i--) {
            ParseTree child = parent.getChild(i);
            if (child instanceof QnetParser.NameContext
                    || (child instanceof TerminalNode t && t.getSymbol().getType() == QnetLexer.ID)) {
                return clip(child.getText());
            }
        }
        return "the call";
    }

    private static String owner(QnetParser.BodyContext c) {
        return switch (c.getParent()) {
            case QnetParser.BlockContext b
            when b.name() != null -> "block " + b.name().getText();
            case QnetParser.ModelContext m
            when !m.name().isEmpty() -> "model " + m.name(0).getText();
            case QnetParser.RepeatContext _ -> "this `repeat`";
            case QnetParser.IfStatementContext i ->
                i.getChild(i.getChildCount() - 2) instanceof TerminalNode ? "this `else`" : "this `if`";
            default -> "this";
        };
    }

    private static @Nullable Token opener(ParserRuleContext c) {
        Token last = null;
        for (int i = 0; i < c.getChildCount(); i++) {
            // A token that recovery made up stands nowhere.
            if (c.getChild(i) instanceof TerminalNode t
                    && isOpener(t.getSymbol())
                    && t.getSymbol().getTokenIndex() >= 0) {
                last = t.getSymbol();
            }
        }
        return last;
    }

    private static final Set<Integer> OPENERS = Set.of(QnetLexer.LPAREN, QnetLexer.LBRACKET, QnetLexer.LBRACE);
    private static final Set<Integer> SOFT = Set.of(
            QnetLexer.QNET,
            QnetLexer.WEIGHTS,
            QnetLexer.ACTIVATIONS,
            QnetLexer.BIAS,
            QnetLexer.ROUNDING,
            QnetLexer.PARAMETERS,
            QnetLexer.INPUT,
            QnetLexer.LABELS,
            QnetLexer.STATE,
            QnetLexer.NEXT);
    private static final Set<Integer> BEGINS_VALUE = Set.of(
            QnetLexer.INT,
            QnetLexer.FLOAT,
            QnetLexer.STRING,
            QnetLexer.TRUE,
            QnetLexer.FALSE,
            QnetLexer.MINUS,
            QnetLexer.NOT,
            QnetLexer.IF,
            QnetLexer.LPAREN,
            QnetLexer.LBRACKET);

    private static boolean beginsValue(Token token) {
        int type = token.getType();
        return type == QnetLexer.ID || SOFT.contains(type) || BEGINS_VALUE.contains(type);
    }

    static boolean isReserved(Token token) {
        return token.getType() >= QnetLexer.QNET && token.getType() < QnetLexer.ID && !SOFT.contains(token.getType());
    }

    static boolean isCloser(Token token) {
        return token.getType() == QnetLexer.RPAREN
                || token.getType() == QnetLexer.RBRACKET
                || token.getType() == QnetLexer.RBRACE;
    }

    static boolean isOpener(Token token) {
        return OPENERS.contains(token.getType());
    }

    boolean isNameInLine(int index) {
        int type = tokens.get(index).getType();
        return (type == QnetLexer.ID || SOFT.contains(type)) && !isFirstOnLine(index);
    }

    boolean isFirstOnLine(int index) {
        return index == 0
                || source.line(start(tokens.get(index)))
                        > source.line(tokens.get(index - 1).getStopIndex());
    }

    static boolean beginsDeclaration(Token token) {
        return token.getType() != QnetLexer.CONST && DECLARATIONS.contains(token.getText());
    }

    private int next(Token token) {
        return token.getType() == Token.EOF
                ? Token.EOF
                : tokens.get(token.getTokenIndex() + 1).getType();
    }

    private int start(Token token) {
        return Math.min(token.getStartIndex(), source.text().length());
    }

    private Span span(Token token) {
        int start = start(token);
        return new Span(source, start, Math.max(start, token.getStopIndex() + 1));
    }
}
