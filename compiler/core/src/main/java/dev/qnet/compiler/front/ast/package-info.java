/** What a `.qnet` text says, as records with spans: what the parser gives and the binder reads. */
@org.jspecify.annotations.NullMarked
package dev.qnet.compiler.front.ast;
