/** What tests of the whole need of the target's own. */
@NullMarked
package dev.qnet.target.tvm;

import org.jspecify.annotations.NullMarked;
