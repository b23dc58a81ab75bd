/** Choosing quantization parameters: ranges, observers, multipliers. */
@org.jspecify.annotations.NullMarked
package dev.qnet.compiler.quant;
