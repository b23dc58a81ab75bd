/** From a model and data to a trained model: the graphs that are trained, the loop, and what is deployed in the end. */
@NullMarked
package dev.qnet.training.fit;

import org.jspecify.annotations.NullMarked;
