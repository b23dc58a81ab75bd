/** Tensor files: npy, npz. */
@org.jspecify.annotations.NullMarked
package dev.qnet.runtime.io;
