package dev.qnet.compiler.front.ast;

import dev.qnet.compiler.source.Span;

/** An identifier where it stands. */
public record Name(String text, Span span) implements Ast {
    @Override
    public String toString() {
        return text;
    }
}
