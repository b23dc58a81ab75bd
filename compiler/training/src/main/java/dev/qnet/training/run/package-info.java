/** Runs training graphs: f32 kernels, prepared once for a graph. */
@NullMarked
package dev.qnet.training.run;

import org.jspecify.annotations.NullMarked;
