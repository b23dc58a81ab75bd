package dev.qnet.runtime.kernel;

import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Convolution as products of singles that are provably exact: blocks of output pixels, whose windows are gathered as
 * singles (implicit im2col), against panels of filters.
 *
 * <p>As many blocks are gathered as the second-level cache holds; then each panel, on its way from memory, meets all of
 * them. Of long sums a segment is taken at a time, so that a panel fits the cache beside the blocks.
 */
final class SimdConv implements UnaryKernel, Parts, Warmable {
    /** Gathered blocks that the second-level cache holds besides a panel, in singles. */
    private static final int CACHED = 1 << 18;

    /** Gathered blocks where all panels stay in caches: the blocks had better stay in the first. */
    private static final int NEAR = 1 << 12;

    private static final int BLOCKS = 0;
    private static final int SUMS = 1;
    private static final int PANEL = 2;
    private static final int ACCUMULATORS = 0;
    private static final int ROWS = SimdPanels.ROWS;

    /** Sums of a block with a panel. */
    private static final int BLOCK = ROWS * SimdPanels.COLUMNS;

    private final ConvSpec spec;
    private final SimdPatch patch;

    /** Brings what windows have in common once; null where {@link #patch} gathers each. */
    private final @Nullable SimdColumns columns;

    /** One a group. */
    private final SimdPanels[] groups;

    /** How sums become codes at once, or null. */
    private final @Nullable SimdCodes codes;

    /** What sums begin with where they become codes at once, with a vector's worth more. */
    private final float[] init;

    /** With a vector's worth more. */
    private final int[] bias;

    private final int pixels;

    /** Panels of a group. */
    private final int panels;

    /** Blocks that are gathered at a time. */
    private final int blocks;

    /** How often. */
    private final int chunks;

    /** Terms that are gathered at a time. */
    private final int step;

    private SimdConv(ConvSpec spec, SimdPanels[] groups, @Nullable SimdColumns columns) {
        this.columns = columns;
        this.spec = spec.withoutWeights();
        this.groups = groups;
        patch = new SimdPatch(spec);
        bias = Arrays.copyOf(spec.bias(), spec.filters() + RescaleLanes.PAD);
        init = new float[bias.length];
        for (int i = 0; i < bias.length; i++) {
            init[i] = bias[i];
        }
        codes = codes(spec, groups);
        pixels = spec.outHeight() * spec.outWidth();
        panels = groups[0].panels();
        int all = (pixels + SimdPanels.ROWS - 1) / SimdPanels.ROWS;
        step = columns != null
                ? columns.begin(1)
                : groups[0].large ? SimdPanels.MAX_SEGMENT : SimdPanels.part(groups[0].terms, SimdPanels.SLICE);
        int cached = groups[0].large ? CACHED : NEAR;
        int most = Math.max(1, cached / (Math.min(groups[0].terms, step) * SimdPanels.ROWS));
        most = columns == null ? most : Math.min(most, SimdColumns.MOST_BLOCKS);
        // Rather a few more at a time than a small rest.
        int about = Math.max(1, Math.round((float) all / most));
        blocks = (all + about - 1) / about;
        chunks = (all + blocks - 1) / blocks;
    }

    private static @Nullable SimdCodes codes(ConvSpec spec, SimdPanels[] groups) {
        long bound = 0;
        for (int g = 0; g < groups.length; g++) {
            long b = groups[g].bound(spec.bias(), g * spec.groupFilters());
            if (b < 0) {
                return null;
            }
            bound = Math.max(bound, b);
        }
        return SimdCodes.of(spec.out(), spec.filters(), bound);
    }

    /** A vector kernel for the convolution; null where none is exact or worth it. */
    static @Nullable UnaryKernel of(ConvSpec given) {
        if (given.taps() == 0 || given.filters() == 0) {
            return null; // nothing to multiply, or nothing to write
        }
        Gemv packed = Gemv.of(given, ScalarLoops.INSTANCE);
        if (packed != null) {
            return packed.inVectors(Backend.VECTOR.loops());
        }
        if (given.out().wide()) {
            return null;
        }
        if (SimdDepthwise.fits(given)) {
            return SimdDepthwise.of(given);
        }
        ConvSpec spec = SimdPixels.together(given);
        SimdPanels[] groups = new SimdPanels[spec.groups()];
        int n = spec.groupFilters();
        int k = spec.taps();
        int pixels = spec.outHeight() * spec.outWidth();
        SimdColumns columns = SimdColumns.of(spec);
        for (int g = 0; g < groups.length; g++) {
            SimdPanels p = columns == null
                    ? SimdPanels.of(spec.weights(), g * n * k, n, k, spec.x(), pixels)
                    : SimdPanels.of(columns.ordered(spec.weights(), g * n * k, n), 0, n, k, spec.x(), pixels);
            if (p == null) {
                return null;
            }
            groups[g] = p;
        }
        return new SimdConv(spec, groups, columns);
    }

    @Override
    public void steps(Set<Step> steps) {
        SimdPanels p = groups[0];
        if (columns == null) {
            patch.steps(steps, p.terms <= step);
        } else {
            columns.steps(steps);
        }
        SimdSteps.products(steps, pixels, p.n, p.packed(), p.ends.length > 1, codes, spec.out());
    }

    @Override
    public void run(Banks b, int x, int y) {
        b.run(this, x, y, 0);
    }

