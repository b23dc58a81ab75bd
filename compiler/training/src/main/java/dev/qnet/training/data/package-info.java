/** What networks are trained on. */
@NullMarked
package dev.qnet.training.data;

import org.jspecify.annotations.NullMarked;
