package dev.qnet.runtime.kernel;

/** A kernel with three operands in the banks. */
public interface TernaryKernel {
    /**
     * Computes one item.
     *
     * @param banks where values lie
     * @param a the first operand's offset in its bank
     * @param b the second operand's offset in its bank
     * @param c the third operand's offset in its bank
     * @param y the result's offset in its bank
     */
    void run(Banks banks, int a, int b, int c, int y);
}
