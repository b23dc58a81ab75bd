/**
 * From the syntax tree to a graph: names, compile-time values, blocks, shapes, schemes, parameters. Knows no passes and
 * no targets.
 */
@org.jspecify.annotations.NullMarked
package dev.qnet.compiler.front.bind;
