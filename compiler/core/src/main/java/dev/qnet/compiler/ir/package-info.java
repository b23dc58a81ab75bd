/** The graph: types, operations, text form, verifier. */
@org.jspecify.annotations.NullMarked
package dev.qnet.compiler.ir;
