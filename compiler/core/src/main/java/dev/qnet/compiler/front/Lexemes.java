package dev.qnet.compiler.front;

import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.List;

/**
 * The tokens of a source with the comments around them, read in step with the tree: the layout asks for each token that
 * it writes, and so every comment finds its place.
 *
 * <p>A comment on the line of the token before it belongs to that token, any other to the token after it.
 */
final class Lexemes {
    /** One token; an empty one ends the file. */
    static final class Lexeme {
        final Span span;
        final List<Comment> leading = new ArrayList<>();
        final List<Comment> trailing = new ArrayList<>();

        Lexeme(Span span) {
            this.span = span;
        }

        String text() {
            return span.file().text().substring(span.start(), span.end());
        }

        int line() {
            return span.file().line(span.start());
        }
    }

    private final List<Lexeme> lexemes = new ArrayList<>();
    private int at;

    Lexemes(Parser.Parsed parsed) {
        int comment = 0;
        List<Comment> comments = parsed.comments();
        for (Span span : parsed.tokens()) {
            Lexeme lexeme = new Lexeme(span);
            for (; comment < comments.size() && comments.get(comment).span().start() < span.start(); comment++) {
                attach(comments.get(comment), lexeme);
            }
            lexemes.add(lexeme);
        }
        // A comment may end the file with no line break after it: the end then stands where the comment begins or
        // later.
        for (; comment < comments.size(); comment++) {
            lexemes.getLast().leading.add(comments.get(comment));
        }
    }

    private void attach(Comment comment, Lexeme next) {
        if (!lexemes.isEmpty() && lexemes.getLast().line() == comment.firstLine()) {
            lexemes.getLast().trailing.add(comment);
        } else {
            next.leading.add(comment);
        }
    }

    /** The next token, whatever it is. */
    Lexeme next() {
        return lexemes.get(at++);
    }

    /**
     * The next token, which must be this one.
     *
     * @throws IllegalStateException if it is another: the layout then writes something that the source does not say
     */
    Lexeme next(String text) {
        if (!isNext(text)) {
            throw new IllegalStateException("the layout writes '" + text + "' for " + lexemes.get(at).span + ": '"
                    + lexemes.get(at).text() + "'");
        }
        return lexemes.get(at++);
    }

    boolean isNext(String text) {
        return lexemes.get(at).text().equals(text);
    }

    /** Leaves out a token that the layout does not write; the token before it takes over its comments. */
    void skip(String text) {
        if (at > 0 && isNext(text)) {
            Lexeme skipped = lexemes.remove(at);
            lexemes.get(at - 1).trailing.addAll(skipped.leading);
            lexemes.get(at - 1).trailing.addAll(skipped.trailing);
        }
    }

    /** Leaves out a pair of empty parentheses. */
    void skipEmptyParentheses() {
        if (isNext("(") && lexemes.get(at + 1).text().equals(")")) {
            skip("(");
            skip(")");
        }
    }

    /** True if the blanks right before a place hold an empty line. */
    static boolean blankBefore(Span span) {
        String text = span.file().text();
        int breaks = 0;
        for (int i = span.start() - 1; i >= 0 && Character.isWhitespace(text.charAt(i)); i--) {
            breaks += text.charAt(i) == '\n' ? 1 : 0;
        }
        return breaks > 1;
    }
}
