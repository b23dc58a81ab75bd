package dev.qnet.compiler.front;

import dev.qnet.compiler.source.Span;
import java.util.stream.Collectors;

/**
 * A comment, which means nothing to the compiler and everything to the formatter.
 *
 * @param text with its {@code //} or its {@code /*} and end
 */
record Comment(String text, Span span) {
    /** True for a comment that code may follow on its line. */
    boolean isInline() {
        return !text.startsWith("//") && text.indexOf('\n') < 0;
    }

    /** True if the source has an empty line right before it. */
    boolean hasBlankBefore() {
        return Lexemes.blankBefore(span);
    }

    /** The first of its lines. */
    int firstLine() {
        return span.file().line(span.start());
    }

    /** The last of its lines. */
    int lastLine() {
        return span.file().line(span.end());
    }

    /**
     * Its text at an indentation: blanks at line ends go, and a block whose every line begins with a star is moved as a
     * whole. Any other block is someone's drawing and keeps its columns.
     */
    String at(int indent) {
        if (text.indexOf('\n') < 0) {
            return text.stripTrailing();
        }
        boolean starred = text.lines().skip(1).allMatch(l -> l.stripLeading().startsWith("*"));
        String margin = " ".repeat(indent + 1);
        String rest = text.lines()
                .skip(1)
                .map(l -> starred ? margin + l.strip() : l.stripTrailing())
                .collect(Collectors.joining("\n"));
        return text.lines().findFirst().orElse("").stripTrailing() + "\n" + rest;
    }
}
