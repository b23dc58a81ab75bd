/**
 * Every computation that a deployed model needs, over plain Java arrays. A kernel is built once, when a model loads:
 * its factory checks and packs what is constant (weights, multipliers, tables). It is immutable, so that threads
 * share it, and runs on a thread's own {@link dev.qnet.runtime.kernel.Banks}, allocating nothing once these have
 * grown to size. Kernels work on one item of a batch.
 *
 * <p>Loops worth it exist twice with the same bytes: in plain Java, and with the Vector API (the classes named {@code
 * Simd…}, the only ones that touch it); {@link dev.qnet.runtime.kernel.Backend} chooses.
 */
@NullMarked
package dev.qnet.runtime.kernel;

import org.jspecify.annotations.NullMarked;
