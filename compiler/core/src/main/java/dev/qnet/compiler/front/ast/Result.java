package dev.qnet.compiler.front.ast;

import dev.qnet.compiler.source.Span;
import org.jspecify.annotations.Nullable;

/**
 * One output in a model's head: {@code f32[N, 10]} or {@code logits: f32[N, 10]}.
 *
 * @param name null where the model has one output without a name
 */
public record Result(@Nullable Name name, TypeRef type, Span span) implements Ast {}
