package dev.qnet.runtime.kernel;

/** Convolution with a 32-bit accumulator and weights of at most 16 bits: what a quantized network nearly always has. */
final class ScalarConv implements UnaryKernel {
    /** With fewer filters a dot product over the taps is faster than a row of filters at a time. */
    private static final int DOT_BELOW = 16;

    private final ConvSpec spec;
    private final Loops loops;
    private final Patch patch;
    private final boolean dot;
    private final short[] weights;

    private ScalarConv(ConvSpec spec, Loops loops) {
        this.spec = spec;
        this.loops = loops;
        patch = new Patch(spec);
        dot = spec.groupFilters() < DOT_BELOW;
        weights = ConvSpec.narrowed(dot ? spec.weights() : spec.transposedWeights());
    }

    /** The plain kernel for a convolution, whatever its sizes. */
    static UnaryKernel of(ConvSpec spec, Loops loops) {
        if (spec.out().wide() || !spec.weightsFitShort()) {
            return new ScalarWideConv(spec, loops);
        }
        return spec.depthwise() ? new ScalarDepthwise(spec, loops) : new ScalarConv(spec, loops);
    }

    @Override
    public void run(Banks b, int x, int y) {
        int n = spec.groupFilters();
        int k = spec.taps();
        int outW = spec.outWidth();
        int[] p = b.ints(0, k);
        int[] acc = b.ints(1, n);
        for (int oy = 0; oy < spec.outHeight(); oy++) {
            for (int ox = 0; ox < outW; ox++) {
                int to = y + (oy * outW + ox) * spec.filters();
                for (int g = 0; g < spec.groups(); g++) {
                    patch.gather(b, x, oy, ox, g, p);
                    System.arraycopy(spec.bias(), g * n, acc, 0, n);
                    if (dot) {
                        dots(acc, n, p, k, weights, g * n * k);
                    } else {
                        axpys(acc, n, p, k, weights, g * n * k);
                    }
                    spec.out().store(loops, b, to + g * n, acc, 0, n, g * n);
                }
            }
        }
    }

    /** Adds the products with weights [N][K]. The accumulator fits 32 bits, so it does not matter that partial sums wrap. */
    private static void dots(int[] acc, int n, int[] p, int k, short[] w, int at) {
        for (int o = 0; o < n; o++) {
            int sum = 0;
            for (int j = 0; j < k; j++) {
                sum += p[j] * w[at + o * k + j];
            }
            acc[o] += sum;
        }
    }

    /**
     * Adds the products with weights [K][N]. Weights are shorts and accumulators ints because C2 knows that arrays of different
     * types do not overlap, which it needs to vectorize.
     */
    private static void axpys(int[] acc, int n, int[] p, int k, short[] w, int at) {
        int j = 0;
        for (; j + 4 <= k; j += 4) {
            axpy4(acc, n, p[j], p[j + 1], p[j + 2], p[j + 3], w, at + j * n);
        }
        for (; j < k; j++) {
            axpy(acc, n, p[j], w, at + j * n);
        }
    }

    private static void axpy4(int[] acc, int n, int a0, int a1, int a2, int a3, short[] w, int at) {
        int at1 = at + n;
        int at2 = at1 + n;
        int at3 = at2 + n;
        for (int i = 0; i < n; i++) {
            acc[i] += a0 * w[at + i] + a1 * w[at1 + i] + a2 * w[at2 + i] + a3 * w[at3 + i];
        }
    }

    private static void axpy(int[] acc, int n, int a, short[] w, int at) {
        for (int i = 0; i < n; i++) {
            acc[i] += a * w[at + i];
        }
    }

    /** A filter a channel: a row of channels at a time. */
    private static final class ScalarDepthwise implements UnaryKernel {
        private final ConvSpec spec;
        private final Loops loops;

        /** [KH*KW][C]. */
        private final short[] weights;

        ScalarDepthwise(ConvSpec spec, Loops loops) {
            this.spec = spec;
            this.loops = loops;
            int taps = spec.taps();
            int c = spec.channels();
            weights = new short[taps * c];
            for (int o = 0; o < c; o++) {
                for (int t = 0; t < taps; t++) {
                    weights[t * c + o] = (short) spec.weights()[o * taps + t];
                }
            }
        }

        @Override
        public void run(Banks b, int x, int y) {
            Window w = spec.window();
            int c = spec.channels();
            int[] acc = b.ints(1, c);
            for (int oy = 0; oy < spec.outHeight(); oy++) {
                for (int ox = 0; ox < spec.outWidth(); ox++) {
                    System.arraycopy(spec.bias(), 0, acc, 0, c);
                    for (int ky = 0; ky < w.kernelH(); ky++) {
                        int iy = oy * w.strideH() - w.top() + ky * w.dilationH();
                        if (iy >= 0 && iy < spec.height()) {
                            row(b, x + iy * spec.width() * c, ox * w.strideW() - w.left(), ky, acc);
                        }
                    }
                    spec.out().store(loops, b, y + (oy * spec.outWidth() + ox) * c, acc, 0, c, 0);
                }
            }
        }

        private void row(Banks b, int rowOff, int x0, int ky, int[] acc) {
            Window w = spec.window();
            int c = spec.channels();
            for (int kx = 0; kx < w.kernelW(); kx++) {
                int ix = x0 + kx * w.dilationW();
                if (ix >= 0 && ix < spec.width()) {
                    tap(b, spec.x(), rowOff + ix * c, acc, weights, (ky * w.kernelW() + kx) * c, c);
                }
            }
        }

        private static void tap(Banks b, Operand x, int from, int[] acc, short[] w, int wAt, int n) {
            int z = x.zero();
            byte[] bytes = b.bytes;
            short[] shorts = b.shorts;
            switch (x.kind()) {
                case S8 -> {
                    for (int i = 0; i < n; i++) {
                        acc[i] += (bytes[from + i] - z) * w[wAt + i];
                    }
                }
                case U8 -> {
                    for (int i = 0; i < n; i++) {
                        acc[i] += ((bytes[from + i] & 0xFF) - z) * w[wAt + i];
                    }
                }
                case S16 -> {
                    for (int i = 0; i < n; i++) {
                        acc[i] += (shorts[from + i] - z) * w[wAt + i];
                    }
                }
                case U16 -> {
                    for (int i = 0; i < n; i++) {
                        acc[i] += ((shorts[from + i] & 0xFFFF) - z) * w[wAt + i];
                    }
                }
                case S32, S64, F32 -> throw new AssertionError(x);
            }
        }
    }

    /** Any weights and either accumulator, in 64 bits. */
    private static final class ScalarWideConv implements UnaryKernel {
        private final ConvSpec spec;
        private final Loops loops;
        private final Patch patch;
        private final int[] weights;

        ScalarWideConv(ConvSpec spec, Loops loops) {
            this.spec = spec;
            this.loops = loops;
            patch = new Patch(spec);
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
                        patch.gather(b, x, oy, ox, g, p);
                        for (int o = 0; o < n; o++) {
                            acc[o] = spec.bias()[g * n + o] + dot(p, weights, (g * n + o) * k, k);
                        }
                        spec.out().storeExact(loops, b, to + g * n, acc, n, g * n);
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
