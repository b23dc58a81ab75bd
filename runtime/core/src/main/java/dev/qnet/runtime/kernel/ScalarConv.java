package dev.qnet.runtime.kernel;

/** Convolution in plain Java, with a 32-bit accumulator; what a quantized network nearly always has. */
final class ScalarConv implements UnaryKernel, Parts {
    /** With fewer filters a dot product over the taps is faster than a row of filters at a time. */
    private static final int DOT_BELOW = 16;

    private final ConvSpec spec;
    private final Loops loops;
    private final Patch<int[]> patch;
    private final boolean dot;

    /** [O][K], where dot products are taken. */
    private final int[] rows;

    /** [groups*K][O/groups], elsewhere. */
    private final int[][] columns;

    private ScalarConv(ConvSpec spec, Loops loops) {
        this.spec = spec.withoutWeights();
        this.loops = loops;
        patch = new Patch<>(spec, Rows.INTS);
        dot = spec.groupFilters() < DOT_BELOW;
        rows = dot ? spec.weights().clone() : new int[0];
        columns = dot ? new int[0][] : spec.weightColumns();
    }

    /** The plain kernel for a convolution, whatever its sizes. */
    static UnaryKernel of(ConvSpec spec, Loops loops) {
        Gemv packed = Gemv.of(spec, loops);
        if (packed != null) {
            return packed;
        }
        if (spec.out().wide()) {
            return new ScalarWideConv(spec);
        }
        return spec.depthwise() ? new ScalarDepthwise(spec, loops) : new ScalarConv(spec, loops);
    }

    @Override
    public void run(Banks b, int x, int y) {
        b.run(this, x, y, 0);
    }

    /** A part is an output pixel. */
    @Override
    public int parts() {
        return spec.outHeight() * spec.outWidth();
    }

    @Override
    public long nanos() {
        return (long) parts() * spec.filters() * spec.taps() / 2;
    }

    @Override
    public void run(Banks b, int x, int y, int z, int from, int to) {
        int n = spec.groupFilters();
        int k = spec.taps();
        int outW = spec.outWidth();
        int[] p = b.ints(0, k);
        int[] acc = b.ints(1, n);
        for (int pixel = from; pixel < to; pixel++) {
            for (int g = 0; g < spec.groups(); g++) {
                patch.gather(b, x, pixel / outW, pixel % outW, g, p, 0);
                System.arraycopy(spec.bias(), g * n, acc, 0, n);
                if (dot) {
                    dots(acc, n, p, k, rows, g * n * k);
                } else {
                    axpys(acc, n, p, k, columns, g * k);
                }
                spec.out().store(loops, b, y + pixel * spec.filters() + g * n, acc, 0, n, g * n);
            }
        }
    }

    /**
     * Adds the products with weights [N][K]. The accumulator fits 32 bits, so it does not matter that partial sums
     * wrap.
     */
    private static void dots(int[] acc, int n, int[] p, int k, int[] w, int at) {
        for (int o = 0; o < n; o++) {
            int sum = 0;
            for (int j = 0; j < k; j++) {
                sum += p[j] * w[at + o * k + j];
            }
            acc[o] += sum;
        }
    }

    /**
     * Adds the products with weights [K][N], from row {@code at}. Rows are arrays of their own, because C2 vectorizes
     * a loop over several arrays only where all have the same index: it cannot know that two arrays of ints are not
     * one.
     */
    private static void axpys(int[] acc, int n, int[] p, int k, int[][] w, int at) {
        int j = 0;
        for (; j + 4 <= k; j += 4) {
            axpy4(acc, n, p[j], p[j + 1], p[j + 2], p[j + 3], w[at + j], w[at + j + 1], w[at + j + 2], w[at + j + 3]);
        }
        for (; j < k; j++) {
            axpy(acc, n, p[j], w[at + j]);
        }
    }

    private static void axpy4(
            int[] acc, int n, int a0, int a1, int a2, int a3, int[] w0, int[] w1, int[] w2, int[] w3) {
        for (int i = 0; i < n; i++) {
            acc[i] += a0 * w0[i] + a1 * w1[i] + a2 * w2[i] + a3 * w3[i];
        }
    }

    private static void axpy(int[] acc, int n, int a, int[] w) {
        for (int i = 0; i < n; i++) {
            acc[i] += a * w[i];
        }
    }

    /** With a 64-bit accumulator. */
    private static final class ScalarWideConv implements UnaryKernel {
        private final ConvSpec spec;
        private final Patch<int[]> patch;
        private final int[] weights;

        ScalarWideConv(ConvSpec spec) {
            this.spec = spec.withoutWeights();
            patch = new Patch<>(spec, Rows.INTS);
            weights = spec.weights().clone();
        }

        @Override
        public void run(Banks b, int x, int y) {
            int n = spec.groupFilters();
            int k = spec.taps();
            int outW = spec.outWidth();
            int[] p = b.ints(0, k);
            long[] acc = b.longs(0, n);
            for (int oy = 0; oy < spec.outHeight(); oy++) {
                for (int ox = 0; ox < outW; ox++) {
                    int to = y + (oy * outW + ox) * spec.filters();
                    for (int g = 0; g < spec.groups(); g++) {
                        patch.gather(b, x, oy, ox, g, p, 0);
                        for (int o = 0; o < n; o++) {
                            acc[o] = spec.wideBias()[g * n + o] + dot(p, weights, (g * n + o) * k, k);
                        }
                        spec.out().store(b, to + g * n, acc, 0, n, g * n);
                    }
                }
            }
        }

        private static long dot(int[] p, int[] w, int at, int k) {
            long sum = 0;
            for (int j = 0; j < k; j++) {
                sum += (long) p[j] * w[at + j];
            }
            return sum;
        }
    }
}
