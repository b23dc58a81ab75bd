package dev.qnet.runtime.kernel;

import java.util.Set;

/** A kernel in vectors that says which code it spends its time in. */
interface Warmable {
    /** Adds that code, which has to be compiled before the kernel is worth running. */
    void steps(Set<Step> steps);
}
