package dev.qnet.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** The loops with the Vector API. */
final class SimdLoops implements Loops {
    private static final VectorSpecies<Float> F = Simd.FLOATS;
    private static final VectorSpecies<Integer> I = Simd.INTS;
    private static final int LANES = Simd.LANES;

    @Override
    public void rescale(Rescale r, int[] a, int at, int n, int channel) {
        SimdRescale.row(r, a, at, n, channel);
    }

    @Override
    public void codes(Rescale r, Kind kind, Banks b, int y, int[] a, int at, int n, int channel) {
        ByteCodes by = Simd.HAS_BYTES && n >= LANES ? r.bytes() : null;
        if (by != null) {
            SimdBytes.codes(r, by, a, at, n, channel, b.bytes, y);
        } else {
            Loops.super.codes(r, kind, b, y, a, at, n, channel);
        }
    }

    @Override
    public void multiply(MulSpec spec, Banks b, byte[] x, int xAt, byte[] y, int yAt, int zAt, int n) {
        ByteCodes by = spec.bytes();
        if (by == null || !Simd.HAS_BYTES) {
            Loops.super.multiply(spec, b, x, xAt, y, yAt, zAt, n);
        } else if (n >= LANES) {
            SimdBytes.multiply(spec, by, x, xAt, y, yAt, b.bytes, zAt, n);
        } else {
            spec.apply(x, xAt, y, yAt, b.bytes, zAt, n);
        }
    }

    @Override
    public void limit(Kind kind, Banks b, int x, int y, int n, int lo, int hi) {
        byte flip = kind == Kind.S8 ? 0 : (byte) 0x80;
        int done = SimdPools.limit(flip, b.bytes, x, y, n, (byte) (lo ^ flip), (byte) (hi ^ flip));
        Loops.super.limit(kind, b, x + done, y + done, n - done, lo, hi);
    }

    @Override
    public void look(byte[] table, Banks b, int xAt, int yAt, int n) {
        SimdTables.look(table, b.bytes, xAt, b.bytes, yAt, n);
    }

    @Override
    public void load(byte[] a, Operand x, int from, int[] to, int n) {
        int whole = Simd.HAS_BYTES ? n / LANES * LANES : 0;
        SimdRows.load(a, x, from, to, whole);
        Rows.load(a, x, from + whole, to, whole, n - whole);
    }

    @Override
    public void load(Banks b, Operand x, int from, int[] to, int at, int n) {
        SimdRows.load(b, x, from, to, at, n);
    }

    @Override
    public void store(Banks b, Kind kind, int to, int[] from, int at, int n) {
        SimdRows.store(b, kind, to, from, at, n);
    }

    @Override
    public void add(AddSpec spec, int[] p, int[] q, int n) {
        int whole = n / LANES * LANES;
        Rescale z = spec.zScale();
        if (!z.rounding.fixedPoint()) {
            if (!z.lanes.usable()) {
                spec.apply(p, 0, q, n);
                return;
            }
            float fy = spec.subtract() ? -spec.yScale().factor[0] : spec.yScale().factor[0];
            addReal(p, q, whole, spec.xScale().factor[0], fy, z.zero, z.lo, z.hi);
            spec.apply(p, whole, q, n);
            return;
        }
        AddLanes lanes = spec.lanes();
        if (lanes != null) {
            SimdAdd.add(spec, lanes, p, q, whole);
            spec.apply(p, whole, q, n);
            return;
        }
        // Three passes over rows in the first-level cache cost less than one method too large for C2.
        shiftLeft(p, whole, spec.leftShift());
        shiftLeft(q, whole, spec.leftShift());
        SimdRescale.row(spec.xScale(), p, 0, whole, 0);
        SimdRescale.row(spec.yScale(), q, 0, whole, 0);
        combine(p, q, whole, spec.subtract());
        SimdRescale.row(z, p, 0, whole, 0);
        spec.apply(p, whole, q, n);
    }

    @Override
    public void add(AddSpec spec, Banks b, byte[] x, int xAt, byte[] y, int yAt, int zAt, int n) {
        AddBytes by = spec.bytes();
        if (by != null && Simd.HAS_BYTES && n >= LANES) {
            SimdAdd.add(spec, by, b, x, xAt, y, yAt, zAt, n);
            return;
        }
        int[] p = b.ints(0, Rows.CHUNK);
        int[] q = b.ints(1, Rows.CHUNK);
        for (int i = 0; i < n; i += Rows.CHUNK) {
            int length = Math.min(Rows.CHUNK, n - i);
            int whole = Simd.HAS_BYTES ? length / LANES * LANES : 0;
            SimdRows.load(x, spec.x(), xAt + i, p, whole);
            SimdRows.load(y, spec.y(), yAt + i, q, whole);
            Rows.load(x, spec.x(), xAt + i + whole, p, whole, length - whole);
            Rows.load(y, spec.y(), yAt + i + whole, q, whole, length - whole);
            add(spec, p, q, length);
            SimdRows.store(b, spec.kind(), zAt + i, p, 0, length);
        }
    }

