package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/**
 * Matrix product of two operands in singles that are provably exact, as {@link SimdConv}; panels are packed at run
 * time.
 */
final class SimdMatMul implements BinaryKernel {
    private static final int BLOCK = 0;
    private static final int SUMS = 1;
    private static final int PANELS = 2;

    private final MatMulSpec spec;

    /** Terms that a sum in singles may have. */
    private final int segment;

    private final int[] noBias = new int[SimdPanels.COLUMNS];

    private SimdMatMul(MatMulSpec spec, int segment) {
        this.spec = spec;
        this.segment = segment;
    }

    /** Null where singles cannot be exact over sums worth it. */
    static @Nullable BinaryKernel of(MatMulSpec spec) {
        long product = Math.max(1, spec.x().magnitude() * spec.y().magnitude());
        int segment = (int) Math.min((SimdPanels.EXACT - 1) / product, SimdPanels.MAX_SEGMENT);
        boolean exact = segment >= Math.min(spec.k(), SimdPanels.MIN_SEGMENT);
        return exact && !spec.out().wide() ? new SimdMatMul(spec, segment) : null;
    }

    @Override
    public void run(Banks b, int x, int y, int z) {
        int columns = SimdPanels.COLUMNS;
        int panels = (spec.n() + columns - 1) / columns;
        float[] data = b.floats(PANELS, panels * spec.k() * columns);
        for (int p = 0; p < panels; p++) {
            int used = Math.min(columns, spec.n() - p * columns);
            for (int j = 0; j < spec.k(); j++) {
                // Columns beyond the last keep what was there: their sums are never stored.
                SimdRows.load(b, spec.y(), y + j * spec.n() + p * columns, data, (p * spec.k() + j) * columns, used);
            }
        }
        for (int i = 0; i < spec.m(); i += SimdPanels.ROWS) {
            int first = Math.max(0, Math.min(i, spec.m() - SimdPanels.ROWS));
            for (int p = 0; p < panels; p++) {
                block(b, x + first * spec.k(), data, p, z + first * spec.n() + p * columns);
            }
        }
    }

    private void block(Banks b, int x, float[] data, int panel, int z) {
        int columns = SimdPanels.COLUMNS;
        int rows = Math.min(spec.m(), SimdPanels.ROWS);
        float[] a = b.floats(BLOCK, SimdPanels.ROWS * SimdPanels.LDA);
        float[] c = b.floats(SUMS, SimdPanels.ROWS * columns);
        int[] acc = b.ints(0, SimdPanels.ROWS * columns);
        for (int k0 = 0; k0 < spec.k(); k0 += segment) {
            int n = Math.min(segment, spec.k() - k0);
            for (int r = 0; r < rows; r++) {
                SimdRows.load(b, spec.x(), x + r * spec.k() + k0, a, r * SimdPanels.LDA, n);
            }
            SimdPanels.block(a, 0, data, (panel * spec.k() + k0) * columns, columns, n, c);
            if (k0 == 0) {
                SimdPanels.begin(c, columns, rows, noBias, 0, acc, 0);
            } else {
                SimdPanels.add(c, columns, rows, acc, 0);
            }
        }
        int channel = panel * columns;
        int used = Math.min(columns, spec.n() - channel);
        SimdPanels.store(b, spec.out(), z, spec.n(), acc, 0, rows, used, channel);
    }
}
