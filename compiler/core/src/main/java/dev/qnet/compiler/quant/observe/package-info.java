/** Observers: they watch a stream of values in bounded memory and choose the range that codes shall cover. */
@org.jspecify.annotations.NullMarked
package dev.qnet.compiler.quant.observe;
