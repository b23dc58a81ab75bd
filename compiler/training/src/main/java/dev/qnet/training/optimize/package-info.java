/** Optimizers and their schedules. */
@NullMarked
package dev.qnet.training.optimize;

import org.jspecify.annotations.NullMarked;
