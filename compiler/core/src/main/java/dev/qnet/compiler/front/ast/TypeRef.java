package dev.qnet.compiler.front.ast;

import dev.qnet.compiler.source.Span;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A type as it is written: {@code int}, {@code tensor}, {@code f32[N, 32, 32, 3]}.
 *
 * @param name the element or compile-time type
 * @param dims the dimensions, expressions over constants and the batch {@code N}; empty for {@code f32[]} (a scalar
 *     tensor), null where no brackets stand
 */
public record TypeRef(Name name, @Nullable List<Expr> dims, Span span) implements Ast {
    public TypeRef {
        dims = dims == null ? null : List.copyOf(dims);
    }
}
