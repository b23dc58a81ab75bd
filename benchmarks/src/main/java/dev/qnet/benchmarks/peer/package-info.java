/** What is measured: Qnet, and what a user would take instead. */
@NullMarked
package dev.qnet.benchmarks.peer;

import org.jspecify.annotations.NullMarked;
