package dev.qnet.runtime.kernel;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Convolution as products of singles that are provably exact: blocks of output pixels, whose windows are gathered on
 * the way into a block of singles in the first-level cache (implicit im2col), against panels of filters.
 */
final class SimdConv implements UnaryKernel, Parts {
    /** Panels that the second-level cache holds while all output pixels pass, in singles. */
    private static final int CACHED = 1 << 18;

    private static final int MAX_PANELS = 32;
    private static final int BLOCK = 0;
    private static final int SUMS = 1;
    private static final int WINDOWS = 2;

    private final ConvSpec spec;
    private final Patch<float[]> patch;

    /** One a group. */
    private final SimdPanels[] groups;

    /** With a vector's worth more. */
    private final int[] bias;

    private SimdConv(ConvSpec spec, SimdPanels[] groups) {
        this.spec = spec;
        this.groups = groups;
        patch = new Patch<>(spec, SimdRows.FLOATS);
        bias = Arrays.copyOf(spec.bias(), spec.filters() + RescaleLanes.PAD);
    }

    /** A vector kernel for the convolution; null where none is exact or worth it. */
    static @Nullable UnaryKernel of(ConvSpec spec) {
        if (spec.out().wide()) {
            return null;
        }
        if (spec.depthwise() && spec.channels() > 1) {
            return SimdDepthwise.of(spec);
        }
        SimdPanels[] groups = new SimdPanels[spec.groups()];
        int n = spec.groupFilters();
        int k = spec.taps();
        for (int g = 0; g < groups.length; g++) {
            SimdPanels p =
                    SimdPanels.of(spec.weights(), g * n * k, n, k, spec.x().magnitude());
            if (p == null) {
                return null;
            }
            groups[g] = p;
        }
        return new SimdConv(spec, groups);
    }

    @Override
    public void run(Banks b, int x, int y) {
        b.run(this, x, y, 0);
    }

    private int pixels() {
        return spec.outHeight() * spec.outWidth();
    }

    /** Rows that a part computes: 1 where there are too few for a block. */
    private int rows() {
        return pixels() * 2 < SimdPanels.ROWS ? 1 : SimdPanels.ROWS;
    }

    @Override
    public int parts() {
        return (pixels() + rows() - 1) / rows();
    }

    @Override
    public long nanos() {
        return (long) pixels() * spec.filters() * spec.taps() / 50;
    }

    @Override
    public void run(Banks b, int x, int y, int z, int from, int to) {
        for (int g = 0; g < groups.length; g++) {
            SimdPanels p = groups[g];
            int step = Math.clamp(CACHED / (p.k * SimdPanels.COLUMNS), 1, MAX_PANELS);
            for (int panel = 0; panel < p.panels(); panel += step) {
                pixels(b, x, y, g, panel, Math.min(p.panels(), panel + step), from, to);
            }
        }
    }

    /** The output pixels of some parts, for some panels of a group. */
    private void pixels(Banks b, int x, int y, int g, int p0, int p1, int from, int to) {
        int m = pixels();
        if (rows() == 1) {
            for (int i = from; i < to; i++) {
                block(b, x, y, g, p0, p1, i, 1);
            }
            return;
        }
        for (int i = from * SimdPanels.ROWS; i < Math.min(m, to * SimdPanels.ROWS); i += SimdPanels.ROWS) {
            // The last block overlaps the one before: computing pixels twice is cheaper than kernels for every rest.
            block(b, x, y, g, p0, p1, Math.max(0, Math.min(i, m - SimdPanels.ROWS)), Math.min(m, SimdPanels.ROWS));
        }
    }

    /** Output pixels from {@code first} on, for some panels of a group. */
    private void block(Banks b, int x, int y, int g, int p0, int p1, int first, int rows) {
        SimdPanels p = groups[g];
        float[] a = b.floats(BLOCK, SimdPanels.ROWS * SimdPanels.LDA);
        boolean whole = p.k <= SimdPanels.MAX_SEGMENT;
        float[] windows = whole ? a : b.floats(WINDOWS, rows * p.k);
        int stride = whole ? SimdPanels.LDA : p.k;
        for (int r = 0; r < rows; r++) {
            int pixel = first + r;
            patch.gather(b, x, pixel / spec.outWidth(), pixel % spec.outWidth(), g, windows, r * stride);
        }
        float[] c = b.floats(SUMS, SimdPanels.ROWS * SimdPanels.COLUMNS);
        int size = SimdPanels.ROWS * SimdPanels.COLUMNS;
        int[] acc = b.ints(0, MAX_PANELS * size);
        int k0 = 0;
        for (int k1 : p.ends) {
            if (!whole) {
                for (int r = 0; r < rows; r++) {
                    System.arraycopy(windows, r * stride + k0, a, r * SimdPanels.LDA, k1 - k0);
                }
            }
            for (int panel = p0; panel < p1; panel++) {
                if (rows == 1) {
                    p.row(a, whole ? k0 : 0, panel, k0, k1, c);
                } else {
                    p.block(a, whole ? k0 : 0, panel, k0, k1, c);
                }
                int at = (panel - p0) * size;
                int channel = g * p.n + panel * SimdPanels.COLUMNS;
                if (k0 == 0) {
                    SimdPanels.begin(c, p.columns(panel), rows, bias, channel, acc, at);
                } else {
                    SimdPanels.add(c, p.columns(panel), rows, acc, at);
                }
                if (k1 == p.k) {
                    int to = y + first * spec.filters() + channel;
                    SimdPanels.store(b, spec.out(), to, spec.filters(), acc, at, rows, p.used(panel), channel);
                }
            }
            k0 = k1;
        }
    }
}
