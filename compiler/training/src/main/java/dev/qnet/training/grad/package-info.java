/** Gradients of graphs, as graphs. */
@NullMarked
package dev.qnet.training.grad;

import org.jspecify.annotations.NullMarked;
