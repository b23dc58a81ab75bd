/** How things are timed, and how results are shown. */
@NullMarked
package dev.qnet.benchmarks.measure;

import org.jspecify.annotations.NullMarked;
