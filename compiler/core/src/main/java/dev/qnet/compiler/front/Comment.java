package dev.qnet.compiler.front;

import dev.qnet.compiler.source.Span;

/**
 * A comment, which means nothing to the compiler and everything to the formatter.
 *
 * @param text with its {@code //} or its {@code /*} and end
 */
record Comment(String text, Span span) {
    boolean isLine() {
        return text.startsWith("//");
    }
}
