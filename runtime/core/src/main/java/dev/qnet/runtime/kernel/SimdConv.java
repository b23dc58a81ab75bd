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

    private final ConvSpec spec;
    private final SimdPatch patch;

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

    private SimdConv(ConvSpec spec, SimdPanels[] groups) {
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
        int cached = groups[0].large() ? CACHED : NEAR;
        int most = Math.max(1, cached / (Math.min(groups[0].terms, SimdPanels.MAX_SEGMENT) * SimdPanels.ROWS));
        // Rather a few more at a time than a small rest.
        chunks = Math.max(1, Math.round((float) all / most));
        blocks = (all + chunks - 1) / chunks;
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
        for (int g = 0; g < groups.length; g++) {
            SimdPanels p = SimdPanels.of(spec.weights(), g * n * k, n, k, spec.x());
            if (p == null) {
                return null;
            }
            groups[g] = p;
        }
        return new SimdConv(spec, groups);
    }

    @Override
    public void steps(Set<Step> steps) {
        SimdPanels p = groups[0];
        SimdSteps.products(steps, spec.x(), pixels, p.n, p.packed(), p.ends.length > 1, codes, spec.out());
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
        float[] a = b.floats(BLOCKS, patch.size(blocks));
        patch.bring(b, x, g, first, first + rows - 1);
        for (int k0 = 0; k0 < terms; k0 += SimdPanels.MAX_SEGMENT) {
            int k1 = Math.min(terms, k0 + SimdPanels.MAX_SEGMENT);
            for (int i = 0; i * ROWS < rows; i++) {
                patch.gather(b, x, g, first + i * ROWS, Math.min(ROWS, rows - i * ROWS), k0, k1, a, i);
            }
            for (int p = p0; p < p1; p++) {
                panel(b, y, g, first, rows, k0, k1, p, p - p0);
            }
        }
    }

    /** Gathered blocks with a panel, over terms k0 to k1. */
    private void panel(Banks b, int y, int g, int first, int rows, int k0, int k1, int panel, int slot) {
        SimdPanels p = groups[g];
        float[] a = b.floats(BLOCKS, 0);
        int columns = p.columns(panel);
        float[] data = p.singles(panel, k0, k1, b.floats(PANEL, SimdPanels.MAX_SEGMENT * SimdPanels.COLUMNS));
        int at = p.at(panel, k0);
        float[] c = b.floats(SUMS, ROWS * SimdPanels.COLUMNS);
        int channel = g * p.n + panel * SimdPanels.COLUMNS;
        for (int i = 0; i * ROWS < rows; i++) {
            int n = Math.min(ROWS, rows - i * ROWS);
            int to = y + (first + i * ROWS) * spec.filters() + channel;
            if (codes != null) {
                SimdPanels.block(a, patch.at(i), n, data, at, columns, k1 - k0, init, channel, c);
                codes.store(c, 0, columns, n, p.used(panel), channel, b, to, spec.filters());
            } else {
                int size = ROWS * SimdPanels.COLUMNS;
                int[] acc = b.ints(ACCUMULATORS, panels * blocks * size);
                int accAt = (slot * blocks + i) * size;
                segments(p, a, patch.at(i), n, data, at, columns, k0, k1, c, channel, acc, accAt);
                if (k1 == p.terms) {
                    SimdPanels.store(b, spec.out(), to, spec.filters(), acc, accAt, n, p.used(panel), channel);
                }
            }
        }
    }

    /** A block with a panel, over all segments of terms k0 to k1. */
    private void segments(
            SimdPanels p,
            float[] a,
            int ao,
            int rows,
            float[] data,
            int at,
            int columns,
            int k0,
            int k1,
            float[] c,
            int channel,
            int[] acc,
            int accAt) {
        int j0 = k0;
        for (int j1 : p.ends) {
            if (j1 <= k0 || j1 > k1) {
                continue;
            }
            SimdPanels.block(
                    a, ao + j0 - k0, rows, data, at + (j0 - k0) * columns, columns, j1 - j0, SimdPanels.NOTHING, 0, c);
            if (j0 == 0) {
                SimdPanels.begin(c, columns, rows, bias, channel, acc, accAt);
            } else {
                SimdPanels.add(c, columns, rows, acc, accAt);
            }
            j0 = j1;
        }
    }
}
