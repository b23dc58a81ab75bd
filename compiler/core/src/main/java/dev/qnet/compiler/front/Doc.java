package dev.qnet.compiler.front;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A text whose line breaks are still open (P. Wadler, "A prettier printer", 2003): a group is written on one line if it
 * fits, and else with each of its own lines broken.
 */
sealed interface Doc {

    /** A token, with the comments that go around it. {@link Comments} sorts them before anything is written. */
    final class Token implements Doc {
        final String text;
        final Lexemes.@Nullable Lexeme lexeme;
        /** Comments that stand in the line: written before and after the token as they are. */
        final List<Comment> before = new ArrayList<>();

        final List<Comment> after = new ArrayList<>();
        /** Comments with lines of their own above the token's. */
        final List<Comment> above = new ArrayList<>();
        /** Comments that wait for the end of the line. */
        final List<Comment> waiting = new ArrayList<>();

        Token(String text, Lexemes.@Nullable Lexeme lexeme) {
            this.text = text;
            this.lexeme = lexeme;
        }

        boolean isOpener() {
            return text.equals("(") || text.equals("[") || text.equals("{");
        }

        boolean isCloser() {
            return text.equals(")") || text.equals("]") || text.equals("}");
        }

        boolean hasBlankBefore() {
            return lexeme != null && Lexemes.blankBefore(lexeme.span);
        }
    }

    /** Blanks inside a line; never at its end. */
    record Blank(int width) implements Doc {}

    /** A place where a line may end. */
    enum Line implements Doc {
        /** A blank if the group is on one line. */
        BLANK,
        /** Nothing if the group is on one line. */
        NOTHING,
        /** Always ends a line; keeps an empty line of the source. */
        HARD,
        /** Always ends a line, and leaves one empty. */
        EMPTY
    }

    /** What is written only where the enclosing group is broken: a last comma. */
    record IfBroken(String text) implements Doc {}

    record Indent(Doc body) implements Doc {}

    record Concat(List<Doc> parts) implements Doc {}

    /** On one line if it fits and nothing in it needs a line's end. */
    final class Group implements Doc {
        final Doc body;
        boolean broken;

        Group(Doc body) {
            this.body = body;
        }
    }

    static Doc concat(Doc... parts) {
        return new Concat(List.of(parts));
    }

    static Doc concat(List<Doc> parts) {
        return new Concat(List.copyOf(parts));
    }

    static Doc indent(Doc... parts) {
        return new Indent(concat(parts));
    }

    static Doc group(Doc... parts) {
        return new Group(concat(parts));
    }

    static Doc blank() {
        return new Blank(1);
    }
}
