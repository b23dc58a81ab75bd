package dev.qnet.runtime.kernel;

/** A kernel with four operands in the banks. */
public interface QuaternaryKernel {
    /**
     * Computes one item.
     *
     * @param banks where values lie
     * @param first the first operand's offset in its bank
     * @param second the second operand's offset in its bank
     * @param third the third operand's offset in its bank
     * @param fourth the fourth operand's offset in its bank
     * @param result the result's offset in its bank
     */
    void run(Banks banks, int first, int second, int third, int fourth, int result);
}
