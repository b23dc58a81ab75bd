/** Tensor files: npy and npz, read under limits and written as NumPy reads them. */
@org.jspecify.annotations.NullMarked
package dev.qnet.runtime.io;
