package dev.qnet.runtime.kernel;

/** A kernel with four operands in the banks. */
public interface QuaternaryKernel {
    /**
     * Computes one item.
     *
     * @param banks where values lie
     * @param a the first operand's offset in its bank
     * @param b the second operand's offset in its bank
     * @param c the third operand's offset in its bank
     * @param d the fourth operand's offset in its bank
     * @param y the result's offset in its bank
     */
    void run(Banks banks, int a, int b, int c, int d, int y);
}
