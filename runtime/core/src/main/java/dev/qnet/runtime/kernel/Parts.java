package dev.qnet.runtime.kernel;

/**
 * A kernel whose work falls into parts that threads may run at once, in any order: none reads what another writes. Its
 * own {@code run} hands it to {@link Banks#run(Parts, int, int, int)}, which decides who runs what.
 */
interface Parts {
    /** How many parts there are. */
    int parts();

    /**
     * Roughly how long all parts together take one thread, in nanoseconds: what takes less than some 20,000 is not
     * worth waking another thread for.
     */
    long nanos();

    /**
     * Runs some parts of one item.
     *
     * @param banks the values that all threads share, with the scratch memory of this one
     * @param x the first operand's offset in its bank
     * @param y the second operand's, or that of the result of a kernel with one operand
     * @param z the result's, for a kernel with two operands; 0 otherwise
     * @param from the first part
     * @param to behind the last part
     */
    void run(Banks banks, int x, int y, int z, int from, int to);
}
