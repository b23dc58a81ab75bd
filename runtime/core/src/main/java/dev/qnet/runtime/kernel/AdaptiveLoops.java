package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/**
 * Plain Java first, vectors as soon as {@link Warmup} finds that they are faster. Both give the same bytes, so it
 * shows only in time. No vector class is initialized before, so that loading a model does not wait for it.
 */
final class AdaptiveLoops implements Loops {
    private final Warmup.Signal rows = Warmup.of(Warmup.Sort.ROWS, null, Kind.U8);

    private Loops rows() {
        return rows.hot() ? Backend.VECTOR.loops() : ScalarLoops.INSTANCE;
    }

    @Override
    public void rescale(Rescale r, int[] a, int at, int n, int channel) {
        rows().rescale(r, a, at, n, channel);
    }

    @Override
    public void load(Banks b, Operand x, int from, int[] to, int at, int n) {
        rows().load(b, x, from, to, at, n);
    }

    @Override
    public void store(Banks b, Kind kind, int to, int[] from, int at, int n) {
        rows().store(b, kind, to, from, at, n);
    }

    @Override
    public void add(AddSpec spec, int[] p, int[] q, int n) {
        rows().add(spec, p, q, n);
    }

    @Override
    public void quantize(QuantizeSpec spec, int c, float[] x, int at, int[] codes, int n) {
        rows().quantize(spec, c, x, at, codes, n);
    }

    @Override
    public UnaryKernel conv(ConvSpec spec) {
        UnaryKernel plain = ScalarConv.of(spec, this);
        if (spec.out().wide()) {
            return plain;
        }
        boolean row = spec.outHeight() * spec.outWidth() == 1;
        Warmup.Sort sort = spec.depthwise() ? Warmup.Sort.DEPTHWISE : row ? Warmup.Sort.ROW : Warmup.Sort.CONV;
        return new Conv(
                spec, plain, Warmup.of(sort, spec.out().rescale(), spec.x().kind()));
    }

    @Override
    public BinaryKernel matmul(MatMulSpec spec) {
        BinaryKernel plain = new ScalarMatMul(spec, this);
        if (spec.out().wide()) {
            return plain;
        }
        Warmup.Signal signal =
                Warmup.of(Warmup.Sort.MATMUL, spec.out().rescale(), spec.x().kind());
        return new Product(spec, plain, signal);
    }

    /** Becomes its vector twin at the signal, and forgets the plain one then, with its copy of the weights. */
    private static final class Conv implements UnaryKernel {
        private final Warmup.Signal signal;
        private volatile UnaryKernel current;

        /** Null once current is final. Threads that see it late make the twin once more, which is harmless. */
        private volatile @Nullable ConvSpec spec;

        Conv(ConvSpec spec, UnaryKernel plain, Warmup.Signal signal) {
            this.spec = spec;
            this.signal = signal;
            current = plain;
        }

        @Override
        public void run(Banks banks, int x, int y) {
            ConvSpec s = spec;
            if (s != null && signal.hot()) {
                current = Backend.VECTOR.loops().conv(s);
                spec = null;
            }
            current.run(banks, x, y);
        }
    }

    /** As {@link Conv}, for matrix products. */
    private static final class Product implements BinaryKernel {
        private final Warmup.Signal signal;
        private volatile BinaryKernel current;
        private volatile @Nullable MatMulSpec spec;

        Product(MatMulSpec spec, BinaryKernel plain, Warmup.Signal signal) {
            this.spec = spec;
            this.signal = signal;
            current = plain;
        }

        @Override
        public void run(Banks banks, int x, int y, int z) {
            MatMulSpec s = spec;
            if (s != null && signal.hot()) {
                current = Backend.VECTOR.loops().matmul(s);
                spec = null;
            }
            current.run(banks, x, y, z);
        }
    }
}
