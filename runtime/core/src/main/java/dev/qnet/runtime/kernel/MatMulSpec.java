package dev.qnet.runtime.kernel;

/**
 * A product of two matrices in the banks, checked: x [M,K], y [K,N] → [M,N].
 *
 * @param x the first operand's element, of at most 16 bits
 * @param y the second operand's element, of at most 16 bits
 * @param m M
 * @param k K
 * @param n N
 * @param out what becomes of the accumulators
 */
record MatMulSpec(Operand x, Operand y, int m, int k, int n, Output out) {
    MatMulSpec {
        if (x.kind().bytes() > 2 || y.kind().bytes() > 2) {
            throw new IllegalArgumentException("a matrix product of " + x.kind() + " and " + y.kind());
        }
        Rescale.checkChannels(out.rescale(), n);
    }
}
