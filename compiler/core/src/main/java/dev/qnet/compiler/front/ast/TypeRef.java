package dev.qnet.compiler.front.ast;

import dev.qnet.compiler.source.Span;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A type as it is written: {@code int}, {@code tensor}, {@code f32[N, 32, 32, 3]}, {@code i8[1, 10] scale(0.5) zero(3)}.
 *
 * @param name the element or compile-time type
 * @param dims the dimensions, expressions over constants and the batch {@code N}; empty for {@code f32[]} (a scalar
 *     tensor), null where no brackets stand
 * @param items what codes mean, as words of quantization
 */
public record TypeRef(Name name, @Nullable List<Expr> dims, List<Item> items, Span span) implements Ast {
    public TypeRef {
        items = List.copyOf(items);
        dims = dims == null ? null : List.copyOf(dims);
    }
}
