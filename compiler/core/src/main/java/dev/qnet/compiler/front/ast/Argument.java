package dev.qnet.compiler.front.ast;

import dev.qnet.compiler.source.Span;
import org.jspecify.annotations.Nullable;

/**
 * An argument of a call, an item or an annotation, or one value of a {@code return}.
 *
 * @param name null for a positional one
 */
public record Argument(@Nullable Name name, Expr value, Span span) implements Ast {}
