package dev.qnet.runtime.kernel;

import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Matrix product of two operands in singles that are provably exact, as {@link SimdConv}; panels are packed at run
 * time.
 */
final class SimdMatMul implements BinaryKernel, Parts, Warmable {
    private static final int BLOCKS = 0;
    private static final int SUMS = 1;
    private static final int PANELS = 2;

    private final MatMulSpec spec;

    /** Gathers x, a matrix of pixels. */
    private final SimdPatch patch;

    /** Terms that a sum in singles may have, an even number. */
    private final int segment;

    /** K, filled up to an even number. */
    private final int terms;

    private final @Nullable SimdCodes codes;
    private final int[] noBias = new int[SimdPanels.COLUMNS];

    private SimdMatMul(MatMulSpec spec, int segment, long product) {
        this.spec = spec;
        this.segment = segment;
        terms = spec.k() + spec.k() % 2;
        patch = new SimdPatch(spec.x(), spec.m(), spec.k());
        codes = terms <= segment ? SimdCodes.of(spec.out(), spec.n(), product * spec.k()) : null;
    }

    /** Null where singles cannot be exact over sums worth it, and where there is nothing to multiply. */
    static @Nullable BinaryKernel of(MatMulSpec spec) {
        if (spec.m() == 0 || spec.n() == 0 || spec.k() == 0) {
            return null;
        }
        long product = Math.max(1, spec.x().magnitude() * spec.y().magnitude());
        int segment = (int) Math.min((SimdPanels.EXACT - 1) / product, SimdPanels.MAX_SEGMENT) / 2 * 2;
        boolean exact = segment >= Math.min(spec.k() + spec.k() % 2, SimdPanels.MIN_SEGMENT);
        return exact && !spec.out().wide() ? new SimdMatMul(spec, segment, product) : null;
    }

    @Override
    public void steps(Set<Step> steps) {
        steps.add(SimdSteps.load(spec.x().kind()));
        steps.add(SimdSteps.load(spec.y().kind()));
        SimdSteps.products(steps, spec.m(), spec.n(), false, terms > segment, codes, spec.out());
        SimdSteps.products(steps, spec.m(), SimdPanels.COLUMNS, false, terms > segment, codes, spec.out());
    }

    @Override
    public void run(Banks b, int x, int y, int z) {
        b.run(this, x, y, z);
    }

    /** One a panel. */
    @Override
    public int parts() {
        return (spec.n() + SimdPanels.COLUMNS - 1) / SimdPanels.COLUMNS;
    }

    @Override
    public long nanos() {
        return (long) spec.m() * spec.n() * spec.k() / 50;
    }

    @Override
    public void run(Banks b, int x, int y, int z, int from, int to) {
        int columns = SimdPanels.COLUMNS;
        int size = terms * columns;
        float[] data = b.floats(PANELS, (to - from) * size + SimdRows.OVERRUN);
        for (int p = from; p < to; p++) {
            int at = (p - from) * size;
            int used = Math.min(columns, spec.n() - p * columns);
            // Columns beyond the last keep what was there: their sums are never stored.
            SimdRows.load(b, spec.y(), y + p * columns, spec.n(), spec.k(), used, data, at, columns);
            if (spec.k() < terms) {
                Arrays.fill(data, at + size - columns, at + size, 0f);
            }
        }
        float[] a = b.floats(BLOCKS, patch.size(1));
        int[] acc = b.ints(0, (to - from) * SimdPanels.ROWS * columns);
        for (int i = 0; i < spec.m(); i += SimdPanels.ROWS) {
            int rows = Math.min(SimdPanels.ROWS, spec.m() - i);
            for (int k0 = 0; k0 < terms; k0 += SimdPanels.MAX_SEGMENT) {
                int k1 = Math.min(terms, k0 + SimdPanels.MAX_SEGMENT);
                patch.gather(b, x, 0, i, rows, k0, k1, a, 0);
                for (int p = from; p < to; p++) {
                    int accAt = (p - from) * SimdPanels.ROWS * columns;
                    int result = z + i * spec.n() + p * columns;
                    block(b, a, data, (p - from) * size, k0, k1, p, rows, acc, accAt, result);
                }
            }
        }
    }

    private void block(
            Banks b,
            float[] a,
            float[] data,
            int at,
            int k0,
            int k1,
            int panel,
            int rows,
            int[] acc,
            int accAt,
            int z) {
        int columns = SimdPanels.COLUMNS;
        int channel = panel * columns;
        int used = Math.min(columns, spec.n() - channel);
        float[] c = b.floats(SUMS, SimdPanels.ROWS * columns);
        if (codes != null) {
            SimdPanels.block(a, 0, rows, data, at, columns, terms, SimdPanels.NOTHING, 0, 0, c, 0);
            codes.store(c, 0, columns, rows, used, channel, b, z, spec.n());
            return;
        }
        for (int j = k0; j < k1; j += segment) {
            int n = Math.min(segment, k1 - j);
            SimdPanels.block(a, j - k0, rows, data, at + j * columns, columns, n, SimdPanels.NOTHING, 0, 0, c, 0);
            if (j == 0) {
                SimdPanels.begin(c, 0, columns, rows, noBias, 0, acc, accAt);
            } else {
                SimdPanels.add(c, 0, columns, rows, acc, accAt);
            }
        }
        if (k1 == terms) {
            SimdPanels.store(b, spec.out(), z, spec.n(), acc, accAt, rows, used, channel);
        }
    }
}
