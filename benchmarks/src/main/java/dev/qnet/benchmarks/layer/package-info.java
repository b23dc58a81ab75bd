/** Layers to measure. */
@NullMarked
package dev.qnet.benchmarks.layer;

import org.jspecify.annotations.NullMarked;
