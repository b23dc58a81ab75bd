package dev.qnet.runtime.kernel;

/** A kernel with two operands in the banks. */
public interface BinaryKernel {
    /**
     * Computes one item.
     *
     * @param banks where values lie
     * @param x the first operand's offset in its bank
     * @param y the second operand's offset in its bank
     * @param z the result's offset in its bank
     */
    void run(Banks banks, int x, int y, int z);
}
