/** The graph: types, operations, text form, verifier. Knows no parser of sources, no passes, no targets, no files. */
@org.jspecify.annotations.NullMarked
package dev.qnet.compiler.ir;
