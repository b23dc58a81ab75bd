package dev.qnet.compiler.front;

import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.compiler.source.SourceFile;
import dev.qnet.grammar.QnetParser;
import java.util.List;
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
    private int reports;
    private int resumedAt = -QUIET_TOKENS;

    SyntaxErrors(SourceFile source, List<Token> tokens, Diagnostics diagnostics) {
        this.diagnostics = diagnostics;
        this.tokens = tokens;
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
            ParserRuleContext context = e.getCtx() instanceof ParserRuleContext c ? c : parser.getContext();
            report(parser, context, e.getOffendingToken());
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

    /** Skips to a token of the set, a bracketed group at a time: what is inside one closes nothing outside. */
    @Override
    protected void consumeUntil(org.antlr.v4.runtime.Parser parser, IntervalSet set) {
        int type = parser.getCurrentToken().getType();
        while (type != Token.EOF && !set.contains(type)) {
            for (int n = groupLength(parser.getCurrentToken().getTokenIndex()); n > 0; n--) {
                parser.consume();
            }
            type = parser.getCurrentToken().getType();
        }
    }

    /** How many tokens the bracketed group that begins here has; 1 where none begins or it does not end in its statement. */
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
        if (!echo) {
            diagnostics.add(words.diagnostic(context, (QnetParser) parser, found));
        }
        if (++reports > MAX_REPORTS) {
            throw new CompileException(diagnostics.all());
        }
    }

    /** True right after an earlier error, unless a reserved word has made a new start since. */
    private boolean isEcho(int found) {
        if (found - resumedAt >= QUIET_TOKENS) {
            return false;
        }
        return tokens.subList(Math.max(resumedAt, 0), Math.max(found, 0)).stream().noneMatch(SyntaxWords::isReserved);
    }
}
