/**
 * Learned quantizers, one class each: forward and backward in f32, where their parameters begin, and the codes that they end
 * as. {@link dev.qnet.compiler.ir.Quantizer} states the rules.
 */
@NullMarked
package dev.qnet.training.quantizer;

import org.jspecify.annotations.NullMarked;
