package dev.qnet.compiler.front.ast;

import dev.qnet.compiler.source.Span;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A parameter of a block ({@code stride: int = 1}) or an input of a model ({@code image: f32[N, 32, 32, 3]}).
 *
 * @param type null where none is written: a tensor. A model's input always has one and never a default.
 * @param defaultValue null where the argument must be given
 * @param annotations of a model's input: what callers name it
 */
public record Param(
        Name name, @Nullable TypeRef type, @Nullable Expr defaultValue, List<Annotation> annotations, Span span)
        implements Ast {
    public Param {
        annotations = List.copyOf(annotations);
    }
}