    private static void shiftLeft(int[] a, int n, int shift) {
        for (int i = 0; i < n; i += LANES) {
            IntVector.fromArray(I, a, i).lanewise(VectorOperators.LSHL, shift).intoArray(a, i);
        }
    }

    private static void combine(int[] p, int[] q, int n, boolean subtract) {
        for (int i = 0; i < n; i += LANES) {
            IntVector a = IntVector.fromArray(I, p, i);
            IntVector b = IntVector.fromArray(I, q, i);
            (subtract ? a.sub(b) : a.add(b)).intoArray(p, i);
        }
    }

    private static void addReal(int[] p, int[] q, int n, float fx, float fy, int zero, int lo, int hi) {
        if (n == 0) {
            return;
        }
        FloatVector low = FloatVector.broadcast(F, lo - zero);
        FloatVector high = FloatVector.broadcast(F, hi - zero);
        for (int i = 0; i < n; i += LANES) {
            FloatVector a = ((FloatVector) IntVector.fromArray(I, p, i).convert(VectorOperators.I2F, 0)).mul(fx);
            FloatVector b = ((FloatVector) IntVector.fromArray(I, q, i).convert(VectorOperators.I2F, 0)).mul(fy);
            FloatVector x = a.add(b);
            x = x.blend(low, x.compare(VectorOperators.LT, low));
            x = x.blend(high, x.compare(VectorOperators.GT, high));
            x.add(Simd.MAGIC).reinterpretAsInts().sub(Simd.MAGIC_BITS - zero).intoArray(p, i);
        }
    }

    @Override
    public void combine(IntBinary.Fn fn, int[] p, int at, int[] q, int from, int n) {
        SimdInts.combine(fn, p, at, q, from, n);
    }

    @Override
    public void accumulate(Banks b, Operand x, int from, int[] sums, int n) {
        SimdPools.accumulate(b, x, from, sums, n);
    }

    @Override
    public void largest(boolean signed, byte[] max, byte[] x, int at, int n) {
        SimdPools.largest(signed ? 0 : (byte) 0x80, max, x, at, n);
    }

    @Override
    public void largest(
            boolean signed, byte[] x, int at, int taps, int tapStep, int pixels, int step, int n, byte[] y, int yAt) {
        SimdPools.largest(signed ? 0 : (byte) 0x80, x, at, taps, tapStep, pixels, step, n, y, yAt);
    }

    @Override
    public void across(
            boolean largest, int[] row, int at, int taps, int tapStep, int pixels, int step, int n, int[] to) {
        if (largest) {
            SimdPools.maxima(row, at, taps, tapStep, pixels, step, n, to);
        } else {
            SimdPools.sums(row, at, taps, tapStep, pixels, step, n, to);
        }
    }

    @Override
    public void means(Rounding rounding, int[] a, int n, int count) {
        int whole = n / LANES * LANES;
        switch (rounding) {
            case TFLITE -> SimdInts.means(a, whole, count, -1);
            case TOSA -> SimdInts.means(a, whole, count, 0);
            case ONNX, XNNPACK -> SimdInts.realMeans(a, whole, count);
        }
        AvgPool.means(rounding, a, whole, n, count);
    }

    @Override
    public int largest(boolean signed, byte[] a, int at, int n) {
        return SimdPools.largest(signed, a, at, n);
    }

    @Override
    public void largest(float[] max, float[] x, int at, int n) {
        SimdPools.largest(max, x, at, n);
    }

    @Override
    public float largest(float[] a, int at, int n) {
        return SimdMath.largest(a, at, n);
    }

    @Override
    public void exp(double[] a, int n) {
        SimdMath.exp(a, n);
    }

    @Override
    public void tanh(double[] a, int n) {
        SimdMath.tanh(a, n);
    }

    @Override
    public void quantize(QuantizeSpec spec, int c, float[] x, int at, int[] codes, int n) {
        if (!spec.near(c)) {
            spec.apply(c, x, at, codes, 0, n);
            return;
        }
        int whole = n / LANES * LANES;
        int zero = spec.zeros()[c];
        if (spec.tiesAway()) {
            quantizeAway(x, at, codes, whole, spec.scales()[c], zero, spec.lo(), spec.hi());
        } else {
            quantizeEven(x, at, codes, whole, spec.scales()[c], zero, spec.lo(), spec.hi());
        }
        spec.apply(c, x, at, codes, whole, n);
    }

