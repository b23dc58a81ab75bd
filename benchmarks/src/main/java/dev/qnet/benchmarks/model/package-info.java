/** Whole models. */
@NullMarked
package dev.qnet.benchmarks.model;

import org.jspecify.annotations.NullMarked;
