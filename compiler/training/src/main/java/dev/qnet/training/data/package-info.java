/** What networks are trained on: files, checks, batches, and digits that are drawn here. */
@NullMarked
package dev.qnet.training.data;

import org.jspecify.annotations.NullMarked;