    private static void quantizeEven(float[] x, int at, int[] codes, int n, float s, int zero, int lo, int hi) {
        if (n == 0) {
            return;
        }
        FloatVector low = FloatVector.broadcast(F, lo - zero);
        FloatVector high = FloatVector.broadcast(F, hi - zero);
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = FloatVector.fromArray(F, x, at + i).div(s);
            v = v.blend(low, v.compare(VectorOperators.LT, low));
            v = v.blend(high, v.compare(VectorOperators.GT, high));
            v = v.blend(0f, v.compare(VectorOperators.NE, v)); // NaN becomes the zero point
            v.add(Simd.MAGIC).reinterpretAsInts().sub(Simd.MAGIC_BITS - zero).intoArray(codes, i);
        }
    }

    /**
     * Ties to even first, then ties that went towards zero one further: the difference to the rounded number is
     * exact.
     */
    private static void quantizeAway(float[] x, int at, int[] codes, int n, float s, int zero, int lo, int hi) {
        if (n == 0) {
            return;
        }
        FloatVector low = FloatVector.broadcast(F, lo - zero);
        FloatVector high = FloatVector.broadcast(F, hi - zero);
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = FloatVector.fromArray(F, x, at + i).div(s);
            v = v.blend(low, v.compare(VectorOperators.LT, low));
            v = v.blend(high, v.compare(VectorOperators.GT, high));
            v = v.blend(0f, v.compare(VectorOperators.NE, v));
            FloatVector magic = v.add(Simd.MAGIC);
            FloatVector rest = v.sub(magic.sub(Simd.MAGIC));
            IntVector code = magic.reinterpretAsInts().sub(Simd.MAGIC_BITS - zero);
            IntVector up = code.add(
                    1,
                    rest.compare(VectorOperators.EQ, 0.5f)
                            .and(v.compare(VectorOperators.GT, 0f))
                            .cast(I));
            up.sub(
                            1,
                            rest.compare(VectorOperators.EQ, -0.5f)
                                    .and(v.compare(VectorOperators.LT, 0f))
                                    .cast(I))
                    .intoArray(codes, i);
        }
    }

    @Override
    public void product(double[] a, int rows, int k, float[] w, int at, int n, double[] first, double[] c, int step) {
        SimdFloats.product(a, rows, k, w, at, n, first, c, step);
    }

    @Override
    public void limit(float[] a, int x, int y, int n, float lo, float hi) {
        SimdSingles.limit(a, x, y, n, lo, hi);
    }

    @Override
    public void combine(FloatBinary.Fn fn, float[] p, int x, float[] q, int y, float[] to, int z, int n) {
        SimdSingles.combine(fn, p, x, q, y, to, z, n);
    }

    @Override
    public void affine(int[] a, int x, float[] factor, float[] offset, float[] to, int y, int n) {
        SimdSingles.affine(a, x, factor, offset, to, y, n);
    }

    @Override
    public void extremes(float[] a, int x, int n, float[] to) {
        SimdSingles.extremes(a, x, n, to);
    }

    @Override
    public void quantize(float s, int lo, int hi, float[] x, int at, int[] codes, int n) {
        int whole = n / LANES * LANES;
        quantizeEven(x, at, codes, whole, s, 0, lo, hi);
        for (int i = whole; i < n; i++) {
            codes[i] = Math.max(lo, Math.min(hi, (int) Math.rint(x[at + i] / s)));
        }
    }

    @Override
    public void cell(short[] a, int f, int c, int i, int g, int result, int n, int inputShift, int limit) {
        // A half of 2^31 and a product of 2^30 would not fit an int together.
        int whole = inputShift < 31 ? n / LANES * LANES : 0;
        SimdInts.cells(a, f, c, i, g, result, whole, inputShift, limit);
        LstmCell.cells(a, f + whole, c + whole, i + whole, g + whole, result + whole, n - whole, inputShift, limit);
    }

    @Override
    public void widen(float[] from, int at, double[] to, int y, int n) {
        SimdFloats.widen(from, at, to, y, n);
    }

    @Override
    public UnaryKernel conv(ConvSpec spec) {
        UnaryKernel exact = SimdConv.of(spec);
        return exact != null ? exact : ScalarConv.of(spec, this);
    }

    @Override
    public BinaryKernel matmul(MatMulSpec spec) {
        BinaryKernel exact = SimdMatMul.of(spec);
        return exact != null ? exact : new ScalarMatMul(spec, this);
    }
}
