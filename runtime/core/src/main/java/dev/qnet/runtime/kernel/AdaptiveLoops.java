package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/**
 * Plain Java first, vectors as soon as {@link Warmup} has had them compiled. Both give the same bytes, so it shows only
 * in time. No vector class is initialized before, so that neither loading a model nor its first answer waits for it.
 */
final class AdaptiveLoops implements Loops {
    private static Loops by(Step step) {
        return step.hot() ? Backend.VECTOR.loops() : ScalarLoops.INSTANCE;
    }

    @Override
    public void rescale(Rescale r, int[] a, int at, int n, int channel) {
        by(RowSteps.ALL.rescale(r)).rescale(r, a, at, n, channel);
    }

    @Override
    public void codes(Rescale r, Kind kind, Banks b, int y, int[] a, int at, int n, int channel) {
        if (RowSteps.ALL.codes(r).hot() && r.bytes() != null) {
            Backend.VECTOR.loops().codes(r, kind, b, y, a, at, n, channel);
        } else {
            Loops.super.codes(r, kind, b, y, a, at, n, channel);
        }
    }

    @Override
    public void multiply(MulSpec spec, Banks b, byte[] x, int xAt, byte[] y, int yAt, int zAt, int n) {
        if (spec.bytes() != null && RowSteps.ALL.multiply(spec.rescale()).hot()) {
            Backend.VECTOR.loops().multiply(spec, b, x, xAt, y, yAt, zAt, n);
        } else {
            Loops.super.multiply(spec, b, x, xAt, y, yAt, zAt, n);
        }
    }

    @Override
    public void limit(Kind kind, Banks b, int x, int y, int n, int lo, int hi) {
        by(RowSteps.ALL.largest()).limit(kind, b, x, y, n, lo, hi);
    }

    @Override
    public void look(byte[] table, Banks b, int xAt, int yAt, int n) {
        by(RowSteps.ALL.look()).look(table, b, xAt, yAt, n);
    }

    @Override
    public void load(byte[] a, Operand x, int from, int[] to, int n) {
        by(RowSteps.ALL.load(x.kind())).load(a, x, from, to, n);
    }

    @Override
    public void load(Banks b, Operand x, int from, int[] to, int at, int n) {
        by(RowSteps.ALL.load(x.kind())).load(b, x, from, to, at, n);
    }

    @Override
    public void store(Banks b, Kind kind, int to, int[] from, int at, int n) {
        by(RowSteps.ALL.store(kind)).store(b, kind, to, from, at, n);
    }

    @Override
    public void add(AddSpec spec, int[] p, int[] q, int n) {
        by(RowSteps.ALL.add(spec)).add(spec, p, q, n);
    }

    @Override
    public void add(AddSpec spec, Banks b, byte[] x, int xAt, byte[] y, int yAt, int zAt, int n) {
        by(RowSteps.ALL.addBytes(spec)).add(spec, b, x, xAt, y, yAt, zAt, n);
    }

    @Override
    public void combine(IntBinary.Fn fn, int[] p, int at, int[] q, int from, int n) {
        by(RowSteps.ALL.combine(fn)).combine(fn, p, at, q, from, n);
    }

    @Override
    public void accumulate(Banks b, Operand x, int from, int[] sums, int n) {
        by(RowSteps.ALL.accumulate(x.kind())).accumulate(b, x, from, sums, n);
    }

    @Override
    public void largest(boolean signed, byte[] max, byte[] x, int at, int n) {
        by(RowSteps.ALL.largest()).largest(signed, max, x, at, n);
    }

    @Override
    public void largest(
            boolean signed, byte[] x, int at, int taps, int tapStep, int pixels, int step, int n, byte[] y, int yAt) {
        by(RowSteps.ALL.largest()).largest(signed, x, at, taps, tapStep, pixels, step, n, y, yAt);
    }

    @Override
    public void across(
            boolean largest, int[] row, int at, int taps, int tapStep, int pixels, int step, int n, int[] to) {
        by(RowSteps.ALL.across(largest)).across(largest, row, at, taps, tapStep, pixels, step, n, to);
    }

