/** Source text, positions in it, and what is said about them. */
@org.jspecify.annotations.NullMarked
package dev.qnet.compiler.source;
