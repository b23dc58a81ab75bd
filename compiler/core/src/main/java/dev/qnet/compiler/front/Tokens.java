package dev.qnet.compiler.front;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Gives the layout its tokens: those of a source, with their comments and literals as they were written, or plain ones
 * for a tree that code built.
 */
final class Tokens {
    private static final Pattern PATH = Pattern.compile("[A-Za-z_]\\w*(\\.[A-Za-z_]\\w*)*");

    private final @Nullable Lexemes source;

    Tokens(@Nullable Lexemes source) {
        this.source = source;
    }

    boolean hasSource() {
        return source != null;
    }

    boolean isNext(String text) {
        return source != null && source.isNext(text);
    }

    /** A token that is written one way. Before a closing bracket, a last comma of the source is left out. */
    Doc token(String text) {
        if (source == null) {
            return new Doc.Token(text, null);
        }
        if (text.equals(")") || text.equals("]")) {
            source.skip(",");
        }
        return new Doc.Token(text, source.next(text));
    }

    /** A literal: as the source has it, or as given. A sign before a number is a token of its own. */
    Doc literal(String text) {
        if (source == null) {
            return new Doc.Token(text, null);
        }
        if (text.startsWith("-")) {
            Doc sign = token("-");
            return Doc.concat(sign, literal(""));
        }
        Lexemes.Lexeme next = source.next();
        return new Doc.Token(next.text(), next);
    }

    /** The dotted path of a value, in quotes if it needs them. */
    Doc path(String path) {
        if (source == null) {
            return new Doc.Token(PATH.matcher(path).matches() ? path : ExprLayout.quoted(path), null);
        }
        List<Doc> parts = new ArrayList<>();
        while (!source.isNext(":")) {
            parts.add(literal(""));
        }
        return Doc.concat(parts);
    }

    /** Leaves out a pair of empty parentheses where none are needed. */
    void skipEmptyParentheses() {
        if (source != null) {
            source.skipEmptyParentheses();
        }
    }

    /** The end of the file, which holds the last comments. */
    Doc end() {
        return new Doc.Token("", source == null ? null : source.next());
    }
}
