package dev.qnet.compiler.front;

import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.compiler.source.SourceFile;
import dev.qnet.grammar.QnetParser;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.antlr.v4.runtime.DefaultErrorStrategy;
import org.antlr.v4.runtime.ParserRuleContext;
import org.antlr.v4.runtime.RecognitionException;
import org.antlr.v4.runtime.Token;
import org.antlr.v4.runtime.misc.IntervalSet;
import org.jspecify.annotations.Nullable;

/**
 * What the parser does on an error: reports it in the user's terms ({@link SyntaxWords}) and goes on, so that one run
 * shows several.
 */
final class SyntaxErrors extends DefaultErrorStrategy {
    /** How many tokens must be read after an error before the next one counts; earlier ones are its echo. */
    private static final int QUIET_TOKENS = 2;
    /** How far to look for the end of a group to skip: keeps recovery linear in a text of nothing but openers. */
    private static final int MAX_GROUP = 200;
    /** After this many errors, echoes among them, nothing that follows can be trusted. */
    private static final int MAX_REPORTS = 200;

    private final Diagnostics diagnostics;
    private final SyntaxWords words;
    private final List<Token> tokens;
    /** Lines where characters made no token: what the parser misses there is an echo. */
    private final Set<Integer> badLines;

    private int reportedAt = -1;
    private int reports;
    private int resumedAt = -QUIET_TOKENS;

    SyntaxErrors(SourceFile source, List<Token> tokens, Diagnostics diagnostics) {
        this.diagnostics = diagnostics;
        this.tokens = tokens;
        this.badLines = diagnostics.all().stream()
                .map(d -> source.line(d.span().start()))
                .collect(Collectors.toSet());
        this.words = new SyntaxWords(source, tokens);
    }

    /**
     * Adds the diagnostic of an error, unless it is the echo of an earlier one.
     *
     * @throws CompileException once there are too many
     */
    @Override
    public void reportError(org.antlr.v4.runtime.Parser parser, RecognitionException e) {
        if (!inErrorRecoveryMode(parser)) {
            // Not the exception's context, which is the first that could have ended before the token.
            report(parser, parser.getContext(), e.getOffendingToken());
        }
    }

    @Override
    protected void reportUnwantedToken(org.antlr.v4.runtime.Parser parser) {
        if (!inErrorRecoveryMode(parser)) {
            report(parser, parser.getContext(), parser.getCurrentToken());
        }
    }

    @Override
    protected void reportMissingToken(org.antlr.v4.runtime.Parser parser) {
        reportUnwantedToken(parser);
    }

    /**
     * Never leaves a token out. Skipping a closing bracket and going on inside would let {@code ()()()...} nest as deep
     * as the text is long.
     */
    @Override
    protected @Nullable Token singleTokenDeletion(org.antlr.v4.runtime.Parser parser) {
        return null;
    }

    @Override
    public void recover(org.antlr.v4.runtime.Parser parser, RecognitionException e) {
        super.recover(parser, e);
        resumedAt = parser.getInputStream().index();
    }

    /**
     * Skips to a token of the set, a bracketed group at a time: what is inside one closes nothing outside. A name in
     * the middle of a line, which the grammar would let begin the next statement, is still a part of this one.
     */
    @Override
    protected void consumeUntil(org.antlr.v4.runtime.Parser parser, IntervalSet set) {
        int type = parser.getCurrentToken().getType();
        while (type != Token.EOF
                && (!set.contains(type)
                        || words.isNameInLine(parser.getCurrentToken().getTokenIndex()))) {
            for (int n = groupLength(parser.getCurrentToken().getTokenIndex()); n > 0; n--) {
                parser.consume();
            }
            type = parser.getCurrentToken().getType();
        }
    }

    /**
     * How many tokens the bracketed group that begins here has; 1 where none begins or it does not end in its
     * statement.
     */
    private int groupLength(int from) {
        if (!SyntaxWords.isOpener(tokens.get(from))) {
            return 1;
        }
        int depth = 0;
        for (int i = from; i < tokens.size() && i < from + MAX_GROUP; i++) {
            Token token = tokens.get(i);
            if (SyntaxWords.isOpener(token)) {
                depth++;
            } else if (SyntaxWords.isCloser(token) && --depth == 0) {
                return i - from + 1;
            } else if (SyntaxWords.beginsDeclaration(token)) {
                return 1;
            }
        }
        return 1;
    }

    private void report(org.antlr.v4.runtime.Parser parser, ParserRuleContext context, Token found) {
        beginErrorCondition(parser);
        boolean echo = isEcho(found.getTokenIndex());
        resumedAt = found.getTokenIndex();
        reportedAt = resumedAt;
        if (!echo) {
            Diagnostic d = words.diagnostic(context, (QnetParser) parser, found);
            if (!badLines.contains(d.span().file().line(d.span().start()))) {
                diagnostics.add(d);
            }
        }
        if (++reports > MAX_REPORTS) {
            throw new CompileException(diagnostics.all());
        }
    }

    /** True right after an earlier error, unless a new line or a reserved word has made a new start since. */
    private boolean isEcho(int found) {
        if (found - resumedAt >= QUIET_TOKENS) {
            return false;
        }
        for (int i = Math.max(resumedAt, 0); i < found; i++) {
            if (i != reportedAt && (SyntaxWords.isReserved(tokens.get(i)) || words.isFirstOnLine(i))) {
                return false;
            }
        }
        return true;
    }
}
