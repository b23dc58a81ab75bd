/** Lowers integer graphs to tensor programs: a function a layer, and an entry that runs them over a planned arena. */
@org.jspecify.annotations.NullMarked
package dev.qnet.target.tvm.lower;
