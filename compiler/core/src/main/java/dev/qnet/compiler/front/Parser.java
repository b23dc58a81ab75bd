package dev.qnet.compiler.front;

import dev.qnet.compiler.front.ast.Ast;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.compiler.source.SourceFile;
import dev.qnet.compiler.source.Span;
import dev.qnet.grammar.QnetLexer;
import dev.qnet.grammar.QnetParser;
import java.util.Comparator;
import java.util.List;
import org.antlr.v4.runtime.CommonTokenStream;
import org.antlr.v4.runtime.ListTokenSource;
import org.antlr.v4.runtime.ParserRuleContext;
import org.antlr.v4.runtime.Token;

/**
 * Reads the text of a `.qnet` file into a syntax tree. Any text gives a tree or a {@link CompileException}, in memory
 * and stack bounded by the limits below.
 */
public final class Parser {
    /** The version of the language that this compiler reads. */
    public static final int VERSION = 1;

    /** The longest text in characters. */
    public static final int MAX_CHARS = 4 << 20;

    /** The most tokens in a file. */
    public static final int MAX_TOKENS = 500_000;

    /** How deep brackets and bodies may stand in one another. */
    public static final int MAX_NESTING = 200;

    /** How deep an expression's tree may be, with each operator of a chain such as {@code a + b + c} a level. */
    public static final int MAX_DEPTH = 1000;

    private Parser() {}

    /**
     * Reads one file. Files that it includes are not looked at ({@link Includes} does).
     *
     * @throws CompileException with every error found, if the text is not a file of the language
     */
    public static Ast.File parse(SourceFile source) {
        return read(source).file();
    }

    /** A file with what its tree leaves out, for the formatter: tokens and comments, each in the order of the text. */
    record Parsed(Ast.File file, List<Span> tokens, List<Comment> comments) {}

    static Parsed read(SourceFile source) {
        Span whole = new Span(source, 0, source.text().length());
        if (whole.end() > MAX_CHARS) {
            throw new CompileException(Diagnostic.error(
                            "too-large",
                            new Span(source, 0, 0),
                            "the file has " + whole.end() + " characters, more than the " + MAX_CHARS + " allowed")
                    .withFix("keep large tensors in a .safetensors file and name it with `parameters`"));
        }
        Diagnostics diagnostics = new Diagnostics();
        TokenScan scan = TokenScan.of(whole, diagnostics, first -> checkBegins(source, first));
        checkVersion(source, scan.tokens());
        QnetParser parser = parser(source, scan.tokens(), diagnostics);
        QnetParser.FileContext tree = parser.file();
        throwIfErrors(diagnostics);
        Ast.File file = new AstBuilder(source, diagnostics).file(tree);
        throwIfErrors(diagnostics);
        List<Span> tokens = scan.tokens().stream().map(t -> spanOf(source, t)).toList();
        return new Parsed(file, tokens, scan.comments());
    }

    /** Tokens, syntax and literals are judged in turn; the user reads the text from top to bottom. */
    private static void throwIfErrors(Diagnostics diagnostics) {
        if (diagnostics.hasErrors()) {
            throw new CompileException(diagnostics.all().stream()
                    .sorted(Comparator.comparingInt(d -> d.span().start()))
                    .toList());
        }
    }

    /** A parser of a list of tokens that reports in our words and within our limits. */
    static QnetParser parser(SourceFile source, List<Token> tokens, Diagnostics diagnostics) {
        QnetParser parser = new Limited(source, tokens);
        parser.removeErrorListeners();
        parser.setErrorHandler(new SyntaxErrors(source, tokens, diagnostics));
        return parser;
    }

    /** Refuses a text that is none of the language before judging its characters. */
    private static void checkBegins(SourceFile source, Token first) {
        if (first.getType() != QnetLexer.QNET) {
            throw new CompileException(Diagnostic.error(
                            "missing-header", spanOf(source, first), "a file begins with the version of its language")
                    .withFix("begin it with `qnet " + VERSION + "`"));
        }
    }

    /** Refuses a text in another version of the language before judging its syntax. */
    private static void checkVersion(SourceFile source, List<Token> tokens) {
        Span at = spanOf(source, tokens.getFirst());
        Token version = tokens.get(1);
        if (version.getType() == QnetLexer.INT && version.getText().equals(Integer.toString(VERSION))) {
            return;
        }
        boolean number = version.getType() == QnetLexer.INT || version.getType() == QnetLexer.FLOAT;
        throw new CompileException(
                number
                        ? Diagnostic.error(
                                        "unsupported-version",
                                        spanOf(source, version),
                                        "this file is written in version " + clip(version.getText())
                                                + " of the language; this compiler reads version " + VERSION)
                                .withFix("write `qnet " + VERSION + "`, or use a compiler that reads version "
                                        + clip(version.getText()))
                        : Diagnostic.error("missing-header", at, "`qnet` is followed by the version of the language")
                                .withFix("write `qnet " + VERSION + "`"));
    }

    private static String clip(String digits) {
        return digits.length() <= 12 ? digits : digits.substring(0, 12) + "...";
    }

    private static Span spanOf(SourceFile source, Token token) {
        int start = Math.min(token.getStartIndex(), source.text().length());
        return new Span(source, start, Math.max(start, token.getStopIndex() + 1));
    }

    /**
     * Counts how deep expressions and bodies stand in one another as the parser enters them: every recursion of the
     * grammar goes through one of the two, so this bounds the parser's stack.
     */
    private static final class Limited extends QnetParser {
        private final SourceFile source;
        private int nesting;

        Limited(SourceFile source, List<Token> tokens) {
            super(new CommonTokenStream(new ListTokenSource(tokens)));
            this.source = source;
        }

        @Override
        public void enterRule(ParserRuleContext context, int state, int ruleIndex) {
            super.enterRule(context, state, ruleIndex);
            if (nests(ruleIndex) && ++nesting > MAX_NESTING) {
                throw new CompileException(Diagnostic.error(
                                "too-deep",
                                spanOf(source, getCurrentToken()),
                                "brackets stand in one another more than " + MAX_NESTING + " deep")
                        .withFix("name an inner part: `part = ...`"));
            }
        }

        @Override
        public void exitRule() {
            if (nests(getContext().getRuleIndex())) {
                nesting--;
            }
            super.exitRule();
        }

        private static boolean nests(int ruleIndex) {
            return ruleIndex == RULE_expr || ruleIndex == RULE_body;
        }
    }
}
