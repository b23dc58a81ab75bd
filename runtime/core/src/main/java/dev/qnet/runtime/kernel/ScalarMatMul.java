package dev.qnet.runtime.kernel;

import java.util.Arrays;

/** Matrix product in plain Java. */
record ScalarMatMul(MatMulSpec spec, Loops loops) implements BinaryKernel {
    @Override
    public void run(Banks b, int x, int y, int z) {
        int m = spec.m();
        int k = spec.k();
        int n = spec.n();
        long[] acc = b.longs(0, m * n);
        int[] row = b.ints(0, n);
        Arrays.fill(acc, 0, m * n, 0);
        for (int j = 0; j < k; j++) {
            Rows.load(b, spec.y(), y + j * n, row, 0, n);
            for (int i = 0; i < m; i++) {
                long a = (long) Rows.one(b, spec.x().kind(), x + i * k + j)
                        - spec.x().zero();
                axpy(acc, i * n, a, row, n);
            }
        }
        long[] sums = b.longs(1, n);
        for (int i = 0; i < m; i++) {
            System.arraycopy(acc, i * n, sums, 0, n);
            spec.out().storeExact(loops, b, z + i * n, sums, n, 0);
        }
    }

    /** Longs and ints: C2 vectorizes, knowing that they do not overlap. */
    private static void axpy(long[] acc, int at, long a, int[] y, int n) {
        for (int i = 0; i < n; i++) {
            acc[at + i] += a * y[i];
        }
    }
}
