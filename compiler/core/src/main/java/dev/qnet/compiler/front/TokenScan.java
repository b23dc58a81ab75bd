package dev.qnet.compiler.front;

import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.compiler.source.Span;
import dev.qnet.grammar.QnetLexer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.antlr.v4.runtime.CommonToken;
import org.antlr.v4.runtime.Token;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a stretch of text into tokens and comments. What is no token is reported and left out, so that the parser meets
 * only tokens of the grammar.
 */
final class TokenScan {
    private final Span stretch;
    private final Diagnostics diagnostics;
    private final Consumer<Token> first;
    private final List<Token> tokens = new ArrayList<>();
    private final List<Comment> comments = new ArrayList<>();

    private TokenScan(Span stretch, Diagnostics diagnostics, Consumer<Token> first) {
        this.stretch = stretch;
        this.diagnostics = diagnostics;
        this.first = first;
    }

    /**
     * Scans a stretch of text.
     *
     * @throws CompileException if it holds more than {@link Parser#MAX_TOKENS} tokens
     */
    static TokenScan of(Span stretch, Diagnostics diagnostics) {
        return of(stretch, diagnostics, token -> {});
    }

    /**
     * Scans a stretch of text as {@link #of(Span, Diagnostics)} does.
     *
     * @param first takes the first token before the rest is scanned, so that a text of another kind is refused as that
     */
    static TokenScan of(Span stretch, Diagnostics diagnostics, Consumer<Token> first) {
        TokenScan scan = new TokenScan(stretch, diagnostics, first);
        scan.run();
        return scan;
    }

    /** The tokens, the end of input last. */
    List<Token> tokens() {
        return tokens;
    }

    List<Comment> comments() {
        return comments;
    }

    private void run() {
        TextStream stream = new TextStream(stretch);
        QnetLexer lexer = new QnetLexer(stream);
        // Every character begins some token (STRAY at the least): the lexer has no errors of its own to print.
        lexer.removeErrorListeners();
        int strayFrom = -1;
        int strayTo = -1;
        while (true) {
            Token token = lexer.nextToken();
            int type = token.getType();
            if (type == QnetLexer.STRAY) {
                if (strayTo == token.getStartIndex()) {
                    strayTo++;
                    continue;
                }
                reportStray(strayFrom, strayTo);
                strayFrom = token.getStartIndex();
                strayTo = strayFrom + 1;
                if (token.getText().equals("#")) {
                    // Meant as a comment: what follows on the line is prose, not tokens.
                    int lineEnd = stretch.file().text().indexOf('\n', strayTo);
                    stream.seek(lineEnd < 0 ? stretch.end() : lineEnd);
                }
                continue;
            }
            reportStray(strayFrom, strayTo);
            strayFrom = -1;
            if (type == QnetLexer.UNTERMINATED_COMMENT) {
                reportComment(token);
                tokens.add(end(token));
                return;
            }
            if (token.getChannel() == Token.HIDDEN_CHANNEL) {
                comments.add(new Comment(token.getText(), spanOf(token)));
                continue;
            }
            if (type == QnetLexer.UNTERMINATED_STRING) {
                token = closed(token);
            }
            if (tokens.isEmpty()) {
                first.accept(token);
            } else {
                tokens.set(tokens.size() - 1, nameable(tokens.getLast(), type));
            }
            tokens.add(token);
            if (type == Token.EOF) {
                return;
            }
            if (tokens.size() > Parser.MAX_TOKENS) {
                throw new CompileException(Diagnostic.error(
                                "too-large", spanOf(token), "the file has more than " + Parser.MAX_TOKENS + " tokens")
                        .withFix("keep large tensors in a .safetensors file and name it with `parameters`"));
            }
        }
    }

    private void reportComment(Token token) {
        diagnostics.add(Diagnostic.error("unterminated-comment", spanOf(token), "this comment never ends")
                .withFix("close it with */"));
    }

    /** A string without its closing quote, reported, and then read as if the line's end closed it. */
    private Token closed(Token token) {
        diagnostics.add(Diagnostic.error("unterminated-string", spanOf(token), "this string never ends")
                .labelled("no closing '\"' before the end of the line")
                .withFix("close it with '\"'; write \\n for a line break inside a string"));
        CommonToken string = new CommonToken(token);
        string.setType(QnetLexer.STRING);
        return string;
    }

    /**
     * A token and the type of the next: a reserved word before '=', ',' or ')' can only be meant as a name. It is
     * reported, and then read as one.
     */
    private Token nameable(Token token, int next) {
        boolean named = next == QnetLexer.ASSIGN
                ? token.getType() != QnetLexer.CONST
                : (next == QnetLexer.COMMA || next == QnetLexer.RPAREN)
                        && token.getType() != QnetLexer.TRUE
                        && token.getType() != QnetLexer.FALSE;
        if (!named || !SyntaxWords.isReserved(token)) {
            return token;
        }
        diagnostics.add(SyntaxWords.reserved(token.getText(), spanOf(token)));
        CommonToken name = new CommonToken(token);
        name.setType(QnetLexer.ID);
        return name;
    }

    private Token end(Token token) {
        CommonToken eof = new CommonToken(token);
        eof.setType(Token.EOF);
        eof.setStartIndex(stretch.end());
        eof.setStopIndex(stretch.end() - 1);
        return eof;
    }

    private void reportStray(int from, int to) {
        if (from < 0) {
            return;
        }
        Span span = new Span(stretch.file(), from, to);
        String text = stretch.file().text().substring(from, to);
        int first = text.codePointAt(0);
        boolean one = text.codePointCount(0, text.length()) == 1;
        String shown = Character.isISOControl(first) || (first <= 0xFFFF && Character.isSurrogate((char) first))
                ? "the character U+%04X".formatted(first)
                : "'" + (one ? text : Character.toString(first)) + "'";
        String message =
                one ? shown + " means nothing here" : "these characters mean nothing here, beginning with " + shown;
        Diagnostic d = Diagnostic.error("bad-character", span, message);
        String fix = fixFor(first);
        diagnostics.add(fix == null ? d : d.withFix(fix));
    }

    private static @Nullable String fixFor(int c) {
        return switch (c) {
            case '#' -> "begin a comment with //";
            case ';' -> "leave it out: statements need no separator";
            case '\'', '`', '‘', '’', '“', '”' -> "write strings in plain double quotes: \"...\"";
            case '&' -> "write && for and";
            case '|' -> "write |> for a pipe, || for or";
            case '×' -> "write * to multiply";
            case '−', '–' -> "write a plain -";
            case '\uFEFF' -> "save the file as UTF-8 without a byte order mark inside the text";
            default -> null;
        };
    }

    private Span spanOf(Token token) {
        int start = Math.min(token.getStartIndex(), stretch.end());
        return new Span(stretch.file(), start, Math.max(start, token.getStopIndex() + 1));
    }
}
