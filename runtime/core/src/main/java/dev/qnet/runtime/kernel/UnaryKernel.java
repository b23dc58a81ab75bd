package dev.qnet.runtime.kernel;

/** A kernel with one operand in the banks. */
public interface UnaryKernel {
    /**
     * Computes one item.
     *
     * @param banks where values lie
     * @param x the operand's offset in its bank
     * @param y the result's offset in its bank; the two may be equal only where a kernel says so
     */
    void run(Banks banks, int x, int y);
}
