package dev.qnet.compiler.front.ast;

import dev.qnet.compiler.source.Span;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One output in a model's head: {@code f32[N, 10]} or {@code logits: f32[N, 10]}.
 *
 * @param name null where the model has one output without a name
 * @param annotations what callers name it
 */
public record Result(@Nullable Name name, TypeRef type, List<Annotation> annotations, Span span) implements Ast {
    public Result {
        annotations = List.copyOf(annotations);
    }
}
