package dev.qnet.compiler.front.ast;

import dev.qnet.compiler.source.Span;
import java.util.List;

/** {@code @weights(i4, per_group(32))}: overrides the scheme, or names the value, of the operation just before it. */
public record Annotation(Name name, List<Argument> arguments, Span span) implements Ast {
    public Annotation {
        arguments = List.copyOf(arguments);
    }
}