    /** One a group, a chunk of blocks and a panel. */
    @Override
    public int parts() {
        return groups.length * chunks * panels;
    }

    @Override
    public long nanos() {
        return (long) pixels * spec.filters() * spec.taps() / 50;
    }

    @Override
    public void run(Banks b, int x, int y, int z, int from, int to) {
        patch.forget(b);
        int done = from;
        while (done < to) {
            int panel = done % panels;
            int chunk = done / panels % chunks;
            int g = done / panels / chunks;
            int end = Math.min(panels, panel + to - done);
            chunk(b, x, y, g, chunk, panel, end);
            done += end - panel;
        }
    }

    /** Some blocks with some panels. */
    private void chunk(Banks b, int x, int y, int g, int chunk, int p0, int p1) {
        int terms = groups[g].terms;
        int first = chunk * blocks * ROWS;
        int rows = Math.min(blocks * ROWS, pixels - first);
        if (columns != null) {
            float[] a = b.floats(BLOCKS, columns.size(blocks));
            for (int part = 0; part < columns.parts(); part++) {
                columns.bring(b, x, g, first, rows, part, a);
                for (int p = p0; p < p1; p++) {
                    panel(b, y, g, first, rows, columns.begin(part), columns.begin(part + 1), part, p, p - p0);
                }
            }
            return;
        }
        float[] a = b.floats(BLOCKS, patch.size(blocks));
        patch.bring(b, x, g, first, first + rows - 1);
        for (int k0 = 0; k0 < terms; k0 += step) {
            int k1 = Math.min(terms, k0 + step);
            for (int i = 0; i * ROWS < rows; i++) {
                patch.gather(b, x, g, first + i * ROWS, Math.min(ROWS, rows - i * ROWS), k0, k1, a, i);
            }
            for (int p = p0; p < p1; p++) {
                panel(b, y, g, first, rows, k0, k1, 0, p, p - p0);
            }
        }
    }

    /** Gathered blocks with a panel, over terms k0 to k1, a part of {@link #columns} where there are any. */
    private void panel(Banks b, int y, int g, int first, int rows, int k0, int k1, int part, int panel, int slot) {
        SimdPanels p = groups[g];
        float[] a = b.floats(BLOCKS, 0);
        float[] scratch = b.floats(PANEL, p.packed() ? SimdPanels.SLICE * SimdPanels.COLUMNS : 0);
        boolean all = step >= p.terms;
        float[] c = b.floats(SUMS, (all ? 1 : panels) * blocks * BLOCK);
        int at = all ? 0 : slot * blocks * BLOCK;
        int wide = p.columns(panel);
        int slice = SimdPanels.part(k1 - k0, SimdPanels.SLICE);
        for (int j0 = k0; j0 < k1; ) {
            int begin = p.begin(j0);
            int end = p.end(j0);
            int j1 = Math.min(Math.min(end, k1), p.packed() ? j0 + slice : end);
            boolean onTheWay = p.onTheWay(Math.min(ROWS, rows), wide);
            float[] data = onTheWay ? scratch : p.singles(panel, j0, j1, scratch);
            int from = p.at(panel, j0);
            boolean go = j0 > begin;
            float[] init = go ? c : codes != null ? this.init : SimdPanels.NOTHING;
            int io = go ? at : codes != null ? g * p.n + panel * SimdPanels.COLUMNS : 0;
            for (int i = 0, row = 0; row < rows; i++, row += ROWS) {
                int ao = (columns == null ? patch.at(i) : columns.at(part, i)) + j0 - k0;
                int n = Math.min(ROWS, rows - row);
                int to = at + i * BLOCK;
                if (onTheWay && i == 0) {
                    p.blockOfBytes(a, ao, panel, j0, j1, scratch, init, go ? to : io, go ? wide : 0, c, to);
                } else {
                    SimdPanels.block(a, ao, n, data, from, wide, j1 - j0, init, go ? to : io, go ? wide : 0, c, to);
                }
                if (j1 == end) {
                    sums(p, b, y, first, rows, i, panel, slot, g * p.n, begin, end, c, to);
                }
            }
            j0 = j1;
        }
    }

    /** What becomes of the sums of a segment of a block with a panel. */
    private void sums(
            SimdPanels p,
            Banks b,
            int y,
            int first,
            int rows,
            int block,
            int panel,
            int slot,
            int filter,
            int begin,
            int end,
            float[] c,
            int at) {
        int columns = p.columns(panel);
        int n = Math.min(ROWS, rows - block * ROWS);
        int channel = filter + panel * SimdPanels.COLUMNS;
        int to = y + (first + block * ROWS) * spec.filters() + channel;
        if (codes != null) {
            codes.store(c, at, columns, n, p.used(panel), channel, b, to, spec.filters());
            return;
        }
        int[] acc = b.ints(ACCUMULATORS, panels * blocks * BLOCK);
        int accAt = (slot * blocks + block) * BLOCK;
        if (begin == 0) {
            SimdPanels.begin(c, at, columns, n, bias, channel, acc, accAt);
        } else {
            SimdPanels.add(c, at, columns, n, acc, accAt);
        }
        if (end == p.terms) {
            SimdPanels.store(b, spec.out(), to, spec.filters(), acc, accAt, n, p.used(panel), channel);
        }
    }
}
