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
import org.jspecify.annotations.Nullable;

/**
 * What the parser does on an error: reports it in the user's terms ({@link SyntaxWords}) and goes on, so that one run
 * shows several.
 */
final class SyntaxErrors extends DefaultErrorStrategy {
    /** How many tokens must be read after an error before the next one counts; earlier ones are its echo. */
    private static final int QUIET_TOKENS = 2;

    private final Diagnostics diagnostics;
    private final SyntaxWords words;
    private int resumedAt = -QUIET_TOKENS;

    SyntaxErrors(SourceFile source, List<Token> tokens, Diagnostics diagnostics) {
        this.diagnostics = diagnostics;
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

    private void report(org.antlr.v4.runtime.Parser parser, ParserRuleContext context, Token found) {
        beginErrorCondition(parser);
        boolean echo = found.getTokenIndex() - resumedAt < QUIET_TOKENS;
        resumedAt = found.getTokenIndex();
        if (!echo) {
            diagnostics.add(words.diagnostic(context, (QnetParser) parser, found));
        }
    }
}
