package dev.qnet.compiler.front.ast;

import dev.qnet.compiler.source.Span;
import org.jspecify.annotations.Nullable;

/**
 * {@code const NAME: type = value}, at the top of a file or in a body: a compile-time value or an inline tensor.
 *
 * @param type null where the value shows it
 */
public record Const(Name name, @Nullable TypeRef type, Expr value, Span span) implements Decl, Stmt {}
