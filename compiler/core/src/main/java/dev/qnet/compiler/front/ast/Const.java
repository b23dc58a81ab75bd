package dev.qnet.compiler.front.ast;

import dev.qnet.compiler.source.Span;
import org.jspecify.annotations.Nullable;

/**
 * {@code const NAME: type = value}, at the top of a file or in a body: a compile-time value, an inline tensor, or a
 * tensor of codes with the scales that its type's items give ({@code i8[1, 3, 3, 1] scale(0.0625)}).
 *
 * @param type null where the value shows it
 */
public record Const(Name name, @Nullable TypeRef type, Expr value, Span span) implements Decl, Stmt {}
