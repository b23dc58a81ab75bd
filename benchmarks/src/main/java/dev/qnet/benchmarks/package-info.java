/** Measures Qnet beside its peers. */
@NullMarked
package dev.qnet.benchmarks;

import org.jspecify.annotations.NullMarked;
