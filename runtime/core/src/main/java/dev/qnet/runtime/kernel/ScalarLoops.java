package dev.qnet.runtime.kernel;

/** The loops in plain Java, written so that C2 vectorizes them where it can. */
final class ScalarLoops implements Loops {
    static final ScalarLoops INSTANCE = new ScalarLoops();

    private ScalarLoops() {}

    @Override
    public void rescale(Rescale r, int[] a, int at, int n, int channel) {
        r.applyRow(a, at, n, channel);
    }

    @Override
    public void load(Banks b, Operand x, int from, int[] to, int at, int n) {
        Rows.load(b, x, from, to, at, n);
    }

    @Override
    public void store(Banks b, Kind kind, int to, int[] from, int at, int n) {
        Rows.store(b, kind, to, from, at, n);
    }

    @Override
    public void add(AddSpec spec, int[] p, int[] q, int n) {
        spec.apply(p, 0, q, n);
    }

    @Override
    public void quantize(QuantizeSpec spec, int c, float[] x, int at, int[] codes, int n) {
        spec.apply(c, x, at, codes, 0, n);
    }

    @Override
    public UnaryKernel conv(ConvSpec spec) {
        return ScalarConv.of(spec, this);
    }

    @Override
    public BinaryKernel matmul(MatMulSpec spec) {
        return new ScalarMatMul(spec, this);
    }
}