    @Override
    public void means(Rounding rounding, int[] a, int n, int count) {
        by(RowSteps.ALL.means(rounding)).means(rounding, a, n, count);
    }

    @Override
    public int largest(boolean signed, byte[] a, int at, int n) {
        return by(RowSteps.ALL.largest()).largest(signed, a, at, n);
    }

    @Override
    public void largest(float[] max, float[] x, int at, int n) {
        by(RowSteps.ALL.largestSingles()).largest(max, x, at, n);
    }

    @Override
    public float largest(float[] a, int at, int n) {
        return by(RowSteps.ALL.exp()).largest(a, at, n);
    }

    @Override
    public void exp(double[] a, int n) {
        by(RowSteps.ALL.exp()).exp(a, n);
    }

    @Override
    public void tanh(double[] a, int n) {
        by(RowSteps.ALL.tanh()).tanh(a, n);
    }

    @Override
    public void quantize(QuantizeSpec spec, int c, float[] x, int at, int[] codes, int n) {
        by(RowSteps.ALL.quantize(spec)).quantize(spec, c, x, at, codes, n);
    }

    @Override
    public void product(double[] a, int rows, int k, float[] w, int at, int n, double[] first, double[] c, int step) {
        by(RowSteps.ALL.product()).product(a, rows, k, w, at, n, first, c, step);
    }

    @Override
    public void limit(float[] a, int x, int y, int n, float lo, float hi) {
        by(RowSteps.ALL.limit()).limit(a, x, y, n, lo, hi);
    }

    @Override
    public void combine(FloatBinary.Fn fn, float[] p, int x, float[] q, int y, float[] to, int z, int n) {
        by(RowSteps.ALL.combine(fn)).combine(fn, p, x, q, y, to, z, n);
    }

    @Override
    public void affine(int[] a, int x, float[] factor, float[] offset, float[] to, int y, int n) {
        by(RowSteps.ALL.affine()).affine(a, x, factor, offset, to, y, n);
    }

    @Override
    public void extremes(float[] a, int x, int n, float[] to) {
        by(RowSteps.ALL.extremes()).extremes(a, x, n, to);
    }

    @Override
    public void quantize(float s, int lo, int hi, float[] x, int at, int[] codes, int n) {
        by(RowSteps.ALL.quantize(false)).quantize(s, lo, hi, x, at, codes, n);
    }

    @Override
    public void cell(short[] a, int f, int c, int i, int g, int result, int n, int inputShift, int limit) {
        by(RowSteps.ALL.cell()).cell(a, f, c, i, g, result, n, inputShift, limit);
    }

    @Override
    public void widen(float[] from, int at, double[] to, int y, int n) {
        by(RowSteps.ALL.product()).widen(from, at, to, y, n);
    }

    @Override
    public UnaryKernel conv(ConvSpec spec) {
        if (spec.out().wide()) {
            return ScalarConv.of(spec, this);
        }
        // As it becomes a vector kernel as a whole, its rows stay plain: C2 compiles them once only.
        UnaryKernel plain = ScalarConv.of(spec, ScalarLoops.INSTANCE);
        Conv conv = new Conv(spec, plain);
        Warmup.add(conv);
        return conv;
    }

    @Override
    public BinaryKernel matmul(MatMulSpec spec) {
        if (spec.out().wide()) {
            return new ScalarMatMul(spec, this);
        }
        Product product = new Product(spec, new ScalarMatMul(spec, ScalarLoops.INSTANCE));
        Warmup.add(product);
        return product;
    }

    /** Becomes its vector twin, and forgets the plain one then, with its copy of the weights. */
    private static final class Conv implements UnaryKernel, Warmup.Candidate {
        private final Kind x;
        private final Kind y;
        private final int xs;
        private final int ys;

        private final Operand codes;
        private final long work;

        /** Null where the plain kernel has all that its twin needs, and when there is a twin. */
        private volatile @Nullable ConvSpec spec;

        private volatile UnaryKernel current;

