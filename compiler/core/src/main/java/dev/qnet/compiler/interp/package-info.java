/**
 * The oracle: a plain interpreter of graphs at all three levels, the judge of every backend in tests. It computes each
 * operation from its definition and shares no arithmetic with passes, targets or the runtime.
 */
@org.jspecify.annotations.NullMarked
package dev.qnet.compiler.interp;
