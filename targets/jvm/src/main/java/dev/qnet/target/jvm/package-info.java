/**
 * Emits a class a model: plumbing that calls the kernels of {@code dev.qnet.runtime.kernel}, one small method a layer.
 * {@link dev.qnet.target.jvm.JvmTarget#compile} is the way in.
 */
@org.jspecify.annotations.NullMarked
package dev.qnet.target.jvm;