        Conv(ConvSpec spec, UnaryKernel plain) {
            this.spec = plain instanceof Gemv ? null : spec;
            current = plain;
            codes = spec.x();
            x = codes.kind();
            y = spec.out().kind();
            work = (long) spec.outHeight() * spec.outWidth() * spec.filters() * spec.taps();
            xs = spec.height() * spec.width() * spec.channels();
            ys = spec.outHeight() * spec.outWidth() * spec.filters();
        }

        @Override
        public void run(Banks banks, int from, int to) {
            current.run(banks, from, to);
        }

        @Override
        public @Nullable Object make() {
            if (current instanceof Gemv packed) {
                return packed.inVectors(Backend.VECTOR.loops());
            }
            ConvSpec s = spec;
            return s == null ? null : SimdConv.of(s);
        }

        @Override
        public Object plain() {
            return current;
        }

        @Override
        public void become(Object kernel) {
            current = (UnaryKernel) kernel;
            spec = null;
        }

        @Override
        public void giveUp() {
            spec = null;
        }

        @Override
        public void run(Object kernel, Banks banks) {
            ((UnaryKernel) kernel).run(banks, 0, xs);
        }

        @Override
        public Banks banks(Banks banks) {
            Banks b = memory(banks, x, y, xs + ys);
            fill(b, codes, 0, xs);
            return b;
        }

        @Override
        public long work() {
            return work;
        }
    }

    /** As {@link Conv}, for matrix products. */
    private static final class Product implements BinaryKernel, Warmup.Candidate {
        private final MatMulSpec spec;
        private volatile BinaryKernel current;

        Product(MatMulSpec spec, BinaryKernel plain) {
            this.spec = spec;
            current = plain;
        }

        @Override
        public void run(Banks banks, int x, int y, int z) {
            current.run(banks, x, y, z);
        }

        @Override
        public @Nullable Object make() {
            return SimdMatMul.of(spec);
        }

        @Override
        public Object plain() {
            return current;
        }

        @Override
        public void become(Object kernel) {
            current = (BinaryKernel) kernel;
        }

        @Override
        public void run(Object kernel, Banks banks) {
            int y = spec.m() * spec.k();
            ((BinaryKernel) kernel).run(banks, 0, y, y + spec.k() * spec.n());
        }

        @Override
        public Banks banks(Banks banks) {
            int xs = spec.m() * spec.k();
            int ys = spec.k() * spec.n();
            Banks b = memory(banks, spec.x().kind(), spec.out().kind(), xs + ys + spec.m() * spec.n());
            fill(b, spec.x(), 0, xs);
            fill(b, spec.y(), xs, ys);
            return b;
        }

        @Override
        public long work() {
            return (long) spec.m() * spec.n() * spec.k();
        }
    }

    /** Banks with n elements of each of two kinds, and of all kinds between; given ones if they are large enough. */
    private static Banks memory(Banks banks, Kind x, Kind y, int n) {
        int most = Math.max(x.bytes(), y.bytes());
        int shorts = most < 2 ? 0 : n;
        int ints = most < 4 ? 0 : n;
        int longs = most < 8 ? 0 : n;
        return banks.bytes.length >= n
                        && banks.shorts.length >= shorts
                        && banks.ints.length >= ints
                        && banks.longs.length >= longs
                ? banks
                : new Banks(n, shorts, ints, longs, 0);
    }

    /** Writes codes that differ from each other, so that branches on values go either way, as they do later. */
    private static void fill(Banks b, Operand x, int at, int n) {
        long range = (long) x.hi() - x.lo() + 1;
        int v = 1;
        for (int i = at; i < at + n; i++) {
            v = v * 1664525 + 1013904223;
            // Of few codes the outer ones: kernels for signs look for others.
            long code = range <= 3 ? (v < 0 ? x.lo() : x.hi()) : x.lo() + (((v >>> 8) * range) >>> 24);
            switch (x.kind()) {
                case S8, U8 -> b.bytes[i] = (byte) code;
                case S16, U16 -> b.shorts[i] = (short) code;
                case S32 -> b.ints[i] = (int) code;
                case S64 -> b.longs[i] = code;
                case F32 -> throw new AssertionError(x);
            }
        }
    }
}
