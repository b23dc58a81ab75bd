package dev.qnet.compiler.front.ast;

import dev.qnet.compiler.source.Span;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@code const NAME: type items = value}, at the top of a file or in a body: a compile-time value, an inline tensor, or
 * a tensor of codes with the scales that its items give ({@code i8[1, 3, 3, 1] scale(0.0625)}).
 *
 * @param type null where the value shows it
 * @param items empty where no type is written
 */
public record Const(Name name, @Nullable TypeRef type, List<Item> items, Expr value, Span span) implements Decl, Stmt {
    public Const {
        items = List.copyOf(items);
    }
}
